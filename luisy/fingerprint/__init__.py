"""The fingerprint of a task class: digest of the project code that it uses, and the parts it is made of."""

from __future__ import annotations

import ast
import sys

from luisy.fingerprint.normal import normal_form, readable
from luisy.fingerprint.result import BlindSpot, Fingerprint, FingerprintError, SourceFile, digest_of

__all__ = ["BlindSpot", "Fingerprint", "FingerprintError", "Fingerprinter", "SourceFile"]


class Fingerprinter:
    """Fingerprints classes, each once.

    :param requirements_path: a requirements file whose lines stand for the installed versions.
    :param loaded_after_ns: the moment just before the user's modules were imported, nanoseconds since the
        epoch; project files changed later must be shown to be the code that is loaded.
    """

    def __init__(self, *, requirements_path: str | None = None, loaded_after_ns: int | None = None) -> None:
        self._requirements_path = requirements_path
        self._loaded_after_ns = loaded_after_ns
        self._known: dict[type, Fingerprint] = {}

    def of(self, cls: type) -> Fingerprint:
        """The fingerprint of *cls*.

        :raises FingerprintError: its source cannot be found, or changed since it was loaded.
        """
        if cls not in self._known:
            self._known[cls] = self._make(cls)
        return self._known[cls]

    def unchanged(self, fingerprint: Fingerprint) -> bool:
        """True if the files on disk still hold what was fingerprinted. May be asked any number of times."""
        return all(file.is_on_disk() for file in fingerprint.files)

    def _make(self, cls: type) -> Fingerprint:
        path = getattr(sys.modules.get(cls.__module__), "__file__", None)
        if path is None:
            raise FingerprintError(f"The source of {cls.__module__}.{cls.__qualname__} cannot be found.")
        file, content = SourceFile.read(path)
        tree = ast.parse(content)
        label = f"code {cls.__module__}:*"
        parts = {label: digest_of({label: normal_form(tree.body).hex()})}
        return Fingerprint(
            digest_of(parts), parts, {label: readable(tree)}, {label: (path, 1)}, {}, (file,), (), ()
        )

"""What the key holds beside code, parameters and inputs: declared by the class, or observed while modules were imported.

Values are digests or versions, so that the key is the same on every machine and nothing of a variable is kept:

    file NAME     digest of the file's content; of a folder, of its manifest; "absent"
    folder NAME   digest of the names in it, for whoever listed it
    table NAME    version of the table that is the task's ``input()``; "absent"
    env NAME      digest of the variable's value; "absent"; ``env *`` stands for all variables
    version       as it was declared
"""

from __future__ import annotations

import glob
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.declarations import declaration_of
from luisy.errors import TaskError
from luisy.model import Reason
from luisy.observe import imports
from luisy.observe.imports import ABSENT, Kind
from luisy.places import Places, import_folder, says_who_and_where
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.results.tables import version_of
from luisy.targets import TableTarget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from luisy.cas import Store
    from luisy.declarations import DeclaredFile
    from luisy.fingerprint import Fingerprint
    from luisy.observe.imports import Reading
    from luisy.runner.pipeline.graph import Node

_WHOLE_ENVIRONMENT = "env *"


class Extras:
    """Declared and observed values by class; each class is looked at once.

    :ivar notes: what the user should read about them.
    """

    def __init__(self, store: Store, working_dir: str | None) -> None:
        self.notes: list[Reason] = []
        self._store = store
        self._working_dir = working_dir
        self._declared: dict[type, Mapping[str, str]] = {}
        self._observed: dict[str, tuple[int, Mapping[str, str]]] = {}
        self._read: dict[str, frozenset[str]] = {}

    # --- declared

    def declared(self, cls: type) -> Mapping[str, str]:
        """What *cls* declares, as it was when that was first asked.

        :raises TaskError: slug ``unreadable-input``.
        :raises StoreError: a file changes while it is hashed.
        """
        if cls not in self._declared:
            self._declared[cls] = found = self.declared_now(cls)
            missing = sorted(label.partition(" ")[2] for label, value in found.items() if value == ABSENT)
            files = [name for name in missing if f"file {name}" in found]
            if files:
                text = f"{cls.__qualname__} declares {', '.join(files)}, and nothing is there; it counts as absent"
                self.notes.append(Reason("declared-absent", text))
        return self._declared[cls]

    def declared_by(self, node: Node, *, now: bool = False) -> Mapping[str, str]:
        """What the class of *node* declares, but for tables that its inputs write: they count already.

        :param now: looked at anew.
        :raises TaskError: slug ``unreadable-input``, ``table-unreadable``, or what Spark lacks.
        """
        cls = type(node.task)
        found = self.declared_now(cls) if now else self.declared(cls)
        written = {f"table {table.location}" for leaf in input_leaves(node) for _, table in leaf.tables}
        return {label: value for label, value in found.items() if label not in written}

    def declared_now(self, cls: type) -> Mapping[str, str]:
        """What *cls* declares, looked at anew."""
        declaration = declaration_of(cls)
        found = {"version": declaration.version} if declaration.version else {}
        found |= {f"env {name}": _digest_of_value(os.environ.get(name)) for name in declaration.env}
        for file in declaration.files:
            places = self._places((_folders_of(file.module)[0],))
            for path in _matches(file):
                name = places.name_of(path) or path
                found[f"file {name}"] = self._content(path)
        table = getattr(cls, "table_input", None)
        if isinstance(table, TableTarget):
            found[f"table {table.location}"] = version_of(table) or ABSENT
        return found

    def declared_paths(self, cls: type) -> Iterator[str]:
        """The absolute paths of the files that *cls* declares."""
        for file in declaration_of(cls).files:
            yield from _matches(file)

    def _content(self, path: str) -> str:
        try:
            manifest = self._store.snapshot([(b"", os.path.realpath(path))])
        except FileNotFoundError:
            return ABSENT
        except OSError as error:
            raise TaskError(
                f"{path}, which it reads, cannot be read: {error.strerror}", slug="unreadable-input"
            ) from error
        is_file = len(manifest.entries) == 1 and manifest.entries[0].digest
        return manifest.entries[0].digest if is_file else manifest.digest

    # --- observed

    def observed(self, fingerprint: Fingerprint) -> Mapping[str, str]:
        """What the statements that *fingerprint* is made of have read while they were imported.

        :raises TaskError: slug ``read-at-import-changed``, if it is not known any more what one of them has read.
        """
        so_far = imports.count()
        known = self._observed.get(fingerprint.digest)
        if known is None or known[0] != so_far:
            self._observed[fingerprint.digest] = known = so_far, self._observe(fingerprint)
        return known[1]

    def observed_paths(self, fingerprint: Fingerprint) -> frozenset[str]:
        """The absolute paths of the files among ``observed``."""
        return self._read.get(fingerprint.digest, frozenset())

    def _observe(self, fingerprint: Fingerprint) -> Mapping[str, str]:
        statements = _Statements(fingerprint)
        places = self.places_of(fingerprint)
        values: dict[str, set[str]] = {}
        read: set[str] = set()
        readings = [reading for reading in imports.readings() if reading in statements]
        outputs = self._store.placements([r.name for r in readings if r.kind is Kind.FILE])
        for reading in readings:
            label = label_of(reading.kind, reading.name, places)
            if label is not None and reading.name not in outputs:  # a script may look at what it has built
                read.add(reading.name)
                values.setdefault(label, set()).add(self._value(reading, places))
        self._read[fingerprint.digest] = frozenset(read)
        return {label: ",".join(sorted(values[label])) for label in sorted(values)}

    def _value(self, reading: Reading, places: Places) -> str:
        if reading.kind is Kind.ENVIRONMENT:
            self._note_whole(reading, places)
            told = (f"{n}={v}" for n, v in sorted(os.environ.items()) if not says_who_and_where(n))
            return _digest("\0".join(told))
        if reading.kind is Kind.VARIABLE:
            assert reading.value is not None
            value = None if reading.value == ABSENT else places.text_of(reading.value[1:])
            return _digest_of_value(value)
        return self._of_large_file(reading) if reading.value is None else reading.value

    def _of_large_file(self, reading: Reading) -> str:
        digest = self._content(reading.name)
        if imports.token_of(reading.name) != reading.token:
            raise TaskError(
                f"{reading.name} changed since {reading.file}:{reading.line} read it while it was imported",
                slug="read-at-import-changed",
                hint="run again",
            )
        return digest

    def _note_whole(self, reading: Reading, places: Places) -> None:
        place = f"{places.name_of(reading.file) or reading.file}:{reading.line}"
        text = f"{place} goes through all environment variables, so each of them counts; read those that you need"
        note = Reason("whole-environment", text)
        if note not in self.notes:
            self.notes.append(note)

    # --- places

    def places_of(self, fingerprint: Fingerprint) -> Places:
        """Where the files lie of a pipeline whose tasks have *fingerprint*."""
        return self._places(fingerprint.folders)

    def _places(self, folders: tuple[str, ...]) -> Places:
        return Places(folders, self._working_dir, (str(self._store.path),))


class _Statements:
    """The statements of a fingerprint, by file."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self._lines: dict[str, list[tuple[int, int]]] = {}
        for place in (
            *(p for places in fingerprint.places.values() for p in places),
            *fingerprint.conditions,
        ):
            self._lines.setdefault(_real(place.file), []).append((place.first, place.last))

    def __contains__(self, reading: Reading) -> bool:
        lines = self._lines.get(_real(reading.file), ())
        return any(first <= reading.line <= last for first, last in lines)


def label_of(kind: Kind, name: str, places: Places) -> str | None:
    """What something that was read is called everywhere; None for files that are no data."""
    if kind is Kind.ENVIRONMENT:
        return _WHOLE_ENVIRONMENT
    called = name if kind is Kind.VARIABLE else places.name_of(name)
    return None if called is None else f"{kind.value} {called}"


def _matches(file: DeclaredFile) -> list[str]:
    """The paths that a declared one stands for: what a glob matches, else itself, there or not."""
    pattern = os.path.expanduser(file.pattern)
    path = os.path.normpath(os.path.join(_folders_of(file.module)[1], pattern))
    return (sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []) or [path]


def _folders_of(module: str) -> tuple[str, str]:
    """The folder that *module* is imported from, and the one that it lies in; the current one for a notebook."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not isinstance(file, str):
        return os.getcwd(), os.getcwd()
    return import_folder(module, file), os.path.dirname(os.path.abspath(file))


def _digest_of_value(value: str | None) -> str:
    return ABSENT if value is None else _digest(value)


def _digest(value: str) -> str:
    return blake3(
        value.encode("utf-8", "surrogateescape"), derive_key_context="luisy 1 variable", max_threads=1
    ).hexdigest()


_real = cache(os.path.realpath)

"""What a fingerprint is made of: the values that the rest of luisy reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from luisy.errors import LuisyError
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_CONTEXT = "luisy 1 fingerprint"


class FingerprintError(LuisyError):
    """The code of a task class cannot be named, so its results cannot be kept.

    Slugs: ``no-source`` (there is no source for the class), ``source-changed`` (the file on disk may
    differ from the code that is loaded).
    """

    slug = "no-source"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A project file as it was when it was fingerprinted.

    :param size: bytes.
    :param mtime_ns: nanoseconds since the epoch, as ``ctime_ns``.
    :param digest: BLAKE3 of the file's bytes.
    """

    path: str
    size: int
    mtime_ns: int
    ino: int
    ctime_ns: int
    digest: Digest

    @classmethod
    def read(cls, path: str) -> tuple[SourceFile, bytes]:
        """The file at *path* and its bytes.

        :raises OSError: it cannot be read.
        """
        with Path(path).open("rb") as stream:
            found = os.fstat(stream.fileno())
            content = stream.read()
        digest = Digest(blake3(content).hexdigest())
        return cls(path, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns, digest), content

    def is_on_disk(self) -> bool:
        """True if the file still has these bytes; it is read only where its stat differs."""
        try:
            found = os.stat(self.path)  # asked per file and task; Path is three times as slow
            stat = (found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns)
            if stat == (self.size, self.mtime_ns, self.ino, self.ctime_ns):
                return True
            return found.st_size == self.size and SourceFile.read(self.path)[0].digest == self.digest
        except OSError:
            return False


@dataclass(frozen=True, slots=True, order=True)
class BlindSpot:
    """A place that analysis cannot follow.

    :param file: path of the source file, or the module's name where there is no file.
    :param line: line number, from 1; 0 for the whole file.
    :param text: what is there, and why it is blind.
    """

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a statement stands on this machine.

    :param file: path of the source file, or the module's name where there is no file.
    :param first: its first line, decorators included; from 1.
    :param last: its last line.
    """

    file: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Source:
    """A statement of a module's top level, to show: an action keeps it.

    :param file: the file, named from the folder that modules are imported from (``pkg/tasks.py``): the same in
        every checkout. The module's name where there is no file.
    :param line: its first line when it was fingerprinted, decorators included; from 1.
    :param text: normalised for reading: docstrings and comments left out, conditions around it put back. Never
        hashed, as its form depends on the Python version.
    """

    file: str
    line: int
    text: str


class Option(NamedTuple):
    """An option of ``luigi.cfg``; with an empty name, all of its section."""

    section: str
    name: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The normalised code closure of a task class.

    :param digest: BLAKE3 over *parts*, in derive-key mode (context ``luisy 1 fingerprint``).
    :param parts: label (``code pkg.mod:name``, ``package numpy``) -> digest or version; sorted.
    :param sources: label of a code part -> the statements that define or change the name, in order.
    :param places: label of a code part -> where these statements stand, in the same order.
    :param packages: distribution -> installed version, or the requirement line that stands for it.
    :param files: the project files that were read.
    :param options: the ``luigi.Config`` subclasses reached; their values join the key elsewhere.
    :param read_options: the options of ``luigi.cfg`` that are asked for by name; likewise.
    :param blind_spots: what could not be followed, sorted.
    :param conditions: where the conditions stand that statements stand under.
    :param folders: the folders that the modules are imported from.
    """

    digest: Digest
    parts: Mapping[str, str]
    sources: Mapping[str, tuple[Source, ...]]
    places: Mapping[str, tuple[Place, ...]]
    packages: Mapping[str, str]
    files: tuple[SourceFile, ...]
    options: tuple[type, ...]
    read_options: tuple[Option, ...]
    blind_spots: tuple[BlindSpot, ...]
    conditions: tuple[Place, ...] = ()
    folders: tuple[str, ...] = ()


class LazySources(Mapping[str, tuple[Source, ...]]):
    """Sources whose texts are made when they are asked for: most fingerprints are never shown."""

    def __init__(self, makers: Mapping[str, Callable[[], tuple[Source, ...]]]) -> None:
        self._makers = makers

    def __getitem__(self, label: str) -> tuple[Source, ...]:
        return self._makers[label]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __repr__(self) -> str:
        return f"LazySources({list(self._makers)})"


def digest_of(parts: Mapping[str, str]) -> Digest:
    """The digest of labelled *parts*: each label and value with its length before it, sorted by label."""
    hasher = blake3(derive_key_context=_CONTEXT)
    for label, value in sorted(parts.items()):
        for text in (label, value):
            data = text.encode("utf-8", "surrogatepass")
            hasher.update(len(data).to_bytes(8, "big"))
            hasher.update(data)
    return Digest(hasher.hexdigest())

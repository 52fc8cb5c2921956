r"""Export files: results in one file, to be carried to another store. ADR 0021.

::

    export  = head object* action* alias* end
    head    = member "luisy-export.json": a sealed record, ``{"objects", "object_bytes", "actions", "aliases"}``
    object  = member "objects/ab/cdef...": bytes, named by their digest
    action  = member "actions/ab/cdef...": an action file, named by its key
    alias   = member "aliases/ab/cdef...": the record of an alias, named by its key
    member  = header bytes padding            padding: zeros up to a multiple of 512
    end     = 1024 zeros

It is a tar archive that any ``tar`` lists. Headers are those of POSIX ustar; a size of 8 GiB and more is written in
binary, as GNU tar does. Members of a kind are strictly ascending by name, and a header has one encoding: what
:class:`Reader` takes is what :class:`Writer` would have written, so there are no links, devices, paths of the sender's
choosing or further archives in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from luisy.cas.envelope import seal, unseal
from luisy.errors import CorruptionError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

HEAD = "luisy-export.json"
_KIND = "export"
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_PIECE = 1 << 20
_OCTAL_SIZES = 1 << 33
MOST_HEAD = 1 << 16
"""Bytes of the head."""

MOST_RECORD = 64 << 20
"""Bytes of an action file or an alias: they are read whole."""

_NEWER = re.compile(rb"luisy-export-[0-9]{1,9} ")
_NAME = re.compile(rb"(objects|actions|aliases)/([0-9a-f]{2})/([0-9a-f]{62})")


class Part(Enum):
    """What a member is, in the order in which they stand; the value is the folder's name."""

    OBJECT = "objects"
    ACTION = "actions"
    ALIAS = "aliases"


_ORDER = {part: place for place, part in enumerate(Part)}


@dataclass(frozen=True, slots=True)
class Head:
    """What the file holds, counted."""

    objects: int
    object_bytes: int
    actions: int
    aliases: int

    def encode(self) -> bytes:
        """The bytes of the first member."""
        fields = {
            "objects": self.objects,
            "object_bytes": self.object_bytes,
            "actions": self.actions,
            "aliases": self.aliases,
        }
        return seal(_KIND, fields)

    @classmethod
    def decode(cls, data: bytes) -> Head:
        """What :meth:`encode` wrote.

        :raises CorruptionError: it is something else (``bad-export``).
        :raises StoreError: a newer luisy wrote it (``newer-export``).
        """
        if _NEWER.match(data) and not data.startswith(b"luisy-export-1 "):
            raise StoreError(
                "the export file was made by a newer luisy", slug="newer-export", hint="Update luisy."
            )
        try:
            found = unseal(_KIND, data)
            return cls(
                found.count("objects"),
                found.count("object_bytes"),
                found.count("actions"),
                found.count("aliases"),
            )
        except CorruptionError as error:
            raise bad_export("its head is damaged") from error


@dataclass(frozen=True, slots=True)
class Member:
    """One thing in the file.

    :param name: digest of an object, key of an action or alias.
    :param size: bytes.
    """

    part: Part
    name: str
    size: int

    @property
    def path(self) -> str:
        """Its name in the archive."""
        return f"{self.part.value}/{self.name[:2]}/{self.name[2:]}"

    @property
    def place(self) -> tuple[int, str]:
        """By which members are sorted."""
        return _ORDER[self.part], self.name


def _header(path: str, size: int) -> bytes:
    """The block before a member. POSIX.1-1988, ustar; times, owners and modes say nothing."""
    number = (
        b"%011o\0" % size if size < _OCTAL_SIZES else (size | 1 << 95).to_bytes(12, "big")
    )  # GNU tar's: the first bit says that what follows is binary
    before = (
        path.encode("ascii").ljust(100, b"\0") + b"0000444\0" + b"0000000\0" * 2 + number + b"0" * 11 + b"\0"
    )
    after = b"0".ljust(101, b"\0") + b"ustar\x0000".ljust(255, b"\0")
    total = sum(before) + sum(after) + 8 * ord(" ")
    return before + b"%06o\0 " % total + after


def _padding(size: int) -> int:
    return -size % _BLOCK


class Writer:
    """Writes an export file. Members are given in their order, pieces of each after it."""

    def __init__(self, target: BinaryIO, head: Head) -> None:
        self._target = target
        self._padding = 0
        data = head.encode()
        target.write(_header(HEAD, len(data)) + data + bytes(_padding(len(data))))

    def begin(self, member: Member) -> None:
        """The next member; ``member.size`` bytes must follow by :meth:`write`."""
        self._target.write(bytes(self._padding) + _header(member.path, member.size))
        self._padding = _padding(member.size)

    def write(self, piece: bytes) -> None:
        """Bytes of the member."""
        self._target.write(piece)

    def end(self) -> None:
        """There are no more."""
        self._target.write(bytes(self._padding) + _END)


class Reader:
    """Reads an export file that anybody may have made, from first to last; the file need not be seekable.

    No more than a piece of a member is in memory, and nothing is taken for granted: sizes are bytes that were there.

    :raises CorruptionError: on any call: it is no export file, cut off, or not as a writer makes it (``bad-export``).
    :raises StoreError: a newer luisy wrote it (``newer-export``).
    :raises UsageError: the system does not let us read it (``cannot-read``).
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._left = 0
        self._padding = 0
        block = self._exactly(_BLOCK)
        if not block.startswith(HEAD.encode() + b"\0"):
            raise bad_export("it does not start as one")
        size = _size_in(block)
        if size > MOST_HEAD or block != _header(HEAD, size):
            raise bad_export("its head is damaged")
        self._open(size)
        self.head = Head.decode(b"".join(self.pieces()))

    def members(self) -> Iterator[Member]:
        """Every member; of those before it, what was not read is skipped. At the end all of the head has proved true."""
        last = (-1, "")
        counted = dict.fromkeys(Part, 0)
        size = 0
        while (member := self._next()) is not None:
            if member.place <= last:
                raise bad_export(f"{member.path} stands in the wrong place")
            last = member.place
            counted[member.part] += 1
            size += member.size if member.part is Part.OBJECT else 0
            yield member
        found = Head(counted[Part.OBJECT], size, counted[Part.ACTION], counted[Part.ALIAS])
        if found != self.head:
            raise bad_export("it holds something else than its head says")

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the member that came last, a mebibyte at most at a time."""
        while self._left:
            piece = self._exactly(min(self._left, _PIECE))
            self._left -= len(piece)
            yield piece
        if any(self._exactly(self._padding)):
            raise bad_export("there is something between its members")
        self._padding = 0

    def whole(self, member: Member) -> bytes:
        """The bytes of *member*, a record that came last."""
        if member.size > MOST_RECORD:
            raise bad_export(f"{member.path} is too large")
        return b"".join(self.pieces())

    def _next(self) -> Member | None:
        for _ in self.pieces():
            pass
        block = self._exactly(_BLOCK)
        if not any(block):
            if any(self._exactly(_BLOCK)) or self._read(1):
                raise bad_export("there is something behind its end")
            return None
        found = _NAME.fullmatch(block[:100].rstrip(b"\0"))
        if found is None:
            raise bad_export("it holds what no export does")
        part, fan, rest = (group.decode() for group in found.groups())
        member = Member(Part(part), fan + rest, _size_in(block))
        if block != _header(member.path, member.size):
            raise bad_export(f"the header of {member.path} is not valid")
        self._open(member.size)
        return member

    def _open(self, size: int) -> None:
        self._left, self._padding = size, _padding(size)

    def _exactly(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            piece = self._read(size)
            if not piece:
                raise bad_export("it is cut off")
            parts.append(piece)
            size -= len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read(self, size: int) -> bytes:
        try:
            return self._source.read(size)
        except OSError as error:
            raise unreadable("the export file", error) from error


def _size_in(block: bytes) -> int:
    """The size that a header tells, if it tells one."""
    field = block[124:136]
    if field[0] & 0x80:
        size = int.from_bytes(field, "big") & ~(1 << 95)
    else:
        size = int(field[:11], 8) if re.fullmatch(rb"[0-7]{11}\0", field) else -1
    if not 0 <= size < 1 << 63:
        raise bad_export("the size of a member is not valid")
    return size


def unreadable(path: str, error: OSError) -> UsageError:
    """The error for an export file that the system does not let us read."""
    return UsageError(
        f"{path} cannot be read: {error.strerror or error}", slug="cannot-read", hint="name another file"
    )


def bad_export(problem: str) -> CorruptionError:
    """The error for a file that is no export."""
    return CorruptionError(
        f"the export file is not valid: {problem}",
        slug="bad-export",
        hint="Nothing of it was filed. Export the results again, or copy the file again.",
    )

r"""Segments: what one push says, in a file that tells the index of a namespace when it is read with the others.

::

    segment   = "luisy-segment-1\n" frame* directory trailer
    frame     = one zstd frame: a MessagePack array of records of one kind, sorted
    directory = one zstd frame: MessagePack [project, supersedes, blocks, frames]
    trailer   = offset of the directory (8), its stored length (4), its raw length (4), both big-endian,
                BLAKE3 of its stored bytes (32), "luisyend" (8)

``supersedes`` names segments that this one stands for. A *block* is one push: ``[slot, opened, records, key id,
signature]``, with the uuid of the slot, the server's time in ms when it was opened, and the digests of its records,
32 bytes each. Folding copies blocks as they are. ``frames`` has ``[kind, offset, stored length, raw length, count,
first, last, digest]`` for each frame in order, so that a reader can fetch only what it looks for: frames of a kind are
sorted by key or digest. Actions are looked up by other names than their keys too: a large segment has frames of kind 128
that tell for each such name the frames of actions (``luisy.cas.remote_lookups``). Kinds from 128 on are skipped by a reader
that does not know them.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from luisy.cas.compression import compress, decompress
from luisy.cas.remote_limits import FRAME_RAW, LOOKUPS_ABOVE, SEGMENT_RAW, SEGMENT_STORED
from luisy.cas.remote_lookups import lookups_of
from luisy.cas.remote_names import HIGHEST_LEVEL, level_of
from luisy.cas.remote_records import (
    LOOKUP,
    NAME_BYTES,
    UNPACKABLE,
    ActionRecord,
    BadRecord,
    Block,
    ContentRecord,
    Count,
    Kind,
    LocationRecord,
    LookupRecord,
    Name,
    Record,
    Records,
    Text,
    UseRecord,
)
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAGIC = b"luisy-segment-1\n"
END = b"luisyend"
_TRAILER = struct.Struct(">QII32s8s")
TRAILER_BYTES = _TRAILER.size
_OPTIONAL_KINDS = 128


class Frame(Record, frozen=True):
    """Where a frame lies in its segment.

    :param first: smallest key or digest in it.
    :param last: greatest one.
    :param digest: BLAKE3 of its stored bytes.
    """

    kind: Count
    offset: Count
    length: Count
    raw: Count
    count: Count
    first: Name
    last: Name
    digest: Name


class Directory(Record, frozen=True):
    """What a segment says of itself."""

    project: Text
    supersedes: list[Text]
    blocks: list[Block]
    frames: list[Frame]


@dataclass(frozen=True, slots=True)
class Trailer:
    """Where the directory of a segment is.

    :param raw: bytes of it, unpacked.
    :param digest: of its stored bytes.
    """

    offset: int
    length: int
    raw: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A segment whose directory was read and whose frames verify.

    :param stored: stored bytes of the directory.
    :param frames: stored bytes of each of its frames, those of kinds we do not know included.
    """

    directory: Directory
    stored: bytes
    frames: tuple[bytes, ...]


_packer = msgspec.msgpack.Encoder()
_directories = msgspec.msgpack.Decoder(Directory)
_lookup_records = msgspec.msgpack.Decoder(list[LookupRecord])
_decoders: dict[int, msgspec.msgpack.Decoder[Any]] = {
    Kind.ACTION: msgspec.msgpack.Decoder(list[ActionRecord]),
    Kind.CONTENT: msgspec.msgpack.Decoder(list[ContentRecord]),
    Kind.LOCATION: msgspec.msgpack.Decoder(list[LocationRecord]),
    Kind.USE: msgspec.msgpack.Decoder(list[UseRecord]),
    Kind.BAD: msgspec.msgpack.Decoder(list[BadRecord]),
}


# --- writing


def encode(project: str, records: Records, supersedes: Iterable[str] = ()) -> bytes:
    """The bytes of a segment.

    :raises CorruptionError: it would be larger than readers accept (slug ``segment-too-large``).
    """
    written = _Written()
    ordered = _sorted(records)
    for kind, found in ordered.items():
        written.add(kind, [(_fields(one)[0], _packer.encode(one)) for one in found])
    if written.raw > LOOKUPS_ABOVE:
        written.add(LOOKUP, _lookups(ordered.get(Kind.ACTION, ()), written.frames))
    raw = _packer.encode(Directory(project, sorted(supersedes), list(records.blocks), written.frames))
    if written.raw + len(raw) > SEGMENT_RAW:
        raise CorruptionError("more records than one segment can hold", slug="segment-too-large")
    packed = compress(raw)
    digest = blake3(packed, max_threads=1).digest()
    trailer = _TRAILER.pack(written.size, len(packed), len(raw), digest, END)
    return b"".join((*written.parts, packed, trailer))


@dataclass(slots=True)
class _Written:
    """The beginning of a segment.

    :ivar size: stored bytes so far.
    :ivar raw: bytes of its frames, unpacked.
    """

    parts: list[bytes] = field(default_factory=lambda: [MAGIC])
    frames: list[Frame] = field(default_factory=list)
    size: int = len(MAGIC)
    raw: int = 0

    def add(self, kind: int, ordered: Sequence[tuple[bytes, bytes]]) -> None:
        """Write the records of one kind: the name by which each is sorted, and what it is."""
        for chunk, raw in _cut(ordered):
            packed = compress(raw)
            digest = blake3(packed, max_threads=1).digest()
            first, last = chunk[0][0], chunk[-1][0]
            self.frames.append(Frame(kind, self.size, len(packed), len(raw), len(chunk), first, last, digest))
            self.parts.append(packed)
            self.size += len(packed)
            self.raw += len(raw)


def _sorted(records: Records) -> dict[Kind, list[Any]]:
    """The records of each kind in order."""
    order = [(block.opened, block.slot) for block in records.blocks]
    return {
        Kind.ACTION: sorted(records.actions, key=lambda one: (one.key, order[one.block])),
        Kind.CONTENT: sorted(records.contents, key=lambda one: (one.content, order[one.block])),
        Kind.LOCATION: sorted(records.locations, key=_fields),
        Kind.USE: sorted(records.uses, key=_fields),
        Kind.BAD: sorted(records.bads, key=_fields),
    }


def _lookups(ordered: Sequence[ActionRecord], frames: Iterable[Frame]) -> list[tuple[bytes, bytes]]:
    """By what the actions are looked up, and in which of the frames that hold them."""
    found: set[tuple[bytes, int]] = set()
    start = 0
    for number, frame in enumerate(frames):
        if frame.kind == Kind.ACTION:
            for one in ordered[start : start + frame.count]:
                found.update((name, number) for name in lookups_of(one))
            start += frame.count
    return [
        (name.ljust(NAME_BYTES, b"\0"), _packer.encode(LookupRecord(name, number)))
        for name, number in sorted(found)
    ]


def _fields(record: Record) -> tuple[Any, ...]:
    return msgspec.structs.astuple(record)


def _cut(ordered: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[Sequence[tuple[bytes, bytes]], bytes]]:
    """Runs of records of about one frame each, and their array."""
    start = size = 0
    for end, (_, encoded) in enumerate(ordered, 1):
        size += len(encoded)
        if size >= FRAME_RAW or end == len(ordered):
            chunk = ordered[start:end]
            yield chunk, _array_head(len(chunk)) + b"".join(encoded for _, encoded in chunk)
            start, size = end, 0


def _array_head(count: int) -> bytes:
    """MessagePack's head of an array."""
    if count < 1 << 4:
        return bytes((0x90 | count,))
    return b"\xdc" + count.to_bytes(2, "big") if count < 1 << 16 else b"\xdd" + count.to_bytes(4, "big")


# --- reading


def open_segment(data: bytes, project: str) -> Opened:
    """The segment that *data* is. Sizes are checked before anything is unpacked.

    :raises CorruptionError: it is cut off, damaged, of another project, or too large (slug ``bad-segment``); made by
        a newer luisy (slug ``newer-segment``).
    """
    trailer = trailer_of(data, len(data))
    if not data.startswith(MAGIC):
        raise bad_segment("it is of another format")
    stored = data[trailer.offset : trailer.offset + trailer.length]
    directory = directory_of(stored, trailer, project)
    frames = tuple(data[frame.offset : frame.offset + frame.length] for frame in directory.frames)
    for frame, found in zip(directory.frames, frames, strict=True):
        check_frame(frame, found)
    return Opened(directory, stored, frames)


def trailer_of(tail: bytes, size: int) -> Trailer:
    """What the end of a segment tells.

    :param tail: its last bytes, :data:`TRAILER_BYTES` or more.
    :param size: of all of it.
    :raises CorruptionError: as :func:`open_segment`.
    """
    if size > SEGMENT_STORED or min(size - len(MAGIC), len(tail)) < TRAILER_BYTES:
        raise bad_segment("it is too large or too small")
    offset, length, raw, digest, end = _TRAILER.unpack_from(tail, len(tail) - TRAILER_BYTES)
    if end != END or offset < len(MAGIC) or offset + length + TRAILER_BYTES != size:
        raise bad_segment("it is cut off or of another format")
    if raw > SEGMENT_RAW:
        raise bad_segment("its directory is too large")
    return Trailer(offset, length, raw, digest)


def directory_of(stored: bytes, trailer: Trailer, project: str) -> Directory:
    """The directory of a segment, checked.

    :param stored: its bytes.
    :raises CorruptionError: as :func:`open_segment`.
    """
    if blake3(stored, max_threads=1).digest() != trailer.digest:
        raise bad_segment("its directory is damaged")
    try:
        directory: Directory = _directories.decode(_unpacked(stored, trailer.raw))
    except (*UNPACKABLE, CorruptionError) as error:
        raise bad_segment(str(error)) from error
    _check(directory, trailer, project)
    return directory


def _check(directory: Directory, trailer: Trailer, project: str) -> None:
    """Make sure that a directory says what may be.

    :raises CorruptionError: as :func:`open_segment`.
    """
    if trailer.raw + sum(frame.raw for frame in directory.frames) > SEGMENT_RAW:
        raise bad_segment("it is too large unpacked")
    if directory.project != project:
        raise bad_segment("it belongs to another project")
    if any(level_of(name) is None for name in directory.supersedes):
        raise bad_segment("it supersedes something that is no segment")
    if any(len(block.records) % NAME_BYTES for block in directory.blocks):
        raise bad_segment("a block's list is cut off")
    if any(frame.kind not in _decoders and frame.kind < _OPTIONAL_KINDS for frame in directory.frames):
        raise bad_segment("it holds what this luisy does not know", slug="newer-segment")
    ends = itertools.accumulate((frame.length for frame in directory.frames), initial=len(MAGIC))
    if [*(frame.offset for frame in directory.frames), trailer.offset] != list(ends):
        raise bad_segment("a frame is not where it should be")


def check_frame(frame: Frame, stored: bytes) -> None:
    """Make sure that these are its bytes.

    :raises CorruptionError: they are not (slug ``bad-segment``).
    """
    if blake3(stored, max_threads=1).digest() != frame.digest:
        raise bad_segment("a frame is damaged")


def _unpacked(stored: bytes, raw: int) -> bytes:
    """What a frame of exactly *raw* bytes holds."""
    data = decompress(stored, most=raw)
    if len(data) != raw:
        raise bad_segment("a frame is of another size than it says")
    return data


def read_directory(stored: bytes) -> Directory:
    """The directory whose stored bytes :attr:`Opened.stored` has kept."""
    directory: Directory = _directories.decode(decompress(stored, most=SEGMENT_RAW))
    return directory


def frame_records(frame: Frame, stored: bytes) -> list[Any]:
    """The records of one frame; none if its kind is not known.

    :raises CorruptionError: it holds something else (slug ``bad-segment``).
    """
    if frame.kind not in _decoders:
        return []
    try:
        found: list[Any] = _decoders[frame.kind].decode(_unpacked(stored, frame.raw))
    except (*UNPACKABLE, CorruptionError) as error:
        raise bad_segment(str(error)) from error
    if len(found) != frame.count:
        raise bad_segment("a frame holds another number of records than it says")
    return found


def lookups_in(directory: Directory, number: int, stored: bytes) -> list[LookupRecord]:
    """What a frame of lookups tells, in order.

    :raises CorruptionError: it holds something else (slug ``bad-segment``).
    """
    frame = directory.frames[number]
    try:
        found: list[LookupRecord] = _lookup_records.decode(_unpacked(stored, frame.raw))
    except (*UNPACKABLE, CorruptionError) as error:
        raise bad_segment(str(error)) from error
    frames = {number for number, one in enumerate(directory.frames) if one.kind == Kind.ACTION}
    if len(found) != frame.count or not frames.issuperset(one.frame for one in found):
        raise bad_segment("a lookup leads nowhere")
    return sorted(found)


def records_in(directory: Directory, number: int, stored: bytes) -> list[Any]:
    """The records of one frame, whose blocks are there; none if its kind is not one of :class:`Kind`.

    :raises CorruptionError: as :func:`frame_records`.
    """
    frame = directory.frames[number]
    found = frame_records(frame, stored)
    if frame.kind in (Kind.ACTION, Kind.CONTENT) and any(one.block >= len(directory.blocks) for one in found):
        raise bad_segment("a record names a block that is not there")
    return found


def records_of(opened: Opened) -> Records:
    """All records of a segment.

    :raises CorruptionError: as :func:`frame_records`.
    """
    found: dict[int, list[Any]] = {kind: [] for kind in Kind}
    for number, (frame, stored) in enumerate(zip(opened.directory.frames, opened.frames, strict=True)):
        if frame.kind in found:
            found[frame.kind] += records_in(opened.directory, number, stored)
    return Records(
        tuple(opened.directory.blocks),
        found[Kind.ACTION],
        found[Kind.CONTENT],
        found[Kind.LOCATION],
        found[Kind.USE],
        found[Kind.BAD],
    )


def bad_segment(problem: str, *, slug: str = "bad-segment") -> CorruptionError:
    """The error for a segment that cannot be read."""
    return CorruptionError(
        f"a segment of the remote's index is not valid: {problem}",
        slug=slug,
        hint="Update luisy." if slug == "newer-segment" else "Its results count as missing; push them again.",
    )


# --- levels


def level_above(names: Iterable[str]) -> int:
    """The lowest level that a segment may have which supersedes *names*, or the highest there is."""
    return min(HIGHEST_LEVEL, 1 + max((level_of(name) or 0) for name in names))

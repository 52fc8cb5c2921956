"""Parts of large segments, in few range reads: the directory first, then the frames that a question rests on.

Every byte proves itself by a digest in the directory, and that by the trailer, so a part may be trusted like the whole. What
comes from another version of the blob than the one whose directory was read does not match, and is never merged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote import Unreachable
from luisy.cas.remote_filling import Read
from luisy.cas.remote_index import Incoming
from luisy.cas.remote_limits import KIB, PART_GAP, PART_REQUESTS, PART_ROUNDS, PART_SHARE, TAIL_SHARE
from luisy.cas.remote_records import LOOKUP, Kind
from luisy.cas.segments import (
    TRAILER_BYTES,
    bad_segment,
    check_frame,
    directory_of,
    lookups_in,
    records_in,
    trailer_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from luisy.cas.remote import Blob, Remote
    from luisy.cas.segments import Directory

_LEAST_TAIL = 64 * KIB


class CameShort(Unreachable):
    """Fewer bytes came than were asked for: the server is at fault, or the blob is another one by now."""


@dataclass(frozen=True, slots=True)
class Span:
    """Frames that follow each other, and are read by one request.

    :param numbers: of the frames, in order.
    """

    offset: int
    length: int
    numbers: tuple[int, ...]


def beginning(remote: Remote, name: str, blob: Blob, project: str) -> Incoming | None:
    """The directory of a segment, and the frames that every part of it needs; None if it can only be read whole.

    :param name: last part of the blob's name.
    :raises CorruptionError: as :func:`luisy.cas.segments.open_segment`.
    :raises BlobMissing: it is not there.
    """
    tail = read(
        remote, blob.name, blob.size - min(blob.size, max(_LEAST_TAIL, blob.size // TAIL_SHARE)), blob.size
    )
    trailer = trailer_of(tail, blob.size)
    if len(tail) < trailer.length + TRAILER_BYTES:
        tail = read(remote, blob.name, trailer.offset, blob.size - len(tail)) + tail
    start = blob.size - len(tail)
    stored = tail[trailer.offset - start : trailer.offset - start + trailer.length]
    directory = directory_of(stored, trailer, project)
    kinds = {frame.kind for frame in directory.frames}
    if Kind.ACTION in kinds and LOOKUP not in kinds:
        return None
    frames = {
        number: checked(directory, number, tail[frame.offset - start :][: frame.length])
        for number, frame in enumerate(directory.frames)
        if frame.offset >= start
    }
    bads = {number for number, frame in enumerate(directory.frames) if frame.kind == Kind.BAD}
    for span in spans(directory, bads - frames.keys()):
        data = read(remote, blob.name, span.offset, span.offset + span.length)
        frames.update(cut(directory, span, data))
    return Incoming(name, blob.etag, directory, stored, frames)


def read(remote: Remote, name: str, start: int, end: int) -> bytes:
    """The bytes of a blob from *start* to *end*.

    :raises CameShort: twice.
    :raises BlobMissing: it is not there.
    """
    for _ in range(2):
        data = remote.get(name, start, end - start)
        if len(data) == end - start:
            return data
    raise CameShort(f"{name} came short: {len(data)} of {end - start} bytes")


def checked(directory: Directory, number: int, stored: bytes) -> Read:
    """A frame, with what it holds.

    :raises CorruptionError: it is damaged (slug ``bad-segment``).
    """
    frame = directory.frames[number]
    if len(stored) != frame.length:
        raise bad_segment("a frame is cut off")
    check_frame(frame, stored)
    if frame.kind == LOOKUP:
        lookups_in(directory, number, stored)
    return Read(stored, records_in(directory, number, stored))


def cut(directory: Directory, span: Span, data: bytes) -> dict[int, Read]:
    """The frames in the bytes of a span.

    :raises CorruptionError: one is damaged.
    """
    start = span.offset
    return {
        number: checked(directory, number, data[frame.offset - start :][: frame.length])
        for number in span.numbers
        for frame in (directory.frames[number],)
    }


def spans(directory: Directory, numbers: Iterable[int]) -> list[Span]:
    """Ranges that hold these frames, with what lies in small gaps between them."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        frame = directory.frames[number]
        if found and frame.offset - _end(directory, found[-1][-1]) <= PART_GAP:
            found[-1] += range(found[-1][-1] + 1, number + 1)
        else:
            found.append([number])
    return [_span(directory, one) for one in found]


def _span(directory: Directory, numbers: Collection[int]) -> Span:
    start = directory.frames[min(numbers)].offset
    return Span(start, _end(directory, max(numbers)) - start, tuple(numbers))


def _end(directory: Directory, number: int) -> int:
    frame = directory.frames[number]
    return frame.offset + frame.length


@dataclass(slots=True)
class _Spent:
    """What was read of one segment."""

    rounds: int = 0
    requests: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Budget:
    """What one process may read of the parts of segments: it is bounded, whatever is asked and in however many steps."""

    _spent: dict[int, _Spent] = field(default_factory=dict)

    def plan(
        self, segment: int, directory: Directory, numbers: Collection[int], there: Collection[int]
    ) -> list[Span]:
        """How to read the frames *numbers* of a segment: only them, or with all others that are not *there*."""
        found = spans(directory, set(numbers).difference(there))
        if not found:  # another process was faster
            return []
        spent = self._spent.setdefault(segment, _Spent())
        spent.rounds += 1
        spent.requests += len(found)
        spent.bytes += sum(one.length for one in found)
        if (
            spent.rounds <= PART_ROUNDS
            and spent.requests <= PART_REQUESTS
            and spent.bytes * PART_SHARE <= sum(frame.length for frame in directory.frames)
        ):
            return found
        rest = set(range(len(directory.frames))).difference(there)
        return [_span(directory, range(min(rest), max(rest) + 1))]

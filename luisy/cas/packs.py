r"""Packs: many small objects in one blob, and how to read them again with few requests.

::

    pack    = "luisy-pack-1\n" bytes* footer trailer
    bytes   = an object, raw or as one zstd frame
    footer  = MessagePack: an array of location records; ``blob`` is empty
    trailer = length of the footer (8, big-endian), its BLAKE3 (32), "luisyend" (8)

Readers go by the location records of segments; from the footer these can be made again.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from luisy.cas.compression import compressed_if_worthwhile, decompress
from luisy.cas.hashing import digest_bytes
from luisy.cas.remote_limits import GAP, OWN_BLOB, PACK, RANGE
from luisy.cas.remote_records import UNPACKABLE, Encoding, LocationRecord
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from luisy.model import Digest

MAGIC = b"luisy-pack-1\n"
END = b"luisyend"
_TRAILER = struct.Struct(">Q32s8s")
_LONGEST_ROW = 52  # bytes of a member in the footer: digest, and three numbers below 2^32
_footers = msgspec.msgpack.Decoder(list[LocationRecord])
_packer = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that is ready to be uploaded.

    :param members: where its objects are in it.
    """

    data: bytes
    members: tuple[LocationRecord, ...]


class PackWriter:
    """Collects objects until there are enough for a pack.

    :param blob: what the pack will be called.
    """

    def __init__(self, blob: str) -> None:
        self.blob = blob
        self._parts = [MAGIC]
        self._members: list[LocationRecord] = []
        self._length = len(MAGIC)

    @property
    def is_full(self) -> bool:
        """Whether it has to be finished: another object might make it larger than it may be."""
        return self._length + OWN_BLOB + (len(self._members) + 1) * _LONGEST_ROW >= PACK

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._members

    def add(self, digest: Digest, data: bytes) -> None:
        """Put an object in, compressed where that pays."""
        packed = compressed_if_worthwhile(data)
        stored, encoding = (data, Encoding.RAW) if packed is None else (packed, Encoding.ZSTD)
        self._members.append(
            LocationRecord(bytes.fromhex(digest), self.blob, self._length, len(stored), encoding, len(data))
        )
        self._parts.append(stored)
        self._length += len(stored)

    def finish(self) -> Pack:
        """The pack's bytes and what is where in them."""
        footer = _packer.encode([msgspec.structs.replace(one, blob="") for one in self._members])
        trailer = _TRAILER.pack(len(footer), blake3(footer, max_threads=1).digest(), END)
        return Pack(b"".join((*self._parts, footer, trailer)), tuple(self._members))


def read_footer(data: bytes, blob: str) -> list[LocationRecord]:
    """What is where in a pack, by its last bytes (or all of them).

    :raises CorruptionError: they are not the end of a pack (slug ``bad-pack``).
    """
    if len(data) < _TRAILER.size:
        raise _bad_pack("it is too short")
    length, digest, end = _TRAILER.unpack_from(data, len(data) - _TRAILER.size)
    footer = data[max(0, len(data) - _TRAILER.size - length) : len(data) - _TRAILER.size]
    if end != END or len(footer) != length or blake3(footer, max_threads=1).digest() != digest:
        raise _bad_pack("its footer is damaged")
    try:
        found = [msgspec.structs.replace(one, blob=blob) for one in _footers.decode(footer)]
    except UNPACKABLE as error:
        raise _bad_pack(str(error)) from error
    if not all(one.is_sound() for one in found):
        raise _bad_pack("its footer names what cannot be in it")
    return found


def _bad_pack(problem: str) -> CorruptionError:
    return CorruptionError(f"a pack in the remote is not valid: {problem}", slug="bad-pack")


def member(location: LocationRecord, stored: bytes) -> bytes | None:
    """The object that *stored* holds; None if these are not its bytes."""
    if len(stored) != location.length:
        return None
    data = stored
    if location.encoding == Encoding.ZSTD:
        try:
            data = decompress(stored, most=location.size)
        except CorruptionError:
            return None
    return data if bytes.fromhex(digest_bytes(data)) == location.digest else None


@dataclass(frozen=True, slots=True)
class Range:
    """One read that brings several members of a pack.

    :param offset: of the first byte.
    :param length: bytes; 0 where only empty objects are wanted: nothing need be read.
    """

    blob: str
    offset: int
    length: int
    members: tuple[LocationRecord, ...]

    def cut(self, data: bytes) -> list[tuple[LocationRecord, bytes]]:
        """Each member with its stored bytes out of what was read."""
        return [
            (one, data[one.offset - self.offset : one.offset - self.offset + one.length])
            for one in self.members
        ]


def coalesced(members: Iterable[LocationRecord]) -> list[Range]:
    """Few ranges that cover *members*: neighbours go together, also over a small gap, up to a size."""
    ranges: list[Range] = []
    run: list[LocationRecord] = []
    for one in sorted(members, key=lambda one: (one.blob, one.offset)):
        if run and not _joins(run, one):
            ranges.append(_range(run))
            run = []
        run.append(one)
    if run:
        ranges.append(_range(run))
    return ranges


def _joins(run: Sequence[LocationRecord], one: LocationRecord) -> bool:
    end = run[-1].offset + run[-1].length
    return (
        one.blob == run[0].blob
        and one.offset - end <= GAP
        and one.offset + one.length - run[0].offset <= RANGE
    )


def _range(run: Sequence[LocationRecord]) -> Range:
    start = run[0].offset
    # Members overlap where a writer was wrong; their digests will tell.
    return Range(run[0].blob, start, max(one.offset + one.length for one in run) - start, tuple(run))

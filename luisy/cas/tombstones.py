r"""Tombstones: what a gc run is about to delete. Whoever finds one takes what it names for absent.

::

    tombstone = "luisy-tombstone-1\n" BLAKE3 of the rest (32) frame
    frame     = one zstd frame: MessagePack [project, action keys, [[blob, etag]...]]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from luisy.cas.compression import compress, decompress
from luisy.cas.remote_limits import TOMBSTONE_RAW
from luisy.cas.remote_names import is_blob
from luisy.cas.remote_records import UNPACKABLE, Name, Text
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAGIC = b"luisy-tombstone-1\n"
_DIGEST_BYTES = 32
_packer = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Text, list[Name], list[tuple[Text, Text]]])


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What one gc run wants to delete in the next.

    :param actions: keys, 32 bytes each.
    :param blobs: names as in location records, each with the ETag that it had.
    """

    project: str
    actions: tuple[bytes, ...] = ()
    blobs: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        """The bytes of the blob."""
        frame = compress(_packer.encode((self.project, self.actions, self.blobs)))
        return MAGIC + blake3(frame, max_threads=1).digest() + frame


def decode(data: bytes) -> Tombstone:
    """What :meth:`Tombstone.encode` wrote.

    :raises CorruptionError: it is something else (slug ``bad-tombstone``).
    """
    head, frame = data[: len(MAGIC) + _DIGEST_BYTES], data[len(MAGIC) + _DIGEST_BYTES :]
    if head != MAGIC + blake3(frame, max_threads=1).digest():
        raise _bad("its digest does not match")
    try:
        project, actions, blobs = _decoder.decode(decompress(frame, most=TOMBSTONE_RAW))
    except (*UNPACKABLE, CorruptionError) as error:
        raise _bad(str(error)) from error
    if not all(is_blob(blob) for blob, _ in blobs):
        raise _bad("it names what is no blob of objects")
    return Tombstone(project, tuple(actions), tuple(blobs))


def _bad(problem: str) -> CorruptionError:
    return CorruptionError(
        f"a tombstone in the remote is not valid: {problem}",
        slug="bad-tombstone",
        hint="Nothing is pushed while it is there; `luisy cas gc --remote` with a newer luisy removes it.",
    )


@dataclass(frozen=True, slots=True)
class Doomed:
    """What all tombstones of a namespace name together.

    :param blobs: for each blob the ETags under which it may be deleted.
    """

    actions: frozenset[bytes]
    blobs: Mapping[str, tuple[str, ...]]


def together(tombstones: Iterable[Tombstone]) -> Doomed:
    """The union of *tombstones*."""
    actions: set[bytes] = set()
    blobs: dict[str, list[str]] = {}
    for one in tombstones:
        actions.update(one.actions)
        for blob, etag in one.blobs:
            blobs.setdefault(blob, []).append(etag)
    return Doomed(frozenset(actions), {blob: tuple(dict.fromkeys(etags)) for blob, etags in blobs.items()})

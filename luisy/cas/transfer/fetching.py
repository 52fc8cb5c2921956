"""Objects read into memory and past the store, for who looks at a remote and need not have one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.cas.compression import decompress, decompressed
from luisy.cas.hashing import THREADS as HASH_THREADS
from luisy.cas.hashing import digest_bytes
from luisy.cas.packs import coalesced, member
from luisy.cas.remote import BlobMissing
from luisy.cas.remote_limits import MANIFEST_BYTES
from luisy.cas.remote_records import Encoding, LocationRecord
from luisy.cas.transfer.parallel import in_parallel
from luisy.errors import CorruptionError
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from luisy.cas.packs import Range
    from luisy.cas.remote import Blob, Remote
    from luisy.cas.remote_names import Namespace

_Found = list[tuple[LocationRecord, bytes]]


def object_blobs(remote: Remote, namespace: Namespace) -> dict[str, Blob]:
    """The blobs with objects, by their names relative to the namespace."""
    start = len(namespace.root) + 1
    return {
        blob.name[start:]: blob
        for prefix in ("objects/", "packs/")
        for blob in remote.list(namespace.blob(prefix)).blobs
    }


def fetched(
    remote: Remote, namespace: Namespace, wanted: Mapping[Digest, Sequence[LocationRecord]]
) -> Iterator[tuple[LocationRecord, bytes]]:
    """The bytes of objects, verified, by the first of their locations that holds them; others are left out.

    :param wanted: for each object the locations to try; none is larger than a manifest may be.
    """
    left = {digest: list(places) for digest, places in wanted.items()}
    while batch := [places.pop(0) for places in left.values() if places]:
        for found in in_parallel(_jobs(remote, namespace, batch)):
            for location, data in found:
                left.pop(Digest(location.digest.hex()), None)
                yield location, data


def _jobs(
    remote: Remote, namespace: Namespace, batch: Iterable[LocationRecord]
) -> Iterator[Callable[[], _Found]]:
    packed = []
    for one in batch:
        if one.blob.startswith("packs/"):
            packed.append(one)
        elif one.size <= MANIFEST_BYTES:
            yield functools.partial(_own, remote, namespace.blob(one.blob), one)
    for span in coalesced(packed):
        yield functools.partial(_members, remote, namespace.blob(span.blob), span)


def _members(remote: Remote, blob: str, span: Range) -> _Found:
    found = []
    try:
        for location, whole in members(remote, blob, span):
            if whole is not None:
                found.append((location, whole))
    except BlobMissing:
        pass
    return found


def _own(remote: Remote, blob: str, location: LocationRecord) -> _Found:
    for _ in range(2):
        try:
            data = remote.get(blob)
            if location.encoding == Encoding.ZSTD:
                data = decompress(data, most=location.size)
        except BlobMissing:
            return []
        except CorruptionError:
            continue
        if digest_bytes(data) == location.digest.hex():
            return [(location, data)]
    return []


def members(remote: Remote, blob: str, span: Range) -> Iterator[tuple[LocationRecord, bytes | None]]:
    """The objects in a part of a pack by one request, each verified; None for one whose bytes are others.

    :raises BlobMissing: the pack is not there.
    """
    data = remote.get(blob, span.offset, span.length) if span.length else b""
    for location, stored in span.cut(data):
        found = member(location, stored)
        if found is None:  # once more: what came short or damaged may have been so on the way
            found = member(location, remote.get(blob, location.offset, location.length))
        yield location, found


def streamed(remote: Remote, blob: str, location: LocationRecord, write: Callable[[bytes], object]) -> bytes:
    """Write the bytes of an object that has a blob of its own; their digest. Never more than its size.

    :raises BlobMissing: it is not there.
    :raises CorruptionError: it is longer than it should be, or cannot be unpacked.
    """
    hasher = blake3(max_threads=HASH_THREADS)
    pieces: Iterator[bytes] = iter(remote.read(blob))
    if location.encoding == Encoding.ZSTD:
        pieces = decompressed(pieces, size=location.size)
    left = location.size
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise CorruptionError("longer than it should be", slug="bad-frame")
        hasher.update(piece)
        write(piece)
    return hasher.digest()

"""BLAKE3 as the store calls it.

``max_threads`` is always an explicit number: with ``AUTO`` the library starts a global thread pool, and a
child forked after that hangs in its first hash. An explicit number makes a pool that dies with the hasher.
"""

from __future__ import annotations

import mmap
import os

from blake3 import blake3

from luisy.model import Digest

CHUNK = 1 << 20
"""Bytes read at once, and the size from which several threads pay."""

_WINDOW = 64 << 20
"""Bytes of a file that are mapped at once."""

THREADS = min(os.cpu_count() or 1, 8)
"""Threads for large inputs; more than a few only wait for memory."""


def digest_bytes(data: bytes) -> Digest:
    """Name of the object that holds *data*."""
    return Digest(blake3(data, max_threads=1 if len(data) < CHUNK else THREADS).hexdigest())


def digest_own_file(descriptor: int, size: int) -> Digest:
    """Hash the whole of a file that only the store writes, wherever its offset is, by mmap where it is large.

    Never for a user's file: one that shrinks under an mmap kills the process (SIGBUS).

    :param size: bytes, as ``fstat`` told.
    """
    if size <= CHUNK:
        os.lseek(descriptor, 0, os.SEEK_SET)  # whoever wrote it left the offset at its end
        return digest_descriptor(descriptor)
    hasher = blake3(max_threads=THREADS)
    for start in range(0, size, _WINDOW):
        update_from_own_file(hasher, descriptor, start, min(start + _WINDOW, size))
    return Digest(hasher.hexdigest())


def update_from_own_file(hasher: blake3, descriptor: int, start: int, end: int) -> None:
    """Add the bytes from *start* to *end* of a file that only the store writes, by mmap of them alone.

    Of a mapping all that was touched counts as the process's memory until it goes, so it must not be the whole file.
    """
    first = start - start % mmap.ALLOCATIONGRANULARITY
    with (
        mmap.mmap(descriptor, end - first, prot=mmap.PROT_READ, offset=first) as mapped,
        memoryview(mapped) as view,
        view[start - first :] as part,
    ):
        hasher.update(part)


def digest_descriptor(descriptor: int) -> Digest:
    """Hash what is left to read of an open file, however it changes meanwhile."""
    first = os.read(descriptor, CHUNK)
    if len(first) < CHUNK:  # the usual case: one small file, at most one more read that finds its end
        rest = os.read(descriptor, CHUNK) if first else b""
        if not rest:
            return digest_bytes(first)
        first += rest
    hasher = blake3(first, max_threads=THREADS)
    while chunk := os.read(descriptor, 4 * CHUNK):
        hasher.update(chunk)
    return Digest(hasher.hexdigest())

"""Hashing gives BLAKE3 of all bytes, whichever way it is done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from luisy.cas import hashing

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [0, 1, hashing.CHUNK - 1, hashing.CHUNK, hashing.CHUNK + 1, 9 * hashing.CHUNK + 5]


@pytest.mark.parametrize("size", SIZES)
def test_every_way_gives_the_same_digest(tmp_path: Path, size: int) -> None:
    """Bytes, an open file, and a file of ours whose offset is at its end."""
    data = os.urandom(size)
    expected = blake3(data).hexdigest()
    (tmp_path / "f").write_bytes(data)
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    try:
        assert hashing.digest_bytes(data) == expected
        assert hashing.digest_descriptor(descriptor) == expected
        os.lseek(descriptor, 0, os.SEEK_END)
        assert hashing.digest_own_file(descriptor, size) == expected
    finally:
        os.close(descriptor)


def test_hashing_large_data_in_a_forked_child_does_not_hang() -> None:
    """After the parent hashed with several threads, a child can: no pool of the parent is waited for."""
    data = bytes(8 * hashing.CHUNK)
    expected = hashing.digest_bytes(data)
    child = os.fork()
    if child == 0:
        os._exit(0 if hashing.digest_bytes(data) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0

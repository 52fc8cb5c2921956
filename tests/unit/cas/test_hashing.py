"""Hashing gives BLAKE3 of all bytes, whichever way it is done."""

from __future__ import annotations

import os
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("start", "end"), [(0, 10), (3, 4097), (4095, 12000), (8192, 8193), (5000, 5000 + (1 << 20))]
)
def test_a_part_of_a_file_is_hashed_wherever_it_begins(tmp_path: Path, start: int, end: int) -> None:
    """Also between the boundaries at which a mapping may begin."""
    data = os.urandom(2 << 20)
    (tmp_path / "f").write_bytes(data)
    hasher = blake3()
    with (tmp_path / "f").open("rb") as file:
        hashing.update_from_own_file(hasher, file.fileno(), start, end)
    assert hasher.digest() == blake3(data[start:end]).digest()


_PEAK = """
import os, resource, sys
from luisy.cas import Store
with Store.open(sys.argv[1]) as store:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    name = store.put(sys.argv[2])
    os.utime(store.object_path(name))
    assert store.check([name])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_file_is_kept_and_verified_in_bounded_memory(tmp_path: Path) -> None:
    """Its mapped pages count as the process's own; 512 MiB need far less."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(512 << 20)
    command = [sys.executable, "-c", _PEAK, str(tmp_path / "store"), str(tmp_path / "large")]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(said.stdout) << 10 < 200 << 20

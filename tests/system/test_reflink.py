"""On a file system that can share blocks, luisy shares them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from luisy.model import LinkMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.system

SIZE = 32 << 20


def extents(path: Path) -> list[tuple[int, bool]]:
    """Physical start and whether it is shared, of each extent of a file on the disk (``filefrag -v``)."""
    told = subprocess.run(["filefrag", "-vs", str(path)], check=True, capture_output=True, text=True).stdout
    rows = [line.split(":") for line in told.splitlines() if line.lstrip()[:1].isdigit()]
    return [(int(row[2].split("..")[0]), "shared" in row[-1]) for row in rows]


def free(folder: Path) -> int:
    """Bytes that are free on a file system, everything written out."""
    os.sync()
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


@pytest.fixture
def xfs(mounted: Callable[..., AbstractContextManager[Path]]) -> Callable[[], AbstractContextManager[Path]]:
    """An XFS with reflinks."""
    return lambda: mounted("mkfs.xfs", "-q", "-m", "reflink=1", mebibytes=400)


def test_keeping_and_restoring_share_all_blocks(xfs: Callable[[], AbstractContextManager[Path]]) -> None:
    """The kept file, its object and the restored file are the same blocks; together they cost one copy."""
    with xfs() as folder, Store.open(folder / "store") as store:
        (folder / "kept").write_bytes(os.urandom(SIZE))
        before = free(folder)
        manifest = store.keep([(b"", str(folder / "kept"))])
        used = store.restore(manifest, {b"": str(folder / "restored")})
        taken = before - free(folder)
        name = manifest.entries[0].digest
        files = [folder / "kept", folder / "restored", store.path / "objects" / name[:2] / name[2:]]
        found = [extents(path) for path in files]
        assert used == {b"": LinkMode.REFLINK}
        assert found[0] == found[1] == found[2]
        assert all(shared for _, shared in found[0])
        assert taken < SIZE // 4
        placed = store.placements([str(folder / "kept")])[str(folder / "kept")]
        assert placed.mode is LinkMode.REFLINK


def test_a_copy_on_request_shares_nothing(xfs: Callable[[], AbstractContextManager[Path]]) -> None:
    """The mode that was asked for is the mode that was used: what the test above sees is the reflink."""
    with xfs() as folder, Store.open(folder / "store") as store:
        name = store.put(os.urandom(SIZE))
        assert store.materialise(name, folder / "copy", mode=LinkMode.COPY) is LinkMode.COPY
        assert not any(shared for _, shared in extents(folder / "copy"))


def test_writing_to_a_reflink_leaves_the_object(xfs: Callable[[], AbstractContextManager[Path]]) -> None:
    """The first write to a shared block copies it."""
    with xfs() as folder, Store.open(folder / "store") as store:
        data = os.urandom(SIZE)
        name = store.put(data)
        assert store.materialise(name, folder / "f") is LinkMode.REFLINK
        with (folder / "f").open("r+b") as file:
            file.write(b"mine")
        assert store.get(name) == data
        assert store.check([name]) == {name}


def test_another_file_system_gets_a_copy(
    xfs: Callable[[], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    """Blocks cannot be shared across two of them; the mode says so."""
    with xfs() as folder, Store.open(folder / "store") as store:
        data = os.urandom(SIZE)
        name = store.put(data)
        assert store.materialise(name, tmp_path / "outside") is LinkMode.COPY
        assert (tmp_path / "outside").read_bytes() == data
        assert store.materialise(name, tmp_path / "linked", mode=LinkMode.HARDLINK) is LinkMode.COPY

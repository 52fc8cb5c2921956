"""A disk that fills up: an error the caller can go on after, and no promise of missing bytes."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from luisy.cas.remote.directory import DirectoryRemote
from luisy.cas.transfer import Mirror
from luisy.errors import StoreError
from tests.e2e.machines import Machine
from tests.unit.cas.values import action, key

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.system


@pytest.fixture
def small(mounted: Callable[..., AbstractContextManager[Path]]) -> Callable[[], AbstractContextManager[Path]]:
    """An ext4 of 24 MiB."""
    return lambda: mounted("mkfs.ext4", "-q", "-m", "0", mebibytes=24)


def fill(folder: Path) -> None:
    """Take all space that is left, to the last byte."""
    descriptor = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        for size in (1 << 20, 4096, 1):
            with pytest.raises(OSError, match="No space left"):
                write_for_ever(descriptor, bytes(size))
    finally:
        os.close(descriptor)


def write_for_ever(descriptor: int, data: bytes) -> None:
    """Until the disk is full."""
    while True:
        os.write(descriptor, data)


def repeat(attempt: Callable[[], object], source: Path) -> None:
    """Often enough to fill what room the index's WAL may have left, with other bytes each time."""
    size = source.stat().st_size
    for _ in range(200):
        attempt()
        source.write_bytes(os.urandom(size))


def filled(path: Path, size: int) -> Path:
    """A file that compresses to half."""
    path.write_bytes(b"".join(os.urandom(4096) + bytes(4096) for _ in range(size // 8192)))
    return path


def assert_full(caught: pytest.ExceptionInfo[Exception]) -> None:
    """The disk's own error, or the index's word for it."""
    error = caught.value
    slug = getattr(error, "slug", None)
    assert getattr(error, "errno", None) == errno.ENOSPC or slug == "store-full"


def assert_sound(store: Store, names: list[str]) -> None:
    """What was stored before is there, nothing else is promised, nothing is left in tmp/."""
    assert store.check(names) == set(names)  # type: ignore[arg-type] # digests as text
    rows = [row[0].hex() for row in store._database.query("SELECT digest FROM objects")]
    assert all(store.get(name) for name in rows)
    assert os.listdir(store.path / "tmp") == []


@pytest.mark.parametrize("size", [100, 300_000, 5 << 20])
def test_a_full_disk_is_an_error_and_no_promise(
    small: Callable[[], AbstractContextManager[Path]], tmp_path: Path, size: int
) -> None:
    """Put and keep raise, for bytes, small and large files; after space is freed they work again."""
    source = tmp_path / "output"
    source.write_bytes(os.urandom(size))
    with small() as folder, Store.open(folder / "store") as store:
        held = [store.put(os.urandom(1000)) for _ in range(20)]
        fill(folder)
        for attempt in (
            lambda: store.put(source.read_bytes()),
            lambda: store.put(source),
            lambda: store.keep([(b"", str(source))]),
            lambda: store.keep_many([[(b"", str(source))]] * 3),
        ):
            with pytest.raises((OSError, StoreError)) as caught:
                repeat(attempt, source)
            assert_full(caught)
            assert_sound(store, list(held))
        (folder / "filler").unlink()
        name = store.put(source)
        assert store.get(name) == source.read_bytes()
        store.sync()


def test_restoring_to_a_full_disk_leaves_what_was_there(
    small: Callable[[], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    """The old file and the old folder stay as they were, with no temporary name beside them."""
    (tmp_path / "new").mkdir()
    for number in range(4):
        (tmp_path / "new" / str(number)).write_bytes(os.urandom(100_000))
    with small() as folder, Store.open(tmp_path / "store") as store:
        target = folder / "out"
        target.mkdir()
        (target / "old").write_text("old")
        manifest = store.keep([(b"", str(tmp_path / "new"))])
        fill(folder)
        with pytest.raises(OSError, match="No space left"):
            store.restore(manifest, {b"": str(target)})
        assert (target / "old").read_text() == "old"
        assert sorted(os.listdir(folder)) == ["filler", "lost+found", "out"]
        assert store.placements([str(target)]) == {}


_TASKS = """
import os

import luisy


class Large(luisy.Task):
    def run(self):
        with open(os.environ["TRAIL"], "a") as trail:
            trail.write("Large\\n")
        self.write(os.urandom(4 << 20))
"""


@pytest.fixture
def remote(tmp_path: Path) -> str:
    """The URL of a remote with the result of ``Large``."""
    (tmp_path / "remote").mkdir()
    url = f"file://{tmp_path / 'remote'}"
    said = Machine(tmp_path / "one", _TASKS, {"LUISY_REMOTE": url}).run("Large", "--upload")
    assert said.code == 0, said.stderr
    return url


@pytest.fixture(params=[0, 2 << 20], ids=["no space", "too little space"])
def room(request: pytest.FixtureRequest) -> int:
    """Bytes that are left."""
    return int(request.param)


def fill_up(folder: Path, room: int) -> None:
    """A store, and so much room beside it."""
    Store.open(folder / "store").close()
    fill(folder)
    filler = folder / "filler"
    os.truncate(filler, filler.stat().st_size - room)


def test_a_pull_onto_a_full_disk_is_told_and_goes_on_later(
    small: Callable[[], AbstractContextManager[Path]], tmp_path: Path, remote: str, room: int
) -> None:
    """Two lines, exit code 2, nothing left behind; with space again it completes."""
    with small() as folder:
        settings = {"LUISY_REMOTE": remote, "LUISY_STORE": str(folder / "store")}
        machine = Machine(tmp_path / "two", _TASKS, settings)
        fill_up(folder, room)
        said = machine.luisy("cas", "pull", "--all")
        assert said.code == 2, said.stderr
        assert [line.split(":")[0] for line in said.stderr.splitlines()] == ["error[store-full]", "hint"]
        assert os.listdir(folder / "store" / "tmp") == []
        (folder / "filler").unlink()
        assert machine.luisy("cas", "pull", "--all").code == 0
        assert machine.run("Large").outcomes == {"Large": "local"}


def test_a_run_whose_store_is_full_executes_what_it_cannot_download(
    small: Callable[[], AbstractContextManager[Path]], tmp_path: Path, remote: str, room: int
) -> None:
    """The cache never fails the user's task: its output is in the workspace, and the run says that it was not kept."""
    with small() as folder:
        settings = {"LUISY_REMOTE": remote, "LUISY_STORE": str(folder / "store")}
        machine = Machine(tmp_path / "two", _TASKS, settings)
        fill_up(folder, room)
        said = machine.run("Large", "--download")
        assert said.code == 5, said.stderr
        assert said.outcomes == {"Large": "executed"}
        assert said.stderr.count("no space") + said.stderr.count("is full") >= 1
        assert [path.name for path in (machine.root / "data").rglob("Large*")] == ["Large.pkl"]


def test_what_cannot_be_compressed_for_want_of_space_goes_up_as_it_is(
    small: Callable[[], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    """A push needs no room for the bytes it sends."""
    remote = DirectoryRemote(str(tmp_path))
    with small() as folder, Store.open(folder / "store") as store:
        manifest = store.keep([(b"", str(filled(tmp_path / "zeros", 8 << 20)))])
        store.record(action(manifest, 1, inputs=()))
        fill(folder)
        os.truncate(folder / "filler", (folder / "filler").stat().st_size - (256 << 10))
        assert Mirror(store, remote, "weather").push().actions == (key(1),)

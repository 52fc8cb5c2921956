"""Objects: what is stored, and when it is trusted (invariants 2, 3 and 5)."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from luisy.cas.hashing import CHUNK, digest_bytes
from luisy.cas.materialise import sync_file_system
from luisy.cas.objects import SMALL
from luisy.errors import NoSuchResult, StoreError
from luisy.model import Digest, LinkMode
from tests.unit.cas.values import corrupt, digest, object_file, power_cut

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [0, 1, SMALL - 1, SMALL, SMALL + 1, CHUNK - 1, CHUNK, CHUNK + 1, 17 * CHUNK + 3]


def settled(store: Store, name: Digest) -> bool:
    """Whether the index trusts the object without hashing."""
    row = store._index.object(name)
    return row is not None and row.settled


def quarantined(store: Store) -> list[str]:
    """Names in the quarantine."""
    return sorted(path.name for path in (store.path / "quarantine").iterdir())


@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_back(store: Store, size: int) -> None:
    """What is put as bytes is got as bytes, named by its BLAKE3 digest."""
    data = os.urandom(size)
    name = store.put(data)
    assert name == digest_bytes(data)
    assert store.get(name) == data


@pytest.mark.parametrize("size", SIZES)
def test_a_file_and_its_bytes_are_one_object(store: Store, workspace: Path, size: int) -> None:
    """Small and large files, by whichever way they are copied, have the digest of their bytes."""
    data = os.urandom(size)
    (workspace / "f").write_bytes(data)
    name = store.put(workspace / "f")
    assert name == digest_bytes(data)
    assert object_file(store, name).read_bytes() == data


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", LinkMode)
def test_materialised_bytes_are_the_objects(store: Store, workspace: Path, size: int, mode: LinkMode) -> None:
    """In every mode a materialised file holds the object's bytes."""
    data = os.urandom(size)
    name = store.put(data)
    used = store.materialise(name, workspace / "new" / "f", mode=mode)
    assert (workspace / "new" / "f").read_bytes() == data
    assert (used is LinkMode.HARDLINK) == (mode is LinkMode.HARDLINK)


def test_an_object_is_stored_once(store: Store) -> None:
    """Putting it again writes no file."""
    name = store.put(b"abc")
    before = object_file(store, name).stat()
    assert store.put(b"abc") == name
    assert object_file(store, name).stat() == before


def test_objects_are_read_only_files(store: Store) -> None:
    """Mode 0444 less the umask: nobody writes to an object by mistake."""
    mask = os.umask(0o027)
    try:
        name = store.put(b"abc")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(object_file(store, name).stat().st_mode) == 0o440


def test_a_folder_is_no_object(store: Store, workspace: Path) -> None:
    """The error says what stores folders."""
    with pytest.raises(IsADirectoryError, match=r"Store\.keep"):
        store.put(workspace)


def test_what_is_not_there_is_a_miss(store: Store) -> None:
    """An unknown digest is NoSuchResult in every way of asking."""
    assert store.check([digest(1)]) == set()
    for ask in (store.get, store.open_object):
        with pytest.raises(NoSuchResult):
            ask(digest(1))


def test_a_removed_file_is_a_miss_and_can_be_put_again(store: Store) -> None:
    """The row of a file that is gone promises nothing for long."""
    name = store.put(b"abc")
    object_file(store, name).unlink()
    assert store.check([name]) == set()
    assert store._index.object(name) is None
    assert store.put(b"abc") == name
    assert store.get(name) == b"abc"


def test_an_unreadable_object_is_a_miss(store: Store) -> None:
    """Something else in an object's place (here a folder) is no error of the pipeline."""
    name = store.put(b"abc")
    object_file(store, name).unlink()
    object_file(store, name).mkdir()
    assert store.check([name]) == set()
    with pytest.raises(NoSuchResult):
        store.get(name)


def test_a_changed_stat_means_hashing_and_wrong_bytes_a_miss(store: Store) -> None:
    """Corruption that changes the stat is found by the check, quarantined, and counts as absent."""
    name = store.put(b"abc")
    corrupt(object_file(store, name))
    assert store.check([name]) == set()
    assert not object_file(store, name).exists()
    assert [entry.partition("-")[0] for entry in quarantined(store)] == [name]


def test_a_changed_stat_with_right_bytes_is_trusted_again(store: Store) -> None:
    """A touched object is hashed once and then has a row with its new stat."""
    name = store.put(b"abc")
    os.utime(object_file(store, name))
    assert store.check([name]) == {name}
    row = store._index.object(name)
    assert row is not None
    assert row.token == store._objects._token(name)


def test_get_hashes_what_it_returns(store: Store) -> None:
    """Even where the stat is as it was (a flipped bit on the disk), wrong bytes are not returned."""
    name = store.put(b"abc" * 100)
    path = object_file(store, name)
    corrupt(path)
    with store._database.writing() as connection:  # as if ctime had not changed either
        token = store._objects._token(name)
        connection.execute("UPDATE objects SET token = ?", (token,))
    with pytest.raises(NoSuchResult):
        store.get(name)
    assert len(quarantined(store)) == 1
    assert store.check([name]) == set()


def test_what_an_earlier_boot_wrote_without_a_sync_is_hashed(store: Store) -> None:
    """After a power cut an object whose stat still matches may hold other bytes."""
    good, bad = store.put(b"good"), store.put(b"bad!")
    corrupt(object_file(store, bad))
    with store._database.writing() as connection:
        connection.execute(
            "UPDATE objects SET token = ? WHERE digest = ?", (store._objects._token(bad), bytes.fromhex(bad))
        )
    assert store.check([good, bad]) == {good, bad}  # the stat is all that this boot looks at
    power_cut(store)
    assert store.check([good, bad]) == {good}
    assert settled(store, good)


def test_what_was_synced_survives_a_power_cut_unhashed(store: Store) -> None:
    """After sync() the rows do not depend on the boot any more."""
    name = store.put(b"abc")
    store.sync()
    power_cut(store)
    assert settled(store, name)


def test_a_sync_does_not_cover_what_is_written_during_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that another process adds while the disk is busy are not marked as synced."""
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        early = store.put(b"early")
        late = []

        def slow(folder: str) -> None:
            sync_file_system(folder)
            late.append(other.put(b"late"))

        monkeypatch.setattr("luisy.cas.store.sync_file_system", slow)
        store.sync()
        monkeypatch.undo()
        power_cut(store)
        assert (settled(store, early), settled(store, late[0])) == (True, False)


def test_a_sync_with_nothing_to_do_leaves_the_disk_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two syncs makes no system call."""
    store.put(b"abc")
    calls: list[str] = []
    monkeypatch.setattr("luisy.cas.store.sync_file_system", calls.append)
    store.sync()
    store.sync()
    assert calls == [str(store.path)]


def test_a_file_without_a_row_is_replaced_not_trusted(store: Store) -> None:
    """The rest of a crash at an object's name does not become the object."""
    name = digest_bytes(b"abc")
    path = object_file(store, name)
    path.parent.mkdir()
    path.write_bytes(b"ab")
    assert store.check([name]) == set()
    assert store.put(b"abc") == name
    assert path.read_bytes() == b"abc"


def test_a_hard_link_keeps_the_object_trusted(store: Store, workspace: Path) -> None:
    """Linking changes the object's ctime; that alone costs no hashing later."""
    name = store.put(b"abc")
    assert store.materialise(name, workspace / "f", mode=LinkMode.HARDLINK) is LinkMode.HARDLINK
    row = store._index.object(name)
    assert row is not None
    assert row.token == store._objects._token(name)


def test_writing_through_a_hard_link_is_found(store: Store, workspace: Path) -> None:
    """Whoever writes through the link changes the object, which is then a miss."""
    name = store.put(b"abc")
    store.materialise(name, workspace / "f", mode=LinkMode.HARDLINK)
    (workspace / "f").chmod(0o644)
    (workspace / "f").write_bytes(b"abd")
    assert store.check([name]) == set()


def test_an_executable_file_is_never_a_hard_link(store: Store, workspace: Path) -> None:
    """The object has no execute bit, so a link could not have one."""
    name = store.put(b"#!/bin/sh\n")
    used = store.materialise(name, workspace / "f", mode=LinkMode.HARDLINK, executable=True)
    assert used is not LinkMode.HARDLINK
    assert os.access(workspace / "f", os.X_OK)


def test_the_same_hard_link_twice_leaves_no_temporary(store: Store, workspace: Path) -> None:
    """rename(2) does nothing where both names are one inode."""
    name = store.put(b"abc")
    for _ in range(2):
        store.materialise(name, workspace / "f", mode=LinkMode.HARDLINK)
    assert os.listdir(workspace) == ["f"]


def test_materialised_files_respect_the_umask(store: Store, workspace: Path) -> None:
    """As if the user's own task had written them."""
    name = store.put(b"abc")
    mask = os.umask(0o027)
    try:
        store.materialise(name, workspace / "f")
        store.materialise(name, workspace / "x", executable=True)
    finally:
        os.umask(mask)
    modes = [stat.S_IMODE((workspace / file).stat().st_mode) for file in ("f", "x")]
    assert modes == [0o640, 0o750]


def test_materialise_replaces_what_is_there(store: Store, workspace: Path) -> None:
    """A file, a folder or a dangling link at the path gives way."""
    name = store.put(b"abc")
    (workspace / "f").write_text("old")
    (workspace / "d" / "sub").mkdir(parents=True)
    (workspace / "l").symlink_to("nowhere")
    for file in ("f", "d", "l"):
        store.materialise(name, workspace / file)
        assert (workspace / file).read_bytes() == b"abc"
    assert sorted(os.listdir(workspace)) == ["d", "f", "l"]


def test_a_miss_leaves_the_path_as_it_was(store: Store, workspace: Path) -> None:
    """Materialising what is not there touches nothing."""
    (workspace / "f").write_text("old")
    with pytest.raises(NoSuchResult):
        store.materialise(digest(1), workspace / "f")
    assert (workspace / "f").read_text() == "old"


def test_a_long_name_can_be_materialised(store: Store, workspace: Path) -> None:
    """The temporary name beside it does not exceed the file system's limit."""
    name = store.put(b"abc")
    store.materialise(name, workspace / ("x" * 255))
    assert os.listdir(workspace) == ["x" * 255]


@pytest.mark.parametrize("size", [10, 3 * CHUNK])
def test_a_file_that_changes_while_it_is_copied_is_an_error(store: Store, workspace: Path, size: int) -> None:
    """Neither its old nor its new bytes are promised, and nothing is left in tmp/."""
    path = workspace / "f"
    path.write_bytes(os.urandom(size))
    before = path.stat()
    path.write_bytes(os.urandom(size + 1))
    descriptor = os.open(path, os.O_RDONLY)
    with pytest.raises(StoreError) as caught:
        store._objects.stage_file(descriptor, before, str(path))
    os.close(descriptor)
    assert caught.value.slug == "source-changed"
    assert os.listdir(store.path / "tmp") == []


def test_open_object_is_verified(store: Store) -> None:
    """A large object is read as a file, after its stat or its bytes were compared."""
    name = store.put(b"abc")
    with store.open_object(name) as file:
        assert file.read() == b"abc"
    corrupt(object_file(store, name))
    with pytest.raises(NoSuchResult):
        store.open_object(name)


def test_a_check_of_ten_thousand_is_one_query(store: Store) -> None:
    """The number of statements does not grow with the number of digests."""
    with store.transaction():
        names = [store.put(str(number).encode()) for number in range(10_000)]
    statements: list[str] = []
    store._database.connection.set_trace_callback(statements.append)
    assert len(store.check(names)) == 10_000
    assert len(statements) == 1


def test_a_malformed_digest_is_refused(store: Store) -> None:
    """Digests are checked by shape before they reach SQL or a path."""
    for bad in ("ab", "g" * 64, "../" * 21 + "x"):
        with pytest.raises(ValueError):  # noqa: PT011 - any text
            store.check([bad])  # type: ignore[list-item] # that is the point

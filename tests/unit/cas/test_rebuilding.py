"""An index that is made again from the files of the store."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from luisy.errors import CorruptionError
from tests.unit.cas.values import action, corrupt, kept, key, object_file

if TYPE_CHECKING:
    from pathlib import Path


def test_the_index_can_be_made_again_from_the_files(tmp_path: Path) -> None:
    """Actions, aliases, traces and rescued files are as before; what is damaged is named and left out."""
    (tmp_path / "w").mkdir()
    with Store.open(tmp_path / "s") as store:
        manifest = kept(store, tmp_path / "w" / "f")
        for number in (1, 2):
            store.record(action(manifest, number, shallow_key=key(60), base_key=key(70)))
        store.alias(key(9), key(1))
        store.rescue(str(tmp_path / "w" / "f"))
        bad = store.put(b"bad")
        asked = [key(1), key(2), key(9)]
        before = store.results(asked), store.traced([key(70)]), store.by_shallow(key(60)), store.rescued()
    corrupt(object_file(store, bad))
    for file in (tmp_path / "s").glob("index.db*"):
        file.unlink()
    with Store.open(tmp_path / "s") as store:
        found = store.rebuild()
        after = store.results(asked), store.traced([key(70)]), store.by_shallow(key(60)), store.rescued()
        assert after == before
        assert store.check(manifest.objects) == set(manifest.objects)
        assert store.check([bad]) == set()
        assert store._index.rebuilt() is not None
    assert (found.objects, found.actions, found.aliases, found.rescued) == (2, 2, 1, 1)
    assert found.damaged == (str(object_file(store, bad)),)


def test_actions_without_their_objects_are_not_filed_again(store: Store, workspace: Path) -> None:
    """A rebuilt index promises no missing bytes either."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest))
    object_file(store, manifest.entries[0].digest).unlink()
    assert store.rebuild().actions == 0
    assert store.results([key(1)]) == {}


def test_an_alias_file_that_a_crash_left_is_older_than_the_action(store: Store, workspace: Path) -> None:
    """A rebuild takes the later of a key's alias and its own action."""
    manifest = kept(store, workspace / "f")
    store.record(action(manifest, 2))
    store.alias(key(1), key(2))
    (left,) = (store.path / "records" / "alias").rglob("0*1")
    data = left.read_bytes()
    store.record(action(manifest, 1, created=time.time() + 1))
    left.write_bytes(data)
    store.rebuild()
    assert store.results([key(1)])[key(1)].key == key(1)


def test_a_corrupt_index_is_set_aside_and_rebuilt(tmp_path: Path) -> None:
    """Nothing but the index is lost, and not even that: it lies in quarantine."""
    (tmp_path / "w").mkdir()
    with Store.open(tmp_path / "s") as store:
        store.record(action(kept(store, tmp_path / "w" / "f")))
    (tmp_path / "s" / "index.db").write_bytes(b"rubbish" * 5000)
    with pytest.raises(CorruptionError):
        Store.open(tmp_path / "s")
    assert Store.rebuild_at(tmp_path / "s").actions == 1
    assert any(path.name.startswith("index.db") for path in (tmp_path / "s" / "quarantine").iterdir())


# --- an index that is lost


def lose_index(folder: Path) -> None:
    """Remove the index as a user would who takes it for a cache, or a backup that left it out."""
    (folder / "index.db").unlink()


def test_a_lost_index_is_made_again_when_the_store_is_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The results are there as before, a log line says why it takes its time, and only the index is new."""
    (tmp_path / "w").mkdir()
    with Store.open(tmp_path / "s") as store:
        made = action(kept(store, tmp_path / "w" / "f"))
        store.record(made)
    lose_index(tmp_path / "s")
    with Store.open(tmp_path / "s", create=False) as store:
        assert store.action(made.key) == made
        assert store.check([made.manifest]) == {made.manifest}
        assert store._index.rebuilt() is not None
        assert store.put(b"more") in store.check([store.put(b"more")])
    assert "has lost its index" in caplog.text
    assert os.listdir(tmp_path / "s" / "tmp") == []
    caplog.clear()
    Store.open(tmp_path / "s").close()
    assert caplog.text == ""


def test_a_lost_index_is_made_again_once_by_two_who_need_it(tmp_path: Path) -> None:
    """Who comes second while it is made waits, and finds it."""
    with Store.open(tmp_path / "s") as store:
        name = store.put(b"abc")
    lose_index(tmp_path / "s")

    def work() -> None:
        with Store.open(tmp_path / "s") as store:
            assert store.check([name]) == {name}

    children = [multiprocessing.get_context("fork").Process(target=work) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0, 0]


def test_the_wal_of_a_lost_index_does_not_come_into_the_new_one(tmp_path: Path) -> None:
    """SQLite would take it for the new index's own; what it said is in the files."""
    with Store.open(tmp_path / "s") as store:
        name = store.put(b"abc")
        shutil.copyfile(tmp_path / "s" / "index.db-wal", tmp_path / "wal")
    lose_index(tmp_path / "s")
    shutil.copyfile(tmp_path / "wal", tmp_path / "s" / "index.db-wal")
    with Store.open(tmp_path / "s") as store:
        assert store.check([name]) == {name}
        assert store._database.query("PRAGMA integrity_check") == [("ok",)]


def test_a_lost_index_that_cannot_be_made_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store without an index is no empty store: it is not begun anew."""
    with Store.open(tmp_path) as store:
        store.put(b"abc")
    lose_index(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("luisy.cas.rebuilding.os.replace", full)
    with pytest.raises(CorruptionError) as caught:
        Store.open(tmp_path)
    assert caught.value.slug == "lost-index"
    assert not (tmp_path / "index.db").exists()
    assert os.listdir(tmp_path / "tmp") == []


def test_a_lost_index_is_rebuilt_on_request_as_well(tmp_path: Path) -> None:
    """``cas verify --rebuild`` has nothing to set aside."""
    (tmp_path / "w").mkdir()
    with Store.open(tmp_path / "s") as store:
        store.record(action(kept(store, tmp_path / "w" / "f")))
    lose_index(tmp_path / "s")
    assert Store.rebuild_at(tmp_path / "s").actions == 1
    assert os.listdir(tmp_path / "s" / "quarantine") == []

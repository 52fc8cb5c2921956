"""What ``verify`` finds in a store, and what a repair leaves."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, verify
from luisy.cas.acceptances import Acceptance
from luisy.cas.pins import Pin
from luisy.cas.records import RecordKind
from luisy.cas.verify import Flaw, Mended
from luisy.errors import CorruptionError
from tests.unit.cas.values import action, corrupt, digest, kept, key, object_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from luisy.model import Key, Manifest


def filled(store: Store, workspace: Path) -> tuple[Manifest, Manifest]:
    """Two actions (1: a folder of two files, 2: a file), an alias and a rescued file."""
    (workspace / "folder").mkdir()
    for name in ("a", "b"):
        (workspace / "folder" / name).write_text(name * 9)
    first = store.keep([(b"", str(workspace / "folder"))])
    second = kept(store, workspace / "file", "second")
    store.record(action(first, 1))
    store.record(action(second, 2))
    store.alias(key(9), key(1))
    store.rescue(str(workspace / "file"))
    return first, second


def flaws(store: Store) -> list[tuple[Flaw, str]]:
    """What is wrong, in short."""
    return sorted(
        ((problem.flaw, problem.name) for problem in verify.inspect(store).problems),
        key=lambda found: (found[0].value, found[1]),
    )


def everything(store: Store) -> tuple[set[str], list[str]]:
    """All files of the store but SQLite's, and all rows."""
    files = {
        os.path.join(folder, name)
        for folder, _, names in os.walk(store.path)
        for name in names
        if "index.db" not in name
    }
    return files, list(store.database.connection.iterdump())


def action_file(store: Store, name: Key) -> Path:
    """Where the file of an action lies."""
    return store.path / "actions" / name[:2] / name[2:]


def test_a_sound_store_has_no_problems(store: Store, workspace: Path) -> None:
    """Everything is counted, and nothing is wrong."""
    filled(store, workspace)
    found = verify.inspect(store)
    status = store.status()
    assert (found.objects, found.bytes) == (status.objects, status.object_bytes)
    assert (found.actions, found.records) == (2, 2)
    assert (found.problems, found.orphans.total()) == ([], 0)


def flip(path: Path) -> None:
    """One bit; size and modification time stay."""
    corrupt(path)


def truncate(path: Path) -> None:
    """As after a power cut."""
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    """As after a power cut on other file systems."""
    os.truncate(path, 0)


def make_folder(path: Path) -> None:
    """Something else in its place."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [flip, truncate, empty, make_folder])
def test_a_damaged_object_is_found_with_what_needs_it(
    store: Store, workspace: Path, damage: Callable[[Path], None]
) -> None:
    """The object, and the one action that cannot be served without it, by its task."""
    first, _ = filled(store, workspace)
    bad = first.objects[0]
    damage(object_file(store, bad))
    assert flaws(store) == [(Flaw.DAMAGED_OBJECT, bad), (Flaw.DANGLING_ACTION, key(1))]
    (of_action,) = [problem for problem in verify.inspect(store).problems if problem.name == key(1)]
    assert (of_action.family, of_action.params) == ("Clean", {"year": "1"})


def test_two_swapped_objects_are_both_damaged(store: Store, workspace: Path) -> None:
    """Bytes of another object are wrong bytes."""
    first, _ = filled(store, workspace)
    one, other = (object_file(store, digest) for digest in first.objects)
    one.rename(workspace / "aside")
    other.rename(one)
    (workspace / "aside").rename(other)
    assert [flaw for flaw, _ in flaws(store)] == [
        Flaw.DAMAGED_OBJECT,
        Flaw.DAMAGED_OBJECT,
        Flaw.DANGLING_ACTION,
    ]


def test_a_lost_object_is_found_with_what_needs_it(store: Store, workspace: Path) -> None:
    """A row without its file."""
    first, _ = filled(store, workspace)
    object_file(store, first.objects[1]).unlink()
    assert flaws(store) == [(Flaw.DANGLING_ACTION, key(1)), (Flaw.LOST_OBJECT, first.objects[1])]


def test_a_result_without_its_list_of_outputs_dangles(store: Store, workspace: Path) -> None:
    """Also where the index has no row of the manifest."""
    first, _ = filled(store, workspace)
    object_file(store, first.digest).unlink()
    with store.database.writing() as connection:
        connection.execute("DELETE FROM objects WHERE digest = ?", (bytes.fromhex(first.digest),))
    assert flaws(store) == [(Flaw.DANGLING_ACTION, key(1))]


def test_a_damaged_action_is_found(store: Store, workspace: Path) -> None:
    """A file that does not verify, and one that is another action's."""
    filled(store, workspace)
    flip(action_file(store, key(1)))
    action_file(store, key(2)).write_bytes(action_file(store, key(1)).read_bytes())
    assert flaws(store) == [(Flaw.DAMAGED_ACTION, key(1)), (Flaw.DAMAGED_ACTION, key(2))]


def test_a_lost_action_is_found(store: Store, workspace: Path) -> None:
    """A row that no rebuild could make again."""
    filled(store, workspace)
    action_file(store, key(2)).unlink()
    assert flaws(store) == [(Flaw.LOST_ACTION, key(2))]


KINDS = sorted(kind.value for kind in RecordKind)


def with_every_record(store: Store, workspace: Path, kind: str) -> Path:
    """Put one record of each kind into the store; returns the file of the one of *kind*."""
    first, _ = filled(store, workspace)
    store.pin("name", key(1))
    store.file_acceptances(
        [Acceptance(key(8), key(1), "weather", "Clean", {}, digest(7), (), proved=False, created=5.0)]
    )
    store.see_refs("file:///remote", "weather", {"raw": first.digest})
    store.record(action(first, 2), superseding=True)
    (file,) = (path for path in (store.path / "records" / kind).rglob("*") if path.is_file())
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_record_is_found_and_written_again(store: Store, workspace: Path, kind: str) -> None:
    """What does not verify is put aside, and the row has all that the file needs."""
    file = with_every_record(store, workspace, kind)
    before = file.read_bytes()
    flip(file)
    found = verify.inspect(store)
    assert [(problem.flaw, problem.path) for problem in found.problems] == [(Flaw.DAMAGED_RECORD, str(file))]
    verify.repair(store, found)
    assert [problem.mended for problem in found.problems] == [Mended.REPLACED]
    assert flaws(store) == []
    assert file.read_bytes() == before
    assert len(list((store.path / "quarantine").iterdir())) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_record_is_found_and_written_again(store: Store, workspace: Path, kind: str) -> None:
    """A row whose file is gone: a rebuild would lose what it says."""
    file = with_every_record(store, workspace, kind)
    before = file.read_bytes()
    file.unlink()
    found = verify.inspect(store)
    assert [(problem.flaw, problem.path) for problem in found.problems] == [(Flaw.LOST_RECORD, str(file))]
    verify.repair(store, found)
    assert [problem.mended for problem in found.problems] == [Mended.REPLACED]
    assert file.read_bytes() == before
    assert flaws(store) == []


def test_a_damaged_record_that_no_row_tells_of_is_put_aside(store: Store, workspace: Path) -> None:
    """Nobody could write it again."""
    file = with_every_record(store, workspace, "pin")
    with store.database.writing() as connection:
        connection.execute("DELETE FROM pins")
    flip(file)
    found = verify.inspect(store)
    assert found.orphans["records"] == 1
    verify.repair(store, found)
    assert [problem.mended for problem in found.problems] == [Mended.QUARANTINED]
    assert flaws(store) == []


def test_looking_changes_nothing(store: Store, workspace: Path) -> None:
    """Also not where something is wrong: no file and no row."""
    first, _ = filled(store, workspace)
    flip(object_file(store, first.objects[0]))
    truncate(action_file(store, key(2)))
    before = everything(store)
    assert len(verify.inspect(store).problems) == 3
    assert everything(store) == before


def test_what_a_crash_leaves_is_no_damage(store: Store, workspace: Path) -> None:
    """Files that no row tells of are counted, whatever is in them."""
    filled(store, workspace)
    for folder in ("objects", "actions", "records/pin"):
        (store.path / folder / "00").mkdir(parents=True, exist_ok=True)
        (store.path / folder / "00" / ("1" * 62)).write_bytes(Pin("half", key(1), 1.0).encode())
    found = verify.inspect(store)
    assert found.problems == []
    assert found.orphans == {"objects": 1, "actions": 1, "records": 1}


def test_a_repair_makes_misses_and_keeps_the_bytes(store: Store, workspace: Path) -> None:
    """What is damaged lies in quarantine, its action is gone, the other one is as it was, and nothing is wrong."""
    first, second = filled(store, workspace)
    bad = first.objects[0]
    truncate(object_file(store, bad))
    found = verify.inspect(store)
    verify.repair(store, found)
    assert {problem.mended for problem in found.problems} == {Mended.QUARANTINED}
    assert found.left == []
    assert (store.results([key(1), key(9)]), store.check([bad])) == ({}, set())
    assert store.check(second.objects) == set(second.objects)
    assert len(list((store.path / "quarantine").iterdir())) == 2
    assert flaws(store) == []


def test_what_is_lost_is_forgotten(store: Store, workspace: Path) -> None:
    """Rows of files that are gone go."""
    first, _ = filled(store, workspace)
    object_file(store, first.objects[1]).unlink()
    found = verify.inspect(store)
    verify.repair(store, found)
    assert {problem.flaw: problem.mended for problem in found.problems} == {
        Flaw.LOST_OBJECT: Mended.FORGOTTEN,
        Flaw.DANGLING_ACTION: Mended.QUARANTINED,
    }
    assert flaws(store) == []


def test_what_can_be_fetched_stays(store: Store, workspace: Path) -> None:
    """A good copy from elsewhere takes the place of the damaged one; the action remains."""
    first, _ = filled(store, workspace)
    bad = first.objects[0]
    flip(object_file(store, bad))
    asked: list[Key] = []

    def fetch(keys: Sequence[Key]) -> None:
        asked.extend(keys)
        store.put(b"a" * 9)

    found = verify.inspect(store)
    verify.repair(store, found, fetch)
    assert asked == [key(1)]
    assert {problem.mended for problem in found.problems} == {Mended.REPLACED}
    assert key(1) in store.results([key(1)])
    assert store.get(bad) == b"a" * 9


def test_what_a_rebuild_left_out_is_told(store: Store, workspace: Path) -> None:
    """The new index knows nothing of a damaged object; it is a problem until it is put aside."""
    first, _ = filled(store, workspace)
    flip(object_file(store, first.objects[0]))
    found = verify.inspect(store, unreadable=store.rebuild().damaged)
    assert [problem.flaw for problem in found.left] == [Flaw.UNREADABLE_FILE]
    verify.repair(store, found)
    assert found.left == []
    assert not object_file(store, first.objects[0]).exists()


def test_a_damaged_index_is_told(tmp_path: Path, workspace: Path) -> None:
    """SQLite's own check is part of it."""
    with Store.open(tmp_path / "s") as store:
        for number in range(60):
            store.record(action(kept(store, workspace / "f", str(number)), number))
    index = tmp_path / "s" / "index.db"
    with sqlite3.connect(index) as connection:
        (page, size) = connection.execute(
            "SELECT (SELECT rootpage FROM sqlite_master WHERE name = 'actions_task'), "
            "(SELECT page_size FROM pragma_page_size)"
        ).fetchone()
    data = bytearray(index.read_bytes())
    data[(page - 1) * size + 200 : page * size] = os.urandom(size - 200)
    index.write_bytes(data)
    with Store.open(tmp_path / "s") as store, pytest.raises(CorruptionError) as caught:
        verify.inspect(store)
    assert caught.value.slug == "corrupt-index"

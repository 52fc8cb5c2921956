"""A gc carried out: beside others, under runs, killed at any point."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Acceptance, Store, _layout, actions, collecting, verify
from luisy.cas.collecting import Collector
from luisy.cas.database import Database
from luisy.cas.gc import Policy
from luisy.cas.pins import Pin
from luisy.cas.receiving import Received
from luisy.errors import CorruptionError, StoreError
from tests.unit.cas.test_verify import everything
from tests.unit.cas.values import action, digest, kept, key, leave_a_folder, object_file

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from luisy.cas.collecting import Collected
    from luisy.model import Action, Digest, Manifest

DAY = 86400.0
FORK = multiprocessing.get_context("fork")


def record(store: Store, workspace: Path, number: int, *, days: float = 0.0, text: str = "") -> Manifest:
    """Keep a file of its own and record action *number*, made *days* ago, with parts."""
    manifest = kept(store, workspace / "f", text or f"content {number}")
    made: Action = action(
        manifest, number, created=time.time() - days * DAY, parts=store.put(b"parts %d" % number)
    )
    store.record(made)
    return manifest


def collected(store: Store, policy: Policy | None = None, *, days: float = 0.0) -> Collected:
    """What a gc does, *days* from now."""
    collector = Collector(store, policy or Policy(90 * DAY), now=time.time() + days * DAY)
    return collector.collect(collector.plan())


def sound(store: Store) -> bool:
    """Whether nothing is wrong and every action can be read."""
    assert verify.inspect(store).problems == []
    return all(store.action(item.key) is not None for item in store.list_actions())


def forget_needs(store: Store) -> None:
    """As in a store from before the index told what actions need."""
    with store.database.writing() as connection:
        connection.execute("UPDATE actions SET needs = NULL")


def files(store: Store, folder: str) -> int:
    """How many files lie in a folder of the store."""
    return sum(path.is_file() for path in (store.path / folder).rglob("*"))


def test_what_was_not_used_goes_with_its_objects(store: Store, workspace: Path) -> None:
    """Output, manifest, parts and action file; the other result is as it was, and what they share stays."""
    old = record(store, workspace, 1, days=100)
    new = record(store, workspace, 2, days=10)
    record(store, workspace, 3, days=100, text="content 2")
    done = collected(store)
    assert {one.holding.key for one in done.results} == {key(1), key(3)}
    assert (done.objects, done.orphans) == (4, 0)
    assert [item.key for item in store.list_actions()] == [key(2)]
    assert store.check([*old.objects, old.digest]) == set()
    assert store.check([*new.objects, new.digest]) == {*new.objects, new.digest}
    assert (files(store, "objects"), files(store, "actions")) == (3, 1)
    assert sound(store)


def test_a_plan_changes_nothing(store: Store, workspace: Path) -> None:
    """No file and no row."""
    record(store, workspace, 1, days=100)
    store.put(b"loose")
    before = everything(store)
    assert Collector(store, Policy(0.0), now=time.time() + 9 * DAY).plan().results
    assert everything(store) == before


def test_a_use_a_pin_and_the_newest_complete_run_keep_a_result(store: Store, workspace: Path) -> None:
    """Each by itself, and also those that came after the plan."""
    for number in range(1, 8):
        record(store, workspace, number, days=100)
    store.note_uses([key(1)])
    store.pin("name", key(2))
    store.note_complete_run("p", [key(3)])
    collector = Collector(store, Policy(90 * DAY))
    plan = collector.plan()
    assert {one.holding.key for one in plan.results} == {key(4), key(5), key(6), key(7)}
    store.note_uses([key(4)])
    store.pin("other", key(5))
    store.note_complete_run("q", [key(6)])
    assert [one.holding.key for one in collector.collect(plan).results] == [key(7)]
    assert {item.key for item in store.list_actions()} == {key(number) for number in range(1, 7)}
    assert sound(store)


def test_only_the_newest_complete_run_counts(store: Store, workspace: Path) -> None:
    """The one before it is like any other."""
    for number in (1, 2):
        record(store, workspace, number, days=100)
        store.note_complete_run("p", [key(number)])
    assert [one.holding.key for one in collected(store).results] == [key(1)]


def test_what_is_recorded_after_the_plan_keeps_its_objects(store: Store, workspace: Path) -> None:
    """Another action came to need the very objects that were to go."""
    record(store, workspace, 1, days=100)
    collector = Collector(store, Policy(90 * DAY))
    plan = collector.plan()
    manifest = record(store, workspace, 2, text="content 1")
    done = collector.collect(plan)
    assert ([one.holding.key for one in done.results], done.objects) == ([key(1)], 1)
    assert store.check(manifest.objects) == set(manifest.objects)
    assert sound(store)


def test_no_action_is_filed_on_objects_that_went_meanwhile(
    store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the objects and the transaction that files the action, a gc runs."""
    record(store, workspace, 1, days=100)
    manifest = kept(store, workspace / "f", "content 1")  # equal bytes: nothing is stored
    look = store._complete

    def looked_then_collected(name: str) -> Manifest | None:
        found = look(name)  # type: ignore[arg-type]  # a digest
        with Store.open(store.path) as other:
            collected(other)
        return found

    monkeypatch.setattr(store, "_complete", looked_then_collected)
    with pytest.raises(StoreError) as refused:
        store.record(action(manifest, 2))
    assert refused.value.slug == "missing-object"
    assert store.list_actions() == []
    assert sound(store)


def test_nothing_that_came_is_filed_on_objects_that_went_meanwhile(
    store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for what comes from a remote."""
    manifest = kept(store, workspace / "f", "content")
    look = store._objects.verified

    def looked_then_collected(names: Iterable[Digest]) -> set[Digest]:
        found = look(names)
        with Store.open(store.path) as other:
            collected(other, days=2)
        return found

    monkeypatch.setattr(store._objects, "verified", looked_then_collected)
    one = action(manifest, 1)
    assert store.receive([Received(one, actions.encode(one), manifest)]) == []
    assert store.list_actions() == []


def test_nothing_is_rescued_into_a_gc(store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where equal bytes lay there unused and went, the rescue fails, and the file is not replaced."""
    kept(store, workspace / "f", "edited")
    flush = store._flush

    def flushed_then_collected() -> None:
        flush()
        with Store.open(store.path) as other:
            collected(other, days=2)

    monkeypatch.setattr(store, "_flush", flushed_then_collected)
    with pytest.raises(StoreError):
        store.rescue(str(workspace / "f"))
    assert store.rescued() == []


def test_young_objects_without_an_action_stay_for_a_day(store: Store) -> None:
    """Somebody may be about to record an action; after that they go."""
    name = store.put(b"loose")
    assert collected(store).objects == 0
    assert collected(store, days=0.9).objects == 0
    assert store.check([name]) == {name}
    assert collected(store, days=1.1).objects == 1
    assert not object_file(store, name).exists()


def test_rescued_files_stay(store: Store, workspace: Path) -> None:
    """They are the only copy of what somebody has written by hand: a file, and a folder."""
    (workspace / "folder").mkdir()
    for path in ("edited", "folder/a"):
        (workspace / path).write_text(path)
    names = [store.rescue(str(workspace / path)) for path in ("edited", "folder")]
    collected(store, Policy(0.0, max_size=0), days=500)
    assert store.check(names) == set(names)
    manifest = store.manifests([names[1]])[names[1]]
    assert store.check(manifest.objects) == set(manifest.objects)


def test_what_led_to_a_deleted_result_goes(store: Store, workspace: Path) -> None:
    """Aliases and acceptances, with their records; those of other results stay."""
    for number, days in ((1, 100), (2, 0)):
        record(store, workspace, number, days=days)
        store.alias(key(number + 10), key(number))
        accepted = Acceptance(
            key(number + 20), key(number), "p", "F", {}, digest(9), (), proved=False, created=1.0
        )
        store.file_acceptances([accepted])
    collected(store)
    assert [one.key for one in store.acceptances()] == [key(22)]
    assert set(store.results([key(11), key(12)])) == {key(12)}
    assert (files(store, "records/alias"), files(store, "records/acceptance")) == (1, 1)
    assert store.rebuild().aliases == 1


def test_while_a_run_is_under_way_no_result_goes(store: Store, workspace: Path) -> None:
    """In another process; what nobody needs goes all the same, and after the run the results, too."""
    record(store, workspace, 1, days=100)
    loose = store.put(b"loose")
    began, end = FORK.Event(), FORK.Event()

    def run() -> None:
        with Store.open(store.path) as other, other.running():
            began.set()
            end.wait()

    process = FORK.Process(target=run)
    process.start()
    began.wait()
    try:
        done = collected(store, days=2)
        assert (done.running, done.results, done.objects) == (True, (), 1)
        assert store.check([loose]) == set()
        assert sound(store)
    finally:
        end.set()
        process.join()
    assert [one.holding.key for one in collected(store).results] == [key(1)]


def test_a_killed_run_holds_nothing_up(store: Store, workspace: Path) -> None:
    """The kernel lets go of its lock."""
    record(store, workspace, 1, days=100)
    began = FORK.Event()

    def run() -> None:
        with Store.open(store.path) as other, other.running():
            began.set()
            time.sleep(60)

    process = FORK.Process(target=run)
    process.start()
    began.wait()
    process.kill()
    process.join()
    assert len(collected(store).results) == 1


def test_after_a_rebuild_nothing_goes_for_the_retention_period(store: Store, workspace: Path) -> None:
    """The new index does not know what was used when; then everything is as ever."""
    record(store, workspace, 1, days=100)
    store.rebuild()
    for days in (0, 89):
        done = collected(store, days=days)
        assert (done.results, done.objects, done.orphans) == ((), 0, 0)
    assert [one.holding.key for one in collected(store, days=91).results] == [key(1)]


def test_what_killed_processes_left_goes_after_a_day(store: Store, workspace: Path) -> None:
    """Orphans, temporary files and folders, free locks; not a lock that is held, nor anything younger."""
    record(store, workspace, 1)
    for folder in ("objects", "actions"):
        (store.path / folder / "00").mkdir(exist_ok=True)
        (store.path / folder / "00" / ("1" * 62)).write_bytes(b"half")
    (store.path / "tmp" / "left").write_bytes(b"half")
    (store.path / "tmp" / "folder").mkdir()
    (store.path / "tmp" / "folder" / "f").touch()
    (store.path / "tmp" / "free.lock").touch()
    with (store.path / "tmp" / "held.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert collected(store, days=0.5) == collecting.Collected()
        done = collected(store, days=1.5)
    assert (done.orphans, done.temporary) == (2, 3)
    assert os.listdir(store.path / "tmp") == ["held.lock"]
    assert sound(store)


def test_a_result_that_cannot_be_read_stops_it(store: Store, workspace: Path) -> None:
    """Where the index does not tell, nobody can say what it needs, so nothing is deleted."""
    manifest = record(store, workspace, 1, days=100)
    forget_needs(store)
    object_file(store, manifest.digest).unlink()
    with pytest.raises(CorruptionError) as refused:
        collected(store)
    assert refused.value.slug == "damaged-results"


def _dying(store_path: Path, point: int) -> None:
    """In a child: a gc that is killed at its deed number *point*, counting commits and unlinked files."""
    deeds = iter(range(point))

    def count() -> None:
        if next(deeds, None) is None:
            os._exit(9)

    writing, remove = Database.writing, _layout.remove

    @contextmanager
    def counted(self: Database) -> Iterator[sqlite3.Connection]:
        with writing(self) as connection:
            yield connection
            count()
        count()

    def counted_remove(path: str) -> None:
        count()
        remove(path)
        count()

    Database.writing = counted  # type: ignore[method-assign]  # crash points round the real thing
    collecting.remove = counted_remove  # type: ignore[attr-defined]  # likewise, where gc calls it
    with Store.open(store_path) as store:
        collected(store)


def test_a_kill_at_any_point_leaves_a_sound_store(tmp_path: Path) -> None:
    """Before and after each commit and each unlinked file: nothing is wrong, nothing is lost, the next gc ends it."""
    (tmp_path / "w").mkdir()
    point, code = 0, 9
    while code == 9:
        folder = tmp_path / f"s{point}"
        with Store.open(folder) as store:
            for number, days in ((1, 100), (2, 100), (3, 0)):
                record(store, tmp_path / "w", number, days=days)
            store.alias(key(9), key(1))
        child = FORK.Process(target=_dying, args=(folder, point))
        child.start()
        child.join()
        code = child.exitcode or 0
        with Store.open(folder) as store:
            assert sound(store)
            assert key(3) in store.results([key(3)])
            collected(store, days=1.5)
            assert sound(store)
            assert [item.key for item in store.list_actions()] == [key(3)]
            assert (files(store, "objects"), files(store, "actions")) == (3, 1)
        point += 1
    assert (code, point > 20) == (0, True)


def test_putting_collecting_and_verifying_at_once(tmp_path: Path) -> None:
    """Two processes record results of a few contents again and again, others collect all and verify: no promise is broken."""
    folder = tmp_path / "s"
    Store.open(folder).close()
    stop = FORK.Event()

    def write(name: str) -> None:
        work = tmp_path / name
        work.mkdir()
        with Store.open(folder) as store:
            number = 0
            while not stop.is_set():
                number += 1
                with suppress(StoreError):  # its objects went meanwhile: what a run keeps once more
                    record(store, work, number % 7 + 1, text=f"content {number % 5}")

    def collect() -> None:
        with Store.open(folder) as store:
            while not stop.is_set():
                collected(store, Policy(0.0))

    workers = [FORK.Process(target=write, args=(name,)) for name in ("a", "b")] + [
        FORK.Process(target=collect)
    ]
    for worker in workers:
        worker.start()
    try:
        with Store.open(folder) as store:
            for _ in range(60):
                assert verify.inspect(store).problems == []
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with Store.open(folder) as store:
        assert sound(store)


def test_records_that_no_row_tells_of_are_swept(store: Store, workspace: Path) -> None:
    """A pin whose process was killed before the commit: it stays for a day, as all that somebody may be about to need."""
    record(store, workspace, 1)
    store.pin("name", key(1))
    orphan = Pin("other", key(1), 1.0)
    _layout.install(str(_written(workspace, orphan.encode())), orphan.file(_layout.Layout(str(store.path))))
    assert collected(store).orphans == 0
    assert collected(store, days=2).orphans == 1
    assert files(store, "records") == 1
    assert sound(store)


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "new"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("told_by", ["index", "files"])
def test_what_the_row_names_stays_though_the_file_names_something_else(
    store: Store, workspace: Path, told_by: str
) -> None:
    """Killed between the new action's file and the commit of its row, the old result is still the one that counts."""
    old = record(store, workspace, 1, text="old")
    parts = store.put(b"parts 1")
    new = kept(store, workspace / "f", "new")
    file = store.path / "actions" / key(1)[:2] / key(1)[2:]
    file.unlink()
    file.write_bytes(actions.encode(action(new)))
    if told_by == "files":
        forget_needs(store)
    collected(store, days=2)
    assert store.check([*old.objects, old.digest]) == {*old.objects, old.digest}
    # Only the index knows what explains the old result; only who reads the file knows of the new one.
    assert store.check([parts, new.digest]) == {parts if told_by == "index" else new.digest}
    assert sound(store)


def test_folders_of_dead_processes_go_at_once(store: Store) -> None:
    """Those of living ones stay, however old they are."""
    leave_a_folder(store)
    assert collected(store).temporary == 1
    with store.temporary_folder() as mine:
        assert collected(store, days=5).temporary == 0
        assert os.path.isdir(mine)

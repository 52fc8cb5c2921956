"""What each action keeps alive, by the index and by files."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luisy.cas import Store, actions, manifests, verify
from luisy.cas.collecting import Collector
from luisy.cas.gc import Policy
from luisy.cas.marks import mark
from luisy.errors import CorruptionError
from luisy.model import Digest
from tests.unit.cas.test_collecting import DAY, collected, forget_needs, record, sound
from tests.unit.cas.values import action, digest, kept, key

if TYPE_CHECKING:
    from luisy.cas.gc import Plan
    from luisy.model import Key


def planned(store: Store, policy: Policy) -> Plan[int]:
    """What a gc would delete in two days."""
    return Collector(store, policy, now=time.time() + 2 * DAY).plan()


def told(store: Store) -> dict[Key, bytes]:
    """What the index tells of each action."""
    return store._actions.needs([item.key for item in store.list_actions()])


def put_needs(store: Store, number: int, needs: bytes | None) -> None:
    """Let the index tell something else of an action."""
    with store.database.writing() as connection:
        connection.execute("UPDATE actions SET needs = ? WHERE key = ?", (needs, bytes.fromhex(key(number))))


def by_files(store: Store, staying: set[Key]) -> dict[int, int]:
    """The marks and bytes of all objects that the files of no action in *staying* name."""
    live: set[Digest] = set()
    for path in (store.path / "actions").glob("*/*"):
        found = actions.decode(path.read_bytes())
        if found.key in staying:
            data = (store.path / "objects" / found.manifest[:2] / found.manifest[2:]).read_bytes()
            live |= {found.manifest, *manifests.decode(data).objects}
            live |= {name for name in (found.parts, found.sources) if name is not None}
    files = {path.parent.name + path.name: path for path in (store.path / "objects").glob("*/*")}
    return {mark(Digest(name)): path.stat().st_size for name, path in files.items() if name not in live}


RESULTS = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 2), st.integers(0, 200)),
    max_size=6,
)
"""Of each: the contents of its files, which sources explain it, days since it was made."""


@settings(max_examples=25)
@given(RESULTS, st.none() | st.integers(0, 300), st.data())
def test_index_and_files_tell_the_same(
    results: list[tuple[list[int], int, int]], max_size: int | None, data: st.DataObject
) -> None:
    """Whether the index tells of all actions, of some or of none: the same results and objects would go."""
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "s") as store:
        work = Path(folder) / "w"
        for number, (contents, sources, days) in enumerate(results):
            (work / str(number)).mkdir(parents=True)
            for place, content in enumerate(contents):
                (work / str(number) / str(place)).write_text(f"content {content}" * content)
            made = action(
                store.take_in([(b"", str(work / str(number)))]),
                number,
                created=time.time() - days * DAY,
                parts=store.put(b"parts %d" % number),
                sources=store.put(b"sources %d" % sources) if sources else None,
            )
            store.record(made)
        store.put(b"loose")
        policy = Policy(90 * DAY, max_size=max_size)
        by_index = planned(store, policy)
        assert len(told(store)) == len(results)
        for number in data.draw(st.sets(st.integers(0, len(results)))):
            put_needs(store, number, data.draw(st.none() | st.binary(max_size=30)))
        again = planned(store, policy)
        assert [one.holding.key for one in again.results] == [one.holding.key for one in by_index.results]
        assert (again.objects, again.bytes_left) == (by_index.objects, by_index.bytes_left)
        staying = {key(number) for number in range(len(results))} - {
            one.holding.key for one in by_index.results
        }
        gone = by_files(store, staying)
        assert (by_index.objects, by_index.bytes) == (gone.keys(), sum(gone.values()))


def old_index(path: Path) -> None:
    """The index as a luisy made it whose newest migration was the ninth."""
    with closing(sqlite3.connect(path / "index.db", isolation_level=None)) as index:
        index.execute("ALTER TABLE actions DROP COLUMN needs")
        index.execute("DELETE FROM _sqlite_migrations WHERE name LIKE '0010%'")
        index.execute("PRAGMA user_version = 9")


def test_in_a_migrated_store_nothing_that_is_needed_goes(tmp_path: Path) -> None:
    """Parts and outputs of what stays are there after a gc, what went has gone, and the index tells from then on."""
    (tmp_path / "w").mkdir()
    with Store.open(tmp_path / "s") as store:
        for number, days in ((1, 100), (2, 10), (3, 10)):
            record(store, tmp_path / "w", number, days=days)
        before = told(store)
    old_index(tmp_path / "s")
    with Store.open(tmp_path / "s") as store:
        assert told(store) == {}
        done = collected(store, days=2)
        assert ([one.holding.key for one in done.results], done.objects) == ([key(1)], 3)
        assert sound(store)
        parts = {made.parts for made in store.actions([key(2), key(3)]).values() if made.parts is not None}
        assert store.check(parts) == parts
        assert len(parts) == 2
        assert told(store) == {name: before[name] for name in (key(2), key(3))}


def test_a_plan_does_not_fill_the_index(store: Store, workspace: Path) -> None:
    """It changes nothing."""
    record(store, workspace, 1)
    forget_needs(store)
    planned(store, Policy(90 * DAY))
    assert told(store) == {}


def test_what_was_filed_anew_is_not_told_of_by_what_was_read_before(store: Store, workspace: Path) -> None:
    """Between the plan and its carrying out a luisy files the action again, one that tells the index nothing."""
    record(store, workspace, 1)
    forget_needs(store)
    collector = Collector(store, Policy(90 * DAY), now=time.time() + 2 * DAY)
    plan = collector.plan()
    made = store.action(key(1))
    assert made is not None
    again = action(made.manifest, 1, created=time.time(), parts=store.put(b"other parts"))
    store.record(again, superseding=True)
    forget_needs(store)
    collector.collect(plan)
    assert told(store) == {}
    assert store.check([again.parts or digest(1)]) == {again.parts}


def test_the_file_of_another_filing_tells_the_index_nothing(store: Store, workspace: Path) -> None:
    """Killed just before the commit of a second filing with the same outputs: its parts are not those of the row."""
    manifest = record(store, workspace, 1)
    forget_needs(store)
    other = action(manifest, 1, created=7.0, parts=store.put(b"other parts"))
    file = store.path / "actions" / key(1)[:2] / key(1)[2:]
    file.unlink()
    file.write_bytes(actions.encode(other))
    collected(store, days=2)
    assert told(store) == {}
    assert store.check([other.parts or digest(1)]) == {other.parts}


def test_an_action_that_gave_way_takes_its_needs_along(store: Store, workspace: Path) -> None:
    """Where it is filed then, the index tells of it as before."""
    first = kept(store, workspace / "f", "first")
    store.record(action(first, 1, shallow_key=key(60)))
    (before,) = told(store).values()
    store.record(action(kept(store, workspace / "f", "second"), 1), superseding=True)
    assert told(store)[key(60)] == before
    assert sound(store)


def test_a_rebuilt_index_tells_the_same(store: Store, workspace: Path) -> None:
    """All that it tells stands in the files."""
    for number in (1, 2):
        record(store, workspace, number)
    before = told(store)
    store.rebuild()
    assert told(store) == before


def test_a_luisy_that_does_not_know_of_needs_files_actions_all_the_same(
    store: Store, workspace: Path
) -> None:
    """It opened the store before another one migrated it; gc reads what it has filed."""
    manifest = record(store, workspace, 1)
    with store.database.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO actions (key, task, params_digest, fingerprint, manifest, inputs, size, seconds,"
            " created, adopted, held_back) SELECT key, task, params_digest, fingerprint, manifest, inputs, size,"
            " seconds, created, adopted, held_back FROM actions"
        )
    assert told(store) == {}
    collected(store, days=2)
    assert store.check([*manifest.objects, store.put(b"parts 1")]) > set(manifest.objects)
    assert sound(store)


def test_a_damaged_table_of_objects_stops_it(store: Store, workspace: Path) -> None:
    """A stat token that is too short would move all that stands behind it."""
    record(store, workspace, 1)
    with store.database.writing() as connection:
        connection.execute("UPDATE objects SET token = x'00'")
    with pytest.raises(CorruptionError) as refused:
        planned(store, Policy(0.0))
    assert refused.value.slug == "corrupt-index"


def test_verify_finds_needs_that_the_files_do_not_bear_out(store: Store, workspace: Path) -> None:
    """Too few and too many, also with a right check; a repair lets gc read the files again."""
    from luisy.cas import marks

    manifest = record(store, workspace, 1)
    right = {manifest.digest, *manifest.objects, store.put(b"parts 1")}
    for wrong in (right - {manifest.digest}, right | {digest(5)}, right - {store.put(b"parts 1")}):
        put_needs(store, 1, marks.packed(manifest.digest, wrong))
        found = verify.inspect(store)
        assert [(one.flaw, one.name) for one in found.problems] == [(verify.Flaw.WRONG_NEEDS, key(1))]
        verify.repair(store, found)
        assert [one.mended for one in found.problems] == [verify.Mended.FORGOTTEN]
        assert told(store) == {}
        assert sound(store)


def test_verify_finds_needs_with_a_wrong_bit(store: Store, workspace: Path) -> None:
    """Gc does not go by them, but somebody should know that the index is damaged."""
    record(store, workspace, 1)
    needs = bytearray(told(store)[key(1)])
    needs[3] ^= 4
    put_needs(store, 1, bytes(needs))
    assert [one.flaw for one in verify.inspect(store).problems] == [verify.Flaw.WRONG_NEEDS]
    collected(store, days=2)
    assert sound(store)

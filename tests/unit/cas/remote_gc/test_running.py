"""A gc run of a remote: what goes, what stays, and what is left when it is killed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas import Store
from luisy.cas.gc import Policy
from luisy.cas.remote import ETag
from luisy.cas.remote.directory import DirectoryRemote
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_gc import Timing
from luisy.cas.remote_limits import COMPACT_ABOVE, FOLD_ABOVE, REPACK_WASTE
from luisy.cas.remote_names import new_uuid, segment_name
from luisy.cas.remote_records import Records
from luisy.cas.segments import encode, open_segment
from luisy.cas.transfer import Ref
from luisy.errors import CorruptionError
from tests.collectors import (
    EVERYTHING,
    NAMESPACE,
    blobs_in,
    collect,
    collector,
    names_in,
    planned,
    promised,
)
from tests.mirrors import Interposed, Killed, Machine, killed_at, machine, put_refs
from tests.unit.cas.values import digest, key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mirrors import Call

LARGE = 3 << 20
NEVER = Policy(older_than=1e9)


@pytest.fixture(params=["memory", "directory"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The adapters that need no server."""
    if request.param == "memory":
        return MemoryRemote()
    (tmp_path / "remote").mkdir()
    return DirectoryRemote(str(tmp_path / "remote"))


def incompressible(size: int = 1000) -> bytes:
    return os.urandom(size)


def pushed(folder: Path, remote: Any, *contents: Any) -> Machine:
    """A machine that has pushed results 1, 2..., each by a push of its own."""
    one = machine(folder, "one", remote)
    for number, data in enumerate(contents, 1):
        one.result(number, data)
        one.mirror.push()
    return one


def test_what_is_not_needed_goes_in_two_runs(tmp_path: Path, remote: Any) -> None:
    """The first says so and deletes nothing; the second deletes it, in the index and in bytes; the rest is served."""
    contents = [b"one", incompressible(LARGE), b"three", incompressible(LARGE)]
    one = pushed(tmp_path, remote, *contents)
    one.store.pin("keep", key(3))
    one.store.pin("keep too", key(4))
    before = blobs_in(remote)
    first = collect(one.store, remote)
    assert {going.holding.key for going in first.results} == {key(1), key(2)}
    assert blobs_in(remote) == before
    assert set(promised(tmp_path, "two", remote)) == {key(n) for n in range(1, 5)}
    second = collect(one.store, remote)
    assert {going.holding.key for going in second.finished.results} == {key(1), key(2)}
    assert len(before - blobs_in(remote)) == second.finished.blobs == 2
    assert promised(tmp_path, "three", remote) == {key(3): contents[2], key(4): contents[3]}
    assert names_in(remote, "gc") == []
    assert len(names_in(remote, "index/")) == 1
    third = collect(one.store, remote)
    assert (third.results, third.blobs, third.finished.results) == ((), 0, ())


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    """It lists and reads, and tells what would go by task, age, size and cost."""
    counting = Interposed(MemoryRemote())
    one = pushed(tmp_path, counting, b"one")
    counting.calls.clear()
    (going,) = planned(one.store, counting).results
    assert (going.holding.family, going.holding.seconds, going.holding.only_copy) == ("Clean", 0.5, False)
    assert counting.counted.keys() <= {"list", "get", "head"}


def test_what_is_young_stays(tmp_path: Path) -> None:
    """A push counts as a use."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    assert planned(one.store, remote, Policy(older_than=3600.0)).results == ()


def test_the_newest_complete_run_and_the_last_ones_stay(tmp_path: Path) -> None:
    """As in the store: what the newest complete run used, and so many of each task and parameters."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one", b"two")
    one.store.note_complete_run("weather", [key(1)])
    assert [going.holding.key for going in planned(one.store, remote).results] == [key(2)]
    assert planned(one.store, remote, Policy(older_than=0.0, keep_last=1)).results == ()


def test_beyond_a_size_the_least_worth_goes_first(tmp_path: Path) -> None:
    """By the seconds that it took for each of its bytes."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number, seconds in ((1, 100.0), (2, 1.0)):
        one.result(number, incompressible(LARGE), seconds=seconds)
    one.mirror.push()
    (going,) = planned(one.store, remote, Policy(1e9, max_size=LARGE + 1000)).results
    assert (going.holding.key, going.why.value) == (key(2), "max-size")


def test_what_refs_name_stays(tmp_path: Path) -> None:
    """Raw files that were pushed are needed while a ref names them, whatever the policy says."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    path = tmp_path / "raw.csv"
    path.write_bytes(incompressible())
    manifest = one.store.keep([(b"", str(path))])
    put_refs(one, {"raw/a.csv": Ref(manifest.digest)})
    collect(one.store, remote)
    collect(one.store, remote)
    two = machine(tmp_path, "two", remote)
    two.mirror.refresh()
    assert two.mirror.fetch_contents([manifest.digest]) == {}
    assert two.store.get(manifest.entries[0].digest or digest(0)) == path.read_bytes()


def test_raw_files_that_no_ref_names_go(tmp_path: Path) -> None:
    """A ref that was moved lets go of what it named."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for text in ("first", "second"):
        path = tmp_path / text
        path.write_text(text)
        put_refs(one, {"raw/a.csv": Ref(one.store.keep([(b"", str(path))]).digest)}, force=True)
    assert len(blobs_in(remote)) == 2
    collect(one.store, remote)
    collect(one.store, remote)
    assert len(blobs_in(remote)) == 1


def test_what_was_pushed_again_between_two_runs_stays(tmp_path: Path) -> None:
    """Its pusher found the tombstone, touched the blob and said all of it again."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    collect(one.store, remote)
    one.mirror.push()
    collect(one.store, remote, Policy(older_than=3600.0))
    assert promised(tmp_path, "two", remote) == {key(1): b"one"}
    assert names_in(remote, "gc") == []


def test_a_run_with_other_pins_withdraws(tmp_path: Path) -> None:
    """What another run has tombstoned and this one keeps gets another ETag before the tombstone goes."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    (blob,) = blobs_in(remote)
    etag = remote.list(NAMESPACE.blob(blob)).blobs[0].etag
    collect(one.store, remote)
    one.store.pin("keep", key(1))
    done = collect(one.store, remote)
    assert (done.finished.withdrawn, done.finished.blobs) == (1, 0)
    assert remote.list(NAMESPACE.blob(blob)).blobs[0].etag != etag
    assert promised(tmp_path, "two", remote) == {key(1): b"one"}


def test_orphans_go_once_they_are_old(tmp_path: Path) -> None:
    """Blobs of pushes that never committed; while they are young their push may be under way."""
    remote = MemoryRemote()
    _dead.clear()
    one = machine(tmp_path, "one", Interposed(remote, _killed_before_commit))
    one.result(1, incompressible(LARGE))
    with pytest.raises(Killed):
        one.mirror.push()
    assert len(blobs_in(remote)) == 1
    with Store.open(tmp_path / "other") as store:
        assert planned(store, remote, EVERYTHING).blobs
        assert collector(store, remote, timing=Timing()).plan().blobs == ()


def test_superseded_segments_go(tmp_path: Path) -> None:
    """What pushers folded is deleted with the rest, and the index is one segment again; nothing of it is lost."""
    remote = MemoryRemote()
    contents = [b"%d" % number for number in range(FOLD_ABOVE + 3)]
    one = pushed(tmp_path, remote, *contents)
    assert len(names_in(remote, "index/")) > FOLD_ABOVE
    done = collect(one.store, remote, NEVER)
    assert done.finished.segments == FOLD_ABOVE + 3
    (name,) = names_in(remote, "index/")
    assert name.startswith("index/0002-")
    assert promised(tmp_path, "two", remote) == {key(n): data for n, data in enumerate(contents, 1)}


def test_a_root_costs_four_requests_after_a_gc(tmp_path: Path) -> None:
    """On an empty machine, however many pushes there were: format, listing, one segment, one pack."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, *(b"%d" % number for number in range(FOLD_ABOVE + 5)))
    collect(one.store, remote, NEVER)
    counting = Interposed(remote)
    assert machine(tmp_path, "two", counting).pull(key(3)) == {key(3): b"2"}
    assert counting.counted == {"get": 3, "list": 1}


def test_few_segments_are_left_alone(tmp_path: Path) -> None:
    """Where nothing is to go, the index is not written anew for the sake of it."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, *(b"%d" % number for number in range(COMPACT_ABOVE)))
    before = names_in(remote)
    collect(one.store, remote, NEVER)
    assert names_in(remote) == before


def test_compaction_keeps_blocks_as_they_are(tmp_path: Path) -> None:
    """A record that is dropped leaves its digest, so that what was signed still is; empty blocks go."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number in (1, 2):
        one.result(number, b"%d" % number)
    one.mirror.push()
    one.result(3, b"3")
    one.mirror.push()

    def blocks() -> dict[bytes, Any]:
        segments = [
            open_segment(remote.get(NAMESPACE.blob(name)), "weather") for name in names_in(remote, "index/")
        ]
        return {block.slot: block for segment in segments for block in segment.directory.blocks}

    before = blocks()
    one.store.pin("keep", key(1))
    collect(one.store, remote)
    collect(one.store, remote)
    (left,) = blocks().values()
    assert left == before[left.slot]
    assert len(left.records) == 64


def test_a_large_index_becomes_several_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beside the superseding one lie above it, where a listing comes to them later."""
    remote = MemoryRemote()
    contents = [b"%d" % number for number in range(9)]
    one = pushed(tmp_path, remote, *contents)
    monkeypatch.setattr("luisy.cas.remote_gc.finishing.COMPACTED", 5000)
    collect(one.store, remote, NEVER)
    levels = [name[:10] for name in names_in(remote, "index/")]
    assert levels[0] == "index/0001"
    assert set(levels[1:]) == {"index/0002"}
    assert promised(tmp_path, "two", remote) == {key(n): data for n, data in enumerate(contents, 1)}


def test_a_pack_that_is_mostly_dead_is_packed_anew(tmp_path: Path) -> None:
    """What is left of it is in a small pack, then the large one goes."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    one.result(1, b"needed" * 20)
    one.result(2, incompressible(REPACK_WASTE + 1))
    one.mirror.push()
    one.store.pin("keep", key(1))
    sizes = []
    for _ in range(4):
        collect(one.store, remote)
        sizes.append(sum(blob.size for blob in remote.list(NAMESPACE.blob("packs/")).blobs))
    assert sizes[0] > REPACK_WASTE
    assert sizes[-1] < 1000
    assert promised(tmp_path, "two", remote) == {key(1): b"needed" * 20}
    assert planned(one.store, remote).repacks == ()


def test_a_large_manifest_keeps_what_it_names(tmp_path: Path) -> None:
    """It is no part of its record; a store that does not have it asks for it."""
    remote = MemoryRemote()
    files = {f"{number:04}": b"%d" % number for number in range(60)}
    pushed(tmp_path, remote, files, b"two")
    with Store.ephemeral() as store:
        policy = Policy(older_than=0.0, keep_last=1)
        for _ in range(3):
            collect(store, remote, policy)
    assert promised(tmp_path, "two", remote) == {key(1): files, key(2): b"two"}


def test_without_knowing_what_a_result_needs_nothing_goes(tmp_path: Path) -> None:
    """Its manifest is an object that is gone."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, {f"{number:04}": b"%d" % number for number in range(60)})
    for name in blobs_in(remote):
        remote.delete(NAMESPACE.blob(name))
    with Store.ephemeral() as store, pytest.raises(CorruptionError) as caught:
        planned(store, remote, NEVER)
    assert caught.value.slug == "damaged-results"


def test_a_segment_that_cannot_be_read_stops_it(tmp_path: Path) -> None:
    """Readers go on without it; whoever deletes must not."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    remote.put(NAMESPACE.index + segment_name(0, new_uuid()), b"rubbish")
    with pytest.raises(CorruptionError) as caught:
        planned(one.store, remote)
    assert caught.value.slug == "unreadable-segment"


def test_a_damaged_copy_of_the_index_stops_it(tmp_path: Path) -> None:
    """Segments are read from what the store has merged, and what is made of them takes their place in the remote."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    with one.store.database.writing() as connection:
        connection.execute("UPDATE remote_frames SET data = CAST(data || x'00' AS BLOB)")
    with pytest.raises(CorruptionError) as caught:
        planned(one.store, remote)
    assert caught.value.slug == "bad-segment"


# --- others at the same time


def test_it_waits_for_slots_that_are_open(tmp_path: Path) -> None:
    """A push that began before may need what is to go; after some time the run ends without having deleted anything."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    collect(one.store, remote)
    slot = NAMESPACE.index + segment_name(0, new_uuid())
    remote.put(slot, b"")
    before = blobs_in(remote)
    done = collect(one.store, remote)
    assert [blob.name for blob in done.finished.waiting] == [slot]
    assert blobs_in(remote) == before
    assert len(names_in(remote, "index/")) == 2  # its own slot is gone


def test_it_goes_on_when_the_slot_is_committed(tmp_path: Path) -> None:
    """And keeps what that push relies on."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    slot = NAMESPACE.index + segment_name(0, new_uuid())
    etag = remote.put(slot, b"")
    collect(one.store, remote)
    waits: list[float] = []

    def commit(seconds: float) -> None:
        waits.append(seconds)
        remote.put(slot, encode("weather", Records()), if_match=etag)

    done = collect(one.store, remote, timing=Timing(lease=0.0, poll=0.5, orphan_age=0.0, sleep=commit))
    assert (waits, done.finished.waiting, done.finished.blobs) == ([0.5], (), 1)


def test_a_slot_that_was_left_behind_is_broken(tmp_path: Path) -> None:
    """After a day by the server's clock; whoever comes back to it begins again."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    collect(one.store, remote)
    slot = NAMESPACE.index + segment_name(0, new_uuid())
    remote.put(slot, b"")
    time.sleep(0.01)
    done = collect(one.store, remote, timing=Timing(lease=0.0, patience=0.0, slot_ttl=0.005, orphan_age=0.0))
    assert (done.finished.blobs, names_in(remote, "gc")) == (1, [])
    assert slot.removeprefix(f"{NAMESPACE.root}/") not in names_in(remote, "index/")


def test_of_two_runs_at_once_one_does_nothing(tmp_path: Path) -> None:
    """Who finds the lease renewed leaves the work to whoever has it."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    run = collector(one.store, remote)
    plan = run.plan()
    renewals = []

    def renew(_: float) -> None:
        renewals.append(remote.put(NAMESPACE.lease, b"other"))

    remote.put(NAMESPACE.lease, b"other")
    done = collector(one.store, remote, timing=Timing(lease=60.0, sleep=renew)).collect(plan)
    assert done.busy
    assert len(renewals) == 1
    assert names_in(remote, "gc/") == []


def test_a_lease_that_nobody_renews_is_taken_over(tmp_path: Path) -> None:
    """The run that had it was killed, and its slot with it: nobody waits a day for that."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    collect(one.store, remote)
    _dead.clear()
    with pytest.raises(Killed):
        collect(one.store, Interposed(remote, _killed_before_commit))
    assert len([blob for blob in remote.list(NAMESPACE.index).blobs if not blob.size]) == 1
    done = collect(one.store, remote, timing=Timing(lease=0.05, patience=0.0, orphan_age=0.0))
    assert (done.finished.blobs, done.finished.waiting) == (1, ())
    assert len(names_in(remote, "index/")) == 1


_dead: list[int] = []


def _killed_before_commit(call: Call) -> None:
    """Dies when it puts the first segment, for good."""
    if call.method == "put" and "/index/" in call.args[0] and call.args[1]:
        _dead.append(call.number)
    if _dead:
        raise Killed(call)


def test_a_blob_that_was_touched_is_not_deleted(tmp_path: Path) -> None:
    """Somebody needs it, whose commit this run does not see."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"one")
    collect(one.store, remote)
    (name,) = blobs_in(remote)

    def touch(call: Call) -> None:
        if call.method == "delete" and name in call.args[0]:
            etag = remote.list(NAMESPACE.blob(name)).blobs[0].etag
            remote.touch(NAMESPACE.blob(name), if_match=ETag(etag))

    done = collect(one.store, Interposed(remote, touch))
    assert done.finished.blobs == 0
    assert blobs_in(remote) == {name}


# --- killed


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["before", "after"])
def test_killed_at_any_request_nothing_that_stays_is_lost(tmp_path: Path, *, lost: bool) -> None:
    """Before the request or after it was done: every promise holds, and the next runs do the rest."""
    number = 0
    while True:
        number += 1
        remote = MemoryRemote()
        folder = tmp_path / str(number)
        folder.mkdir()
        one = _to_be_collected(folder, remote)
        hook = killed_at(number)
        killing = Interposed(remote, **{"after" if lost else "before": hook})
        try:
            collect(one.store, killing)
        except Killed:
            pass
        else:
            break
        found = promised(folder, "two", remote)
        assert None not in found.values()
        assert found.keys() >= {key(1), key(4)}
        for _ in range(4):
            collect(one.store, remote)
        assert promised(folder, "three", remote).keys() == {key(1), key(4)}
        assert names_in(remote, "gc") == []
        assert len(blobs_in(remote)) == 2
        assert len(names_in(remote, "index/")) == 1
    assert number > 20


def _to_be_collected(folder: Path, remote: Any) -> Machine:
    """A remote with everything that a run may do: to delete, to withdraw, to pack anew, to tombstone."""
    one = machine(folder, "one", remote)
    one.result(1, b"needed")
    one.result(2, incompressible(REPACK_WASTE + 1))
    one.mirror.push()
    one.result(3, incompressible(LARGE))
    one.result(4, incompressible(LARGE))
    one.mirror.push()
    one.store.pin("keep", key(1))
    collect(one.store, remote)  # tombstones 4, which is withdrawn later
    one.store.pin("keep too", key(4))
    return one

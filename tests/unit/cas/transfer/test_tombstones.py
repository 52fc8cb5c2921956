"""Pushers and readers among gc runs: tombstones made by hand, as a gc run would make them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from luisy.cas import tombstones
from luisy.cas.remote import ConditionFailed, ETag
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_limits import FOLD_ABOVE
from luisy.cas.remote_names import Namespace, new_uuid
from luisy.cas.segments import open_segment, records_of
from luisy.cas.tombstones import Tombstone, decode, together
from luisy.errors import CorruptionError
from tests.mirrors import Interposed, Machine, machine
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.model import Key

NAMESPACE = Namespace("weather")


def bury(remote: MemoryRemote, *keys: Key) -> list[tuple[str, str]]:
    """Tombstone these actions and all blobs of objects."""
    root = NAMESPACE.root + "/"
    blobs = [
        (blob.name.removeprefix(root), str(blob.etag))
        for kind in ("objects/", "packs/")
        for blob in remote.list(root + kind).blobs
    ]
    tombstone = Tombstone("weather", tuple(bytes.fromhex(name) for name in keys), tuple(blobs))
    remote.put(NAMESPACE.gc + new_uuid(), tombstone.encode())
    return blobs


def collect(remote: MemoryRemote, blobs: list[tuple[str, str]]) -> None:
    """What the gc run does that was told first that all segments are dead, and then deletes these blobs."""
    for blob in remote.list(NAMESPACE.index).blobs:
        remote.delete(blob.name)
    for name, etag in blobs:
        with contextlib.suppress(ConditionFailed):
            remote.delete(NAMESPACE.blob(name), if_match=ETag(etag))


def pushed(folder: Path, remote: object, **contents: bytes) -> Machine:
    """A machine that has pushed results 1, 2..."""
    one = machine(folder, "one", remote)
    for number, data in enumerate(contents.values(), 1):
        one.result(number, data)
    one.mirror.push()
    return one


@pytest.mark.parametrize("data", [b"small", os.urandom(2 << 20)], ids=["packed", "own blob"])
def test_a_tombstoned_blob_that_is_needed_is_touched(tmp_path: Path, data: bytes) -> None:
    """Its ETag changes, so the gc run that saw it before does not delete it; its bytes are not sent again."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, a=data)
    blobs = bury(remote, key(1))
    first = {blob.name for blob in remote.list(NAMESPACE.index).blobs}
    counting = Interposed(remote)
    two = machine(tmp_path, "two", counting)
    two.result(2, data)
    two.mirror.push()
    assert counting.counted["touch"] == 1
    assert not [call for call in counting.calls if call.method == "put" and "index" not in call.args[0]]
    # What gc leaves of the index is the segment that it did not know.
    newest = {
        blob.name: remote.get(blob.name)
        for blob in remote.list(NAMESPACE.index).blobs
        if blob.name not in first
    }
    collect(remote, blobs)
    for name, segment in newest.items():
        remote.put(name, segment)
    assert machine(tmp_path, "three", remote).pull(key(2)) == {key(2): data}


def test_a_tombstoned_blob_that_is_gone_is_uploaded(tmp_path: Path) -> None:
    """The gc run was quicker: the touch finds nothing, and the bytes go up."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, a=b"small")
    for name, _ in bury(remote, key(1)):
        remote.delete(NAMESPACE.blob(name))
    two = machine(tmp_path, "two", remote)
    two.result(2, b"small")
    assert two.mirror.push().objects == 1
    assert machine(tmp_path, "three", remote).pull(key(2)) == {key(2): b"small"}


def test_a_tombstoned_action_is_written_again(tmp_path: Path) -> None:
    """It counts as absent: who needs it says it once more, with a location that gc does not drop."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, a=b"small")
    blobs = bury(remote, key(1))
    one.result(2, b"other")
    first = {blob.name for blob in remote.list(NAMESPACE.index).blobs}
    one.mirror.push()
    for name in first:
        remote.delete(name)
    for name, etag in blobs:
        with pytest.raises(ConditionFailed):
            remote.delete(NAMESPACE.blob(name), if_match=ETag(etag))
    assert machine(tmp_path, "three", remote).pull(key(1)) == {key(1): b"small"}


def test_an_object_with_another_place_needs_no_touch(tmp_path: Path) -> None:
    """One of its locations is tombstoned, another is not: that will do."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, a=b"small")
    bury(remote, key(1))
    two = machine(tmp_path, "two", remote)
    two.result(2, b"small")
    for blob in remote.list(NAMESPACE.root + "/packs/").blobs:
        remote.delete(blob.name)
    two.mirror.push()  # it has a second place now
    counting = Interposed(remote)
    three = machine(tmp_path, "three", counting)
    three.result(3, b"small")
    assert three.mirror.push().objects == 0
    assert counting.counted["touch"] == 0


def test_tombstones_are_read_before_the_index_is_listed(tmp_path: Path) -> None:
    """A gc run that ends in between has then changed the index already; the other way round it would be missed."""
    counting = Interposed(MemoryRemote())
    one = machine(tmp_path, "one", counting)
    one.result(1, b"a")
    plan = one.mirror.plan_push()
    counting.calls.clear()
    one.mirror.push(plan)
    seen = [call.args[0] for call in counting.calls if call.method == "list"]
    assert seen == [NAMESPACE.gc, NAMESPACE.index]
    assert next(call.number for call in counting.calls if call.method == "list") > next(
        call.number for call in counting.calls if "/index/" in call.args[0] and call.method == "put"
    )


def test_a_tombstone_that_goes_while_it_is_read_is_none(tmp_path: Path) -> None:
    """Its gc run has ended: what it deleted is in no segment that is listed afterwards."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, a=b"small")
    blobs = bury(remote, key(1))

    def end(call: object) -> None:
        if getattr(call, "method", "") == "get" and "/gc/" in getattr(call, "args", ("",))[0]:
            collect(remote, blobs)
            for blob in remote.list(NAMESPACE.gc).blobs:
                remote.delete(blob.name)

    two = machine(tmp_path, "two", Interposed(remote, before=end))
    two.result(2, b"small")
    assert two.mirror.push().objects == 1
    assert machine(tmp_path, "three", remote).pull(key(2)) == {key(2): b"small"}


def test_what_is_tombstoned_is_not_folded(tmp_path: Path) -> None:
    """A segment that gc is about to change stays by itself: a copy of it would promise what goes."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number in range(FOLD_ABOVE + 1):
        one.result(number, b"%d" % number)
        one.mirror.push()
    tombstone = Tombstone("weather", (bytes.fromhex(key(3)),))
    remote.put(NAMESPACE.gc + new_uuid(), tombstone.encode())
    two = machine(tmp_path, "two", remote)  # which does not want key 3 itself
    two.result(99, b"more")
    two.mirror.push()
    listed = [blob.name for blob in remote.list(NAMESPACE.index).blobs]
    (fold,) = [name for name in listed if "/index/0001-" in name]
    folded = records_of(open_segment(remote.get(fold), "weather"))
    keys = {record.key.hex() for record in folded.actions}
    assert keys == {key(number) for number in (*range(FOLD_ABOVE + 1), 99)} - {key(3)}
    three = machine(tmp_path, "three", remote)
    three.mirror.refresh()
    assert key(3) in three.mirror.results([key(3)])


def test_an_unreadable_tombstone_stops_the_push(tmp_path: Path) -> None:
    """What is about to be deleted cannot be known, so nothing is promised."""
    remote = MemoryRemote()
    remote.put(NAMESPACE.gc + new_uuid(), b"rubbish")
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    with pytest.raises(CorruptionError) as caught:
        one.mirror.push()
    assert caught.value.slug == "bad-tombstone"


def test_a_tombstone_reads_back() -> None:
    """What was written is what is read; all of them together name everything."""
    one = Tombstone("weather", (b"k" * 32,), (("packs/" + "0" * 32, "e1"),))
    two = Tombstone("weather", (), (("packs/" + "0" * 32, "e2"),))
    assert decode(one.encode()) == one
    doomed = together([one, two])
    assert doomed.actions == {b"k" * 32}
    assert doomed.blobs == {"packs/" + "0" * 32: ("e1", "e2")}


@pytest.mark.parametrize("cut", [0, 5, 18, 40, -1])
def test_a_cut_tombstone_is_refused(cut: int) -> None:
    """No part of one is taken for one."""
    whole = Tombstone("weather", (b"k" * 32,)).encode()
    with pytest.raises(CorruptionError):
        tombstones.decode(whole[:cut])

"""Refs of external tasks, and other systems' files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from luisy.cas import RawBlob
from luisy.cas.remote import BlobMissing, Unreachable
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_names import Namespace
from luisy.cas.transfer import Offer, Origin, Ref
from luisy.cas.transfer.refs import to_write
from luisy.errors import RemoteError, StoreError
from tests.faults.wrappers import Truncating
from tests.mirrors import Interposed, Killed, Machine, killed_at, machine, offered, put_refs
from tests.unit.cas.values import digest

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas.remote import Blob
    from luisy.model import Digest
    from tests.mirrors import Call

NAMESPACE = Namespace("weather")


def raw_file(one: Machine, name: str, data: bytes) -> Ref:
    """An external task's file on this machine, kept; the ref that it may have."""
    path = one.folder / name
    path.write_bytes(data)
    return Ref(one.store.keep([(b"", str(path))]).digest)


def test_a_ref_says_what_a_file_is_and_brings_it(tmp_path: Path) -> None:
    """A machine without the file finds its content digest, and the bytes when it needs them."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    ref = raw_file(one, "a.csv", b"1,2,3")
    put_refs(one, {"raw/a.csv": ref})
    assert two.mirror.refs() == {"raw/a.csv": ref}
    two.mirror.refresh()
    assert two.mirror.fetch_contents([ref.manifest]) == {}
    (manifest,) = two.store.manifests([ref.manifest]).values()
    assert [two.store.get(one) for one in manifest.objects] == [b"1,2,3"]


def test_refs_that_are_there_already_are_not_written(tmp_path: Path) -> None:
    """A push with nothing new reads them, and that is all."""
    counting = Interposed(MemoryRemote())
    one = machine(tmp_path, "one", counting)
    refs = {"raw/a.csv": raw_file(one, "a.csv", b"1")}
    put_refs(one, refs)
    one.mirror.refresh()  # the slot that kept gc away is a segment now
    counting.calls.clear()
    put_refs(one, refs)
    assert counting.counted == {"get": 1, "list": 1}


def test_a_ref_that_somebody_else_moved_stops_the_push(tmp_path: Path) -> None:
    """Before anything is sent; --replace-refs puts ours there all the same."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    first, second = raw_file(one, "a.csv", b"first"), raw_file(two, "a.csv", b"second")
    put_refs(one, {"raw/a.csv": first})
    put_refs(two, {"raw/a.csv": second}, force=True)
    result = one.result(1, b"x")
    with pytest.raises(RemoteError) as caught:
        one.mirror.push(offers=offered(one, {"raw/a.csv": first}))
    assert (caught.value.slug, "raw/a.csv" in caught.value.text) == ("ref-moved", True)
    assert one.mirror.missing([result]) == {result}
    put_refs(one, {"raw/a.csv": first}, force=True)
    assert two.mirror.refs() == {"raw/a.csv": first}


def test_our_own_ref_may_be_moved(tmp_path: Path) -> None:
    """The file changed here, and nobody else has pushed another one since."""
    one = machine(tmp_path, "one", MemoryRemote())
    put_refs(one, {"raw/a.csv": raw_file(one, "a.csv", b"first")})
    second = raw_file(one, "a.csv", b"second")
    put_refs(one, {"raw/a.csv": second})
    assert one.mirror.refs() == {"raw/a.csv": second}


def test_a_ref_that_was_taken_over_may_be_moved(tmp_path: Path) -> None:
    """Who took theirs and changed it then pushes on top of it; who never looked does not."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    theirs = raw_file(one, "a.csv", b"theirs")
    put_refs(one, {"raw/a.csv": theirs})
    ours = raw_file(two, "a.csv", b"ours")
    with pytest.raises(RemoteError):
        put_refs(two, {"raw/a.csv": ours})
    two.mirror.saw_refs({"raw/a.csv": theirs.manifest})
    put_refs(two, {"raw/a.csv": ours})
    assert one.mirror.refs() == {"raw/a.csv": ours}


def test_two_writers_of_refs_lose_nothing(tmp_path: Path) -> None:
    """The later one finds the earlier one's and writes both."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    a, etag = raw_file(one, "a.csv", b"a"), remote.put("weather/raw/b.csv", b"b")
    b = Ref(digest(5), {"b.csv": RawBlob(str(etag), 1)})
    done: list[Call] = []

    def other(call: Call) -> None:
        if call.method == "put" and call.args[0] == NAMESPACE.refs and not done:
            done.append(call)
            put_refs(machine(tmp_path, "two", remote), {"raw/b.csv": b})

    put_refs(machine(tmp_path, "one", Interposed(remote, before=other)), {"raw/a.csv": a})
    assert one.mirror.refs().keys() == {"raw/a.csv", "raw/b.csv"}


def test_what_a_ref_names_is_there_whenever_the_push_is_killed(tmp_path: Path) -> None:
    """refs.json is written last, while a slot keeps gc away."""
    number = 0
    while True:
        number += 1
        folder = tmp_path / f"{number}"
        folder.mkdir()
        remote = MemoryRemote()
        one = machine(folder, "one", Interposed(remote, before=killed_at(number)))
        ref = raw_file(one, "a.csv", os.urandom(3 << 20))
        try:
            put_refs(one, {"raw/a.csv": ref})
        except Killed:
            finished = False
        else:
            finished = True
        two = machine(folder, "two", remote)
        two.mirror.refresh()
        assert not any(two.mirror.fetch_contents([one.manifest for one in two.mirror.refs().values()]))
        if finished:
            break
    assert number > 10


def test_a_slot_is_open_while_refs_are_written(tmp_path: Path) -> None:
    """No gc run deletes meanwhile what they are about to name."""
    remote = MemoryRemote()
    slots: list[Blob] = []

    def look(call: Call) -> None:
        if call.method == "put" and call.args[0] == NAMESPACE.refs:
            slots.extend(blob for blob in remote.list(NAMESPACE.index).blobs if not blob.size)

    one = machine(tmp_path, "one", Interposed(remote, before=look))
    put_refs(one, {"raw/a.csv": raw_file(one, "a.csv", b"a")})
    assert len(slots) == 1
    assert all(blob.size for blob in remote.list(NAMESPACE.index).blobs)


def test_refs_to_plain_blobs_leave_no_segment(tmp_path: Path) -> None:
    """They name nothing that gc could delete, so no slot guards them, and nobody has to read one more segment."""
    remote = MemoryRemote()
    etag = remote.put("weather/raw/a.csv", b"abc")
    one = machine(tmp_path, "one", remote)
    ref = Ref(digest(1), {"a.csv": RawBlob(str(etag), 3)})
    assert put_refs(one, {"raw/a.csv": ref}).refs == ("raw/a.csv",)
    assert one.mirror.refs() == {"raw/a.csv": ref}
    assert remote.list(NAMESPACE.index).blobs == ()


def test_a_ref_to_files_that_are_gone_is_held_back(tmp_path: Path) -> None:
    """It would promise what nobody can have; the others are published."""
    one = machine(tmp_path, "one", MemoryRemote())
    refs = {"raw/a.csv": raw_file(one, "a.csv", b"a"), "raw/b.csv": Ref(digest(5))}
    pushed = put_refs(one, refs)
    assert pushed.refs == ("raw/a.csv",)
    assert [(held.name, held.reason.slug) for held in pushed.refs_held_back] == [("raw/b.csv", "files-gone")]
    assert one.mirror.refs() == {"raw/a.csv": refs["raw/a.csv"]}


def test_files_that_are_not_in_the_store_yet_can_be_planned(tmp_path: Path) -> None:
    """The plan says their bytes; a push without them promises nothing."""
    one = machine(tmp_path, "one", MemoryRemote())
    path = one.folder / "a.csv"
    path.write_bytes(b"x" * 1000)
    manifest = one.store.snapshot([(b"", str(path))])
    offer = Offer(Ref(manifest.digest), find=lambda: manifest)
    plan = one.mirror.plan_push((), offers={"raw/a.csv": offer})
    assert (plan.objects, plan.bytes, list(plan.refs.written)) == (1, 1000, ["raw/a.csv"])
    with pytest.raises(StoreError) as caught:
        one.mirror.push(plan)
    assert caught.value.slug == "missing-object"
    assert one.mirror.refs() == {}


OLD, NEW = digest(1), digest(2)
OLD_BLOB, NEW_BLOB = {"a.csv": RawBlob("1", 1)}, {"a.csv": RawBlob("2", 1)}


@pytest.mark.parametrize(
    ("offer", "their", "seen", "outcome"),
    [
        pytest.param(Offer(Ref(NEW)), None, None, "written", id="nobody has said anything"),
        pytest.param(Offer(Ref(NEW)), Ref(NEW), None, "left", id="it is said already"),
        pytest.param(Offer(Ref(NEW)), Ref(OLD), OLD, "written", id="the file changed here"),
        pytest.param(Offer(Ref(NEW)), Ref(OLD), None, "refused", id="theirs was never looked at"),
        pytest.param(Offer(Ref(NEW)), Ref(OLD), NEW, "refused", id="theirs came after ours"),
        pytest.param(Offer(Ref(NEW)), Ref(OLD, OLD_BLOB), None, "refused", id="theirs is another system's"),
        pytest.param(Offer(Ref(NEW)), Ref(NEW, NEW_BLOB), None, "left", id="another system has the same"),
        pytest.param(Offer(Ref(NEW), Origin.TAKEN), Ref(OLD), None, "left", id="taken, and moved since"),
        pytest.param(Offer(Ref(NEW), Origin.TAKEN), None, None, "written", id="taken from another remote"),
        pytest.param(
            Offer(Ref(NEW, NEW_BLOB)), Ref(OLD, OLD_BLOB), None, "written", id="a blob that changed"
        ),
        pytest.param(Offer(Ref(NEW, NEW_BLOB)), Ref(NEW, OLD_BLOB), None, "written", id="a blob put again"),
        pytest.param(Offer(Ref(NEW, NEW_BLOB)), Ref(OLD), None, "left", id="a pushed one comes before blobs"),
    ],
)
def test_who_may_move_a_ref(offer: Offer, their: Ref | None, seen: Digest | None, outcome: str) -> None:
    """What was hashed from blobs yields to what holds, what was taken to what is there; between originals the user decides."""
    theirs = {} if their is None else {"raw/a.csv": their}
    known = {} if seen is None else {"raw/a.csv": seen}
    try:
        names = to_write({"raw/a.csv": offer}, theirs, known, replace=False)
    except RemoteError:
        assert outcome == "refused"
        assert to_write({"raw/a.csv": offer}, theirs, known, replace=True) == {"raw/a.csv"}
    else:
        assert names == ({"raw/a.csv"} if outcome == "written" else set())


def test_a_ref_of_blobs_that_changed_since_is_not_published(tmp_path: Path) -> None:
    """It would stand in the way of who has hashed the new ones."""
    remote = MemoryRemote()
    old = remote.put("weather/raw/a.csv", b"abc")
    remote.put("weather/raw/a.csv", b"abd")
    one = machine(tmp_path, "one", remote)
    assert put_refs(one, {"raw/a.csv": Ref(digest(1), {"a.csv": RawBlob(str(old), 3)})}).refs == ()


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"format": 2, "refs": {}}', b'{"format": 1, "refs": {"a": {"manifest": "x", "raw": {}}}}'],
)
def test_refs_that_are_not_valid_are_told(tmp_path: Path, data: bytes) -> None:
    """They are nobody's, and never written over in silence."""
    remote = MemoryRemote()
    remote.put(NAMESPACE.refs, data)
    with pytest.raises(RemoteError) as caught:
        machine(tmp_path, "one", remote).mirror.refs()
    assert caught.value.slug == "bad-refs"


def test_a_ref_of_plain_blobs_holds_while_the_listing_confirms_it(tmp_path: Path) -> None:
    """Another ETag, another length or none: it says nothing any more."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    etag = remote.put("weather/raw/a.csv", b"abc")
    assert Ref(digest(1), {"a.csv": RawBlob(str(etag), 3)}).holds(one.mirror.raw())
    assert not Ref(digest(1), {"a.csv": RawBlob(str(etag), 4)}).holds(one.mirror.raw())
    assert not Ref(digest(1), {"b.csv": RawBlob(str(etag), 3)}).holds(one.mirror.raw())
    remote.put("weather/raw/a.csv", b"abc")
    assert not Ref(digest(1), {"a.csv": RawBlob(str(etag), 3)}).holds(one.mirror.raw())
    assert Ref(digest(1)).holds(one.mirror.raw())


def test_plain_files_come_down_with_their_digest(tmp_path: Path) -> None:
    """Names are those below raw/; the rest of the container is not shown."""
    remote = MemoryRemote()
    remote.put("weather/raw/sub/a.csv", b"abc")
    remote.put("weather/other.csv", b"x")
    remote.put("weather2/raw/b.csv", b"x")
    one = machine(tmp_path, "one", remote)
    assert [blob.name for blob in one.mirror.raw().blobs] == ["sub/a.csv"]
    one.mirror.fetch_raw(listed(one, "sub/a.csv"), str(tmp_path / "new"))
    assert (tmp_path / "new" / "sub" / "a.csv").read_bytes() == b"abc"


def listed(one: Machine, *names: str) -> dict[str, RawBlob]:
    """Other systems' files as a listing tells them now."""
    return {
        blob.name: RawBlob(str(blob.etag), blob.size) for blob in one.mirror.raw().blobs if blob.name in names
    }


def test_a_plain_file_that_is_another_than_was_listed_is_not_taken(tmp_path: Path) -> None:
    """Nor half of one version and half of another."""
    remote = MemoryRemote()
    remote.put("weather/raw/a.csv", b"abc")

    def change(call: Call) -> None:
        if call.method == "read":
            remote.put("weather/raw/a.csv", b"abd")

    one = machine(tmp_path, "one", Interposed(remote, after=change))
    with pytest.raises(BlobMissing):
        one.mirror.fetch_raw(listed(one, "a.csv"), str(tmp_path / "new"))
    with pytest.raises(BlobMissing):
        one.mirror.fetch_raw({"b.csv": RawBlob("1", 3)}, str(tmp_path / "new"))


def test_a_plain_file_that_comes_short_is_asked_for_again(tmp_path: Path) -> None:
    """Once; then the remote counts as not answering."""
    remote = MemoryRemote()
    remote.put("weather/raw/a.csv", b"abcdef")
    once, ever = (Truncating(remote, lambda name: "/raw/" in name, times=times) for times in (1, 1 << 30))
    one = machine(tmp_path, "one", once)
    one.mirror.fetch_raw(listed(one, "a.csv"), str(tmp_path / "new"))
    assert (tmp_path / "new" / "a.csv").read_bytes() == b"abcdef"
    with pytest.raises(Unreachable):
        machine(tmp_path, "one", ever).mirror.fetch_raw(listed(one, "a.csv"), str(tmp_path / "new"))

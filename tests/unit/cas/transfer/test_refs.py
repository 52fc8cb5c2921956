"""Refs of external tasks, and other systems' files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from luisy.cas.hashing import digest_bytes
from luisy.cas.remote import BlobMissing, Unreachable
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_names import Namespace
from luisy.cas.transfer import RawBlob, Ref
from luisy.errors import RemoteError, StoreError
from tests.mirrors import Interposed, Killed, Machine, killed_at, machine
from tests.unit.cas.values import digest

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas.remote import Blob
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
    one.mirror.put_refs({"raw/a.csv": ref})
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
    one.mirror.push(refs=refs)
    one.mirror.refresh()  # the slot that kept gc away is a segment now
    counting.calls.clear()
    one.mirror.push(refs=refs)
    assert counting.counted == {"get": 1, "list": 1}


def test_a_ref_that_somebody_else_moved_stops_the_push(tmp_path: Path) -> None:
    """Before anything is sent; --replace-refs puts ours there all the same."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    first, second = raw_file(one, "a.csv", b"first"), raw_file(two, "a.csv", b"second")
    one.mirror.put_refs({"raw/a.csv": first})
    two.mirror.put_refs({"raw/a.csv": second}, force=True)
    result = one.result(1, b"x")
    with pytest.raises(RemoteError) as caught:
        one.mirror.push(refs={"raw/a.csv": first})
    assert (caught.value.slug, "raw/a.csv" in caught.value.text) == ("ref-moved", True)
    assert one.mirror.missing([result]) == {result}
    one.mirror.put_refs({"raw/a.csv": first}, force=True)
    assert two.mirror.refs() == {"raw/a.csv": first}


def test_our_own_ref_may_be_moved(tmp_path: Path) -> None:
    """The file changed here, and nobody else has pushed another one since."""
    one = machine(tmp_path, "one", MemoryRemote())
    one.mirror.put_refs({"raw/a.csv": raw_file(one, "a.csv", b"first")})
    second = raw_file(one, "a.csv", b"second")
    one.mirror.put_refs({"raw/a.csv": second})
    assert one.mirror.refs() == {"raw/a.csv": second}


def test_a_ref_that_was_taken_over_may_be_moved(tmp_path: Path) -> None:
    """Who took theirs and changed it then pushes on top of it; who never looked does not."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    theirs = raw_file(one, "a.csv", b"theirs")
    one.mirror.put_refs({"raw/a.csv": theirs})
    ours = raw_file(two, "a.csv", b"ours")
    with pytest.raises(RemoteError):
        two.mirror.put_refs({"raw/a.csv": ours})
    two.mirror.saw_refs({"raw/a.csv": theirs.manifest})
    two.mirror.put_refs({"raw/a.csv": ours})
    assert one.mirror.refs() == {"raw/a.csv": ours}


def test_two_writers_of_refs_lose_nothing(tmp_path: Path) -> None:
    """The later one finds the earlier one's and writes both."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    a, b = raw_file(one, "a.csv", b"a"), digest(5)
    done: list[Call] = []

    def other(call: Call) -> None:
        if call.method == "put" and call.args[0] == NAMESPACE.refs and not done:
            done.append(call)
            mirror = machine(tmp_path, "two", remote)
            mirror.mirror.put_refs({"raw/b.csv": Ref(b, {"b.csv": RawBlob("e", 1)})})

    machine(tmp_path, "one", Interposed(remote, before=other)).mirror.put_refs({"raw/a.csv": a})
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
            one.mirror.put_refs({"raw/a.csv": ref})
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
    one.mirror.put_refs({"raw/a.csv": raw_file(one, "a.csv", b"a")})
    assert len(slots) == 1
    assert all(blob.size for blob in remote.list(NAMESPACE.index).blobs)


def test_a_ref_to_what_the_store_lacks_is_not_published(tmp_path: Path) -> None:
    """It would promise what nobody can have."""
    one = machine(tmp_path, "one", MemoryRemote())
    with pytest.raises(StoreError) as caught:
        one.mirror.put_refs({"raw/a.csv": Ref(digest(5))})
    assert caught.value.slug == "missing-object"
    assert one.mirror.refs() == {}


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
    target = tmp_path / "a.csv"
    assert one.mirror.fetch_raw("sub/a.csv", str(target)) == digest_bytes(b"abc")
    assert target.read_bytes() == b"abc"


def test_a_plain_file_that_changes_meanwhile_is_not_taken(tmp_path: Path) -> None:
    """Half of one version and half of another is no file; nothing is left behind."""
    remote = MemoryRemote()
    remote.put("weather/raw/a.csv", b"abc")

    def change(call: Call) -> None:
        if call.method == "read":
            remote.put("weather/raw/a.csv", b"abd")

    one = machine(tmp_path, "one", Interposed(remote, after=change))
    target = tmp_path / "a.csv"
    with pytest.raises(Unreachable):
        one.mirror.fetch_raw("a.csv", str(target))
    with pytest.raises(BlobMissing):
        one.mirror.fetch_raw("b.csv", str(target))
    assert sorted(os.listdir(tmp_path)) == ["one"]

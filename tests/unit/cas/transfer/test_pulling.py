"""Downloads: every byte verified, and what is gone or bad is a miss."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import Unreachable
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_names import Namespace
from tests.mirrors import Interposed, machine
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mirrors import Call, Machine

NAMESPACE = Namespace("weather")
LARGE = 2 << 20


def pushed(folder: Path, remote: object, *contents: bytes) -> Machine:
    """A machine that has pushed results 1, 2..."""
    one = machine(folder, "one", remote)
    for number, data in enumerate(contents, 1):
        one.result(number, data)
    one.mirror.push()
    return one


def damage(remote: MemoryRemote, kind: str) -> None:
    """Flip a bit in each blob of this kind."""
    for blob in remote.list(f"{NAMESPACE.root}/{kind}/").blobs:
        data = bytearray(remote.get(blob.name))
        data[20] ^= 1
        metadata = remote.head(blob.name)
        assert metadata is not None
        remote.put(blob.name, bytes(data), metadata=metadata.metadata)


@pytest.mark.parametrize(("data", "kind"), [(b"small" * 20, "packs"), (os.urandom(LARGE), "objects")])
def test_damaged_bytes_are_a_miss_and_the_next_push_mends_them(
    tmp_path: Path, data: bytes, kind: str
) -> None:
    """They are refused, with the reason; a push of who noticed them and has them puts them right for everybody."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, data)
    damage(remote, kind)
    two = machine(tmp_path, "two", remote)
    two.mirror.refresh()
    fetched = two.mirror.fetch([key(1)])
    assert [reason.slug for reason in fetched.failed.values()] == ["remote-damaged"]
    assert os.listdir(two.store.path / "tmp") == []
    two.result(1, data)  # executed instead
    assert two.mirror.missing([key(1)]) == {key(1)}
    assert two.mirror.push().objects == 1
    three = machine(tmp_path, "three", remote)
    assert three.pull(key(1)) == {key(1): data}
    assert three.mirror._rows.bads() == [] if kind == "objects" else True
    assert two.mirror.push().objects == 0


def test_bad_bytes_are_told_by_who_cannot_mend_them(tmp_path: Path) -> None:
    """A pusher that met them says so; another one, who has them, mends them."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, os.urandom(LARGE))
    data = one.content(key(1))
    damage(remote, "objects")
    two = machine(tmp_path, "two", remote)
    two.pull(key(1))
    two.result(9, b"something else")
    two.mirror.push()
    assert one.mirror.push().objects == 1
    assert machine(tmp_path, "three", remote).pull(key(1)) == {key(1): data}


def test_another_result_replaces_one_whose_bytes_are_bad(tmp_path: Path) -> None:
    """The winner cannot be had: who executed the task supersedes it, with whatever came out."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, b"first" * 20)
    damage(remote, "packs")
    two = machine(tmp_path, "two", remote)
    two.pull(key(1))
    two.result(1, b"second")
    two.mirror.push()
    assert machine(tmp_path, "three", remote).pull(key(1)) == {key(1): b"second"}


@pytest.mark.parametrize("kind", ["packs", "objects"])
def test_a_blob_that_is_gone_is_a_miss(tmp_path: Path, kind: str) -> None:
    """Somebody deleted it by hand: told, not raised; the others come."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"small", os.urandom(LARGE))
    lost, kept = (key(1), key(2)) if kind == "packs" else (key(2), key(1))
    for blob in remote.list(f"{NAMESPACE.root}/{kind}/").blobs:
        remote.delete(blob.name)
    two = machine(tmp_path, "two", remote)
    two.mirror.refresh()
    fetched = two.mirror.fetch([key(1), key(2)])
    assert {name: reason.slug for name, reason in fetched.failed.items()} == {lost: "remote-gone"}
    assert two.content(kept) == one.content(kept)
    two.result(3, b"c")
    two.mirror.push()  # tells what it met
    assert one.mirror.push().objects == 1
    assert machine(tmp_path, "three", remote).pull(lost) == {lost: one.content(lost)}


def test_a_pack_that_went_after_the_merge_is_found_where_it_went(tmp_path: Path) -> None:
    """Gc moved its objects to another pack and changed the index: one refresh, and they come."""
    remote = MemoryRemote()
    one = pushed(tmp_path, remote, b"small" * 30)
    two = machine(tmp_path, "two", remote)
    two.mirror.refresh()
    for blob in (*remote.list(NAMESPACE.index).blobs, *remote.list(f"{NAMESPACE.root}/packs/").blobs):
        remote.delete(blob.name)
    one.mirror.push()
    assert two.mirror.fetch([key(1)]).failed == {}
    assert two.content(key(1)) == b"small" * 30
    assert two.mirror._notes.doubts() == []


@pytest.mark.parametrize("data", [b"small" * 20, os.urandom(LARGE)], ids=["packed", "own blob"])
def test_what_comes_short_once_is_asked_for_again(tmp_path: Path, data: bytes) -> None:
    """The SDK has returned short data without an error: the digest decides, and a second try may do."""

    class Short(Interposed):
        cuts = 1

        def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
            found: bytes = self._remote.get(name, offset, length)
            if "/packs/" in name and self.cuts:
                self.cuts -= 1
                return found[:-1]
            return found

        def read(self, name: str) -> object:
            found = b"".join(self._remote.read(name))
            if self.cuts:
                self.cuts -= 1
                found = found[:-1]
            return iter([found])

    remote = MemoryRemote()
    pushed(tmp_path, remote, data)
    assert machine(tmp_path, "two", Short(remote)).pull(key(1)) == {key(1): data}


def test_neighbours_in_a_pack_are_one_range(tmp_path: Path) -> None:
    """A hundred results out of one pack: one read."""
    counting = Interposed(MemoryRemote())
    pushed(tmp_path, counting, *(os.urandom(2000) for _ in range(100)))
    two = machine(tmp_path, "two", counting)
    two.mirror.refresh()
    counting.calls.clear()
    two.mirror.fetch([key(number) for number in range(1, 101)])
    assert counting.counted == {"get": 1}


def test_only_what_is_needed_comes_down(tmp_path: Path) -> None:
    """One small result out of a pack with a large one beside it: a range, not the pack."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, os.urandom(900_000), b"small", os.urandom(900_000))
    two = machine(tmp_path, "two", remote)
    two.mirror.refresh()
    assert two.mirror.fetch([key(2)]).bytes == 5
    counting = Interposed(remote)
    three = machine(tmp_path, "three", counting)
    three.mirror.refresh()
    counting.calls.clear()
    three.mirror.fetch([key(2)])
    assert [call.args[2] for call in counting.calls] == [5]


def test_an_unreachable_remote_is_raised(tmp_path: Path) -> None:
    """That is no miss: the caller decides whether to go on without the remote."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, b"small")

    def fail(call: Call) -> None:
        if "/packs/" in call.args[0]:
            raise Unreachable("503")

    two = machine(tmp_path, "two", Interposed(remote, before=fail))
    two.mirror.refresh()
    with pytest.raises(Unreachable):
        two.mirror.fetch([key(1)])


def test_a_local_result_gives_way_to_the_winner(tmp_path: Path) -> None:
    """Who fetches a key takes the remote's result for it, also over one of its own."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, b"theirs")
    two = machine(tmp_path, "two", remote)
    two.result(1, b"ours")
    assert two.pull(key(1)) == {key(1): b"theirs"}


def test_what_the_store_has_is_not_downloaded(tmp_path: Path) -> None:
    """Only the record comes; its object is here already."""
    counting = Interposed(MemoryRemote())
    pushed(tmp_path, counting, b"same")
    two = machine(tmp_path, "two", counting)
    two.result(7, b"same")
    two.mirror.refresh()
    counting.calls.clear()
    assert two.mirror.fetch([key(1)]).failed == {}
    assert counting.calls == []


def test_threads_end_with_the_call(tmp_path: Path) -> None:
    """Luigi forks afterwards: none of ours may live across that."""
    import threading

    remote = MemoryRemote()
    pushed(tmp_path, remote, *(os.urandom(LARGE) for _ in range(6)))
    machine(tmp_path, "two", remote).pull(*(key(number) for number in range(1, 7)))
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("luisy")] == []

"""Pushes: what they cost, what is left of a killed one, and what two of them do to each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas.remote.memory import MemoryRemote
from luisy.errors import RemoteError
from tests.mirrors import Interposed, Killed, Machine, killed_at, machine
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from luisy.cas.remote import ETag
    from tests.mirrors import Call

LARGE = 3 << 20


def kib(number: int) -> bytes:
    """1 KiB that no compression makes smaller and no other number has."""
    return number.to_bytes(4, "big") + os.urandom(1020)


def test_what_was_pushed_comes_down_on_an_empty_machine(tmp_path: Path) -> None:
    """Small files, large ones, folders, empty files and what compresses well: byte for byte."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    contents: dict[int, bytes | dict[str, bytes]] = {
        1: b"small",
        2: os.urandom(LARGE),
        3: b"zeros" * LARGE,
        4: {"a": b"", "b": b"b" * 5000, "c": os.urandom(LARGE)},
        5: b"",
        6: {f"{n:04}": kib(n) for n in range(100)},
    }
    for number, data in contents.items():
        one.result(number, data)
    one.mirror.push()
    two = machine(tmp_path, "two", remote)
    found = two.pull(*(key(number) for number in contents))
    assert found == {key(number): data for number, data in contents.items()}


def test_everything_up_takes_no_slot(tmp_path: Path) -> None:
    """A push that finds nothing to do writes nothing: two requests on a new machine, one more each time after."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    one.mirror.push()
    counting = Interposed(remote)
    again = machine(tmp_path, "one", counting)
    assert again.mirror.push().actions == ()
    again.mirror.push()
    assert counting.counted == {"get": 1, "list": 2}


def test_2000_results_of_4_kib_cost_few_requests(tmp_path: Path) -> None:
    """8 up, of which one is the pack; 2 more to find nothing to do; 4 down. None is there twice."""
    counting = Interposed(MemoryRemote())
    one = machine(tmp_path, "one", counting)
    for number in range(2000):
        one.result(number, kib(number) * 4)
    one.mirror.push()
    assert counting.counted == {"get": 1, "list": 3, "put": 4}
    counting.calls.clear()
    again = machine(tmp_path, "one", counting)
    assert again.mirror.plan_push().actions == ()
    assert counting.counted == {"get": 1, "list": 1}
    counting.calls.clear()
    two = machine(tmp_path, "two", counting)
    two.mirror.refresh()
    assert len(two.mirror.fetch([key(number) for number in range(2000)]).actions) == 2000
    assert counting.counted == {"get": 3, "list": 1}


def test_a_root_costs_few_requests(tmp_path: Path) -> None:
    """A result on an empty machine: at most 6 requests after one push, at most 20 after 50, without any gc."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number in range(50):
        one.result(number, kib(number))
        one.mirror.push()
        if number in (0, 49):
            counting = Interposed(remote)
            two = machine(tmp_path, f"two-{number}", counting)
            assert two.pull(key(number)) == {key(number): one.content(key(number))}
            assert len(counting.calls) <= (6 if number == 0 else 20)


def filled(folder: Path, remote: object) -> Machine:
    """A machine with results that need a pack, two blobs of their own and a manifest that is an object."""
    one = machine(folder, "one", remote)
    if not one.store.results([key(1)]):
        one.result(1, kib(1))
        one.result(2, os.urandom(LARGE))
        one.result(3, b"zeros" * LARGE)
        one.result(4, {f"{n:04}": kib(n) for n in range(30)})
    return one


def uploads(remote: Interposed) -> list[str]:
    """The blobs of objects that were sent whole."""
    return [call.args[0] for call in remote.calls if call.method == "put" and _is_of_objects(call.args[0])]


def _is_of_objects(name: str) -> bool:
    return "/objects/" in name or "/packs/" in name


def promises_hold(folder: Path, remote: MemoryRemote, name: str) -> set[str]:
    """What an empty machine finds; all of it must be there, whole."""
    two = machine(folder, name, remote)
    two.mirror.refresh()
    found = two.mirror.results([key(number) for number in range(1, 5)])
    assert two.mirror.fetch(list(found)).failed == {}
    return set(found)


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_push_that_was_killed_anywhere_is_completed_by_the_next(tmp_path: Path, lost: str) -> None:
    """Whichever call it dies at: nothing is promised that is not there, nothing that was whole goes up again."""
    number = 0
    while True:
        number += 1
        folder = tmp_path / f"{number}"
        folder.mkdir()
        remote = MemoryRemote()
        hook = killed_at(number)
        dying = Interposed(remote, before=hook) if lost == "request" else Interposed(remote, after=hook)
        one = filled(folder, dying)
        try:
            one.mirror.push()
        except Killed:
            whole = {blob.name for blob in remote.list("").blobs if _is_of_objects(blob.name)}
        else:
            break
        finally:
            one.store.close()
        assert promises_hold(folder, remote, "two") in (set(), {key(n) for n in range(1, 5)})
        after = Interposed(remote)
        one = filled(folder, after)
        one.mirror.push()
        assert not whole & set(uploads(after))
        packed = [name for name in (*whole, *uploads(after)) if "/packs/" in name]
        assert len(packed) == 1
        assert promises_hold(folder, remote, "three") == {key(n) for n in range(1, 5)}
    assert number > 8


def test_two_pushers_of_the_same_results_agree(tmp_path: Path) -> None:
    """Both decide before either commits: both succeed, and everybody sees one result for each key."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    two = machine(tmp_path, "two", Interposed(remote, before=_once(_is_commit, one.mirror.push)))
    data = os.urandom(LARGE)
    for each in (one, two):
        each.result(1, data)
        each.result(2, b"mine: " + each.folder.name.encode())
    two.mirror.push()
    three = machine(tmp_path, "three", remote)
    # Its slot was opened first, though it was committed last.
    assert three.pull(key(1), key(2)) == {key(1): data, key(2): b"mine: two"}
    one.mirror.refresh()
    assert one.mirror.results([key(2)])[key(2)].manifest == three.store.results([key(2)])[key(2)].manifest


def _is_commit(call: Call) -> bool:
    return call.method == "put" and "/index/" in call.args[0] and call.args[1] != b""


def _once(when: Callable[[Call], bool], do: Callable[[], object]) -> Callable[[Call], None]:
    done: list[Call] = []

    def hook(call: Call) -> None:
        if not done and when(call):
            done.append(call)
            do()

    return hook


def test_writes_whose_answers_got_lost_are_known_again(tmp_path: Path) -> None:
    """A retry meets its own success, be it of the slot, a pack, a large object or the commit: nothing is done twice."""

    class Twice(Interposed):
        def put(self, name: str, data: Any, **conditions: Any) -> ETag:
            conditional = conditions.get("if_absent") or conditions.get("if_match")
            if conditional:
                self._remote.put(name, data, **conditions)
                if hasattr(data, "seek"):
                    data.seek(0)
            return self._remote.put(name, data, **conditions)

    remote = MemoryRemote()
    filled(tmp_path, Twice(remote)).mirror.push()
    kinds = [blob.name.split("/")[3] for blob in remote.list("").blobs]
    assert sorted(kinds) == ["format.json", "index", "objects", "objects", "packs"]
    assert promises_hold(tmp_path, remote, "two") == {key(n) for n in range(1, 5)}


def test_a_broken_slot_is_opened_again(tmp_path: Path) -> None:
    """Gc took the slot away while the push was uploading: it looks again, and sends nothing twice."""
    remote = MemoryRemote()

    def sweep() -> None:
        for blob in remote.list("weather/.luisy/v1/index/").blobs:
            remote.delete(blob.name, if_match=blob.etag)

    counting = Interposed(remote, before=_once(_is_commit, sweep))
    one = filled(tmp_path, counting)
    one.mirror.push()
    assert len(uploads(counting)) == len(set(uploads(counting))) == 3
    assert promises_hold(tmp_path, remote, "two") == {key(n) for n in range(1, 5)}


def test_a_slot_that_is_always_broken_ends_the_push(tmp_path: Path) -> None:
    """It says that it did not complete, and does not go on for ever."""
    remote = MemoryRemote()

    def sweep(call: Call) -> None:
        if _is_commit(call):
            remote.delete(call.args[0])

    one = machine(tmp_path, "one", Interposed(remote, before=sweep))
    one.result(1, b"a")
    with pytest.raises(RemoteError) as caught:
        one.mirror.push()
    assert caught.value.slug == "push-incomplete"


def test_a_result_that_lost_is_told_and_stays_here(tmp_path: Path) -> None:
    """Another result was there first: ours is not pushed, unless it is to supersede."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    one.result(1, b"first")
    two.result(1, b"second")
    one.mirror.push()
    pushed = two.mirror.push()
    assert (pushed.actions, pushed.outvoted) == ((), (key(1),))
    assert two.mirror.push(superseding=frozenset({key(1)})).actions == (key(1),)
    assert machine(tmp_path, "three", remote).pull(key(1)) == {key(1): b"second"}


def test_adopted_and_held_back_results_stay_here(tmp_path: Path) -> None:
    """They are listed with the reason; adopted ones go up when that is asked for."""
    one = machine(tmp_path, "one", MemoryRemote())
    one.result(1, b"a", adopted=True)
    one.result(2, b"b", held_back="it wrote other files")
    plan = one.mirror.plan_push()
    assert plan.actions == ()
    assert {held.key: held.reason.slug for held in plan.held_back} == {key(1): "adopted", key(2): "held-back"}
    assert one.mirror.push(adopted=True).actions == (key(1),)


def test_a_plan_says_what_the_push_then_does(tmp_path: Path) -> None:
    """Objects, bytes and requests, before anything is sent."""
    counting = Interposed(MemoryRemote())
    one = filled(tmp_path, counting)
    plan = one.mirror.plan_push()
    planned = len(counting.calls)
    pushed = one.mirror.push(plan)
    assert (plan.objects, plan.bytes, plan.actions) == (pushed.objects, pushed.bytes, pushed.actions)
    assert abs(len(counting.calls) - planned - plan.requests) <= 3


def test_a_result_that_is_not_whole_here_is_held_back(tmp_path: Path) -> None:
    """Its object is gone from the store: the others go up, it is told."""
    one = machine(tmp_path, "one", MemoryRemote())
    one.result(1, b"a")
    one.result(2, b"b")
    lost = one.store.manifests([one.store.results([key(1)])[key(1)].manifest])
    (manifest,) = lost.values()
    path = one.store.path / "objects" / manifest.objects[0][:2] / manifest.objects[0][2:]
    path.unlink()
    pushed = one.mirror.push()
    assert pushed.actions == (key(2),)
    assert [held.reason.slug for held in pushed.held_back] == ["incomplete"]


def test_other_projects_are_left_alone(tmp_path: Path) -> None:
    """Each project has its own namespace."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    one.result(2, b"b", project="other")
    assert one.mirror.push().actions == (key(1),)
    assert all(blob.name.startswith("weather/") for blob in remote.list("").blobs)


def test_a_newer_remote_is_refused(tmp_path: Path) -> None:
    """Neither read nor written: the error says to update."""
    remote = MemoryRemote()
    remote.put("weather/.luisy/v1/format.json", b'{"format": 2}')
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    with pytest.raises(RemoteError) as caught:
        one.mirror.push()
    assert caught.value.slug == "newer-remote"
    assert len(remote.list("").blobs) == 1

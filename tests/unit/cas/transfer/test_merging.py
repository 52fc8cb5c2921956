"""The merged index is exactly the union of the listed segments that none of them supersedes."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from blake3 import blake3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from luisy.cas import segments as format_
from luisy.cas.compression import compress
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_index import Incoming
from luisy.cas.remote_limits import FOLD_ABOVE
from luisy.cas.remote_names import Namespace, level_of, new_uuid, segment_name
from luisy.cas.remote_records import Records, folded
from luisy.cas.segments import encode, level_above, open_segment, records_of
from luisy.cas.transfer.deciding import superseded_by, to_fold
from luisy.errors import RemoteError
from tests.mirrors import Interposed, Machine, machine
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from tests.mirrors import Call

NAMESPACE = Namespace("weather")
FEW = 2


def segments(remote: MemoryRemote) -> dict[str, tuple[frozenset[str], Records]]:
    """All committed segments: what each supersedes, and its records."""
    found = {}
    for blob in remote.list(NAMESPACE.index).blobs:
        if blob.size:
            opened = open_segment(remote.get(blob.name), "weather")
            name = blob.name.removeprefix(NAMESPACE.index)
            found[name] = (frozenset(opened.directory.supersedes), records_of(opened))
    return found


def union(remote: MemoryRemote) -> set[tuple[str, bytes]]:
    """Key and slot of each action that counts, worked out from scratch."""
    found = segments(remote)
    gone = {name for supersedes, _ in found.values() for name in supersedes}
    return {
        (one.key.hex(), records.blocks[one.block].slot)
        for name, (_, records) in found.items()
        if name not in gone
        for one in records.actions
    }


def merged(one: Machine) -> set[tuple[str, bytes]]:
    """The same by a store's rows."""
    rows = one.store.database.query("SELECT key, slot FROM remote_actions")
    return {(row[0].hex(), row[1]) for row in rows}


class Union(RuleBasedStateMachine):
    """Several clients push, fold and refresh while a gc run compacts and deletes in any order."""

    @initialize()
    def start(self) -> None:
        """An empty namespace, and three machines."""
        self.patch = pytest.MonkeyPatch()
        for module in ("deciding", "pushing"):
            self.patch.setattr(f"luisy.cas.transfer.{module}.FOLD_ABOVE", FEW)
        self.folder = Path(tempfile.mkdtemp(prefix="luisy-union-"))
        self.remote = MemoryRemote()
        self.machines = [machine(self.folder, f"m{n}", self.remote) for n in range(3)]
        self.pushed = 0
        self.dropped: set[str] = set()

    def teardown(self) -> None:
        """Leave nothing."""
        self.patch.undo()
        for one in self.machines:
            one.store.close()
        shutil.rmtree(self.folder)

    @rule(client=st.integers(0, 2))
    def push(self, client: int) -> None:
        """Something new; folds when many segments are listed."""
        self.pushed += 1
        name = self.machines[client].result(self.pushed, b"%d" % self.pushed)
        self.machines[client].mirror.push([name])

    @rule(seed=st.integers(0, 99))
    def delete_superseded(self, seed: int) -> None:
        """A gc run deletes one segment that another stands for: any of them."""
        found = segments(self.remote)
        gone = sorted({name for supersedes, _ in found.values() for name in supersedes} & set(found))
        if gone:
            self.remote.delete(NAMESPACE.index + random.Random(seed).choice(gone))

    @rule(seed=st.integers(0, 99))
    def compact(self, seed: int) -> None:
        """A gc run drops an action and commits the rest of two segments."""
        found = segments(self.remote)
        gone = {name for supersedes, _ in found.values() for name in supersedes}
        live = sorted(set(found) - gone)[:2]
        if not live:
            return
        both = folded(found[name][1] for name in live)
        if both.actions:
            dead = random.Random(seed).choice(sorted(one.key.hex() for one in both.actions))
            self.dropped.add(dead)
            kept = [one for one in both.actions if one.key.hex() != dead]
            both = Records(both.blocks, kept, both.contents, both.locations, both.uses, both.bads)
        says = {name: found[name][0] for name in live}
        supersedes = superseded_by(live, says, set(found))
        name = segment_name(level_above(supersedes), new_uuid())
        self.remote.put(NAMESPACE.index + name, encode("weather", both, supersedes))

    @rule(client=st.integers(0, 2))
    def refresh(self, client: int) -> None:
        """A client looks: it knows the union, no more and no less."""
        one = self.machines[client]
        one.mirror.refresh()
        assert merged(one) == union(self.remote)

    @rule(client=st.integers(0, 2))
    def other_process(self, client: int) -> None:
        """Another process of the same machine goes on with its rows."""
        self.machines[client] = machine(self.folder, f"m{client}", self.remote)

    @invariant()
    def nothing_is_lost_or_comes_back(self) -> None:
        """What was pushed counts until it is dropped, and then never again, whatever is deleted around it."""
        keys = {name for name, _ in union(self.remote)}
        assert keys == {key(number) for number in range(1, self.pushed + 1)} - self.dropped


TestUnion = Union.TestCase
TestUnion.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_refreshing_asks_only_for_what_is_new(tmp_path: Path) -> None:
    """One listing; a segment is fetched once for a store, also by its other processes."""
    counting = Interposed(MemoryRemote())
    one = machine(tmp_path, "one", counting)
    two = machine(tmp_path, "two", counting)
    for number in range(3):
        one.result(number, b"%d" % number)
        one.mirror.push()
    two.mirror.refresh()
    counting.calls.clear()
    two.mirror.refresh()
    again = machine(tmp_path, "two", counting)
    again.mirror.refresh()
    assert counting.counted == {"list": 2, "get": 1}  # the format, once per process


def test_superseded_segments_are_not_fetched(tmp_path: Path) -> None:
    """The highest level says what need not be."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number in range(18):
        one.result(number, b"%d" % number)
        one.mirror.push()
    found = segments(remote)
    gone = {name for supersedes, _ in found.values() for name in supersedes}
    assert (len(found), len(gone)) == (18, FOLD_ABOVE + 1)
    counting = Interposed(remote)
    two = machine(tmp_path, "two", counting)
    two.mirror.refresh()
    assert len(two.mirror.results([key(number) for number in range(18)])) == 18
    assert counting.counted == {"get": 1 + 18 - len(gone), "list": 1}


def test_a_segment_that_goes_while_it_is_fetched_is_looked_for_again(tmp_path: Path) -> None:
    """Gc has replaced it: the next listing shows by what."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    one.mirror.push()

    def replace(call: Call) -> None:
        for name, (_, records) in segments(remote).items():
            if call.method == "get" and call.args[0].endswith(name) and level_of(name) == 0:
                remote.put(NAMESPACE.index + segment_name(1, new_uuid()), encode("weather", records, [name]))
                remote.delete(NAMESPACE.index + name)

    two = machine(tmp_path, "two", Interposed(remote, before=replace))
    two.mirror.refresh()
    assert key(1) in two.mirror.results([key(1)])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: b"x" + data[1:],
        lambda data: data[:40] + b"x" + data[41:],
        lambda _: b"x",
    ],
    ids=["cut", "head", "frame", "rubbish"],
)
def test_a_bad_segment_is_told_once_and_left_out(
    tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    """What is in it is a miss; the others count."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    one.mirror.push()
    (blob,) = remote.list(NAMESPACE.index).blobs
    remote.put(NAMESPACE.index + segment_name(0, new_uuid()), damage(remote.get(blob.name)))  # type: ignore[operator]
    counting = Interposed(remote)
    two = machine(tmp_path, "two", counting)
    two.mirror.refresh()
    two.mirror.refresh()
    assert key(1) in two.mirror.results([key(1)])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert counting.counted["get"] == 3  # the format, and each segment once


def test_an_older_process_is_refused_by_a_newer_segment(tmp_path: Path) -> None:
    """It holds records of a kind that this luisy does not know and may not skip."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    one.result(1, b"a")
    one.mirror.push()
    (blob,) = remote.list(NAMESPACE.index).blobs
    opened = open_segment(remote.get(blob.name), "weather")
    frames = [msgspec.structs.replace(opened.directory.frames[0], kind=99), *opened.directory.frames[1:]]
    directory = msgspec.structs.replace(opened.directory, frames=frames)
    raw = msgspec.msgpack.encode(directory)
    packed = compress(raw)
    body = b"".join((format_.MAGIC, *opened.frames))
    digest = blake3(packed, max_threads=1).digest()
    trailer = format_._TRAILER.pack(len(body), len(packed), len(raw), digest, format_.END)
    remote.put(NAMESPACE.index + segment_name(0, new_uuid()), body + packed + trailer)
    with pytest.raises(RemoteError) as caught:
        machine(tmp_path, "two", remote).mirror.refresh()
    assert caught.value.slug == "newer-remote"


def test_another_project_s_segment_is_left_out(tmp_path: Path) -> None:
    """Blobs that were copied between namespaces promise nothing here."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote, "other")
    one.result(1, b"a", project="other")
    one.mirror.push()
    for blob in remote.list("").blobs:
        remote.put(blob.name.replace("other/", "weather/"), remote.get(blob.name))
    two = machine(tmp_path, "two", remote)
    two.mirror.refresh()
    assert two.mirror.results([key(1)]) == {}


def folds(sizes: dict[str, int], most: int) -> list[str]:
    """What is folded where all segments may be."""
    return to_fold(sizes, most, listed=len(sizes))


def test_what_is_folded_depends_on_sizes() -> None:
    """Few are left alone; of many, a large one is left until the small ones together are comparable."""
    assert folds({f"{n}": 1 for n in range(FOLD_ABOVE)}, 1000) == []
    small = {f"{n}": 1 for n in range(FOLD_ABOVE + 1)}
    assert len(folds(small, 1000)) == FOLD_ABOVE + 1
    large = {**small, "large": 900}
    assert "large" not in folds(large, 2000)
    assert "large" in folds({**large, "middle": 50, "wide": 250}, 2000)


def test_what_is_folded_fits() -> None:
    """No more than there is room for."""
    assert len(folds({f"{n}": 10 for n in range(40)}, 100)) == 10


def test_superseding_is_handed_on() -> None:
    """Who folds a folded segment stands for what that one stood for, while it is listed."""
    assert superseded_by(["b"], {"b": {"a", "long gone"}}, {"a", "b", "c"}) == {"a", "b"}


def test_incoming_sizes_cover_blocks(tmp_path: Path) -> None:
    """What folding reckons with is not less than what a segment takes unpacked, but for its frame list."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number in range(50):
        one.result(number, b"%d" % number)
    one.mirror.push()
    (blob,) = remote.list(NAMESPACE.index).blobs
    found = Incoming.read("x", "e", remote.get(blob.name), "weather")
    actions = records_of(open_segment(remote.get(blob.name), "weather")).actions
    assert found.size > sum(len(record.action) for record in actions) + 50 * 32

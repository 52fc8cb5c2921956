"""Large segments are read in part, and nobody can tell by the answers."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luisy.cas import Store, database
from luisy.cas.remote import Unreachable
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_index import RemoteIndex
from luisy.cas.remote_names import Namespace, new_uuid, segment_name
from luisy.cas.remote_parts import Parts
from luisy.cas.remote_records import LOOKUP, ActionRecord, Block, Kind, Records, folded
from luisy.cas.remote_rows import RemoteRows
from luisy.cas.segments import encode, open_segment, records_of
from luisy.cas.signing import UNSIGNED, Authority
from luisy.cas.transfer import Extent, Mirror
from luisy.cas.transfer.merging import Merger
from luisy.cas.transfer.ranging import Budget, spans
from tests.mirrors import Interposed, machine
from tests.unit.cas.test_signing import signing_key
from tests.unit.cas.transfer.segments_made import (
    FAMILIES,
    INDEX,
    NAMES,
    PROJECT,
    Segments,
    compact,
    digest,
    name,
    pushed,
)
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from luisy.cas.remote import Remote
    from luisy.cas.remote_parts import Wanted
    from luisy.cas.segments import Directory, Frame
    from luisy.model import Key
    from tests.mirrors import Call

TRUSTED = (
    None,
    frozenset({signing_key(1).public}),
    frozenset({signing_key(1).public, signing_key(2).public}),
    frozenset({UNSIGNED, signing_key(2).public}),
)


class Reader:
    """A machine with an index of its own."""

    def __init__(self, remote: Remote, extent: Extent, trusted: frozenset[Any] | None = None) -> None:
        self.extent = extent
        self.index = RemoteIndex(database.in_memory(), remote.url, PROJECT)
        self.merger = Merger(remote, Namespace(PROJECT), self.index, Authority(trusted))
        self.rows = RemoteRows(self.index, trusted, self.merger.bring)

    def refresh(self) -> None:
        """Look at what is there now."""
        self.merger.refresh(self.extent)

    def held(self) -> set[int]:
        """The ids of all segments that rows are of."""
        found: set[int] = set()
        for table in ("frames", "blocks", "actions", "contents", "blobs", "locations", "uses", "bads"):
            found |= {row[0] for row in self.index.database.query(f"SELECT id >> 24 FROM remote_{table}")}
        return found


def questions(rng: random.Random) -> Iterator[tuple[str, Callable[[RemoteRows], Any]]]:
    """Each question once, about some names."""
    keys = [name(rng.randrange(NAMES)) for _ in range(rng.randrange(1, 4))]
    digests = [digest(rng.randrange(NAMES)) for _ in range(rng.randrange(1, 4))]
    params, family, prefix = (
        digest(rng.randrange(4)),
        rng.choice(FAMILIES),
        keys[0][: rng.choice([6, 20, 64])],
    )
    yield "results", lambda rows: rows.results(keys)
    yield "with_action", lambda rows: rows.with_action(keys)
    yield "contents_at", lambda rows: rows.contents_at(keys)
    yield "traced", lambda rows: rows.traced(keys)
    yield "by_shallow", lambda rows: rows.by_shallow(keys[0])
    yield "known", lambda rows: rows.known([(PROJECT, family, params), ("other", family, params)])
    yield "history", lambda rows: rows.history(PROJECT, family, params)
    yield "nearest", lambda rows: rows.nearest(PROJECT, family, params)
    yield "actions", lambda rows: {key: found for key, (found, _) in rows.actions(keys).items()}
    yield "starting", lambda rows: rows.starting(prefix)
    yield "contents", lambda rows: rows.contents(digests)
    yield "locations", lambda rows: {one: set(some) for one, some in rows.locations(digests).items()}
    yield "last_used", lambda rows: rows.last_used(keys)
    yield "bads", lambda rows: set(rows.bads())
    yield "bad_places", lambda rows: rows.bad_places()


def everything(rng: random.Random) -> Iterator[tuple[str, Callable[[RemoteRows], Any]]]:
    """The questions that need all of the index."""
    family = rng.choice([None, *FAMILIES])
    yield "listed", lambda rows: rows.listed(family)
    yield "segments_with", lambda rows: rows.segments_with([bytes.fromhex(name(1))], ["packs/" + "ab" * 16])


def thresholds(patch: pytest.MonkeyPatch, rng: random.Random) -> None:
    """Frames of a record or of many, gaps that are read or not, budgets that are used up at once or never."""
    ranging, merging, segments = (
        "luisy.cas.transfer.ranging.",
        "luisy.cas.transfer.merging.",
        "luisy.cas.segments.",
    )
    patch.setattr(segments + "FRAME_RAW", rng.choice([1, 500, 3000]))
    patch.setattr(segments + "LOOKUPS_ABOVE", rng.choice([0, 0, 0, 5000]))
    patch.setattr(merging + "WHOLE_BELOW", rng.choice([0, 0, 3000]))
    patch.setattr(ranging + "_LEAST_TAIL", rng.choice([56, 500, 2000]))
    patch.setattr(ranging + "PART_GAP", rng.choice([0, 0, 300]))
    patch.setattr(ranging + "PART_SHARE", rng.choice([0, 1, 4]))
    patch.setattr(ranging + "PART_REQUESTS", rng.choice([0, 3, 1000]))
    patch.setattr(ranging + "PART_ROUNDS", rng.choice([0, 2, 1000]))


def change(segments: Segments, rng: random.Random) -> None:
    """Others push, fold and delete."""
    some = [one for one in segments.there if rng.random() < 0.4]
    what = rng.randrange(3)
    if what == 0 or not some:
        segments.write(folded(pushed(rng, rng.randrange(8)) for _ in range(rng.randrange(1, 4))))
    elif what == 1:  # as if by somebody who has lost half of it
        segments.write(folded(pushed(rng, 3) for _ in some), tuple(some))
    else:
        segments.remove(some[0])


def compare(seed: int) -> None:
    """Ask a machine that reads parts and one that reads the whole the same questions, for a while."""
    rng = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        thresholds(patch, rng)
        segments = Segments(MemoryRemote())
        change(segments, rng)
        trusted = rng.choice(TRUSTED)
        whole = Reader(segments.remote, Extent.WHOLE, trusted)
        part = Reader(segments.remote, Extent.PARTS, trusted)
        for _ in range(rng.randrange(1, 5)):
            whole.refresh()
            part.refresh()
            for _ in range(rng.randrange(1, 4)):
                asked = list(questions(rng))
                rng.shuffle(asked)
                for what, ask in asked[: rng.randrange(1, len(asked))]:
                    assert ask(part.rows) == ask(whole.rows), what
                what, ask = asked[-1]
                new = Reader(segments.remote, Extent.PARTS, trusted)
                new.refresh()
                assert ask(new.rows) == ask(whole.rows), f"{what}, first of all"
            if rng.random() < 0.2:
                for what, ask in everything(rng):
                    assert ask(part.rows) == ask(whole.rows), what
            change(segments, rng)
        assert part.held() <= {one.id for one in part.index.merged().values()}


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=40, deadline=None)
def test_parts_answer_like_the_whole(seed: int) -> None:
    """Whatever is asked, in whatever order, while segments come and go; whoever is trusted."""
    compare(seed)


@pytest.mark.soak
@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=3000, deadline=None)
def test_parts_answer_like_the_whole_for_longer(seed: int) -> None:
    """The same, more often."""
    compare(seed)


# --- what may happen between the directory and a frame


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record has a frame of its own, and every segment is read in part, frame by frame."""
    for what, value in (
        ("segments.FRAME_RAW", 1),
        ("segments.LOOKUPS_ABOVE", 0),
        ("transfer.merging.WHOLE_BELOW", 0),
        ("transfer.ranging._LEAST_TAIL", 56),
        ("transfer.ranging.PART_GAP", 0),
        ("transfer.ranging.PART_SHARE", 0),
        ("transfer.ranging.PART_REQUESTS", 1000),
        ("transfer.ranging.PART_ROUNDS", 1000),
    ):
        monkeypatch.setattr(f"luisy.cas.{what}", value)


NUMBERS = [number << 200 for number in range(1, 10)]
"""Of keys that begin differently."""


class Pair:
    """A machine that has pushed nine results in one segment, and one that has read its directory."""

    def __init__(self, folder: Path) -> None:
        self.remote = MemoryRemote()
        self.one = machine(folder, "one", self.remote)
        self.keys = [self.one.result(one, b"%d" % one, created=1.0) for one in NUMBERS]
        self.one.mirror.push()
        (self.blob,) = (blob.name for blob in self.remote.list(INDEX).blobs)
        self.calls = Interposed(self.remote)
        self.two = machine(folder, "two", self.calls)
        self.two.mirror.refresh()

    def frame(self, kind: int) -> Frame:
        """The first frame of a kind."""
        directory = open_segment(self.remote.get(self.blob), PROJECT).directory
        return next(one for one in directory.frames if one.kind == kind)

    def found(self) -> list[Key]:
        """The keys at which the second machine finds something."""
        return [key for key in self.keys if self.two.mirror.results([key])]

    def partial(self) -> list[int]:
        return self.two.mirror._index.partial()


@pytest.fixture
def pair(small: None, tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_what_was_read_is_asked_for_no_more(pair: Pair) -> None:
    """A question costs requests once; and what is not there is known to be so."""
    assert pair.two.mirror.results([pair.keys[0]]) != {}
    assert pair.two.mirror.results([key(99)]) == {}
    before = len(pair.calls.calls)
    assert pair.two.mirror.results([pair.keys[0], key(99)]).keys() == {pair.keys[0]}
    assert len(pair.calls.calls) == before
    assert len(pair.partial()) == 1


@pytest.mark.parametrize("kind", [Kind.ACTION, LOOKUP])
def test_a_damaged_frame_is_a_damaged_segment(
    pair: Pair, caplog: pytest.LogCaptureFixture, kind: int
) -> None:
    """It is told once and left out as a whole, with what was merged of it; nothing is raised."""
    pair.found()
    frame, data = pair.frame(kind), bytearray(pair.remote.get(pair.blob))
    data[frame.offset + frame.length // 2] ^= 1
    new = machine(pair.two.folder.parent, "three", pair.remote)
    stored = pair.remote._blobs[pair.blob]
    new.mirror.refresh()
    pair.remote._blobs[pair.blob] = replace(stored, data=bytes(data))  # the same version: it rotted
    pair.two = new
    assert pair.found() == pair.found() == []
    assert [record.message.split(" is left out")[0] for record in caplog.records] == [pair.blob]
    assert new.mirror._index.merged() == {}


def test_what_a_damaged_segment_stood_for_counts_again(pair: Pair) -> None:
    """As where its directory is damaged: as long as that is still listed."""
    records = records_of(open_segment(pair.remote.get(pair.blob), PROJECT))
    old = pair.blob.removeprefix(INDEX)
    new = INDEX + segment_name(1, new_uuid())
    pair.remote.put(new, encode(PROJECT, replace(records, actions=records.actions[:3]), [old]))
    pair.two.mirror.refresh()
    assert len(pair.two.mirror._index.merged()) == 1
    assert pair.found() == pair.keys[:3]
    data = bytearray(pair.remote.get(new))
    pair.blob = new
    frame = pair.frame(LOOKUP)  # that of the first key
    data[frame.offset] ^= 1
    pair.remote._blobs[new] = replace(pair.remote._blobs[new], data=bytes(data))
    three = machine(pair.two.folder.parent, "three", pair.remote)
    three.mirror.refresh()
    assert [one for one in pair.keys if three.mirror.results([one])] == pair.keys


def test_a_damaged_directory_is_a_miss(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Told, as for a segment that is read whole; the remote is not asked for its frames."""
    data = bytearray(pair.remote.get(pair.blob))
    data[-60] ^= 1
    pair.remote.put(pair.blob, bytes(data))
    pair.two.mirror.refresh()
    assert pair.found() == []
    assert len(caplog.records) == 1


def test_a_segment_that_goes_is_looked_for_again(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Gc has compacted it after its directory was read: the answer is that of what is there now."""
    records = records_of(open_segment(pair.remote.get(pair.blob), PROJECT))
    pair.remote.put(INDEX + segment_name(1, new_uuid()), encode(PROJECT, records))
    pair.remote.delete(pair.blob)
    assert pair.found() == pair.keys
    assert caplog.records == []
    assert pair.blob.removeprefix(INDEX) not in pair.two.mirror._index.merged()


@pytest.mark.parametrize("kept", [9, 2])
def test_another_version_of_a_segment_is_looked_for_again(
    pair: Pair, caplog: pytest.LogCaptureFixture, kept: int
) -> None:
    """Its frames are no damage, and never merged with those of the version before; also if it is shorter."""
    records = records_of(open_segment(pair.remote.get(pair.blob), PROJECT))
    pair.remote.put(
        pair.blob, encode(PROJECT, replace(records, actions=records.actions[:kept], locations=()))
    )
    assert pair.found() == pair.keys[:kept]
    assert caplog.records == []


def test_a_version_that_comes_between_listing_and_directory_is_looked_for_again(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    """What is read then is not that of the listing."""
    records = records_of(open_segment(pair.remote.get(pair.blob), PROJECT))

    def swap(call: Call) -> None:
        if (
            call.method == "get"
            and call.args[0] == pair.blob
            and len(three.store.database.query("SELECT 1 FROM remote_segments")) == 0
        ):
            remote._before = lambda _: None
            pair.remote.put(pair.blob, encode(PROJECT, replace(records, actions=records.actions[:2])))

    remote = Interposed(pair.remote, swap)
    three = machine(pair.two.folder.parent, "three", remote)
    three.mirror.refresh()
    assert three.mirror.results(pair.keys).keys() == set(pair.keys[:2])
    assert caplog.records == []


def test_a_part_that_comes_short_is_no_damage(pair: Pair) -> None:
    """The server is at fault: nothing is left out for that, and later it is there."""
    real = pair.calls._remote.get
    pair.calls._remote = short = Short(pair.remote)
    with pytest.raises(Unreachable):
        pair.found()
    short.by = 0
    assert pair.found() == pair.keys
    assert real is not None


class Short(MemoryRemote):
    """A remote whose ranges come short.

    :ivar by: bytes that are missing.
    """

    def __init__(self, remote: MemoryRemote) -> None:
        super().__init__()
        self._blobs = remote._blobs
        self.by = 1

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Less than was asked for."""
        data = super().get(name, offset, length)
        return data[: len(data) - self.by]


def test_a_question_that_cannot_be_asked_has_no_answer(pair: Pair) -> None:
    """Also where another segment has a record of the key: it may be that it does not win."""
    late = machine(pair.two.folder.parent, "late", pair.remote)
    name = late.result(NUMBERS[0], b"another", created=1.0)
    late.mirror.push([name], superseding=frozenset([name]))
    refused: list[int] = []

    def guard(call: Callable[[], None]) -> bool:
        refused.append(1)
        return False

    three = machine(pair.two.folder.parent, "three", pair.remote)
    three.mirror.refresh()
    three.mirror._guard = guard
    assert three.mirror.results([name]) == {}
    three.mirror._guard = None
    assert three.mirror.results([name])[name].manifest == late.store.results([name])[name].manifest


def test_a_segment_without_lookups_is_read_whole(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older luisy has written it: nothing says which of its frames hold what."""
    monkeypatch.setattr("luisy.cas.segments.LOOKUPS_ABOVE", 1 << 30)
    records = records_of(open_segment(pair.remote.get(pair.blob), PROJECT))
    pair.remote.put(pair.blob, encode(PROJECT, records))
    pair.two.mirror.refresh()
    assert pair.partial() == []
    assert pair.found() == pair.keys


def test_an_older_reader_skips_lookups(pair: Pair) -> None:
    """They are frames of a kind that need not be known."""
    opened = open_segment(pair.remote.get(pair.blob), PROJECT)
    assert LOOKUP >= 128
    assert len(records_of(opened).actions) == len(pair.keys)


def test_a_push_reads_the_rest_first(pair: Pair) -> None:
    """What to upload, and what to fold, is decided by all of the index."""
    pair.found()
    pair.two.result(100, b"mine")
    pair.two.mirror.push()
    assert pair.partial() == []
    assert pair.found() == pair.keys


def test_what_is_there_is_not_pushed_again(pair: Pair) -> None:
    """A plan asks only for the keys that it is about, and knows."""
    for number in NUMBERS:
        pair.two.result(number, b"%d" % number, created=1.0)
    plan = pair.two.mirror.plan_push([pair.keys[0]])
    assert not plan.commits
    assert len(pair.partial()) == 1
    assert pair.two.mirror.missing(pair.keys) == set()


def test_a_listing_reads_the_rest_first(pair: Pair) -> None:
    """What there is cannot be told by a part."""
    assert {one.key for one in pair.two.mirror.listed()} == set(pair.keys)
    assert pair.partial() == []


def test_many_steps_end_in_the_whole(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process reads a segment in part only so often."""
    monkeypatch.setattr("luisy.cas.transfer.ranging.PART_ROUNDS", 4)
    assert pair.found() == pair.keys
    assert pair.partial() == []


def test_results_of_which_nothing_is_known_do_not_count_as_not_pushed(pair: Pair) -> None:
    """By a part of the index it cannot be told."""
    rows = RemoteRows(pair.two.mirror._index)
    assert rows.unclear(pair.keys) == set(pair.keys)
    pair.two.mirror.results([pair.keys[0], key(99)])
    assert rows.unclear([*pair.keys, key(99)]) == set(pair.keys[1:])


def test_two_processes_of_one_store_read_parts_of_the_same_segment(pair: Pair) -> None:
    """What one has merged the other finds; and one that drops it makes the other read again."""
    other = Mirror(pair.two.store, pair.remote, PROJECT)
    assert pair.two.mirror.results([pair.keys[0]]) != {}
    assert other.results([pair.keys[0], pair.keys[1]]).keys() == set(pair.keys[:2])
    records = records_of(open_segment(pair.remote.get(pair.blob), PROJECT))
    pair.remote.put(
        INDEX + segment_name(1, new_uuid()), encode(PROJECT, records, [pair.blob.removeprefix(INDEX)])
    )
    other.refresh()
    assert pair.found() == pair.keys


def test_an_answer_is_that_of_one_state_of_the_index(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process puts a segment in the place of the one that was looked through, before it is asked who wins."""
    wanted = pair.keys[0]
    pair.two.mirror.results([wanted])
    lacking = Parts.lacking
    other = Mirror(Store.open(pair.two.store.path), pair.remote, PROJECT)

    def changing(parts: Parts, what: Callable[[], Wanted]) -> Any:
        found = lacking(parts, what)
        monkeypatch.setattr(Parts, "lacking", lacking)
        compact(pair.remote, Records())
        other.refresh()
        return found

    monkeypatch.setattr(Parts, "lacking", changing)
    assert pair.two.mirror.results([wanted]).keys() == {wanted}
    assert pair.two.mirror.results([wanted]).keys() == {wanted}


def test_segment_that_is_dropped_while_its_frames_are_planned(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process, after it was seen among those that are merged: what is asked for is found all the same."""
    directory = RemoteIndex.directory
    planned = iter([False, True])  # asked for what lacks, then to plan how to fetch that
    other = Mirror(Store.open(pair.two.store.path), pair.remote, PROJECT)

    def dropping(index: RemoteIndex, segment: int) -> Directory:
        if next(planned, False):
            compact(pair.remote, Records())
            other.refresh()
        return directory(index, segment)

    monkeypatch.setattr(RemoteIndex, "directory", dropping)
    assert pair.two.mirror.results([pair.keys[0]]).keys() == {pair.keys[0]}
    assert next(planned, None) is None


def test_what_is_there_all_the_time_is_always_found(pair: Pair) -> None:
    """While somebody compacts again and again, and other processes of the same store merge parts and the whole."""
    ended = threading.Event()
    failed: list[BaseException] = []

    def repeatedly(step: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                while not ended.is_set():
                    step()
            except BaseException as error:  # noqa: BLE001 - told below
                failed.append(error)

        return threading.Thread(target=run)

    def merging(extent: Extent) -> Callable[[], None]:
        other = Mirror(Store.open(pair.two.store.path), pair.remote, PROJECT)
        return lambda: other.refresh(extent)

    def compacting() -> None:
        compact(pair.remote, Records())
        time.sleep(0.03)

    threads = [repeatedly(merging(extent)) for extent in Extent] + [repeatedly(compacting)]
    for thread in threads:
        thread.start()
    try:
        rng = random.Random(1)
        for _ in range(200):
            asked = rng.sample(pair.keys, 2)
            assert pair.two.mirror.results(asked).keys() == set(asked)
            assert pair.two.mirror.actions(asked).keys() == set(asked)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failed == []


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damage_anywhere_is_a_miss(data: st.DataObject) -> None:
    """Whatever was changed in a segment, a reader of parts tells only what was written, and never fails."""
    rng = random.Random(data.draw(st.integers(0, 1 << 32)))
    with pytest.MonkeyPatch.context() as patch:
        thresholds(patch, rng)
        segments = Segments(MemoryRemote())
        segments.write(folded(pushed(rng, 6) for _ in range(2)))
        whole = Reader(segments.remote, Extent.WHOLE)
        part = Reader(segments.remote, Extent.PARTS)
        whole.refresh()
        if is_late := data.draw(st.booleans()):
            part.refresh()
        (blob,) = segments.remote.list(INDEX).blobs
        stored = segments.remote._blobs[blob.name]  # type: ignore[attr-defined]
        changed = bytearray(stored.data)
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
        segments.remote._blobs[blob.name] = replace(stored, data=bytes(changed))  # type: ignore[attr-defined]
        if not is_late:
            part.refresh()
        for number in range(NAMES):
            found = part.rows.results([name(number)])
            assert found in ({}, whole.rows.results([name(number)]))


# --- ranges


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Directory:
    """One with a hundred frames of a hundred bytes and more."""
    monkeypatch.setattr("luisy.cas.segments.FRAME_RAW", 1)
    rng = random.Random(1)
    records = [ActionRecord(rng.randbytes(32), 0, 0, rng.randbytes(100), None) for _ in range(100)]
    return open_segment(encode(PROJECT, Records((Block(bytes(16), 1, b""),), records)), PROJECT).directory


def test_frames_are_read_with_small_gaps_between_them(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one request, and what lies in the gap is of use too."""
    gap = directory.frames[4].length
    for most, numbers in ((gap, [(3, 4, 5), (9,)]), (gap - 1, [(3,), (5,), (9,)])):
        monkeypatch.setattr("luisy.cas.transfer.ranging.PART_GAP", most)
        found = spans(directory, [9, 5, 3])
        assert [one.numbers for one in found] == numbers
        assert found[0].offset == directory.frames[3].offset
        last = directory.frames[numbers[0][-1]]
        assert found[0].offset + found[0].length == last.offset + last.length


@pytest.mark.parametrize(
    ("limit", "value", "rounds"), [("PART_ROUNDS", 3, 3), ("PART_REQUESTS", 6, 3), ("PART_SHARE", 16, 3)]
)
def test_what_one_process_reads_of_a_segment_in_part_is_bounded(
    directory: Directory, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, rounds: int
) -> None:
    """By rounds, by requests and by bytes: then all that is left comes by one request, without what is there."""
    monkeypatch.setattr("luisy.cas.transfer.ranging.PART_GAP", 0)
    monkeypatch.setattr(f"luisy.cas.transfer.ranging.{limit}", value)
    budget, there = Budget(), {0, 1, 99}
    for number in range(10, 10 + 4 * rounds, 4):
        found = budget.plan(1, directory, {number, number + 2}, there)
        assert [one.numbers for one in found] == [(number,), (number + 2,)]
        there |= {number, number + 2}
    (rest,) = budget.plan(1, directory, {50}, there)
    assert rest.numbers == tuple(range(2, 99))
    assert len(budget.plan(2, directory, {50}, there)) == 1  # another segment's is its own
    assert budget.plan(2, directory, {50}, there)[0].numbers == (50,)


def test_what_another_process_has_read_meanwhile_is_not_read_again(directory: Directory) -> None:
    """Nothing is left to ask for."""
    assert Budget().plan(1, directory, {5}, {5}) == []

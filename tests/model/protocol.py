"""What pushers, readers and gc runs do in the model of ``world``.

What a pusher decides is asked of ``luisy.cas.transfer.deciding``, as the real one does; the steps are named like the functions
that do them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cas.transfer.deciding import Bytes, bytes_needed
from tests.model.world import (
    ANEW,
    LEVELS,
    OLD,
    PACK,
    Collector,
    Pusher,
    Reader,
    Rules,
    Segment,
    Slot,
    Tombstone,
    World,
    counting,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Protocol:
    """What each actor may do in a world.

    :param folding: pushers take segments into their own.
    :param needing: pushers need the object; else they push something else beside it.
    :param pinning: the second gc run keeps the old action.
    :param repacking: gc packs the object anew, once.
    :param large: the compacted index takes two segments.
    :param tries: how often a pusher begins.
    :param runs: how often each collector runs.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        folding: bool = False,
        needing: bool = True,
        pinning: bool = False,
        repacking: bool = False,
        large: bool = False,
        tries: int = 2,
        runs: tuple[int, ...] = (2, 2),
    ) -> None:
        self.rules = rules
        self.folding = folding
        self.needing = needing
        self.pinning = pinning
        self.repacking = repacking
        self.large = large
        self.tries = tries
        self.runs = runs

    def steps(self, world: World) -> Iterator[tuple[str, World]]:
        """Every next step of every actor; any of them may crash instead."""
        for number, pusher in enumerate(world.pushers):
            name = f"p{number}"
            for label, after, actor in self._pusher(world, pusher, name):
                yield f"{name}: {label}", _with_pusher(after, number, actor)
            if pusher.at not in ("start", "end"):
                yield f"{name}: crash", _with_pusher(world, number, Pusher("end"))
        for number, collector in enumerate(world.collectors):
            name = f"g{number}"
            for label, after, run in self._collector(world, collector, name):
                yield f"{name}: {label}", _with_collector(after, number, run)
            if collector.at not in ("start", "end"):
                yield f"{name}: crash", _with_collector(world, number, self._next_run(collector, name))
            if world.lease == name:
                yield f"{name}: lease ends", world._replace(lease="")
        for number, reader in enumerate(world.readers):
            if reader.page < LEVELS.stop:
                page = frozenset(one for one in world.segments if min(one.level, LEVELS[-1]) == reader.page)
                seen = Reader(reader.page + 1, reader.seen | page)
                readers = (*world.readers[:number], seen, *world.readers[number + 1 :])
                yield f"r{number}: list level {reader.page}", world._replace(readers=readers)

    # --- a push (luisy.cas.transfer.pushing)

    def _pusher(self, world: World, pusher: Pusher, name: str) -> Iterator[tuple[str, World, Pusher]]:
        order = (
            ["open_slot", "standing", "look"]
            if self.rules.tombstones_first
            else ["open_slot", "look", "standing"]
        )
        if not self.rules.list_after_slot:
            order = [*order[1:], order[0]]
        following = dict(zip(["start", *order], [*order, "place"], strict=True))
        if pusher.at == "start":
            yield from self._pusher(world, pusher._replace(at=order[0]), name)
        elif pusher.at == "open_slot":
            level = self._level_above(world.segments) if self.folding else 0
            slot = Slot(f"{name}.{pusher.tries}", level)
            opened = world._replace(slots=world.slots | {slot})
            yield "open_slot", opened, pusher._replace(at=following["open_slot"], level=level)
        elif pusher.at == "standing":
            ready = pusher._replace(at=following["standing"], doomed=world.tombstones)
            yield f"standing: {sorted(one.blob for one in world.tombstones)}", world, ready
        elif pusher.at == "look":
            yield "look", world, self._looked(world, pusher)._replace(at=following["look"])
        elif pusher.at == "place":
            yield from self._place(world, pusher)
        elif pusher.at == "commit":
            yield from self._commit(world, pusher, name)

    def _level_above(self, segments: Iterable[Segment]) -> int:
        return 1 + max((one.level for one in segments), default=0) if self.rules.higher_level else -1

    def _looked(self, world: World, pusher: Pusher) -> Pusher:
        live = counting(world.segments)
        located = frozenset(blob for one in live for blob in one.locates)
        folds = live if self.folding else frozenset()
        return pusher._replace(located=located, folds=folds)

    def _place(self, world: World, pusher: Pusher) -> Iterator[tuple[str, World, Pusher]]:
        """Upload, touch or neither, as the real decision says."""
        ready = pusher._replace(at="commit", folds=self._foldable(pusher), tells=frozenset())
        doomed = {one.blob for one in pusher.doomed}
        needed = bytes_needed(pusher.located, doomed)
        there = dict(world.blobs)
        if needed is Bytes.PRESENT or not self.needing:
            yield "is there", world, ready
        elif needed is Bytes.UPLOAD and PACK not in there:
            yield "upload", _written(world, PACK), ready._replace(tells=frozenset({PACK}))
        elif (
            needed is Bytes.UPLOAD
        ):  # put-if-absent answers 409: somebody else's, or an orphan; touched all the same
            after = _written(world, PACK) if self.rules.touch else world
            yield "409: touch", after, ready._replace(tells=frozenset({PACK}))
        else:
            blob = min(pusher.located)
            tells = frozenset({blob}) if self.rules.locate_again else frozenset()
            etags = {one.etag for one in pusher.doomed if one.blob == blob}
            if blob not in there:  # 404
                yield "upload", _written(world, PACK), ready._replace(tells=frozenset({PACK}))
            elif there[blob] in etags and self.rules.touch:
                yield "touch", _written(world, blob), ready._replace(tells=tells)
            else:  # 412: it has another ETag than the tombstone says
                yield "no touch", world, ready._replace(tells=tells)

    def _foldable(self, pusher: Pusher) -> frozenset[Segment]:
        doomed = {one.blob for one in pusher.doomed} if self.rules.fold_leaves_doomed else set()
        names = {OLD} if pusher.doomed and self.rules.fold_leaves_doomed else set()
        return frozenset(
            one
            for one in pusher.folds
            if one.locates.isdisjoint(doomed)
            and one.actions.isdisjoint(names)
            and (one.level < pusher.level or not self.rules.higher_level)
        )

    def _commit(self, world: World, pusher: Pusher, name: str) -> Iterator[tuple[str, World, Pusher]]:
        slot = Slot(f"{name}.{pusher.tries}", pusher.level)
        if slot not in world.slots:
            if pusher.tries + 1 < self.tries:
                yield "412: begin again", world, Pusher(tries=pusher.tries + 1)
            else:
                yield "412: give up", world, Pusher("end")
            return
        names = frozenset(one.name for one in pusher.folds)
        segment = Segment(
            slot.name,
            slot.level,
            frozenset({name} if self.needing else ()).union(*(one.actions for one in pusher.folds)),
            pusher.tells.union(*(one.locates for one in pusher.folds)),
            names.union(*(one.supersedes for one in pusher.folds)),
        )
        after = world._replace(slots=world.slots - {slot}, segments=world.segments | {segment})
        yield "commit", after, Pusher("end")

    # --- a gc run (luisy.cas.remote_gc.running and .finishing)

    def _collector(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        if run.at in ("start", "publish"):
            yield from self._running(world, run, name)
        elif run.at in ("open_slot", "standing", "list_slots", "list_again", "settle"):
            yield from self._settling(world, run, name)
        elif run.at in ("read", "read_again", "objects_there", "verdict"):
            yield from self._looking(world, run, name)
        elif run.at in ("withdraw", "parts", "commit"):
            yield from self._compacting(world, run, name)
        elif run.at != "end":
            yield from self._deleting(world, run, name)

    def _next_run(self, run: Collector, name: str) -> Collector:
        more = run.runs + 1 < self.runs[int(name[1:])]
        return Collector("start" if more else "end", runs=run.runs + 1)

    def _running(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """The plan; what earlier runs have tombstoned comes first, then what it finds dead itself."""
        if run.at == "start" and not world.lease:
            yield "plan", world._replace(lease=name), self._planned(world, run, name)
        elif run.at == "publish":
            tombstones = world.tombstones | {run.new} if run.new is not None else world.tombstones
            lease = "" if world.lease == name else world.lease
            yield "publish", world._replace(tombstones=tombstones, lease=lease), self._next_run(run, name)

    def _planned(self, world: World, run: Collector, name: str) -> Collector:
        there = dict(world.blobs)
        needed = self._required(world.segments, world.blobs, world.tombstones, name)
        doomed = {one.blob for one in world.tombstones if there.get(one.blob) == one.etag}
        dead = sorted(there.keys() - needed - doomed)
        new = Tombstone(name, dead[0], there[dead[0]]) if dead else None
        finishes = world.tombstones or self._repacks(world.segments, there) or self.large
        return run._replace(at="open_slot" if finishes else "publish", earlier=world.tombstones, new=new)

    def _repacks(self, segments: Iterable[Segment], there: Iterable[str]) -> bool:
        located = {blob for one in counting(segments) for blob in one.locates}
        return self.repacking and PACK in located and ANEW not in located and PACK in there

    def _settling(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """With a slot of its own it waits for those who may not know the tombstones."""
        own = f"{name}.{run.runs}"
        others = frozenset(one.name for one in world.slots if one.name != own)
        if run.at == "open_slot":
            level = self._level_above(world.segments)
            opened = world._replace(slots=world.slots | {Slot(own, level)})
            yield "open_slot", opened, run._replace(at="standing", level=level)
        elif run.at == "standing":
            yield "standing", world, run._replace(at="list_slots", stand=world.tombstones)
        elif run.at in ("list_slots", "list_again"):
            yield from self._list_slots(world, run, others)
        elif not self.rules.slot or run.waits.isdisjoint(others):
            yield "settle", world, run._replace(at="read", waits=frozenset())
        else:
            for slot in sorted(
                run.waits & others
            ):  # its time is over by the server's clock, or it is of a gc run
                yield f"break {slot}", _left(world, slot), run

    def _list_slots(
        self, world: World, run: Collector, others: frozenset[str]
    ) -> Iterator[tuple[str, World, Collector]]:
        """What either of two listings shows is waited for."""
        listings = [(others, world)]
        if world.wrong:
            fewer = world._replace(wrong=world.wrong - 1)
            listings += [(others - {one}, fewer) for one in others]
        again = run.at == "list_slots" and self.rules.either and world.wrong
        for found, after in listings:
            yield run.at, after, run._replace(at="list_again" if again else "settle", waits=run.waits | found)

    def _looking(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """All segments, until two listings agree; then all blobs; then everything is judged again."""
        if run.at in ("read", "read_again"):
            yield from self._read(world, run)
        elif run.at == "objects_there":
            yield "objects_there", world, run._replace(at="verdict", there=world.blobs)
        elif self.rules.higher_level and any(one.level >= run.level for one in run.read):
            yield "overtaken", _left(world, f"{name}.{run.runs}"), self._next_run(run, name)
        else:
            yield "verdict", world, run._replace(at="withdraw")

    def _read(self, world: World, run: Collector) -> Iterator[tuple[str, World, Collector]]:
        listings = [(world.segments, world)]
        if world.wrong:
            fewer = world._replace(wrong=world.wrong - 1)
            listings += [(world.segments - {one}, fewer) for one in world.segments]
        for found, after in listings:
            if run.at == "read" and self.rules.agree and world.wrong:
                yield "list", after, run._replace(at="read_again", before=found)
            elif run.at == "read_again" and found != run.before:
                yield "list: they differ", after, run._replace(before=found)
            else:
                yield "read_all", after, run._replace(at="objects_there", read=found, before=None)

    def _after(self, step: str) -> str:
        index = ["parts", "commit"] if self.rules.parts_first else ["commit", "parts"]
        index.append("sweep")
        order = [*index, "delete"] if self.rules.index_first else ["delete", *index]
        order = ["withdraw", *order, "close"]
        return order[order.index(step) + 1]

    def _compacting(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """What lives is touched; then the index is written anew, without what is dead."""
        own = Slot(f"{name}.{run.runs}", run.level)
        done = run._replace(at=self._after(run.at))
        head, part = self._segments(run, own, name)
        if run.at == "withdraw":
            yield "withdraw", self._withdrawn(world, run, name), done
        elif run.at == "parts" and self.large:
            yield "commit part", world._replace(segments=world.segments | {part}), done
        elif run.at == "parts" and self._repacks(run.read, dict(run.there)):
            yield "repacked", _written(world, ANEW), done
        elif run.at == "parts":
            yield from self._collector(world, done, name)
        elif own not in world.slots and self.rules.slot:
            yield "412: overtaken", world, self._next_run(run, name)
        else:
            after = world._replace(segments=world.segments | {head}, slots=world.slots - {own})
            yield "commit", after, done

    def _withdrawn(self, world: World, run: Collector, name: str) -> World:
        if not self.rules.touch_on_withdrawal:
            return world
        for one in sorted(run.earlier):
            if one.blob in self._needed(run, name) and (one.blob, one.etag) in world.blobs:
                world = _written(world, one.blob)
        return world

    def _segments(self, run: Collector, own: Slot, name: str) -> tuple[Segment, Segment]:
        """The compacted segments: the one that supersedes, and where it takes two the other with what is in them."""
        live = counting(run.read)
        needed = self._needed(run, name)
        drops = {OLD} if run.earlier and not (self.rules.reread and self._keeps_old(name)) else set()
        actions = frozenset(action for one in live for action in one.actions) - drops
        # One that has another ETag by now was touched: its locations stay.
        dead = {
            one.blob for one in run.earlier if dict(run.there).get(one.blob, one.etag) == one.etag
        } - needed
        locates = frozenset(blob for one in live for blob in one.locates) - dead
        if self._repacks(run.read, dict(run.there)):
            locates |= {ANEW}
        names = frozenset(one.name for one in run.read)
        if not self.large:
            return (Segment(own.name, own.level, actions, locates, names),) * 2
        above = own.level + 1 if self.rules.parts_above else own.level - 1
        part = Segment(f"{own.name}+", above, actions, locates)
        return Segment(own.name, own.level, frozenset(), frozenset(), names), part

    def _deleting(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """First nobody is told any more, then the bytes go, then the tombstones."""
        if run.at == "sweep":
            names = {one.name for one in run.read}
            swept = frozenset(one for one in world.segments if one.name not in names)
            yield "sweep", world._replace(segments=swept), run._replace(at=self._after("sweep"))
        elif run.at == "delete":
            gone = {
                (blob, etag)
                for blob, etag in world.blobs
                for one in run.earlier
                if blob == one.blob and (etag == one.etag or not self.rules.etag)
                if blob not in self._needed(run, name)
            }
            yield "delete", world._replace(blobs=world.blobs - gone), run._replace(at=self._after("delete"))
        else:
            closed = world._replace(tombstones=world.tombstones - run.earlier)
            yield "close", closed, run._replace(at="publish")

    # --- what is live, as luisy.cas.remote_gc.liveness has it

    def _keeps_old(self, name: str) -> bool:
        return self.pinning and name == "g1"

    def _needed(self, run: Collector, name: str) -> set[str]:
        """The blobs that have to stay, by what the run has read."""
        if not self.rules.reread:
            return set()
        return self._required(run.read, run.there, run.stand, name)

    def _required(
        self,
        segments: Iterable[Segment],
        blobs: Iterable[tuple[str, int]],
        stand: Iterable[Tombstone],
        name: str,
    ) -> set[str]:
        live = counting(segments)
        there = dict(blobs)
        if all(action == OLD and not self._keeps_old(name) for one in live for action in one.actions):
            return set()
        places = {blob for one in live for blob in one.locates} & there.keys()
        doomed = {one.blob for one in stand if there.get(one.blob) == one.etag}
        better = places - doomed or places
        return {ANEW if ANEW in better else PACK} & better


def _written(world: World, blob: str) -> World:
    """With a new version of a blob."""
    others = frozenset(one for one in world.blobs if one[0] != blob)
    return world._replace(blobs=others | {(blob, world.clock + 1)}, clock=world.clock + 1)


def _left(world: World, slot: str) -> World:
    return world._replace(slots=frozenset(one for one in world.slots if one.name != slot))


def _with_pusher(world: World, number: int, pusher: Pusher) -> World:
    return world._replace(pushers=(*world.pushers[:number], pusher, *world.pushers[number + 1 :]))


def _with_collector(world: World, number: int, run: Collector) -> World:
    return world._replace(collectors=(*world.collectors[:number], run, *world.collectors[number + 1 :]))

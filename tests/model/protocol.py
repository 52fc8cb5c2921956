"""Pushers and gc runs over one object, as a model: each request of each of them is a step, and may be its last.

The remote of the model has one object's blob, segments, tombstones and slots. Segment ``old`` may hold an action
that is old enough for gc, and the location of the object. Every pusher has an action of its own that needs the
object; it is not old. What a pusher decides is asked of ``luisy.cas.transfer.deciding``, as the real one does.

Safe: whenever a segment that counts has an action, the blob is there, and some segment that counts locates it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from luisy.cas.transfer.deciding import Bytes, bytes_needed

if TYPE_CHECKING:
    from collections.abc import Iterator

O = "o"  # noqa: E741 - the object, and its blob
OLD = "old"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the protocol, each of which can be left out to see what it is for."""

    slot: bool = True  # gc waits for open slots, or breaks them
    list_after_slot: bool = True  # a pusher decides on listings made after its slot was opened
    tombstones_first: bool = True  # and lists tombstones before segments
    touch: bool = True  # it gives a tombstoned blob that it needs a new ETag
    locate_again: bool = True  # and tells its location again
    reread: bool = True  # gc reads all segments again before it deletes
    etag: bool = True  # it deletes only what it tombstoned
    index_first: bool = True  # it changes the index before it deletes bytes
    touch_on_withdrawal: bool = True  # it touches what it lets live before it removes the tombstone
    fold_leaves_doomed: bool = True  # a pusher folds no segment that holds anything tombstoned

    def without(self, rule: str) -> Rules:
        """These rules but for one."""
        return Rules(**{one.name: getattr(self, one.name) and one.name != rule for one in fields(self)})


class Segment(NamedTuple):
    """A committed segment."""

    name: str
    actions: frozenset[str]
    locates: bool
    supersedes: frozenset[str] = frozenset()


class Tombstone(NamedTuple):
    """What a gc run wants to delete: the object's blob in one version; the old action is always named."""

    by: str
    etag: int


class Pusher(NamedTuple):
    """A pusher.

    :param at: what it does next.
    :param doomed: ETags that the tombstones named when it listed them.
    :param located: whether the index located the object when it listed that.
    :param folds: whether it will take the old segment into its own.
    :param tells: whether it will say where the object is.
    """

    at: str = "start"
    doomed: frozenset[int] = frozenset()
    located: bool = False
    folds: Segment | None = None
    tells: bool = False
    tries: int = 0


class Collector(NamedTuple):
    """A gc run.

    :param etag: the version of the blob that it is about to delete.
    :param read: the segments that it read last.
    """

    at: str = "start"
    tombstone: Tombstone | None = None
    read: frozenset[Segment] = frozenset()


class World(NamedTuple):
    """Everything.

    :param blob: ETag of the object's blob; 0 if it is not there.
    :param clock: the last ETag that was given.
    :param slots: the slots that are open.
    :param lease: the gc run that believes to be the only one; it has no word in what is safe.
    """

    blob: int
    clock: int
    segments: frozenset[Segment]
    tombstones: frozenset[Tombstone]
    slots: frozenset[str]
    lease: str
    pushers: tuple[Pusher, ...]
    collectors: tuple[Collector, ...]


def counting(segments: frozenset[Segment]) -> frozenset[Segment]:
    """The segments that none of the others supersedes."""
    gone = frozenset(name for segment in segments for name in segment.supersedes)
    return frozenset(segment for segment in segments if segment.name not in gone)


def is_safe(world: World) -> bool:
    """No promise of missing bytes."""
    live = counting(world.segments)
    if not any(segment.actions for segment in live):
        return True
    return world.blob != 0 and any(segment.locates for segment in live)


def start(*, pushers: int, collectors: int, orphan: bool) -> World:
    """The object is there: known by the old segment alone, or by nobody."""
    old = Segment(OLD, frozenset({OLD}), locates=True)
    return World(
        1,
        1,
        frozenset() if orphan else frozenset({old}),
        frozenset(),
        frozenset(),
        "",
        (Pusher(),) * pushers,
        (Collector(),) * collectors,
    )


class Protocol:
    """What each actor may do in a world.

    :param folding: pushers take the old segment into their own.
    :param needing: pushers need the object; else they push something else beside it.
    :param pinning: the second gc run keeps the old action.
    :param tries: how often a pusher begins.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        folding: bool = False,
        needing: bool = True,
        pinning: bool = False,
        tries: int = 2,
    ) -> None:
        self.rules = rules
        self.folding = folding
        self.needing = needing
        self.pinning = pinning
        self.tries = tries

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
                yield f"{name}: crash", _with_collector(world, number, Collector("end"))
            if world.lease == name:
                yield f"{name}: lease expires", world._replace(lease="")

    # --- a push

    def _pusher(self, world: World, pusher: Pusher, name: str) -> Iterator[tuple[str, World, Pusher]]:
        slot = f"{name}.{pusher.tries}"
        order = (
            ["slot", "tombstones", "index"]
            if self.rules.tombstones_first
            else ["slot", "index", "tombstones"]
        )
        if not self.rules.list_after_slot:
            order = [*order[1:], order[0]]
        following = dict(zip(["start", *order], [*order, "bytes"], strict=True))
        if pusher.at == "start":
            yield from self._pusher(world, pusher._replace(at=order[0]), name)
        elif pusher.at == "slot":
            opened = world._replace(slots=world.slots | {slot})
            yield "open slot", opened, pusher._replace(at=following["slot"])
        elif pusher.at == "tombstones":
            doomed = frozenset(one.etag for one in world.tombstones)
            yield (
                f"tombstones: {sorted(doomed)}",
                world,
                pusher._replace(at=following["tombstones"], doomed=doomed),
            )
        elif pusher.at == "index":
            yield "list index", world, self._listed(world, pusher)._replace(at=following["index"])
        elif pusher.at == "bytes":
            yield from self._bytes(world, pusher)
        elif pusher.at == "commit":
            yield from self._commit(world, pusher, slot, name)

    def _listed(self, world: World, pusher: Pusher) -> Pusher:
        live = counting(world.segments)
        folds = next((one for one in live if one.name == OLD), None) if self.folding else None
        return pusher._replace(located=any(one.locates for one in live), folds=folds)

    def _bytes(self, world: World, pusher: Pusher) -> Iterator[tuple[str, World, Pusher]]:
        """Upload, touch or neither, as the real decision says."""
        folds = None if pusher.doomed and self.rules.fold_leaves_doomed else pusher.folds
        ready = pusher._replace(at="commit", folds=folds)
        needed = bytes_needed({O} if pusher.located else (), {O} if pusher.doomed else ())
        new = world.clock + 1
        if needed is Bytes.PRESENT or not self.needing:
            yield "is there", world, ready._replace(tells=False)
        elif world.blob == 0:
            yield "upload", world._replace(blob=new, clock=new), ready._replace(tells=True)
        elif needed is Bytes.UPLOAD:
            # Put-if-absent answers 409: somebody else's, or an orphan. It is touched all the same.
            yield from self._touched(world, ready._replace(tells=True), "409: touch", even=True)
        else:
            even = world.blob in pusher.doomed
            yield from self._touched(world, ready._replace(tells=self.rules.locate_again), "touch", even=even)

    def _touched(
        self, world: World, ready: Pusher, label: str, *, even: bool
    ) -> Iterator[tuple[str, World, Pusher]]:
        new = world.clock + 1
        if self.rules.touch and even:
            yield label, world._replace(blob=new, clock=new), ready
        else:  # 412: it has another ETag than the tombstone says
            yield f"no {label}", world, ready

    def _commit(
        self, world: World, pusher: Pusher, slot: str, name: str
    ) -> Iterator[tuple[str, World, Pusher]]:
        if slot not in world.slots:
            if pusher.tries + 1 < self.tries:
                yield "412: begin again", world, Pusher(tries=pusher.tries + 1)
            else:
                yield "412: give up", world, Pusher("end")
            return
        folded = pusher.folds
        segment = Segment(
            slot,
            (frozenset({name}) if self.needing else frozenset())
            | (folded.actions if folded else frozenset()),
            pusher.tells or bool(folded and folded.locates),
            frozenset({OLD}) if folded else frozenset(),
        )
        after = world._replace(slots=world.slots - {slot}, segments=world.segments | {segment})
        yield "commit", after, Pusher("end")

    # --- a gc run

    def _collector(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        if run.at in ("start", "look", "publish", "later"):
            yield from self._planning(world, run, name)
        elif run.at in ("slot", "wait", "read", "judge"):
            yield from self._judging(world, run, name)
        elif run.at in ("compact", "sweep", "delete"):
            yield from self._deleting(world, run, name)
        else:
            yield from self._ending(world, run, name)

    def _planning(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """What is dead gets a tombstone; what has one since an earlier run is gone on with."""
        if run.at == "start" and not world.lease:
            yield "lease", world._replace(lease=name), run._replace(at="look")
        elif run.at == "look":
            earlier = sorted(one for one in world.tombstones if one.by != name)
            if earlier:
                yield "earlier tombstone", world, run._replace(at="slot", tombstone=earlier[0])
            elif self._is_dead(world.segments, name) and world.blob:
                yield "plan", world, run._replace(at="publish", tombstone=Tombstone(name, world.blob))
        elif run.at == "publish" and run.tombstone is not None:
            published = world._replace(tombstones=world.tombstones | {run.tombstone})
            # The wait is between runs: another run, or a later one of this machine, goes on.
            yield "publish", published, run._replace(at="later")
        elif run.at == "later":
            yield "next run", world, run._replace(at="slot")

    def _judging(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """With a slot of its own, and none else open, it reads everything again."""
        if run.at == "slot":
            yield "open slot", world._replace(slots=world.slots | {name}), run._replace(at="wait")
        elif run.at == "wait":
            yield from self._wait(world, run, name)
        elif run.at == "read":
            yield "read all", world, run._replace(at="judge", read=world.segments)
        elif self.rules.reread and not self._is_dead(run.read, name):
            yield "it lives", world, run._replace(at="withdraw")
        else:
            yield "it is dead", world, run._replace(at="compact" if self.rules.index_first else "delete")

    def _deleting(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """First nobody is told any more, then the bytes go."""
        if run.at == "compact":
            yield from self._compact(world, run, name)
        elif run.at == "sweep":
            names = frozenset(one.name for one in run.read)
            swept = world._replace(segments=frozenset(one for one in world.segments if one.name not in names))
            yield "delete superseded", swept, run._replace(at=self._after("compact"))
        elif run.tombstone is not None:
            hit = world.blob == run.tombstone.etag or not self.rules.etag
            after = world._replace(blob=0 if hit else world.blob)
            yield "delete" if hit else "412", after, run._replace(at=self._after("delete"))

    def _ending(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        """What lives is touched; then the tombstone goes."""
        if run.at == "withdraw":
            new = world.clock + 1
            touched = world._replace(blob=new if world.blob else 0, clock=new)
            yield (
                "withdraw",
                touched if self.rules.touch_on_withdrawal else world,
                run._replace(at="close"),
            )
        elif run.at == "close":
            closed = world._replace(
                slots=world.slots - {name},
                tombstones=world.tombstones - {run.tombstone},
                lease="" if world.lease == name else world.lease,
            )
            yield "close", closed, Collector("end")

    def _wait(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        others = sorted(world.slots - {name})
        if not others or not self.rules.slot:
            yield "no other slot is open", world, run._replace(at="read")
        for slot in others:  # its time is over by the server's clock, which says nothing about its owner
            yield f"break {slot}", world._replace(slots=world.slots - {slot}), run

    def _compact(self, world: World, run: Collector, name: str) -> Iterator[tuple[str, World, Collector]]:
        if name not in world.slots and self.rules.slot:
            yield "412: give up", world, Collector("end")
            return
        live = counting(run.read)
        kept = frozenset(action for one in live for action in one.actions if action != OLD)
        names = frozenset(one.name for one in run.read)
        compacted = Segment(name, kept, locates=False, supersedes=names)
        after = world._replace(segments=world.segments | {compacted}, slots=world.slots - {name})
        yield "commit compacted", after, run._replace(at="sweep")

    def _is_dead(self, segments: frozenset[Segment], name: str) -> bool:
        """Nothing but the old action needs the object, and this run does not keep that."""
        live = counting(segments)
        keeps = self.pinning and name == "g1"
        return all(action == OLD and not keeps for one in live for action in one.actions)

    def _after(self, done: str) -> str:
        order = ["compact", "delete"] if self.rules.index_first else ["delete", "compact"]
        return "close" if done == order[1] else order[1]


def _with_pusher(world: World, number: int, pusher: Pusher) -> World:
    return world._replace(pushers=(*world.pushers[:number], pusher, *world.pushers[number + 1 :]))


def _with_collector(world: World, number: int, run: Collector) -> World:
    return world._replace(collectors=(*world.collectors[:number], run, *world.collectors[number + 1 :]))

"""Pushers, readers and gc runs over one object, as a model: each request of each of them is a step, and may be its last.

The remote of the model has the blobs that hold one object (a pack, and the pack that it is packed anew into), segments,
tombstones and slots. Segment ``old`` may hold an action that is old enough for gc, and locates the object. Every
pusher has an action of its own that needs the object; it is not old. What they do is in ``protocol``.

What holds in every state, whatever the order of the steps, whoever crashed and whosever lease or slot was taken away:

1. *No promise of missing bytes*: if a segment that counts has an action, some segment that counts locates the object in
   a blob that is there.
2. *No listing misses what was there all the time*: who lists ``index/`` in pages while segments are folded, compacted and
   deleted finds the action that nobody ever wanted to delete.

The lease is in the model only to show that nothing rests on it: it may end any time, and nobody asks for it later.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

PACK = "pack"
ANEW = "anew"
OLD = "old"
KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the protocol, each of which can be left out to see what it is for."""

    slot: bool = True  # gc waits for slots that it finds open, or breaks them
    list_after_slot: bool = True  # a pusher decides on listings made after its slot was opened
    tombstones_first: bool = True  # and lists tombstones before segments
    touch: bool = True  # it gives a tombstoned blob that it needs a new ETag
    locate_again: bool = True  # and tells its location again
    reread: bool = True  # gc reads all segments again before it deletes
    etag: bool = True  # it deletes only what it tombstoned
    index_first: bool = True  # it changes the index before it deletes bytes
    touch_on_withdrawal: bool = True  # it touches what it lets live before it removes the tombstone
    fold_leaves_doomed: bool = True  # a pusher folds no segment that holds anything tombstoned
    agree: bool = True  # gc goes by two listings that agree
    either: bool = True  # and waits for the slots that either of two shows
    higher_level: bool = True  # what supersedes has a higher level, and is listed after it
    parts_above: bool = True  # further parts of a compacted index lie above the one that supersedes
    parts_first: bool = True  # and are committed before it

    def without(self, rule: str) -> Rules:
        """These rules but for one."""
        return Rules(**{one.name: getattr(self, one.name) and one.name != rule for one in fields(self)})


class Segment(NamedTuple):
    """A committed segment.

    :param level: where listings show it.
    :param locates: the blobs in which it locates the object.
    """

    name: str
    level: int
    actions: frozenset[str]
    locates: frozenset[str]
    supersedes: frozenset[str] = frozenset()


class Tombstone(NamedTuple):
    """What a gc run wants to delete: a blob in one version; the old action is always named."""

    by: str
    blob: str
    etag: int


class Slot(NamedTuple):
    """An open slot."""

    name: str
    level: int


class Pusher(NamedTuple):
    """A pusher.

    :param at: what it does next.
    :param doomed: what the tombstones named when it listed them.
    :param located: the blobs in which the index located the object when it listed that.
    :param folds: the segments that it takes into its own.
    :param tells: the blobs of which it says that the object is there.
    """

    at: str = "start"
    doomed: frozenset[Tombstone] = frozenset()
    located: frozenset[str] = frozenset()
    folds: frozenset[Segment] = frozenset()
    tells: frozenset[str] = frozenset()
    level: int = 0
    tries: int = 0


class Collector(NamedTuple):
    """A gc run, and the runs after it on the same machine.

    :param earlier: the tombstones that its plan found: it finishes them.
    :param new: the tombstone that it will publish.
    :param stand: the tombstones that it read behind its slot.
    :param waits: the slots that it waits for.
    :param read: the segments that it read last, and in the listing before.
    :param there: the blobs that were there, with their ETags.
    """

    at: str = "start"
    earlier: frozenset[Tombstone] = frozenset()
    new: Tombstone | None = None
    stand: frozenset[Tombstone] = frozenset()
    waits: frozenset[str] = frozenset()
    read: frozenset[Segment] = frozenset()
    before: frozenset[Segment] | None = None
    there: frozenset[tuple[str, int]] = frozenset()
    level: int = 0
    runs: int = 0


LEVELS = range(-1, 5)
"""Those that are listed one by one; the last page shows all that is above, too."""


class Reader(NamedTuple):
    """Lists ``index/``, a level at a time.

    :param page: the level that it lists next.
    """

    page: int = LEVELS.start
    seen: frozenset[Segment] = frozenset()


class World(NamedTuple):
    """Everything.

    :param blobs: ETags by blob; what is not there is not in it.
    :param clock: the last ETag that was given.
    :param lease: the gc run that believes to be the only one; it has no word in what is safe.
    :param wrong: listings that may still lack something that is there.
    """

    blobs: frozenset[tuple[str, int]]
    clock: int
    segments: frozenset[Segment]
    tombstones: frozenset[Tombstone]
    slots: frozenset[Slot]
    lease: str
    pushers: tuple[Pusher, ...]
    collectors: tuple[Collector, ...]
    readers: tuple[Reader, ...] = ()
    wrong: int = 0


def counting(segments: Iterable[Segment]) -> frozenset[Segment]:
    """The segments that none of the others supersedes."""
    listed = frozenset(segments)
    gone = frozenset(name for segment in listed for name in segment.supersedes)
    return frozenset(segment for segment in listed if segment.name not in gone)


def is_safe(world: World) -> bool:
    """Both of what holds in every state."""
    live = counting(world.segments)
    if any(segment.actions for segment in live):
        located = {blob for segment in live for blob in segment.locates}
        if located.isdisjoint(name for name, _ in world.blobs):
            return False
    for reader in world.readers:
        found = {action for one in counting(reader.seen) for action in one.actions}
        if reader.page == LEVELS.stop and KEPT not in found:
            return False
    return True


def start(
    *,
    pushers: int,
    collectors: int,
    orphan: bool = False,
    kept: bool = False,
    tombstoned: bool = False,
    readers: int = 0,
    wrong: int = 0,
) -> World:
    """The object is there: known by the old segment alone, or by nobody; and by one that nobody wants to delete.

    :param tombstoned: an earlier run has said already that it is to go.
    """
    segments = [] if orphan else [Segment(OLD, 0, frozenset({OLD}), frozenset({PACK}))]
    if kept:
        segments.append(Segment(KEPT, 0, frozenset({KEPT}), frozenset({PACK})))
    return World(
        frozenset({(PACK, 1)}),
        1,
        frozenset(segments),
        frozenset({Tombstone("earlier", PACK, 1)} if tombstoned else ()),
        frozenset(),
        "",
        (Pusher(),) * pushers,
        (Collector(),) * collectors,
        (Reader(),) * readers,
        wrong,
    )

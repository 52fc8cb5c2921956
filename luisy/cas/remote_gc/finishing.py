"""The second half of a gc: what earlier runs have tombstoned goes, if it is still dead.

The order of the steps is what makes it safe (REMOTE: "Commit and gc protocol"; ``tests/model`` has the same names):

1. ``open_slot``: a slot of our own.
2. ``standing``: tombstones are read again, then
3. ``settle``: whoever had opened a slot before that commits, or is broken.
4. ``look``: all segments, refs and pins are read again, and judged again.
5. ``withdraw``: what lives after all gets another ETag.
6. ``repacked``: what is left of packs that are mostly dead is there twice from now on.
7. ``commit``: compacted segments, the one that supersedes the others last. Until here nothing is lost by giving up.
8. ``sweep``: the segments that it supersedes go,
9. ``delete``: then the dead blobs in the very version that was tombstoned,
10. ``close``: then the tombstones.

Killed anywhere, the next run begins again with 1.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, ConditionFailed, ETag
from luisy.cas.remote_gc.compacting import compacted, parts
from luisy.cas.remote_gc.liveness import to_repack
from luisy.cas.remote_gc.repacking import repacked
from luisy.cas.remote_gc.watching import COLLECTOR, settle
from luisy.cas.remote_index import Incoming
from luisy.cas.remote_limits import COMPACTED, REPACK_MOST
from luisy.cas.remote_names import level_of
from luisy.cas.segments import encode, level_above
from luisy.cas.tombstones import together
from luisy.cas.transfer.burying import standing
from luisy.cas.transfer.parallel import in_parallel
from luisy.cas.transfer.slots import commit, open_slot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.gc import Going
    from luisy.cas.remote import Blob
    from luisy.cas.remote_gc.lease import Lease
    from luisy.cas.remote_gc.looking import Looker, View
    from luisy.cas.remote_gc.timing import Timing
    from luisy.cas.remote_records import Records
    from luisy.cas.tombstones import Tombstone
    from luisy.cas.transfer.slots import Slot


@dataclass(frozen=True, slots=True)
class Finished:
    """What was deleted.

    :param results: whose records went.
    :param blobs: of objects, that went with their bytes.
    :param withdrawn: blobs that were tombstoned and live.
    :param segments: that were compacted.
    :param repacked: packs whose rest was packed anew.
    :param waiting: slots for which it has waited too long; then nothing was deleted.
    :param overtaken: another gc run came between; nothing was deleted.
    """

    results: tuple[Going, ...] = ()
    blobs: int = 0
    bytes: int = 0
    withdrawn: int = 0
    segments: int = 0
    repacked: int = 0
    waiting: tuple[Blob, ...] = ()
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of what earlier runs have tombstoned.

    :param names: keys and contents that are dead.
    :param dead: blobs that are dead, with the ETags under which they may go.
    :param gone: blobs that are not there any more.
    :param live: blobs that are needed, likewise with ETags.
    """

    names: AbstractSet[bytes]
    dead: Mapping[str, Sequence[str]]
    gone: AbstractSet[str]
    live: Mapping[str, Sequence[str]]


def verdict(view: View, earlier: Iterable[Tombstone]) -> Verdict:
    """Judge *earlier* tombstones again; nothing that none of them names is to go."""
    doomed = together(earlier)
    there = view.blobs.there
    live = {name: etags for name, etags in doomed.blobs.items() if name in view.needed}
    return Verdict(
        doomed.actions & view.judged.names,
        {
            name: etags
            for name, etags in doomed.blobs.items()
            if name in view.blobs.doomed and name not in live
        },
        doomed.blobs.keys() - there.keys(),
        live,
    )


@dataclass(frozen=True, slots=True)
class Finisher:
    """Carries out what earlier runs have announced, in one namespace."""

    looker: Looker
    lease: Lease
    timing: Timing

    def finish(self, names: Collection[str]) -> Finished:
        """Go on with these tombstones, as far as they stand, and compact all segments.

        :param names: the blobs of the tombstones.
        """
        slot = self._slot()
        is_committed = False
        try:
            earlier = self._standing()
            waiting = settle(self.looker.remote, self.looker.namespace, slot, self.timing, self.lease)
            if waiting:
                return Finished(waiting=tuple(waiting.values()))
            view = self.looker.look(earlier.values())
            found = verdict(view, [one for name, one in earlier.items() if name in names])
            is_committed, packs = self._compact(slot, view, found)
        finally:
            if not is_committed:
                self._leave(slot)
        if not is_committed:
            return Finished(overtaken=True)
        self._sweep(view)
        deleted = self._delete(found.dead)
        self._close(names)
        going = view.judged.plan.results
        return Finished(
            tuple(one for one in going if bytes.fromhex(one.holding.key) in found.names),
            len(deleted),
            view.size(deleted),
            len(found.live),
            len(view.segments),
            packs,
        )

    def _standing(self) -> dict[str, Tombstone]:
        return standing(self.looker.remote, self.looker.namespace)

    def _compact(self, slot: Slot, view: View, found: Verdict) -> tuple[bool, int]:
        """Make sure of what lives, then write the index anew; whether that was committed, and the packs packed anew."""
        looker = self.looker
        if not self.lease.keep() or any((level_of(name) or 0) >= slot.level for name in view.segments):
            return False, 0
        self._withdraw(found.live)
        packs = to_repack(view.needed, view.inventory, view.blobs, REPACK_MOST)
        moved = repacked(looker.remote, looker.namespace, view.inventory, view.judged.live, packs)
        kept = compacted(view.inventory, found.names, {*found.dead, *found.gone})
        records = replace(kept, locations=[*kept.locations, *moved])
        return self._commit(slot, records, view), len(packs)

    def _slot(self) -> Slot:
        """One of a higher level than anything that is there."""
        namespace = self.looker.namespace
        listed = [
            blob.name.removeprefix(namespace.index) for blob in self.looker.remote.list(namespace.index).blobs
        ]
        level = level_above([name for name in listed if level_of(name) is not None])
        return open_slot(self.looker.remote, namespace, level, told={COLLECTOR: "1"})

    def _leave(self, slot: Slot) -> None:
        """Nobody has to wait for the slot; what was committed in it is another version."""
        with suppress(ConditionFailed):
            self.looker.remote.delete(self.looker.namespace.index + slot.name, if_match=slot.etag)

    def _withdraw(self, live: Mapping[str, Sequence[str]]) -> None:
        """Give blobs another ETag: whoever has read their tombstone deletes them no more.

        :raises BlobMissing: one that is needed went this moment; the next run sees what is left.
        """
        for name, etags in live.items():
            for etag in etags:
                with suppress(ConditionFailed):  # it has another one already
                    self.looker.remote.touch(self.looker.namespace.blob(name), if_match=ETag(etag))
            self.lease.keep()

    def _commit(self, slot: Slot, records: Records, view: View) -> bool:
        """Commit compacted segments: the parts first, each above the one that supersedes, and that one last.

        Who lists the superseding one finds the parts further on in the same listing, also page by page.
        """
        looker = self.looker
        head, *others = parts(records, COMPACTED)
        for part in others:
            above = open_slot(
                looker.remote, looker.namespace, level_above([slot.name]), told={COLLECTOR: "1"}
            )
            try:
                if not self._put(above, part, ()):
                    return False
            finally:
                self._leave(above)
            self.lease.keep()
        return self._put(slot, head, view.segments)

    def _put(self, slot: Slot, records: Records, supersedes: Iterable[str]) -> bool:
        """Commit one segment, and merge it without asking for it again."""
        looker = self.looker
        names = list(supersedes)
        data = encode(looker.namespace.project, records, names)
        etag = commit(looker.remote, looker.namespace, slot, data)
        if etag is None:
            return False
        incoming = Incoming.read(slot.name, etag, data, looker.namespace.project)
        with looker.index.database.writing() as connection:
            merged = looker.index.merged()
            for name in names:
                if name in merged:
                    looker.index.drop(connection, merged[name].id)
            if slot.name not in merged:
                looker.index.add(connection, incoming)
        return True

    def _sweep(self, view: View) -> None:
        """Delete the segments that the compacted ones stand for."""
        index = self.looker.namespace.index
        self._delete_all({index + name: (str(etag),) for name, etag in view.segments.items()})

    def _delete(self, dead: Mapping[str, Sequence[str]]) -> list[str]:
        """Delete blobs in the versions that were tombstoned; those that went."""
        blob = self.looker.namespace.blob
        full = {blob(name): name for name in dead}
        return [full[name] for name in self._delete_all({blob(name): etags for name, etags in dead.items()})]

    def _close(self, earlier: Iterable[str]) -> None:
        self._delete_all(dict.fromkeys(earlier, ()))

    def _delete_all(self, blobs: Mapping[str, Sequence[str]]) -> list[str]:
        """Delete blobs, each under any of its ETags, or as it is where there are none; those that went."""
        gone = []
        for name, went in in_parallel(
            functools.partial(self._delete_one, name, etags) for name, etags in blobs.items()
        ):
            self.lease.keep()
            if went:
                gone.append(name)
        return gone

    def _delete_one(self, name: str, etags: Sequence[str]) -> tuple[str, bool]:
        versions: list[ETag | None] = [ETag(etag) for etag in etags]
        for etag in versions or [None]:
            with suppress(ConditionFailed, BlobMissing):
                self.looker.remote.delete(name, if_match=etag)
                return name, True
        return name, False

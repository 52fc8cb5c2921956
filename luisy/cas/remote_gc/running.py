"""A gc run: the plan, and carrying it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote_gc.finishing import Finished, Finisher, verdict
from luisy.cas.remote_gc.lease import Lease
from luisy.cas.remote_gc.liveness import to_repack
from luisy.cas.remote_gc.looking import Looker
from luisy.cas.remote_gc.timing import Timing
from luisy.cas.remote_index import RemoteIndex
from luisy.cas.remote_limits import COMPACT_ABOVE, REPACK_MOST, TOMBSTONE_NAMES
from luisy.cas.remote_names import Namespace, new_uuid
from luisy.cas.tombstones import Tombstone, together
from luisy.cas.transfer import Mirror
from luisy.cas.transfer.burying import standing
from luisy.cas.transfer.merging import Extent, Merger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.gc import Going, Policy
    from luisy.cas.remote import Remote
    from luisy.cas.remote_gc.looking import View
    from luisy.cas.store import Store


@dataclass(frozen=True, slots=True)
class RemotePlan:
    """What a gc run would do.

    :param results: that it would tombstone: a later run deletes them.
    :param names: these, and contents that nobody wants by themselves any more, as tombstones name them.
    :param blobs: that it would tombstone, with the ETag and the stored bytes of each.
    :param due: results that an earlier run has tombstoned: this one deletes them, unless they come to be needed.
    :param due_blobs: blobs likewise, with their bytes.
    :param earlier: the tombstones of earlier runs, by name.
    :param segments: that are committed.
    :param compacts: whether the index is written anew.
    :param repacks: packs whose rest is packed anew.
    :param bytes_left: stored bytes of the objects that would stay in the end.
    :param requests: about how many requests it takes.
    """

    project: str
    results: tuple[Going, ...] = ()
    names: tuple[bytes, ...] = field(default=(), repr=False)
    blobs: tuple[tuple[str, str, int], ...] = field(default=(), repr=False)
    due: tuple[Going, ...] = ()
    due_blobs: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    earlier: tuple[str, ...] = ()
    segments: int = 0
    compacts: bool = False
    repacks: tuple[str, ...] = ()
    bytes_left: int = 0
    requests: int = 0

    @property
    def bytes(self) -> int:
        """Stored bytes that a later run frees."""
        return sum(size for _, _, size in self.blobs)

    @property
    def due_bytes(self) -> int:
        """Stored bytes that this one frees."""
        return sum(size for _, size in self.due_blobs)


@dataclass(frozen=True, slots=True)
class RemoteCollected:
    """What a gc run did.

    :param results: those that were tombstoned.
    :param blobs: how many were, and their stored bytes.
    :param finished: what became of earlier tombstones.
    :param busy: another run is under way, so this one did nothing.
    """

    project: str
    results: tuple[Going, ...] = ()
    blobs: int = 0
    bytes: int = 0
    finished: Finished = field(default_factory=Finished)
    busy: bool = False


class RemoteCollector:
    """Garbage collection of one project in one remote: ask it for a plan, then let it carry that out.

    :param store: whose pins and newest complete runs stay.
    """

    def __init__(
        self, store: Store, remote: Remote, project: str, policy: Policy, *, timing: Timing | None = None
    ) -> None:
        self._store = store
        self._remote = remote
        self._namespace = Namespace(project)
        self._timing = timing or Timing()
        index = RemoteIndex(store.database, remote.url, project)
        self._looker = Looker(
            store,
            remote,
            self._namespace,
            index,
            Merger(remote, self._namespace, index),
            policy,
            self._timing.orphan_age,
        )

    def plan(self) -> RemotePlan:
        """What is to go now. Writes nothing to the remote.

        :raises RemoteError: it was written by a newer luisy (``newer-remote``), or kept changing.
        :raises CorruptionError: it cannot be told what some result needs (``unreadable-segment``,
            ``damaged-results``).
        :raises StoreError: the store cannot be written.
        """
        if self._store.refusal is not None:
            raise self._store.refusal
        # Refuses what we do not know.
        Mirror(self._store, self._remote, self._namespace.project).refresh(Extent.WHOLE)
        stand = standing(self._remote, self._namespace)
        view = self._looker.look(stand.values())
        return self._planned(view, stand)

    def _planned(self, view: View, stand: dict[str, Tombstone]) -> RemotePlan:
        doomed = together(stand.values())
        due = verdict(view, stand.values())
        there = view.blobs.there
        new = sorted(there.keys() - view.needed.keys() - view.blobs.doomed.keys() - set(view.young))
        repacks = to_repack(view.needed, view.inventory, view.blobs, REPACK_MOST)
        superseded = len(view.segments) - len(view.live)
        compacts = bool(stand or repacks or superseded or len(view.segments) > COMPACT_ABOVE)
        going = view.judged.plan.results
        return RemotePlan(
            self._namespace.project,
            tuple(one for one in going if bytes.fromhex(one.holding.key) not in doomed.actions),
            tuple(sorted(view.judged.names - doomed.actions)),
            tuple((name, str(there[name].etag), there[name].size) for name in new),
            tuple(one for one in going if bytes.fromhex(one.holding.key) in due.names),
            tuple((name, there[name].size) for name in sorted(due.dead)),
            tuple(sorted(stand)),
            len(view.segments),
            compacts,
            tuple(repacks),
            view.size(there.keys() - set(new) - due.dead.keys()),
            # Lease twice, slot, listings and commit; then one for each blob that is deleted or packed anew.
            (14 + len(view.segments) + len(due.dead) + 2 * (len(stand) + len(repacks)) if compacts else 2)
            + len(list(_batched(len(view.judged.names) + len(new)))),
        )

    def collect(self, plan: RemotePlan) -> RemoteCollected:
        """Carry *plan* out: finish what earlier runs began, then tombstone what is in it.

        It may be killed at any point: the next run goes on.

        :raises RemoteError: as :meth:`plan`.
        :raises CorruptionError: as :meth:`plan`.
        """
        lease = Lease(self._remote, self._namespace.lease, self._timing)
        if not (plan.compacts or plan.names or plan.blobs):
            return RemoteCollected(plan.project)
        if not lease.acquire():
            return RemoteCollected(plan.project, busy=True)
        try:
            finished = Finished()
            if plan.compacts:
                finished = Finisher(self._looker, lease, self._timing).finish(plan.earlier)
            self._publish(plan)
        finally:
            lease.release()
        return RemoteCollected(plan.project, plan.results, len(plan.blobs), plan.bytes, finished)

    def _publish(self, plan: RemotePlan) -> None:
        """Put up tombstones. Whether all that is still dead decides the run that deletes it."""
        names = [*plan.names]
        blobs = [(name, etag) for name, etag, _ in plan.blobs]
        for start, end in _batched(len(names) + len(blobs)):
            some = tuple(blobs[max(0, start - len(names)) : max(0, end - len(names))])
            tombstone = Tombstone(plan.project, tuple(names[start:end]), some)
            self._remote.put(self._namespace.gc + new_uuid(), tombstone.encode(), if_absent=True)


def _batched(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, TOMBSTONE_NAMES):
        yield start, min(count, start + TOMBSTONE_NAMES)

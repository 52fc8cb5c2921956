"""What a gc run may rely on: pushes that have ended, and listings that agree."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_limits import ATTEMPTS
from luisy.cas.remote_names import level_of
from luisy.cas.transfer.fetching import object_blobs
from luisy.cas.transfer.slots import contended
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from luisy.cas.remote import Blob, ETag, Listing, Remote
    from luisy.cas.remote_gc.lease import Lease
    from luisy.cas.remote_gc.timing import Timing
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_records import Records
    from luisy.cas.transfer.merging import Merger, Seen
    from luisy.cas.transfer.slots import Slot

logger = logging.getLogger("luisy")

COLLECTOR = "collector"
"""Metadata of a gc run's slot: who has the lease need not wait for the slot of who had it before."""

_Committed = dict[str, "ETag"]


def committed(namespace: Namespace, listing: Listing) -> _Committed:
    """The segments in a listing of ``index/``, those included that others supersede."""
    return {
        name: blob.etag
        for blob in listing.blobs
        if blob.size and level_of(name := blob.name.removeprefix(namespace.index)) is not None
    }


def open_slots(namespace: Namespace, listing: Listing) -> dict[str, Blob]:
    """The slots in a listing of ``index/``."""
    return {
        name: blob
        for blob in listing.blobs
        if not blob.size and level_of(name := blob.name.removeprefix(namespace.index)) is not None
    }


def settle(remote: Remote, namespace: Namespace, own: Slot, timing: Timing, lease: Lease) -> dict[str, Blob]:
    """Wait until every other slot that is open now is committed or gone; those for which that took too long.

    Slots that are opened later are of writers who know all tombstones that are there now. A listing may lack one
    (:func:`read_all`), so what either of two shows is waited for, and each is asked for by itself.
    """
    until = time.monotonic() + timing.patience
    first, second = remote.list(namespace.index), remote.list(namespace.index)
    waiting = {**open_slots(namespace, first), **open_slots(namespace, second)}
    waiting.pop(own.name, None)
    now, is_told = second.server_time, False
    while True:
        waiting = {name: blob for name, blob in waiting.items() if _is_waited_for(remote, blob, now, timing)}
        if not waiting or time.monotonic() >= until or not lease.keep():
            return waiting
        if not is_told:
            told = "%s: waiting for %d pushes that are under way, at most %d seconds"
            logger.warning(told, namespace.project, len(waiting), timing.patience)
            is_told = True
        timing.sleep(timing.poll)
        now = remote.list(namespace.gc).server_time


def _is_waited_for(remote: Remote, slot: Blob, now: float, timing: Timing) -> bool:
    """Whether it is open. If nobody will commit it (it is too old, or of a run whose lease is ours by now), it is broken."""
    found = remote.head(slot.name)
    if found is None or found.size or found.etag != slot.etag:
        return False
    is_left = now - slot.modified > timing.slot_ttl or COLLECTOR in found.metadata
    return not (is_left and _broken(remote, slot))


def _broken(remote: Remote, blob: Blob) -> bool:
    """Whether the slot is gone by now; False if it was committed this moment."""
    try:
        remote.delete(blob.name, if_match=blob.etag)
    except (ConditionFailed, BlobMissing):
        return False
    return True


def read_all(remote: Remote, namespace: Namespace, merger: Merger) -> tuple[Seen, list[Records]]:
    """Merge everything that two listings agree on, and read it.

    One may lack what another has where a folder is more than the beginning of a name (hierarchical namespaces), and
    what gc does not see it takes for dead.

    :raises CorruptionError: a segment cannot be read (slug ``unreadable-segment``): what it needs is not known.
    :raises RemoteError: the listings never agreed (slug ``push-incomplete``).
    """
    for _ in range(2 * ATTEMPTS):
        seen = merger.look()
        with merger.index.database.writing() as connection:
            if not merger.merge(connection, seen):
                continue
            records = merger.index.records(seen.live)  # no other process of this machine drops them meanwhile
        there = committed(namespace, seen.listing)
        if committed(namespace, remote.list(namespace.index)) == there:
            break
    else:
        raise contended("the index kept changing while it was read")
    if unread := sorted(name for name, etag in there.items() if (name, str(etag)) in merger.bad):
        raise CorruptionError(
            f"a segment of the remote's index cannot be read: {namespace.index}{unread[0]}",
            slug="unreadable-segment",
            hint="Nothing is deleted while it is there. If it stays so, delete that blob: its results are missed anyway.",
        )
    return seen, records


def objects_there(remote: Remote, namespace: Namespace) -> dict[str, Blob]:
    """The blobs with objects, by their names relative to the namespace: those that two listings agree on."""
    found = object_blobs(remote, namespace)
    again = object_blobs(remote, namespace)
    return {name: blob for name, blob in found.items() if name in again and again[name].etag == blob.etag}

"""One look at a namespace: all that a gc run decides by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas import manifests
from luisy.cas.remote_gc.inventory import inventory
from luisy.cas.remote_gc.liveness import Blobs, Wishes, judged, orphans, required
from luisy.cas.remote_gc.watching import committed, objects_there, read_all
from luisy.cas.remote_records import folded
from luisy.cas.tombstones import together
from luisy.cas.transfer.fetching import fetched
from luisy.cas.transfer.refs import read as read_refs
from luisy.errors import CorruptionError
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from luisy.cas.gc import Policy
    from luisy.cas.remote import ETag, Remote
    from luisy.cas.remote_gc.inventory import Inventory
    from luisy.cas.remote_gc.liveness import Judged
    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.remote_names import Namespace
    from luisy.cas.store import Store
    from luisy.cas.tombstones import Tombstone
    from luisy.cas.transfer.merging import Merger
    from luisy.model import Key, Manifest


@dataclass(frozen=True, slots=True)
class View:
    """What there was, and what the policy makes of it.

    :param segments: all that are committed, by the last part of their names, with those that others supersede.
    :param live: the names of those that count.
    :param needed: the blobs that have to stay, and how many bytes of each are needed.
    :param young: blobs that no record locates, and that stay for now.
    :param now: seconds since the epoch, by the server's clock.
    """

    inventory: Inventory
    judged: Judged
    segments: Mapping[str, ETag]
    live: Collection[str]
    blobs: Blobs
    needed: Mapping[str, int]
    young: Collection[str]
    now: float

    def size(self, names: Iterable[str]) -> int:
        """Stored bytes of blobs."""
        return sum(self.blobs.there[name].size for name in names if name in self.blobs.there)


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at one namespace, by the policy and the pins of one store."""

    store: Store
    remote: Remote
    namespace: Namespace
    index: RemoteIndex
    merger: Merger
    policy: Policy
    orphan_age: float

    def look(self, tombstones: Iterable[Tombstone]) -> View:
        """Read all segments, refs and pins, and list all blobs.

        :param tombstones: those that stand, read before this.
        :raises CorruptionError: what some result needs cannot be read (slugs ``unreadable-segment``,
            ``damaged-results``).
        """
        seen, records = read_all(self.remote, self.namespace, self.merger)
        found = inventory(folded(records), self.namespace.project)
        refs = {ref.manifest for ref in read_refs(self.remote, self.namespace.refs).values() if not ref.raw}
        here = self.store.results(list(found.claims))
        wishes = Wishes(
            {*self.store.pinned(), *self.store.complete_runs()},
            {key for key, result in here.items() if result.key == key},
            refs,
        )
        whole = self._manifests(found, refs)
        now = seen.listing.server_time
        result = judged(found, whole, wishes, self.policy, now)
        self._require(found, whole, result)
        there = objects_there(self.remote, self.namespace)
        doomed = {
            name: etags
            for name, etags in together(tombstones).blobs.items()
            if name in there and there[name].etag in etags  # another one was touched: it is as good as any
        }
        blobs = Blobs(there, doomed)
        return View(
            found,
            result,
            committed(self.namespace, seen.listing),
            seen.live.keys(),
            blobs,
            required(result.live, found, blobs),
            orphans(blobs, found.blobs, now, self.orphan_age),
            now,
        )

    def _manifests(self, found: Inventory, refs: Iterable[Digest]) -> dict[Digest, Manifest]:
        """All manifests that are there: from records, from the store, the large ones from the remote."""
        whole = found.inline()
        wanted = {claim.action.manifest for claim in found.kept()} | found.contents.keys() | set(refs)
        whole |= self.store.manifests(wanted - whole.keys())
        places = {digest: found.places[digest] for digest in wanted - whole.keys() if digest in found.places}
        for location, data in fetched(self.remote, self.namespace, places):
            digest = Digest(location.digest.hex())
            manifest = manifests.verified(digest, data)
            if manifest is not None:
                whole[digest] = manifest
        return whole

    def _require(self, found: Inventory, whole: Mapping[Digest, Manifest], result: Judged) -> None:
        """Refuse to go on where it cannot be told what something needs that stays."""
        going = {one.holding.key for one in result.plan.results}
        for key, claims in found.claims.items():
            if key not in going and any(claim.action.manifest not in whole for claim in claims):
                raise _damaged(key)


def _damaged(key: Key) -> CorruptionError:
    return CorruptionError(
        f"what the remote's result at {key} needs cannot be read",
        slug="damaged-results",
        hint="whoever has it mends it with `luisy cas push`; nothing is deleted before",
    )

"""What of a remote is needed, and which of its blobs that takes. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas import gc
from luisy.cas.remote_limits import REPACK_BELOW, REPACK_WASTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.gc import Holding, Policy
    from luisy.cas.remote import Blob
    from luisy.cas.remote_gc.inventory import Inventory
    from luisy.model import Digest, Key, Manifest


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a store knows beside the remote.

    :param protected: keys that stay whatever the policy says: pinned, or of the newest complete run of a project.
    :param here: keys of which the store has a result itself.
    :param refs: contents that the namespace's refs name.
    """

    protected: AbstractSet[Key]
    here: AbstractSet[Key]
    refs: AbstractSet[Digest]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the policy makes of an inventory.

    :param plan: results that are to go; its objects are those that nothing needs.
    :param contents: manifests that nobody wants by themselves any more.
    :param live: objects that something which stays needs.
    """

    plan: gc.Plan[Digest]
    contents: AbstractSet[Digest]
    live: AbstractSet[Digest]

    @property
    def names(self) -> set[bytes]:
        """Keys and contents that are to go, as tombstones name them."""
        going = {one.holding.key for one in self.plan.results}
        return {bytes.fromhex(name) for name in (*going, *self.contents)}


def judged(
    inventory: Inventory, whole: Mapping[Digest, Manifest], wishes: Wishes, policy: Policy, now: float
) -> Judged:
    """What is to go, and what that leaves alive.

    :param whole: the manifests of claims and contents, as far as they could be read.
    :param now: seconds since the epoch, by the server's clock.
    """
    old = now - policy.older_than
    contents = {
        digest for digest, pushed in inventory.contents.items() if digest not in wishes.refs and pushed <= old
    }
    roots: set[Digest] = set()
    for digest in (inventory.contents.keys() | wishes.refs) - contents:
        roots |= {digest, *(whole[digest].objects if digest in whole else ())}
    sizes = {digest: max(place.length for place in places) for digest, places in inventory.places.items()}
    holdings = [_holding(key, inventory, whole, wishes) for key in inventory.claims]
    plan = gc.plan(holdings, gc.Listed(sizes), roots, policy, now)
    going = {one.holding.key for one in plan.results}
    live = roots.union(*(one.objects for one in holdings if one.key not in going))
    return Judged(plan, contents, live)


def _holding(key: Key, inventory: Inventory, whole: Mapping[Digest, Manifest], wishes: Wishes) -> Holding:
    claims = inventory.claims[key]
    action = claims[0].action
    return gc.Holding(
        key,
        action.project,
        action.family,
        json.dumps(dict(action.params), sort_keys=True),
        action.params_digest,
        action.created,
        inventory.used[key],
        action.seconds,
        action.size,
        key not in wishes.here,
        frozenset().union(*(claim.needs(whole) for claim in claims)),
        key in wishes.protected,
    )


@dataclass(frozen=True, slots=True)
class Blobs:
    """The blobs of a namespace.

    :param there: those with objects, by name relative to the namespace.
    :param doomed: those that tombstones name, with the ETags under which they may go.
    """

    there: Mapping[str, Blob]
    doomed: Mapping[str, Sequence[str]]


def required(live: Iterable[Digest], inventory: Inventory, blobs: Blobs) -> dict[str, int]:
    """The blobs that have to stay so that each live object has one, and how many bytes of each are needed.

    None that is doomed while there is another. Of several places the one counts that is needed anyway, else the one
    that holds most of what is needed: so a pack goes once its objects are packed anew.
    """
    bad = {(one.digest, one.blob) for one in inventory.records.bads if not one.mended}
    options: list[dict[str, int]] = []
    weights: dict[str, int] = {}
    for digest in live:
        found = {
            one.blob: (one.length, (one.digest, one.blob) in bad, one.blob in blobs.doomed)
            for one in inventory.places.get(digest, ())
            if one.blob in blobs.there
        }
        if not found:
            continue
        best = min(rank[1:] for rank in found.values())
        option = {name: rank[0] for name, rank in found.items() if rank[1:] == best}
        options.append(option)
        for name, length in option.items():
            weights[name] = weights.get(name, 0) + length
    return _chosen(options, weights, blobs)


def _chosen(options: Iterable[Mapping[str, int]], weights: Mapping[str, int], blobs: Blobs) -> dict[str, int]:
    needed: dict[str, int] = {}

    def worth(name: str) -> tuple[bool, float, str]:
        return name in needed, weights[name] / max(1, blobs.there[name].size), name

    for option in sorted(options, key=len):  # what is in one place only has no choice
        name = max(option, key=worth)
        needed[name] = needed.get(name, 0) + option[name]
    return needed


def to_repack(needed: Mapping[str, int], inventory: Inventory, blobs: Blobs, most: int) -> list[str]:
    """The packs of which so little is needed that they are packed anew, emptiest first.

    :param most: bytes that may be packed anew.
    """
    held: dict[str, int] = {}
    for places in inventory.places.values():
        for one in places:
            held[one.blob] = held.get(one.blob, 0) + one.length
    wasteful = {
        name: length / held[name]
        for name, length in needed.items()
        if name.startswith("packs/")
        and name not in blobs.doomed
        and length < REPACK_BELOW * held[name]
        and held[name] - length >= REPACK_WASTE
    }
    found = []
    for name in sorted(wasteful, key=lambda name: (wasteful[name], name)):
        most -= needed[name]
        if most < 0:
            break
        found.append(name)
    return found


def orphans(blobs: Blobs, located: Collection[str], now: float, age: float) -> set[str]:
    """Blobs that no record locates and that are too young to go: their push may be about to commit."""
    return {name for name, blob in blobs.there.items() if name not in located and now - blob.modified < age}

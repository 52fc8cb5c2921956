"""What a namespace holds, by one reading of all its segments. Pure.

Trust in signatures has no word here: what somebody else trusts is as alive as what we do. So of the records of one
key the first one stays, and the first of *each* key that has signed some: whoever is trusted by a reader, the record that
wins for him is among them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas import actions, manifests
from luisy.cas.remote_records import digests_in, rank
from luisy.cas.signing import PublicKey, counts
from luisy.errors import CorruptionError
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from luisy.cas.remote_records import ActionRecord, Block, LocationRecord, Records
    from luisy.model import Action, Manifest

_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """An action record that counts.

    :param action: what it says.
    """

    record: ActionRecord
    action: Action

    def needs(self, whole: Mapping[Digest, Manifest]) -> frozenset[Digest]:
        """All objects that it keeps alive, as far as its manifest is among *whole*."""
        explaining = {one for one in (self.action.parts, self.action.sources) if one is not None}
        found = whole.get(self.action.manifest)
        return frozenset({self.action.manifest, *explaining, *(found.objects if found is not None else ())})


@dataclass(frozen=True, slots=True)
class Inventory:
    """The union of the segments that count, and what is in it.

    :param records: each once, those that do not count included.
    :param claims: by key, the record that wins first, then the first one of each other signing key.
    :param used: when each key was pushed or used last, seconds since the epoch by the server's clock.
    :param contents: manifests that are wanted by themselves, and when they were pushed last, likewise.
    :param places: sound locations by object.
    """

    records: Records
    claims: Mapping[Key, tuple[Claim, ...]]
    used: Mapping[Key, float]
    contents: Mapping[Digest, float]
    places: Mapping[Digest, tuple[LocationRecord, ...]]

    @property
    def blobs(self) -> set[str]:
        """The blobs that some location names."""
        return {one.blob for places in self.places.values() for one in places}

    def kept(self) -> Iterator[Claim]:
        """All records of actions that win for somebody."""
        for claims in self.claims.values():
            yield from claims

    def inline(self) -> dict[Digest, Manifest]:
        """The manifests that came with records."""
        found: dict[Digest, Manifest] = {}
        told = [(claim.action.manifest, claim.record.manifest) for claim in self.kept()]
        told += [(Digest(one.content.hex()), one.manifest) for one in self.records.contents]
        for digest, data in told:
            if data is not None and digest not in found and (manifest := manifests.verified(digest, data)):
                found[digest] = manifest
        return found


def inventory(records: Records, project: str) -> Inventory:
    """What *records*, the union of all segments that count, hold."""
    claims: dict[Key, list[Claim]] = {}
    used: dict[Key, float] = {}
    for one in records.actions:
        block = records.blocks[one.block]
        action = _sound(one, block, project)
        if action is not None:
            claims.setdefault(action.key, []).append(Claim(one, action))
            used[action.key] = max(used.get(action.key, 0.0), block.opened / _MILLISECONDS)
    for use in records.uses:
        key = Key(use.key.hex())
        if key in used:
            used[key] = max(used[key], use.used / _MILLISECONDS)
    contents: dict[Digest, float] = {}
    for content in records.contents:
        digest, opened = Digest(content.content.hex()), records.blocks[content.block].opened
        contents[digest] = max(contents.get(digest, 0.0), opened / _MILLISECONDS)
    places: dict[Digest, list[LocationRecord]] = {}
    for location in records.locations:
        if location.is_sound():
            places.setdefault(Digest(location.digest.hex()), []).append(location)
    return Inventory(
        records,
        {key: _first_of_each(found, records.blocks, project) for key, found in claims.items()},
        used,
        contents,
        {digest: tuple(found) for digest, found in places.items()},
    )


def _sound(record: ActionRecord, block: Block, project: str) -> Action | None:
    """The action, if readers count its record."""
    try:
        action = actions.decode(record.action)
    except CorruptionError:
        return None
    named = action.key == record.key.hex() and action.project == project
    return action if named and record.digest() in digests_in(block) else None


def _first_of_each(claims: Sequence[Claim], blocks: Sequence[Block], project: str) -> tuple[Claim, ...]:
    def place(claim: Claim) -> tuple[int, bytes]:
        block = blocks[claim.record.block]
        return rank(claim.record, block.opened), block.slot

    if len(claims) == 1:
        return tuple(claims)
    kept: list[Claim] = []
    signers: set[bytes | None] = {None}
    for claim in sorted(claims, key=place):
        by = _signer(blocks[claim.record.block], project)
        if not kept or by not in signers:
            kept.append(claim)
            signers.add(by)
    return tuple(kept)


@functools.lru_cache(maxsize=1024)
def _signer(block: Block, project: str) -> bytes | None:
    """The key by which the block counts, which is empty where it is not signed; None if its signature is wrong."""
    by = PublicKey(block.key_id)
    return by if counts(block.signed(project), block.signature, by, {by}) else None

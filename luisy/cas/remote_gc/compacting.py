"""From the records of many segments to few: what goes, what stays, and in which segments. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from luisy.cas.remote_records import Records, listed_bads, renumbered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.remote_gc.inventory import Inventory
    from luisy.cas.remote_records import ActionRecord, BadRecord, ContentRecord

_RecordT = TypeVar("_RecordT")


def compacted(inventory: Inventory, names: AbstractSet[bytes], blobs: Collection[str]) -> Records:
    """The records that stay, in blocks as they were: a record that is dropped leaves its digest in its block.

    Dropped with the names and blobs is only what no reader counts: records that are not sound, and those of a key that
    win for nobody. Blocks go with the last record that they list.

    :param names: keys and contents that are tombstoned and dead.
    :param blobs: blobs that are tombstoned and dead.
    """
    records = inventory.records
    actions = [one.record for one in inventory.kept() if one.record.key not in names]
    contents = [one for one in records.contents if one.content not in names]
    there = {one.key for one in actions}
    return renumbered(
        replace(
            records,
            actions=actions,
            contents=contents,
            locations=[one for one in records.locations if one.blob not in blobs and one.is_sound()],
            uses=[one for one in records.uses if one.key in there],
            bads=[one for one in records.bads if one.blob not in blobs],
        )
    )


def parts(records: Records, most: int) -> list[Records]:
    """*records* in as few parts of at most *most* bytes as whole blocks allow; at least one.

    A block is in one part: it lists the digests of all its records, which would be in each part again.
    """
    if records.size <= most:
        return [records]
    found = [renumbered(one) for one in _by_block(records, most)]
    _distribute(found, records.locations, lambda part, some: replace(part, locations=some), most)
    _distribute(found, records.uses, lambda part, some: replace(part, uses=some), most)
    listed = {one for part in found for one in part.bads}
    rest = [one for one in records.bads if one not in listed]
    _distribute(found, rest, lambda part, some: replace(part, bads=[*part.bads, *some]), most)
    return found


def _by_block(records: Records, most: int) -> Iterator[Records]:
    actions: dict[int, list[ActionRecord]] = {}
    contents: dict[int, list[ContentRecord]] = {}
    for action in records.actions:
        actions.setdefault(action.block, []).append(action)
    for content in records.contents:
        contents.setdefault(content.block, []).append(content)
    bads: dict[int, list[BadRecord]] = {}
    for number, bad in listed_bads(records):
        bads.setdefault(number, []).append(bad)
    taken: list[int] = []
    weight = 0
    for number, block in enumerate(records.blocks):
        own = _of_blocks(replace(records, blocks=(block,)), [number], actions, contents, bads).size
        if taken and weight + own > most:
            yield _of_blocks(records, taken, actions, contents, bads)
            taken, weight = [], 0
        taken.append(number)
        weight += own
    yield _of_blocks(records, taken, actions, contents, bads)


def _of_blocks(
    records: Records,
    numbers: Iterable[int],
    actions: Mapping[int, Sequence[ActionRecord]],
    contents: Mapping[int, Sequence[ContentRecord]],
    bads: Mapping[int, Sequence[BadRecord]],
) -> Records:
    return Records(
        records.blocks,
        [one for number in numbers for one in actions.get(number, ())],
        [one for number in numbers for one in contents.get(number, ())],
        bads=[one for number in numbers for one in bads.get(number, ())],
    )


def _distribute(
    found: list[Records],
    rest: Sequence[_RecordT],
    put: Callable[[Records, Sequence[_RecordT]], Records],
    most: int,
) -> None:
    """Fill *rest* into the parts, and into new ones where there is no room."""
    number = 0
    while rest:
        if number == len(found):
            found.append(Records())
        room = max(0, (most - found[number].size) // put(Records(), rest[:1]).size)
        if room:
            found[number] = put(found[number], rest[:room])
            rest = rest[room:]
        number += 1

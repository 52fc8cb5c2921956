"""The records of one frame of a segment as rows of the merged index."""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.cas.action_rows import INLINE_BYTES
from luisy.cas.envelope import END_OF_TIME
from luisy.cas.hashing import digest_bytes
from luisy.cas.remote_lookups import columns_of
from luisy.cas.remote_records import NAME_BYTES, UNPACKABLE, Kind, digests_in, rank
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from luisy.cas.remote_records import ActionRecord, BadRecord, Block, LocationRecord
    from luisy.cas.segments import Directory

BITS = 24
"""A row's id is its segment's id, shifted by this, plus a number."""

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A frame that was read.

    :param stored: its bytes.
    :param records: what it holds; nothing of a frame of lookups.
    """

    stored: bytes
    records: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills in the frames of one segment, in any order. The number of a row is that of its record among those of its kind.

    :param start: id of the segment's first row.
    """

    connection: sqlite3.Connection
    project: str
    start: int
    directory: Directory

    def fill(self, frames: Mapping[int, Read]) -> int:
        """Insert the rows of *frames*, by their numbers; how many records were left out because they are not sound."""
        self._insert("remote_frames", [(self.start + number, one.stored) for number, one in frames.items()])
        blobs = dict(
            self.connection.execute(
                "SELECT name, id FROM remote_blobs WHERE id BETWEEN ? AND ?",
                (self.start, self.start + (1 << BITS) - 1),
            )
        )
        left_out = 0
        counted: dict[int, int] = {}
        for number, frame in enumerate(self.directory.frames):
            first = self.start + counted.get(frame.kind, 0)
            counted[frame.kind] = counted.get(frame.kind, 0) + frame.count
            if number in frames:
                left_out += self._fill(
                    frame.kind, number, list(enumerate(frames[number].records, first)), blobs
                )
        return left_out

    def _fill(self, kind: int, number: int, records: Sequence[tuple[int, Any]], blobs: dict[str, int]) -> int:
        if kind == Kind.ACTION:
            return self._actions(records, number)
        if kind == Kind.CONTENT:
            self._insert("remote_contents", [(at, one.content, one.manifest) for at, one in records])
        elif kind == Kind.LOCATION:
            return self._locations(records, blobs)
        elif kind == Kind.USE:
            self._insert("remote_uses", [(at, one.key, one.used) for at, one in records])
        elif kind == Kind.BAD:
            blocks = self.directory.blocks
            rows = [
                (at, one.digest, one.blob, one.etag, min(one.mended, 1), _listing(one, blocks, self.start))
                for at, one in records
            ]
            self._insert("remote_bads", rows)
        return 0

    def _actions(self, records: Sequence[tuple[int, ActionRecord]], frame: int) -> int:
        rows = []
        for position, (at, one) in enumerate(records):
            block = self.directory.blocks[one.block]
            row = _action_row(one, block, self.project, (frame, position))
            if row is not None:
                rows.append((at, *row, self.start + one.block))
        self._insert("remote_actions", rows)
        return len(records) - len(rows)

    def _locations(self, records: Sequence[tuple[int, LocationRecord]], blobs: dict[str, int]) -> int:
        sound = [(at, one) for at, one in records if one.is_sound()]
        new = {}
        for at, one in sound:
            if one.blob not in blobs:
                blobs[one.blob] = new[one.blob] = at
        self._insert("remote_blobs", [(at, name) for name, at in new.items()])
        self._insert(
            "remote_locations",
            [
                (at, one.digest, blobs[one.blob], one.offset, one.length, one.encoding, one.size)
                for at, one in sound
            ],
        )
        return len(records) - len(sound)

    def blocks(self) -> None:
        """Insert the rows of all blocks."""
        rows = [
            (at, block.key_id, 0 if block.key_id else 1)
            for at, block in enumerate(self.directory.blocks, self.start)
        ]
        self._insert("remote_blocks", rows)

    def _insert(self, table: str, rows: Sequence[_Row]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _listing(bad: BadRecord, blocks: Iterable[Block], start: int) -> int | None:
    """The id of the block that says so: there is one, unless an older luisy wrote it, or somebody without a key."""
    told = bad.told()
    return next((start + number for number, block in enumerate(blocks) if told in digests_in(block)), None)


def _action_row(record: ActionRecord, block: Block, project: str, place: tuple[int, int]) -> _Row | None:
    """The row of an action, but for its block; None if the record is not sound."""
    try:
        found = columns_of(record.action)
        row = (
            record.key,
            rank(record, block.opened),
            block.slot,
            *place,
            _name(found.base_key),
            _name(found.shallow_key),
            found.family,
            _name(found.params_digest),
            _name(found.fingerprint),
            _name(found.manifest),
            _inline(record.manifest, found.manifest),
            b"".join(_name(one.digest) or b"" for one in found.inputs),
            found.size,
            found.seconds,
            found.created,
            found.adopted,
        )
    except (CorruptionError, *UNPACKABLE):
        return None
    sound = (
        record.digest() in digests_in(block)
        and found.project == project
        and _name(found.key) == record.key
        and 0 <= found.size < 1 << 63
        and 0 <= found.created < END_OF_TIME
    )
    return row if sound else None


def _name(digest: str | None) -> bytes | None:
    """32 bytes; ValueError where that is not what the digits say."""
    if digest is None:
        return None
    found = bytes.fromhex(digest)
    if len(found) != NAME_BYTES:
        raise ValueError(digest)
    return found


def _inline(manifest: bytes | None, digest: str) -> bytes | None:
    """A manifest that came with its record, if it is the right one and small."""
    if manifest is None or len(manifest) > INLINE_BYTES or digest_bytes(manifest) != digest:
        return None
    return manifest

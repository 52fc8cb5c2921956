"""The merged index of a remote: segments as rows.

It is exactly the union of the segments that a listing showed and that none of them supersedes. Rows carry their
segment in their id and go with it.
"""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from luisy.cas import actions
from luisy.cas.action_rows import INLINE_BYTES
from luisy.cas.envelope import END_OF_TIME, body_of
from luisy.cas.hashing import digest_bytes
from luisy.cas.remote_records import UNPACKABLE, Kind, digests_in, rank
from luisy.cas.segments import Opened, frame_records, open_segment, read_directory, records_of
from luisy.cas.signing import PublicKey, is_signed
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from luisy.cas.database import Database
    from luisy.cas.remote_records import ActionRecord, BadRecord, Block, Records
    from luisy.cas.segments import Directory

BITS = 24
"""A row's id is its segment's id, shifted by this, plus a number."""

_NAME_BYTES = 32

_OF_SEGMENT = (
    "remote_frames",
    "remote_blocks",
    "remote_actions",
    "remote_contents",
    "remote_blobs",
    "remote_locations",
    "remote_uses",
    "remote_bads",
)


class _Input(msgspec.Struct):
    digest: str


class _Columns(msgspec.Struct):
    """What a row has of an action file: parsed in one go, since a merge meets thousands."""

    key: str
    manifest: str
    project: str
    family: str
    params_digest: str
    fingerprint: str
    inputs: list[_Input]
    base_key: str | None
    shallow_key: str | None
    created: float
    seconds: float
    size: int
    adopted: bool


_columns = msgspec.json.Decoder(_Columns)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A segment that is about to be merged.

    :param name: last part of the blob's name.
    :param records: what its frames hold.
    """

    name: str
    etag: str
    opened: Opened
    records: Records

    @classmethod
    def read(cls, name: str, etag: str, data: bytes, project: str) -> Incoming:
        """What the blob *data* holds.

        :raises CorruptionError: as :func:`luisy.cas.segments.open_segment`.
        """
        opened = open_segment(data, project)
        return cls(name, etag, opened, records_of(opened))

    @property
    def supersedes(self) -> frozenset[str]:
        """Names of the segments that it stands for."""
        return frozenset(self.opened.directory.supersedes)

    @property
    def size(self) -> int:
        """Bytes of its frames and blocks, unpacked, about."""
        directory = self.opened.directory
        blocks = sum(len(block.records) + len(block.signature) + _NAME_BYTES for block in directory.blocks)
        return blocks + sum(frame.raw for frame in directory.frames)


@dataclass(frozen=True, slots=True)
class Merged:
    """A segment that is merged.

    :param size: bytes of its frames and blocks, unpacked, about.
    """

    id: int
    name: str
    etag: str
    size: int
    supersedes: frozenset[str]


class RemoteIndex:
    """The segments of one namespace that are merged. Writers call inside :meth:`Database.writing`.

    :ivar url: of the remote, without secrets.
    :ivar project: the namespace's project.
    """

    def __init__(self, database: Database, url: str, project: str) -> None:
        self.database = database
        self.project = project
        self.url = url
        self._id: int | None = None
        self._read: tuple[int, Directory] | None = None  # the directory that was read last

    @property
    def namespace(self) -> int:
        """Its id; made on first use."""
        if self._id is None:
            names = (self.url, self.project)
            question = "SELECT id FROM remote_namespaces WHERE url = ? AND project = ?"
            found = self.database.query(question, names)
            if not found:
                with self.database.writing() as connection:
                    connection.execute(
                        "INSERT OR IGNORE INTO remote_namespaces (url, project) VALUES (?, ?)", names
                    )
                found = self.database.query(question, names)
            self._id = int(found[0][0])
        return self._id

    # --- merging

    def merged(self) -> dict[str, Merged]:
        """The segments that are merged, by name."""
        rows = self.database.query(
            "SELECT id, name, etag, size, supersedes FROM remote_segments WHERE namespace = ?",
            (self.namespace,),
        )
        return {row[1]: Merged(row[0], row[1], row[2], row[3], frozenset(row[4].split())) for row in rows}

    def drop(self, connection: sqlite3.Connection, segment: int) -> None:
        """Forget a segment and all that came with it."""
        for table in _OF_SEGMENT:
            connection.execute(
                f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", (segment << BITS, (segment + 1 << BITS) - 1)
            )
        connection.execute("DELETE FROM remote_segments WHERE id = ?", (segment,))

    def add(self, connection: sqlite3.Connection, incoming: Incoming) -> int:
        """Merge a segment; returns how many of its records were left out because they are not sound."""
        directory = incoming.opened.directory
        records = incoming.records
        segment = connection.execute(
            "INSERT INTO remote_segments (namespace, name, etag, size, supersedes, directory)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                self.namespace,
                incoming.name,
                incoming.etag,
                incoming.size,
                " ".join(directory.supersedes),
                incoming.opened.stored,
            ),
        ).lastrowid
        start = int(segment or 0) << BITS
        _insert(connection, "remote_frames", start, [(stored,) for stored in incoming.opened.frames])
        counts = [frame.count for frame in directory.frames if frame.kind == Kind.ACTION]
        _insert(connection, "remote_blocks", start, [_block_row(block) for block in records.blocks])
        first = next((n for n, frame in enumerate(directory.frames) if frame.kind == Kind.ACTION), 0)
        places = [(first + n, position) for n, count in enumerate(counts) for position in range(count)]
        rows = [
            row
            for one, place in zip(records.actions, places, strict=True)
            if (row := _action_row(one, records.blocks, self.project, place, start)) is not None
        ]
        _insert(connection, "remote_actions", start, rows)
        _insert(
            connection, "remote_contents", start, [(one.content, one.manifest) for one in records.contents]
        )
        sound = [one for one in records.locations if one.is_sound()]
        blobs = {name: start + number for number, name in enumerate(dict.fromkeys(one.blob for one in sound))}
        _insert(connection, "remote_blobs", start, [(name,) for name in blobs])
        _insert(
            connection,
            "remote_locations",
            start,
            [(one.digest, blobs[one.blob], one.offset, one.length, one.encoding, one.size) for one in sound],
        )
        _insert(connection, "remote_uses", start, [(one.key, one.used) for one in records.uses])
        _insert(
            connection,
            "remote_bads",
            start,
            [
                (one.digest, one.blob, one.etag, min(one.mended, 1), _listing(one, records.blocks, start))
                for one in records.bads
            ],
        )
        return len(records.actions) - len(rows) + len(records.locations) - len(sound)

    def verify(self, connection: sqlite3.Connection, keys: Collection[PublicKey]) -> int:
        """Look at the signatures by *keys* that nobody has looked at yet; how many of them are wrong."""
        if not keys:
            return 0
        rows = connection.execute(
            f"SELECT k.id FROM remote_blocks k WHERE k.verified = 0 AND k.signer IN ({keys_in_sql(keys)}) AND k.id >> 24 IN"
            " (SELECT s.id FROM remote_segments s WHERE s.namespace = ?) ORDER BY k.id",
            (self.namespace,),
        ).fetchall()
        found = []
        for (number,) in rows:
            block = self.directory(number >> BITS).blocks[number & (1 << BITS) - 1]
            by = PublicKey(block.key_id)
            found.append((1 if is_signed(block.signed(self.project), block.signature, by) else -1, number))
        connection.executemany("UPDATE remote_blocks SET verified = ? WHERE id = ?", found)
        return sum(verdict < 0 for verdict, _ in found)

    def signers(self) -> tuple[dict[PublicKey, int], int]:
        """How many actions each key has signed, all of them verified; and how many name a key that has not."""
        namespace = "k.id >> 24 IN (SELECT s.id FROM remote_segments s WHERE s.namespace = ?)"
        claimed = self.database.query(
            f"SELECT DISTINCT k.signer FROM remote_blocks k WHERE k.verified = 0 AND {namespace}",
            (self.namespace,),
        )
        if claimed:
            with self.database.writing() as connection:
                self.verify(connection, [PublicKey(row[0]) for row in claimed])
        rows = self.database.query(
            "SELECT k.signer, k.verified, count(DISTINCT b.key) FROM remote_actions b CROSS JOIN remote_blocks k"
            f" ON k.id = b.block WHERE {namespace} GROUP BY k.signer, k.verified",
            (self.namespace,),
        )
        results = {PublicKey(row[0]): row[2] for row in rows if row[1] > 0}
        return results, sum(row[2] for row in rows if row[1] < 0)

    def forged(self) -> list[tuple[str, PublicKey]]:
        """The segments with a block that names a key which has not signed it, as far as was looked, and that key."""
        rows = self.database.query(
            "SELECT DISTINCT s.name, k.signer FROM remote_blocks k JOIN remote_segments s ON s.id = k.id >> 24"
            " AND s.namespace = ? WHERE k.verified = -1 ORDER BY s.name, k.signer",
            (self.namespace,),
        )
        return [(row[0], PublicKey(row[1])) for row in rows]

    def records(self, names: Iterable[str]) -> list[Records]:
        """The whole records of merged segments, for folding.

        :raises CorruptionError: the rows are not what was merged (slug ``bad-segment``): what is made of them would be
            put in the place of what is sound.
        """
        found = []
        for name in names:
            row = self.database.query(
                "SELECT id, directory FROM remote_segments WHERE namespace = ? AND name = ?",
                (self.namespace, name),
            )[0]
            frames = self.database.query(
                "SELECT data FROM remote_frames WHERE id BETWEEN ? AND ? ORDER BY id",
                (row[0] << BITS, (row[0] + 1 << BITS) - 1),
            )
            directory = read_directory(row[1])
            if [digest_bytes(frame[0]) for frame in frames] != [one.digest.hex() for one in directory.frames]:
                raise CorruptionError(
                    "what the store has of the remote's index is damaged",
                    slug="bad-segment",
                    hint="`luisy cas verify --rebuild` makes the index again",
                )
            found.append(records_of(Opened(directory, row[1], tuple(frame[0] for frame in frames))))
        return found

    def frame(self, segment: int, number: int) -> list[Any]:
        """The records of one frame of a merged segment."""
        directory = self.directory(segment)
        ((data,),) = self.database.query(
            "SELECT data FROM remote_frames WHERE id = ?", (segment << BITS | number,)
        )
        return frame_records(directory.frames[number], data)

    def directory(self, segment: int) -> Directory:
        """The directory of a merged segment."""
        if self._read is None or self._read[0] != segment:
            ((stored,),) = self.database.query(
                "SELECT directory FROM remote_segments WHERE id = ?", (segment,)
            )
            self._read = (segment, read_directory(stored))
        return self._read[1]


def known_projects(database: Database, url: str) -> set[str]:
    """The projects of which something was ever merged from the remote at *url*, or was looked for there."""
    return {row[0] for row in database.query("SELECT project FROM remote_namespaces WHERE url = ?", (url,))}


def keys_in_sql(keys: Iterable[PublicKey]) -> str:
    """*keys* as SQL has them in a list: there are few, and the same in every question of a run."""
    return ", ".join(f"X'{key.hex()}'" for key in sorted(keys))


def _insert(connection: sqlite3.Connection, table: str, start: int, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        connection.executemany(
            f"INSERT INTO {table} VALUES (?{', ?' * len(rows[0])})",
            ((start + number, *row) for number, row in enumerate(rows)),
        )


def _block_row(block: Block) -> tuple[bytes, int]:
    return block.key_id, 0 if block.key_id else 1


def _listing(bad: BadRecord, blocks: Sequence[Block], start: int) -> int | None:
    """The id of the block that says so: there is one, unless an older luisy wrote it, or somebody without a key."""
    told = bad.told()
    return next((start + number for number, block in enumerate(blocks) if told in digests_in(block)), None)


def _action_row(
    record: ActionRecord, blocks: Sequence[Block], project: str, place: tuple[int, int], start: int
) -> tuple[Any, ...] | None:
    """The row of an action; None if the record is not sound."""
    block = blocks[record.block]
    try:
        found = _columns.decode(body_of(actions.KIND, record.action))
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
            start + record.block,
        )
    except (CorruptionError, *UNPACKABLE):
        return None
    listed = record.digest() in digests_in(block)
    sound = (
        listed
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
    if len(found) != _NAME_BYTES:
        raise ValueError(digest)
    return found


def _inline(manifest: bytes | None, digest: str) -> bytes | None:
    """A manifest that came with its record, if it is the right one and small."""
    if manifest is None or len(manifest) > INLINE_BYTES or digest_bytes(manifest) != digest:
        return None
    return manifest

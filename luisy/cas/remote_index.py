"""The merged index of a remote: segments as rows.

It is exactly the union of the segments that a listing showed and that none of them supersedes; or, where some are merged
in part, exactly that for what was asked (``luisy.cas.remote_parts``). Rows carry their segment in their id and go with it.
"""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.cas.hashing import digest_bytes
from luisy.cas.remote_filling import BITS, Filler, Read
from luisy.cas.remote_records import NAME_BYTES
from luisy.cas.segments import Opened, frame_records, open_segment, read_directory, records_in, records_of
from luisy.cas.signing import PublicKey, is_signed
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from luisy.cas.database import Database
    from luisy.cas.remote_records import Records
    from luisy.cas.segments import Directory

_DIRECTORIES = 8
"""Directories that are kept unpacked."""

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


@dataclass(frozen=True, slots=True)
class Incoming:
    """A segment that is about to be merged, or a part of one.

    :param name: last part of the blob's name.
    :param stored: bytes of the directory.
    :param frames: those that were read, by their numbers in the directory.
    """

    name: str
    etag: str
    directory: Directory
    stored: bytes
    frames: Mapping[int, Read]

    @classmethod
    def read(cls, name: str, etag: str, data: bytes, project: str) -> Incoming:
        """What the blob *data* holds.

        :raises CorruptionError: as :func:`luisy.cas.segments.open_segment`.
        """
        opened = open_segment(data, project)
        directory = opened.directory
        frames = {
            number: Read(stored, records_in(directory, number, stored))
            for number, stored in enumerate(opened.frames)
        }
        return cls(name, etag, directory, opened.stored, frames)

    @property
    def is_whole(self) -> bool:
        """Whether all of its frames were read."""
        return len(self.frames) == len(self.directory.frames)

    @property
    def supersedes(self) -> frozenset[str]:
        """Names of the segments that it stands for."""
        return frozenset(self.directory.supersedes)

    @property
    def size(self) -> int:
        """Bytes of its frames and blocks, unpacked, about."""
        blocks = sum(
            len(block.records) + len(block.signature) + NAME_BYTES for block in self.directory.blocks
        )
        return blocks + sum(frame.raw for frame in self.directory.frames)


@dataclass(frozen=True, slots=True)
class Merged:
    """A segment that is merged, or a part of it.

    :param size: bytes of its frames and blocks, unpacked, about.
    :param is_whole: whether all of its frames are merged.
    """

    id: int
    name: str
    etag: str
    size: int
    supersedes: frozenset[str]
    is_whole: bool


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
        self._directories: dict[int, tuple[bytes, Directory]] = {}  # those that were read last

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
            "SELECT id, name, etag, size, supersedes, whole FROM remote_segments WHERE namespace = ?",
            (self.namespace,),
        )
        return {
            row[1]: Merged(row[0], row[1], row[2], row[3], frozenset(row[4].split()), row[5] == 1)
            for row in rows
        }

    def drop(self, connection: sqlite3.Connection, segment: int) -> None:
        """Forget a segment and all that came with it."""
        for table in _OF_SEGMENT:
            connection.execute(
                f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", (segment << BITS, (segment + 1 << BITS) - 1)
            )
        connection.execute("DELETE FROM remote_segments WHERE id = ?", (segment,))

    def add(self, connection: sqlite3.Connection, incoming: Incoming) -> int:
        """Merge a segment; returns how many of its records were left out because they are not sound."""
        segment = connection.execute(
            "INSERT INTO remote_segments (namespace, name, etag, size, supersedes, directory, whole)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.namespace,
                incoming.name,
                incoming.etag,
                incoming.size,
                " ".join(incoming.directory.supersedes),
                incoming.stored,
                incoming.is_whole,
            ),
        ).lastrowid
        filler = Filler(connection, self.project, int(segment or 0) << BITS, incoming.directory)
        filler.blocks()
        return filler.fill(incoming.frames)

    def fill(self, connection: sqlite3.Connection, segment: int, frames: Mapping[int, Read]) -> int:
        """Merge more frames of a segment, those that are not merged yet; as :meth:`add`.

        A segment that another process has dropped stays so.
        """
        if not connection.execute("SELECT 1 FROM remote_segments WHERE id = ?", (segment,)).fetchall():
            return 0
        directory, there = self.directory(segment), self.frames_of(segment)
        new = {number: one for number, one in frames.items() if number not in there}
        left_out = Filler(connection, self.project, segment << BITS, directory).fill(new)
        if len(there) + len(new) == len(directory.frames):
            connection.execute("UPDATE remote_segments SET whole = 1 WHERE id = ?", (segment,))
        return left_out

    def frames_of(self, segment: int) -> set[int]:
        """The numbers of its frames that are merged."""
        rows = self.database.query(
            "SELECT id FROM remote_frames WHERE id BETWEEN ? AND ?",
            (segment << BITS, (segment + 1 << BITS) - 1),
        )
        return {row[0] & (1 << BITS) - 1 for row in rows}

    def partial(self) -> list[int]:
        """The ids of the segments of which not all frames are merged."""
        rows = self.database.query(
            "SELECT id FROM remote_segments WHERE namespace = ? AND whole = 0 ORDER BY id", (self.namespace,)
        )
        return [row[0] for row in rows]

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
        """The records of one frame that is merged."""
        return frame_records(self.directory(segment).frames[number], self.stored(segment, number))

    def stored(self, segment: int, number: int) -> bytes:
        """The bytes of one frame that is merged."""
        ((data,),) = self.database.query(
            "SELECT data FROM remote_frames WHERE id = ?", (segment << BITS | number,)
        )
        return bytes(data)

    def directory(self, segment: int) -> Directory:
        """The directory of a merged segment."""
        ((stored,),) = self.database.query("SELECT directory FROM remote_segments WHERE id = ?", (segment,))
        kept = self._directories.pop(segment, None)
        if kept is None or kept[0] != stored:  # an index that was made anew, or is another after a fork
            kept = (stored, read_directory(stored))
        while len(self._directories) >= _DIRECTORIES:
            self._directories.pop(next(iter(self._directories)))
        self._directories[segment] = kept
        return kept[1]


def known_projects(database: Database, url: str) -> set[str]:
    """The projects of which something was ever merged from the remote at *url*, or was looked for there."""
    return {row[0] for row in database.query("SELECT project FROM remote_namespaces WHERE url = ?", (url,))}


def keys_in_sql(keys: Iterable[PublicKey]) -> str:
    """*keys* as SQL has them in a list: there are few, and the same in every question of a run."""
    return ", ".join(f"X'{key.hex()}'" for key in sorted(keys))

"""Rows about objects: which were verified when, and which are known to be on disk."""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

import functools
import os
import sys
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from luisy.cas.database import WANTED, corrupt_index, packed
from luisy.model import Digest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from luisy.cas.database import Database


_FROM_FILES = (
    "objects",
    "actions",
    "aliases",
    "acceptances",
    "pins",
    "superseded",
    "rescued",
    "seen_refs",
    "tasks",
)
"""The tables that a rebuild makes again."""


_AT_ONCE = 4096
"""Objects that are in memory at a time, whatever the store holds."""

_OUTLINES = """SELECT count(*), CAST(group_concat(substr(digest, 1, 8) || substr(token, 9), '') AS BLOB)
  FROM objects WHERE digest BETWEEN ? AND ?"""
"""A mark, then what of a stat token follows the inode: size, and when the file was modified and its status changed."""


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """What the index knows of one object.

    :param token: stat token of the file when it was verified.
    :param settled: it was written in this boot, or synced since: if its stat is the same, so are its bytes.
    """

    token: bytes
    settled: bool


class Outlines(NamedTuple):
    """Columns of the table of objects.

    :ivar marks: of their digests (``luisy.cas.marks``).
    :ivar sizes: bytes.
    :ivar changed: when the status of a file did, which was verified then: when it came to its name. Nanoseconds since
        the epoch.
    """

    marks: array[int]
    sizes: array[int]
    changed: array[int]


@functools.cache
def boot() -> bytes:
    """Names this boot of this machine (16 bytes). Where neither is told, this process alone."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return os.urandom(16)
    try:
        text += Path("/etc/machine-id").read_bytes()
    except OSError:
        text += os.uname().nodename.encode()
    return blake3(text, max_threads=1).digest(16)


class Index:
    """Objects and epochs. Writers call inside :meth:`Database.writing` and hand its connection on."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- epochs: what may have been lost with the power

    def epoch(self, connection: sqlite3.Connection) -> int:
        """The epoch of this boot in which rows are written now. To be asked in the writing transaction."""
        (current,) = connection.execute("SELECT max(id) FROM epochs WHERE boot = ?", (boot(),)).fetchone()
        return int(current) if current is not None else self.new_epoch(connection)

    def new_epoch(self, connection: sqlite3.Connection) -> int:
        """Begin another epoch: what is written from now on is not covered by a sync that starts after this."""
        cursor = connection.execute("INSERT INTO epochs (boot) VALUES (?)", (boot(),))
        return int(cursor.lastrowid or 0)

    def unsynced(self) -> bool:
        """Whether any row of this boot waits for a sync."""
        return bool(
            self.database.query(
                "SELECT 1 FROM epochs e WHERE boot = ? AND (EXISTS (SELECT 1 FROM objects o WHERE o.epoch = e.id)"
                " OR EXISTS (SELECT 1 FROM placements p WHERE p.epoch = e.id)) LIMIT 1",
                (boot(),),
            )
        )

    def mark_synced(self, before: int) -> None:
        """Everything that this boot wrote in epochs below *before* is on disk."""
        with self.database.writing() as connection:
            spans = "(SELECT id FROM epochs WHERE boot = ? AND id < ?)"
            for table in ("objects", "placements"):
                connection.execute(
                    f"UPDATE {table} SET epoch = NULL WHERE epoch IN {spans}",
                    (boot(), before),
                )
            connection.execute("DELETE FROM epochs WHERE boot = ? AND id < ?", (boot(), before))

    # --- objects

    def tokens(self, digests: Sequence[Digest]) -> list[tuple[Digest, bytes, bool]]:
        """Token, and whether it is settled, of those of *digests* that are known; one query for any number."""
        if not digests:
            return []
        rows = self.database.query(
            WANTED + "SELECT o.digest, o.token, o.epoch IS NULL OR o.epoch IN (SELECT id FROM epochs"
            " WHERE boot = :boot) FROM wanted CROSS JOIN objects o ON o.digest = wanted.digest",
            {**packed(digests), "boot": boot()},
        )
        return [(digest.hex(), token, settled == 1) for digest, token, settled in rows]

    def object(self, digest: Digest) -> ObjectRow | None:
        """The row of one object."""
        rows = self.database.query(
            "SELECT token, epoch IS NULL OR epoch IN (SELECT id FROM epochs WHERE boot = ?)"
            " FROM objects WHERE digest = ?",
            (boot(), bytes.fromhex(digest)),
        )
        return ObjectRow(rows[0][0], rows[0][1] == 1) if rows else None

    def sizes(self, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Bytes of those of *digests* that have a row; one query for any number."""
        if not digests:
            return {}
        rows = self.database.query(
            WANTED + "SELECT o.digest, o.size FROM wanted CROSS JOIN objects o ON o.digest = wanted.digest",
            packed(digests),
        )
        return {digest.hex(): size for digest, size in rows}

    def outlines(self) -> Iterator[Outlines]:
        """All objects by the first byte of their digests: so no more than these are in memory at a time.

        SQLite puts the columns together, since a line of Python for each object takes longer.

        :raises CorruptionError: the index is damaged (``corrupt-index``).
        """
        for first in (bytes([number]) for number in range(256)):
            ((count, data),) = self.database.query(_OUTLINES, (first, first + b"\xff" * 32))
            if len(data or b"") != 32 * count:  # a digest or a token that is too short
                raise corrupt_index("the table objects holds values that no luisy writes")
            columns = array("Q", data or b"")
            found = Outlines(columns[0::4], columns[1::4], columns[3::4])
            if sys.byteorder == "big":  # tokens are little-endian, and marks as this machine has them
                for column in found[1:]:
                    column.byteswap()
            yield found

    def listed(self) -> Iterator[tuple[Digest, int]]:
        """Digest and size of every object, sorted; some in memory at a time."""
        after = b""
        while rows := self.database.query(
            "SELECT digest, size FROM objects WHERE digest > ? ORDER BY digest LIMIT ?", (after, _AT_ONCE)
        ):
            after = rows[-1][0]
            yield from ((Digest(digest.hex()), size) for digest, size in rows)

    def put(self, connection: sqlite3.Connection, rows: Iterable[tuple[Digest, int, bytes]]) -> None:
        """Digest, size and token of files whose bytes were verified just now."""
        epoch = self.epoch(connection)
        connection.executemany(
            "INSERT OR REPLACE INTO objects (digest, size, token, epoch) VALUES (?, ?, ?, ?)",
            [(bytes.fromhex(digest), size, token, epoch) for digest, size, token in rows],
        )

    def drop(self, connection: sqlite3.Connection, digest: Digest) -> None:
        """The object is not there."""
        connection.execute("DELETE FROM objects WHERE digest = ?", (bytes.fromhex(digest),))

    def totals(self) -> tuple[int, int]:
        """Number of objects and their bytes."""
        ((count, size),) = self.database.query("SELECT count(*), ifnull(sum(size), 0) FROM objects")
        return int(count), int(size)

    # --- rebuilding

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all that can be made again from files, and remember when."""
        for table in _FROM_FILES:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('rebuilt', ?)", (time.time(),))

    def rebuilt(self) -> float | None:
        """When the index was last rebuilt; gc deletes nothing for the retention period after that."""
        rows = self.database.query("SELECT value FROM facts WHERE name = 'rebuilt'")
        return float(rows[0][0]) if rows else None

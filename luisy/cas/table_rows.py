"""Rows about tables: who wrote a location last, of what, and which version that made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.database import unpacked
from luisy.model import Digest, Key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from luisy.cas.database import Database


@dataclass(frozen=True, slots=True)
class TableWrite:
    """What a task has left at one location.

    :param location: the table's name, or its URI.
    :param key: of the task.
    :param inputs: content digests of its inputs, in order.
    :param version: what the table said its version is.
    :param written: when that was, seconds since the epoch, UTC.
    """

    location: str
    key: Key
    inputs: tuple[Digest, ...]
    version: str
    written: float


class TableRows:
    """What is known of tables, by location."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_write(self, location: str) -> TableWrite | None:
        """The last write to *location* that was noted."""
        rows = self._database.query(
            "SELECT key, inputs, version, written FROM tables WHERE location = ?", (location,)
        )
        return next((_write(location, *row) for row in rows), None)

    def put(self, connection: sqlite3.Connection, writes: Iterable[TableWrite]) -> None:
        """Remember these, each in place of what was known of its location."""
        connection.executemany(
            "INSERT OR REPLACE INTO tables VALUES (?, ?, ?, ?, ?)",
            [
                (
                    one.location,
                    bytes.fromhex(one.key),
                    bytes.fromhex("".join(one.inputs)),
                    one.version,
                    one.written,
                )
                for one in writes
            ],
        )


def _write(location: str, key: bytes, inputs: bytes, version: str, written: float) -> TableWrite:
    return TableWrite(location, Key(key.hex()), tuple(map(Digest, unpacked(inputs))), version, written)

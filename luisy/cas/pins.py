"""Pins: names that keep actions alive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.envelope import seal, unseal
from luisy.cas.hashing import digest_bytes
from luisy.cas.records import RecordKind
from luisy.model import Key

if TYPE_CHECKING:
    import sqlite3

    from luisy.cas._layout import Layout
    from luisy.cas.database import Database


@dataclass(frozen=True, slots=True)
class Pin:
    """As long as there is a pin of this name, gc leaves the action at *key* alone.

    :param key: the action's own.
    :param created: seconds since the epoch, UTC.
    """

    name: str
    key: Key
    created: float

    def encode(self) -> bytes:
        """The bytes of the record file."""
        fields = {"name": self.name, "key": self.key, "created": float(self.created)}
        return seal(RecordKind.PIN.value, fields)

    @classmethod
    def decode(cls, data: bytes) -> Pin:
        """What :meth:`encode` wrote; CorruptionError for anything else."""
        found = unseal(RecordKind.PIN.value, data)
        return cls(found.unicode("name"), found.key("key"), found.moment("created"))

    def file(self, layout: Layout) -> str:
        """Where the record lies: one per name."""
        return layout.record(RecordKind.PIN.value, digest_bytes(self.name.encode()))


class PinRows:
    """The rows of pins. Writers call inside :meth:`Database.writing`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: sqlite3.Connection, pin: Pin) -> None:
        """Remember *pin*, in place of an older one of its name."""
        connection.execute(
            "INSERT OR REPLACE INTO pins VALUES (?, ?, ?)", (pin.name, bytes.fromhex(pin.key), pin.created)
        )

    def drop(self, connection: sqlite3.Connection, name: str) -> None:
        """Forget the pin of this name."""
        connection.execute("DELETE FROM pins WHERE name = ?", (name,))

    def all(self) -> list[Pin]:
        """All pins, by name."""
        rows = self._database.query("SELECT name, key, created FROM pins ORDER BY name")
        return [Pin(name, Key(key.hex()), created) for name, key, created in rows]

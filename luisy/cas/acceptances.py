"""Acceptances: the word of a user that changed code is equivalent, so that an earlier result counts for its key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.cas.database import unpacked
from luisy.cas.envelope import seal, unseal
from luisy.cas.records import RecordKind
from luisy.model import Digest, Key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from luisy.cas._layout import Layout
    from luisy.cas.database import Database


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The action at *action_key* counts for *key*, which differs from it in the fingerprint alone.

    :param key: what names the task with its new code.
    :param params: public significant parameters of the task, serialised.
    :param fingerprint: of the new code.
    :param through: the keys of the acceptances that its inputs rest on.
    :param proved: the new code was executed and made the same as the old (this task's or a cheaper one's of its family).
    :param created: seconds since the epoch, UTC.
    """

    key: Key
    action_key: Key
    project: str
    family: str
    params: Mapping[str, str]
    fingerprint: Digest
    through: tuple[Key, ...]
    proved: bool
    created: float

    def encode(self) -> bytes:
        """The bytes of the record file."""
        fields: dict[str, Any] = {
            "key": self.key,
            "action_key": self.action_key,
            "project": self.project,
            "family": self.family,
            "params": dict(self.params),
            "fingerprint": self.fingerprint,
            "through": [{"key": key} for key in self.through],
            "proved": self.proved,
            "created": float(self.created),
        }
        return seal(RecordKind.ACCEPTANCE.value, fields)

    @classmethod
    def decode(cls, data: bytes) -> Acceptance:
        """What :meth:`encode` wrote; CorruptionError for anything else."""
        found = unseal(RecordKind.ACCEPTANCE.value, data)
        return cls(
            key=found.key("key"),
            action_key=found.key("action_key"),
            project=found.unicode("project"),
            family=found.unicode("family"),
            params=found.texts("params"),
            fingerprint=found.digest("fingerprint"),
            through=tuple(item.key("key") for item in found.objects("through")),
            proved=found.flag("proved"),
            created=found.moment("created"),
        )

    def file(self, layout: Layout) -> str:
        """Where the record lies: one per key."""
        return layout.record(RecordKind.ACCEPTANCE.value, self.key)


def resting_on(keys: Iterable[Key], acceptances: Iterable[Acceptance]) -> list[Acceptance]:
    """Those of *acceptances* that have one of *keys*, or came through one that has, at any distance."""
    known = list(acceptances)
    fallen = set(keys)
    consumers: dict[Key, list[Key]] = {}
    for acceptance in known:
        for key in acceptance.through:
            consumers.setdefault(key, []).append(acceptance.key)
    pending = list(fallen)
    while pending:
        fresh = [key for key in consumers.get(pending.pop(), ()) if key not in fallen]
        fallen.update(fresh)
        pending += fresh
    return [acceptance for acceptance in known if acceptance.key in fallen]


class AcceptanceRows:
    """The rows of acceptances. Writers call inside :meth:`Database.writing`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, connection: sqlite3.Connection, acceptance: Acceptance) -> None:
        """Remember *acceptance*, in place of an older one at its key."""
        connection.execute(
            "INSERT OR REPLACE INTO acceptances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                bytes.fromhex(acceptance.key),
                bytes.fromhex(acceptance.action_key),
                acceptance.project,
                acceptance.family,
                json.dumps(dict(acceptance.params), sort_keys=True),
                bytes.fromhex(acceptance.fingerprint),
                bytes.fromhex("".join(acceptance.through)),
                acceptance.proved,
                acceptance.created,
            ),
        )

    def drop(self, connection: sqlite3.Connection, key: Key) -> None:
        """Forget the acceptance at *key*."""
        connection.execute("DELETE FROM acceptances WHERE key = ?", (bytes.fromhex(key),))

    def has(self, key: Key) -> bool:
        """Whether there is an acceptance at *key*."""
        return bool(self._database.query("SELECT 1 FROM acceptances WHERE key = ?", (bytes.fromhex(key),)))

    def all(self) -> list[Acceptance]:
        """All acceptances, newest first."""
        rows = self._database.query(
            "SELECT key, action_key, project, family, params, fingerprint, through, proved, created"
            " FROM acceptances ORDER BY created DESC, key"
        )
        return [_acceptance_of(row) for row in rows]


def _acceptance_of(row: tuple[Any, ...]) -> Acceptance:
    key, action_key, project, family, params, fingerprint, through, proved, created = row
    return Acceptance(
        Key(key.hex()),
        Key(action_key.hex()),
        project,
        family,
        json.loads(params),
        Digest(fingerprint.hex()),
        tuple(map(Key, unpacked(through))),
        proved == 1,
        created,
    )

"""Rows about actions and aliases: what resolving asks, in bulk."""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.cas import actions, manifests, marks
from luisy.cas.database import WANTED, packed, unpacked
from luisy.cas.records import Alias
from luisy.model import Digest, Key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.database import Database
    from luisy.cas.records import Superseded
    from luisy.model import Action, Manifest

INLINE_BYTES = 1024
"""A manifest up to this size stands in the index itself."""

_PARAMS_BYTES = 256

COLUMNS = (
    "a.key, a.manifest, a.manifest_bytes, a.inputs, a.adopted, a.size, a.seconds, a.created,"
    " a.base_key IS NOT NULL"
)
"""What :func:`result_of` reads, of a table of actions that is called ``a``; and whether side files belong to it."""

_OWN_COLUMNS = f"{COLUMNS}, a.held_back <> '' AND NOT a.adopted"


@dataclass(frozen=True, slots=True)
class Result:
    """An action as resolving needs it.

    :param key: the action's own, also where an alias led here.
    :param manifest: digest of the manifest object: the content digest of the result.
    :param manifest_bytes: the manifest's canonical bytes while they are small, else None.
    :param inputs: content digests of the inputs as recorded, in order.
    :param size: bytes of all outputs.
    :param seconds: how long ``run()`` took.
    :param created: seconds since the epoch, UTC.
    :param has_trace: the action is one of several at its base key (dynamic dependencies).
    :param has_side_files: the task wrote files beside its outputs, which the action names.
    """

    key: Key
    manifest: Digest
    manifest_bytes: bytes | None
    inputs: tuple[Digest, ...]
    adopted: bool
    size: int
    seconds: float
    created: float
    has_trace: bool
    has_side_files: bool

    @property
    def outputs(self) -> Manifest | None:
        """The manifest, if it stands in the index; else ask ``Store.manifests``.

        :raises CorruptionError: the index holds something else.
        """
        return None if self.manifest_bytes is None else manifests.decode(self.manifest_bytes)


@dataclass(frozen=True, slots=True)
class Listed:
    """An action as a list shows it.

    :param params: public parameters; None if they are long (then ``Store.action`` has them).
    """

    key: Key
    project: str
    family: str
    params: dict[str, str] | None
    manifest: Digest
    size: int
    seconds: float
    created: float
    adopted: bool
    held_back: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """An action as a comparison with it needs it.

    :param inputs: content digests of the inputs, in order.
    """

    key: Key
    fingerprint: Digest
    inputs: tuple[Digest, ...]


class ActionRows:
    """Actions, aliases and their tasks. Writers call inside :meth:`Database.writing`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- writing

    def put(self, connection: sqlite3.Connection, action: Action, manifest: Manifest) -> None:
        """File *action*, whose manifest is *manifest*, in place of an older one at its key."""
        encoded = manifests.encode(manifest)
        params = json.dumps(dict(action.params), sort_keys=True)
        connection.execute(
            "INSERT OR REPLACE INTO actions (key, base_key, shallow_key, task, params_digest, fingerprint, params, manifest,"
            " manifest_bytes, inputs, size, seconds, created, adopted, held_back, needs)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                bytes.fromhex(action.key),
                bytes.fromhex(action.base_key) if action.base_key else None,
                bytes.fromhex(action.shallow_key) if action.shallow_key else None,
                self._task(connection, action.project, action.family),
                bytes.fromhex(action.params_digest),
                bytes.fromhex(action.fingerprint),
                params if len(params) <= _PARAMS_BYTES else None,
                bytes.fromhex(action.manifest),
                encoded if len(encoded) <= INLINE_BYTES else None,
                bytes.fromhex("".join(item.digest for item in action.inputs)),
                action.size,
                action.seconds,
                action.created,
                action.adopted,
                action.held_back.encode(errors="replace").decode(),  # may name a path that is not UTF-8
                marks.packed(action.manifest, actions.needs(action, manifest)),
            ),
        )

    def put_alias(self, connection: sqlite3.Connection, alias: Alias) -> None:
        """From now on *alias* answers for its key."""
        connection.execute(
            "INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)",
            (bytes.fromhex(alias.key), bytes.fromhex(alias.action_key), alias.created),
        )

    def drop_alias(self, connection: sqlite3.Connection, key: Key) -> bool:
        """Let the key be answered by its own action; True if there was an alias."""
        return connection.execute("DELETE FROM aliases WHERE key = ?", (bytes.fromhex(key),)).rowcount > 0

    def move(self, connection: sqlite3.Connection, key: Key, to: Key) -> None:
        """File the action at *key* at another one, in place of what is there."""
        connection.execute(
            "UPDATE OR REPLACE actions SET key = ? WHERE key = ?", (bytes.fromhex(to), bytes.fromhex(key))
        )

    def drop(self, connection: sqlite3.Connection, keys: Sequence[Key]) -> None:
        """Forget the actions filed at *keys*; aliases to them count for nothing from then on."""
        connection.executemany("DELETE FROM actions WHERE key = ?", [(bytes.fromhex(key),) for key in keys])

    def forget_needs(self, connection: sqlite3.Connection, key: Key) -> None:
        """Whoever wants to know what the action at *key* needs must read its files."""
        connection.execute("UPDATE actions SET needs = NULL WHERE key = ?", (bytes.fromhex(key),))

    def put_superseded(self, connection: sqlite3.Connection, record: Superseded) -> None:
        """Remember that the content at a key changed."""
        connection.execute(
            "INSERT OR REPLACE INTO superseded VALUES (?, ?)", (bytes.fromhex(record.key), record.created)
        )

    def _task(self, connection: sqlite3.Connection, project: str, family: str) -> int:
        names = (project, family)
        row = connection.execute("SELECT id FROM tasks WHERE project = ? AND family = ?", names).fetchone()
        if row is not None:
            return int(row[0])
        return int(
            connection.execute("INSERT INTO tasks (project, family) VALUES (?, ?)", names).lastrowid or 0
        )

    # --- by key

    def results(self, keys: Sequence[Key]) -> dict[Key, Result]:
        """The action at each key or, before that, where its alias leads. One query whatever their number."""
        if not keys:
            return {}
        rows = self._database.query(
            WANTED
            + f"SELECT {_OWN_COLUMNS}, wanted.digest FROM wanted CROSS JOIN actions a ON a.id = coalesce("
            "(SELECT t.id FROM aliases l JOIN actions t ON t.key = l.action_key WHERE l.key = wanted.digest),"
            "(SELECT o.id FROM actions o WHERE o.key = wanted.digest))",
            packed(keys),
        )
        return {Key(row[-1].hex()): result_of(row) for row in rows}

    def own(self, key: Key) -> Result | None:
        """The action filed at *key* itself, aliases aside."""
        rows = self._database.query(
            f"SELECT {_OWN_COLUMNS} FROM actions a WHERE a.key = ?", (bytes.fromhex(key),)
        )
        return result_of(rows[0]) if rows else None

    def owned(self, keys: Sequence[Key]) -> list[Result]:
        """The actions filed at *keys* themselves, aliases aside; one query whatever their number."""
        if not keys:
            return []
        query = f"SELECT {_OWN_COLUMNS} FROM wanted CROSS JOIN actions a ON a.key = wanted.digest"
        return [result_of(row) for row in self._database.query(WANTED + query, packed(keys))]

    def shallow_key(self, key: Key) -> Key | None:
        """The shallow key of the action filed at *key* itself, if there is one and it has one."""
        rows = self._database.query("SELECT shallow_key FROM actions WHERE key = ?", (bytes.fromhex(key),))
        return Key(rows[0][0].hex()) if rows and rows[0][0] is not None else None

    def needs(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """What the index tells of the needs of the actions filed at *keys* (``luisy.cas.marks``), if anything."""
        if not keys:
            return {}
        rows = self._database.query(
            WANTED + "SELECT a.key, a.needs FROM wanted CROSS JOIN actions a ON a.key = wanted.digest"
            " AND a.needs IS NOT NULL",
            packed(keys),
        )
        return {Key(key.hex()): needs for key, needs in rows}

    def has_alias(self, key: Key) -> bool:
        """Whether an alias answers for *key*."""
        return bool(self._database.query("SELECT 1 FROM aliases WHERE key = ?", (bytes.fromhex(key),)))

    def task_of(self, key: Key) -> tuple[str, dict[str, str]]:
        """Family and public parameters of the action filed at *key*, these only if they are not long."""
        rows = self._database.query(
            "SELECT t.family, a.params FROM actions a JOIN tasks t ON t.id = a.task WHERE a.key = ?",
            (bytes.fromhex(key),),
        )
        return (rows[0][0], json.loads(rows[0][1] or "{}")) if rows else ("", {})

    def aliases(self) -> list[Alias]:
        """All aliases, sorted by key."""
        rows = self._database.query("SELECT key, action_key, created FROM aliases ORDER BY key")
        return [Alias(Key(row[0].hex()), Key(row[1].hex()), row[2]) for row in rows]

    def dangling_aliases(self) -> list[Key]:
        """Keys whose alias leads to an action that is not there."""
        rows = self._database.query(
            "SELECT key FROM aliases WHERE action_key NOT IN (SELECT key FROM actions)"
        )
        return [Key(row[0].hex()) for row in rows]

    def aliases_to(self, action_keys: AbstractSet[Key]) -> list[Alias]:
        """The aliases that lead to the actions filed at *action_keys*, sorted by key; reads all aliases."""
        return [alias for alias in self.aliases() if alias.action_key in action_keys]

    def traced(self, keys: Sequence[Key]) -> dict[Key, list[Result]]:
        """The actions with a trace at each base key, newest first; keys without any are absent."""
        found: dict[Key, list[Result]] = {}
        if keys:
            rows = self._database.query(
                WANTED + f"SELECT {_OWN_COLUMNS}, wanted.digest FROM wanted CROSS JOIN actions a"
                " ON a.base_key = wanted.digest ORDER BY a.id DESC",
                packed(keys),
            )
            for row in rows:
                found.setdefault(Key(row[-1].hex()), []).append(result_of(row))
        return found

    def by_shallow(self, key: Key) -> Result | None:
        """The newest action with this shallow key."""
        rows = self._database.query(
            f"SELECT {_OWN_COLUMNS} FROM actions a WHERE a.shallow_key = ? ORDER BY a.id DESC LIMIT 1",
            (bytes.fromhex(key),),
        )
        return result_of(rows[0]) if rows else None

    # --- by task

    def known(self, tasks: Iterable[tuple[str, str, Digest]]) -> set[tuple[str, str, Digest]]:
        """Which of (project, family, params digest) have an action at any key; one query per family."""
        found: set[tuple[str, str, Digest]] = set()
        for (project, family), digests in _by_family(tasks).items():
            rows = self._database.query(
                WANTED + "SELECT DISTINCT wanted.digest FROM wanted CROSS JOIN actions a"
                " ON a.task = (SELECT id FROM tasks WHERE project = :project AND family = :family)"
                " AND a.params_digest = wanted.digest",
                {**packed(digests), "project": project, "family": family},
            )
            found.update((project, family, Digest(row[0].hex())) for row in rows)
        return found

    def recorded(
        self, tasks: Iterable[tuple[str, str, Digest]]
    ) -> dict[tuple[str, str, Digest], list[Recorded]]:
        """The actions of each (project, family, params digest), newest first; one query per family."""
        found: dict[tuple[str, str, Digest], list[Recorded]] = {}
        for (project, family), digests in _by_family(tasks).items():
            rows = self._database.query(
                WANTED
                + "SELECT wanted.digest, a.key, a.fingerprint, a.inputs FROM wanted CROSS JOIN actions a"
                " ON a.task = (SELECT id FROM tasks WHERE project = :project AND family = :family)"
                " AND a.params_digest = wanted.digest ORDER BY a.id DESC",
                {**packed(digests), "project": project, "family": family},
            )
            for params, key, fingerprint, inputs in rows:
                task = (project, family, Digest(params.hex()))
                found.setdefault(task, []).append(
                    Recorded(Key(key.hex()), Digest(fingerprint.hex()), tuple(map(Digest, unpacked(inputs))))
                )
        return found

    def history(self, project: str, family: str, params_digest: Digest) -> dict[Digest, bool]:
        """The fingerprints of a task's actions; True where one of them allows early cutoff."""
        rows = self._database.query(
            "SELECT fingerprint, max(shallow_key IS NOT NULL) FROM actions"
            " WHERE task = (SELECT id FROM tasks WHERE project = ? AND family = ?) AND params_digest = ?"
            " GROUP BY fingerprint",
            (project, family, bytes.fromhex(params_digest)),
        )
        return {Digest(row[0].hex()): row[1] == 1 for row in rows}

    def nearest(self, project: str, family: str, params_digest: Digest) -> Key | None:
        """The newest action of this task and parameters, else the newest of this task."""
        task = "a.task = (SELECT id FROM tasks WHERE project = ? AND family = ?)"
        for condition, more in (("AND a.params_digest = ?", (bytes.fromhex(params_digest),)), ("", ())):
            rows = self._database.query(
                f"SELECT a.key FROM actions a WHERE {task} {condition} ORDER BY a.id DESC LIMIT 1",
                (project, family, *more),
            )
            if rows:
                return Key(rows[0][0].hex())
        return None

    # --- all

    def superseded(self) -> dict[Key, float]:
        """The keys whose content ever changed, and when it did last, seconds since the epoch."""
        return {
            Key(row[0].hex()): row[1] for row in self._database.query("SELECT key, created FROM superseded")
        }

    def adopted(self) -> set[Key]:
        """Keys of the actions whose files were there before luisy."""
        return {
            Key(row[0].hex()) for row in self._database.query("SELECT key FROM actions WHERE adopted = 1")
        }

    def listed(self, family: str | None) -> list[Listed]:
        """All actions, or those of one family, newest first."""
        condition, values = ("WHERE t.family = ?", (family,)) if family is not None else ("", ())
        rows = self._database.query(
            "SELECT a.key, t.project, t.family, a.params, a.manifest, a.size, a.seconds, a.created, a.adopted,"
            f" a.held_back FROM actions a JOIN tasks t ON t.id = a.task {condition} ORDER BY a.id DESC",
            values,
        )
        return [_listed(row) for row in rows]

    def totals(self) -> tuple[int, int, int]:
        """Number of actions, bytes of their outputs counted per action, number of aliases."""
        ((count, size),) = self._database.query("SELECT count(*), ifnull(sum(size), 0) FROM actions")
        ((aliases,),) = self._database.query("SELECT count(*) FROM aliases")
        return int(count), int(size), int(aliases)


def result_of(row: tuple[Any, ...]) -> Result:
    """The result that a row of :data:`COLUMNS` tells."""
    return Result(
        Key(row[0].hex()),
        Digest(row[1].hex()),
        row[2],
        tuple(map(Digest, unpacked(row[3]))),
        row[4] == 1,
        row[5],
        row[6],
        row[7],
        row[8] == 1,
        row[9] == 1,
    )


def _by_family(tasks: Iterable[tuple[str, str, Digest]]) -> dict[tuple[str, str], list[Digest]]:
    found: dict[tuple[str, str], list[Digest]] = {}
    for project, family, params in tasks:
        found.setdefault((project, family), []).append(params)
    return found


def _listed(row: tuple[Any, ...]) -> Listed:
    params = json.loads(row[3]) if row[3] is not None else None
    return Listed(
        Key(row[0].hex()),
        row[1],
        row[2],
        params,
        Digest(row[4].hex()),
        row[5],
        row[6],
        row[7],
        row[8] == 1,
        row[9],
    )

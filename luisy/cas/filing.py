"""What answers for a key, an action of its own or an alias, and what becomes of the one that did before.

Where the content at a key changes, a record says so: a result further down may have been made from the old one
though everything between is gone (ADR 0008). An action that gives way because its inputs changed is filed again
under its shallow key, so that early cutoff finds it should the inputs become what they were.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas import actions
from luisy.cas._layout import install, remove, write_new
from luisy.cas.records import Alias, Superseded
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    import sqlite3

    from luisy.cas._layout import Layout
    from luisy.cas.action_rows import ActionRows, Result
    from luisy.cas.records import Record
    from luisy.model import Action, Digest, Key


@dataclass(frozen=True, slots=True)
class Filing:
    """Files actions and aliases: record of what gives way, its new file, the file, the row. In the caller's transaction."""

    layout: Layout
    rows: ActionRows

    def action(
        self, connection: sqlite3.Connection, action: Action, manifest_bytes: bytes, temporary: str
    ) -> None:
        """Let *action*, whose file is ready at *temporary*, answer for its key."""
        self._give_way(connection, action.key, action.manifest, action.shallow_key)
        install(temporary, self.layout.action(action.key))
        self.drop_alias(connection, action.key)
        self.rows.put(connection, action, manifest_bytes)

    def alias(self, connection: sqlite3.Connection, alias: Alias, content: Digest) -> None:
        """Let the action at ``alias.action_key``, whose manifest is *content*, answer for ``alias.key``."""
        if alias.key == alias.action_key:
            self._note(connection, alias.key, self.rows.results([alias.key]).get(alias.key), content)
            self.drop_alias(connection, alias.key)
            return
        self._give_way(connection, alias.key, content, alias.action_key)
        self._write(alias)
        self.rows.put_alias(connection, alias)

    def drop_alias(self, connection: sqlite3.Connection, key: Key) -> None:
        """Let the action filed at *key* itself, if there is one, answer for it; an alias is gone with its file."""
        if self.rows.drop_alias(connection, key):
            remove(Alias(key, key, 0.0).file(self.layout))

    def _give_way(
        self, connection: sqlite3.Connection, key: Key, content: Digest, shallow_key: Key | None
    ) -> None:
        """Remember that *key* had another content, and file its own action elsewhere.

        :param shallow_key: of what answers from now on: an action that has the same is worth nothing beside it.
        """
        before = self.rows.results([key]).get(key)
        if before is None:
            return
        self._note(connection, key, before, content)
        own = self._load(key)
        if own is not None and own.shallow_key is not None and own.shallow_key not in (key, shallow_key):
            self._move(connection, own, own.shallow_key)

    def _note(self, connection: sqlite3.Connection, key: Key, before: Result | None, content: Digest) -> None:
        if before is not None and before.manifest != content:
            record = Superseded(key, time.time())
            self._write(record)
            self.rows.put_superseded(connection, record)

    def _move(self, connection: sqlite3.Connection, action: Action, to: Key) -> None:
        self._note(connection, to, self.rows.own(to), action.manifest)
        self._install(actions.encode(replace(action, key=to)), self.layout.action(to))
        self.rows.move(connection, action.key, to)
        remove(self.layout.action(action.key))

    def _load(self, key: Key) -> Action | None:
        """The action filed at *key* itself; None if there is none or its file is damaged."""
        try:
            return actions.decode(Path(self.layout.action(key)).read_bytes())
        except (OSError, CorruptionError):
            return None

    def _write(self, record: Record) -> None:
        self._install(record.encode(), record.file(self.layout))

    def _install(self, data: bytes, path: str) -> None:
        temporary = self.layout.temporary()
        write_new(temporary, data, 0o444)
        install(temporary, path)

"""What answers for a key, an action of its own or an alias, and what becomes of the one that did before.

Where the content at a key changes, a record says so: a result further down may have been made from the old one
though everything between is gone (ADR 0008). An action that gives way because its inputs changed is filed again
under its shallow key, so that early cutoff finds it should the inputs become what they were.

Files come before the commit of their rows and go after it (ADR 0022): a kill in between leaves a file that no row
tells of, which gc sweeps, never a row without its file.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from luisy.cas import actions
from luisy.cas._layout import install, remove, write_new
from luisy.cas.records import Alias, Superseded
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from luisy.cas._layout import Layout
    from luisy.cas.action_rows import ActionRows, Result
    from luisy.cas.database import Database
    from luisy.cas.records import Record
    from luisy.model import Action, Digest, Key, Manifest


class Left(NamedTuple):
    """A file whose row goes in a transaction.

    :param is_told_of: asks the index whether there is a row of it, then.
    """

    path: str
    is_told_of: Callable[[], bool]


@contextmanager
def leaving(database: Database) -> Iterator[tuple[sqlite3.Connection, list[Left]]]:
    """A transaction, and after it another one that removes the files that are said to be left by it.

    Another process may have come to need a file in between, and have put it there again: then it stays.
    """
    left: list[Left] = []
    with database.writing() as connection:
        yield connection, left
    if left:
        with database.writing():
            for file in left:
                if not file.is_told_of():
                    remove(file.path)


@contextmanager
def filing(database: Database, layout: Layout, rows: ActionRows) -> Iterator[Filing]:
    """File actions and aliases in one transaction."""
    with leaving(database) as (connection, left):
        yield Filing(layout, rows, connection, left)


@dataclass(frozen=True, slots=True)
class Filing:
    """Files actions and aliases: record of what gives way, its new file, the file, the row. Of one transaction.

    :param left: gets the files that are to be removed after it.
    """

    layout: Layout
    rows: ActionRows
    connection: sqlite3.Connection
    left: list[Left] = field(default_factory=list)

    def action(self, action: Action, manifest: Manifest, temporary: str) -> None:
        """Let *action*, whose file is ready at *temporary* and whose manifest is *manifest*, answer for its key."""
        self._give_way(action.key, action.manifest, action.shallow_key)
        install(temporary, self.layout.action(action.key))
        self.drop_alias(action.key)
        self.rows.put(self.connection, action, manifest)

    def alias(self, alias: Alias, content: Digest) -> None:
        """Let the action at ``alias.action_key``, whose manifest is *content*, answer for ``alias.key``."""
        if alias.key == alias.action_key:
            self._note(alias.key, self.rows.results([alias.key]).get(alias.key), content)
            self.drop_alias(alias.key)
            return
        self._give_way(alias.key, content, alias.action_key)
        self._write(alias)
        self.rows.put_alias(self.connection, alias)

    def drop_alias(self, key: Key) -> None:
        """Let the action filed at *key* itself, if there is one, answer for it; an alias goes with its file."""
        if self.rows.drop_alias(self.connection, key):
            file = Alias(key, key, 0.0).file(self.layout)
            self.left.append(Left(file, lambda: self.rows.has_alias(key)))

    def _give_way(self, key: Key, content: Digest, shallow_key: Key | None) -> None:
        """Remember that *key* had another content, and file its own action elsewhere.

        :param shallow_key: of what answers from now on: an action that has the same is worth nothing beside it.
        """
        before = self.rows.results([key]).get(key)
        if before is None:
            return
        self._note(key, before, content)
        own = self._own(key)
        if own is not None and own.shallow_key is not None and own.shallow_key not in (key, shallow_key):
            self._move(own, key, own.shallow_key)

    def _note(self, key: Key, before: Result | None, content: Digest) -> None:
        if before is not None and before.manifest != content:
            record = Superseded(key, time.time())
            self._write(record)
            self.rows.put_superseded(self.connection, record)

    def _move(self, action: Action, key: Key, to: Key) -> None:
        self._note(to, self.rows.own(to), action.manifest)
        self._install(actions.encode(replace(action, key=to)), self.layout.action(to))
        self.rows.move(self.connection, key, to)
        self.left.append(Left(self.layout.action(key), lambda: self.rows.own(key) is not None))

    def _own(self, key: Key) -> Action | None:
        """The action that the row at *key* itself is of; None if there is none or its file is damaged.

        Whoever was killed just before a commit had put another one's file there, and this one's at its shallow key.
        """
        row = self.rows.own(key)
        if row is None:
            return None
        for place in (key, self.rows.shallow_key(key)):
            found = None if place is None else self._load(place)
            if found is not None and found.manifest == row.manifest:
                return found
        return None

    def _load(self, key: Key) -> Action | None:
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

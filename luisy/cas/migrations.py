"""The schema of the index: numbered SQL files, applied in order, each once.

They lie in ``migrations/`` of the source tree and in ``luisy/cas/_migrations`` of a wheel. sqlite_utils keeps
the ledger of what was applied; it is imported only when something is pending, because it costs more than
everything else that a start needs. ``PRAGMA user_version`` is what decides, in one page read.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

    from sqlite_utils import Database, Migrations

SCHEMA_VERSION = 11
"""Number of the newest SQL file. A test compares it with the files."""

_BUSY_SECONDS = 30.0


def scripts() -> list[tuple[int, str, str]]:
    """Every migration: its number, name and SQL, in order.

    :raises StoreError: the installation has no migrations (slug ``no-migrations``).
    """
    here = Path(__file__).parent
    for folder in (here / "_migrations", here.parent.parent / "migrations"):
        files = sorted(folder.glob("[0-9]*.sql"))
        if files:
            return [(int(file.stem[:4]), file.stem, file.read_text(encoding="utf-8")) for file in files]
    raise StoreError(
        f"luisy's migrations are missing from its installation at {here}",
        slug="no-migrations",
        hint="Install luisy again.",
    )


def statements(script: str) -> Iterator[str]:
    """The statements of *script* one by one: ``executescript`` would commit our transaction first."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def version(connection: sqlite3.Connection) -> int:
    """Number of the newest migration that the index has seen; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the index to :data:`SCHEMA_VERSION`. Idempotent; two processes may do it at once.

    :param connection: in autocommit mode (``isolation_level=None``).
    :param path: of the index, for messages.
    :raises StoreError: the index is newer than this luisy (slug ``newer-index``).
    """
    check(version(connection), path)
    if version(connection) == SCHEMA_VERSION:
        return
    _use_wal(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Again, now that nobody else can write: another process may have been first.
        found = version(connection)
        check(found, path)
        if found < SCHEMA_VERSION:
            _apply(connection)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def check(found: int, path: str) -> None:
    """Refuse an index that a newer luisy made: its rows may mean what we do not know."""
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"the index {path} has schema {found}, this luisy knows up to {SCHEMA_VERSION}",
            slug="newer-index",
            hint="Update luisy, or use another store.",
        )


def create_in_memory(connection: sqlite3.Connection) -> None:
    """The whole schema in a database that nobody else sees and nobody will migrate: no ledger."""
    for _, _, script in scripts():
        for statement in statements(script):
            connection.execute(statement)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for its busy timeout here, so we do."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:  # noqa: PERF203 - it waits anyway
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005 + os.urandom(1)[0] / 25_000)  # apart from each other
        else:
            return


class _NotHere:
    """A finder that says of numpy and pandas that they are not installed, in the thread that made it.

    sqlite_utils imports both where they are, to know their types, which no schema has. That takes a second.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Never find anything; ModuleNotFoundError for what is to be hidden."""
        if name in ("numpy", "pandas") and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)
        return None


@functools.cache
def _sqlite_utils() -> tuple[type[Database], type[Migrations]]:
    """What we use of sqlite_utils. Heavy, needed once.

    Unless somebody else has imported it, it is forgotten again: in this process a user may want it with numpy.
    """
    ours = "sqlite_utils" not in sys.modules
    finder = _NotHere()
    sys.meta_path.insert(0, finder)
    try:
        from sqlite_utils import Database, Migrations
    finally:
        sys.meta_path.remove(finder)
        if ours:
            for name in [name for name in sys.modules if name.partition(".")[0] == "sqlite_utils"]:
                del sys.modules[name]
    return Database, Migrations


def _apply(connection: sqlite3.Connection) -> None:
    database, migrations = _sqlite_utils()
    ledger = migrations("luisy")
    for _, name, script in scripts():

        def run(_: Database, script: str = script) -> None:
            for statement in statements(script):
                connection.execute(statement)

        ledger(name=name)(run)
    ledger.apply(database(connection))

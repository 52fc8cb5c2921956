"""The schema of the index."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, migrations
from luisy.errors import CorruptionError, ExitCode, StoreError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_version_in_the_code_is_that_of_the_files() -> None:
    """A new SQL file without its number in the code would never be applied."""
    assert [number for number, _, _ in migrations.scripts()] == list(range(1, migrations.SCHEMA_VERSION + 1))


def test_every_column_is_commented() -> None:
    """The schema explains itself: each line that defines a column ends in a comment."""
    for _, name, script in migrations.scripts():
        inside = False
        for line in script.splitlines():
            if line.startswith("CREATE TABLE"):
                inside = True
            elif line.startswith(")"):
                inside = False
            elif inside and not re.match(r"\s+(UNIQUE|PRIMARY KEY) ", line):
                assert " -- " in line, f"{name}: {line}"


def test_comments_do_not_cut_statements() -> None:
    """A semicolon in a comment ends no statement."""
    script = "-- one; two\nCREATE TABLE t (\n  a -- b; c\n);\nCREATE TABLE u (a);\n"
    assert len(list(migrations.statements(script))) == 2


def test_a_newer_index_is_refused(tmp_path: Path) -> None:
    """What a newer luisy wrote may mean what we do not know: usage error, nothing is touched."""
    Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "index.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path)
    assert (caught.value.slug, caught.value.exit_code) == ("newer-index", ExitCode.USAGE)


def test_an_index_that_is_no_database_is_told(tmp_path: Path) -> None:
    """Rubbish in index.db is corruption with a hint, not a traceback from sqlite3."""
    tmp_path.joinpath("index.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(CorruptionError) as caught:
        Store.open(tmp_path)
    assert (caught.value.slug, caught.value.exit_code) == ("corrupt-index", ExitCode.CORRUPTION)
    assert "--rebuild" in caught.value.hint


def test_a_failed_migration_leaves_nothing(tmp_path: Path) -> None:
    """All pending migrations are one transaction: after a failure the next process starts from the same."""
    path = tmp_path / "index.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE workspaces (mine)")  # what the schema makes last but one
        with pytest.raises(sqlite3.OperationalError):
            migrations.migrate(connection, str(path))
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {"workspaces"}
        assert migrations.version(connection) == 0


def test_the_ledger_names_every_migration(store: Store) -> None:
    """sqlite_utils' ledger says what was applied."""
    rows = store._database.query("SELECT migration_set, name FROM _sqlite_migrations")
    assert rows == [("luisy", name) for _, name, _ in migrations.scripts()]


def test_an_index_that_is_current_needs_no_heavy_import(tmp_path: Path) -> None:
    """Opening a store that is there imports neither sqlite_utils nor anything else that is slow."""
    Store.open(tmp_path).close()
    code = (
        "import sys; from luisy.cas import Store\n"
        f"with Store.open({str(tmp_path)!r}) as store: store.results([])\n"
        "heavy = {'sqlite_utils', 'pandas', 'luigi', 'click', 'zstandard', 'msgspec', 'azure', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

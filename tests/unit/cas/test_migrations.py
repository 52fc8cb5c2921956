"""The schema of the index."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, migrations
from luisy.errors import CorruptionError, ExitCode, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
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
        f"with Store.open({str(tmp_path)!r}) as store: store.results([])\n"
        "heavy = {'sqlite_utils', 'pandas', 'luigi', 'click', 'zstandard', 'msgspec', 'azure', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert imported(code) == "[]"


def imported(code: str) -> str:
    """What *code* prints in a process of its own, which has the names ``sys`` and ``Store``."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from luisy.cas import Store\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_new_index_needs_no_data_frames(tmp_path: Path) -> None:
    """sqlite_utils imports numpy and pandas where they are; a new store does not wait for them."""
    code = f"Store.open({str(tmp_path)!r}).close(); print(sorted({{'numpy', 'pandas'}} & set(sys.modules)))"
    assert imported(code) == "[]"


def test_a_user_s_sqlite_utils_knows_data_frames_all_the_same(tmp_path: Path) -> None:
    """Whether it is imported before or after a new store is opened, in the same process."""
    for before, after in (("import sqlite_utils.db", ""), ("", "import sqlite_utils.db")):
        folder = str(tmp_path / (before or "later"))
        code = f"{before}\nStore.open({folder!r}).close()\n{after}\nprint(bool(sqlite_utils.db.np and sqlite_utils.db.pd))"
        assert imported(code) == "True"


def test_other_threads_import_what_they_like_meanwhile() -> None:
    """Only the thread that opens the store is told that pandas is not there."""
    finder = migrations._NotHere()
    with pytest.raises(ModuleNotFoundError):
        finder.find_spec("pandas")
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(finder.find_spec("pandas")))
    thread.start()
    thread.join()
    assert found == [None]


def test_a_migration_that_another_process_was_first_with_is_not_run_again(tmp_path: Path) -> None:
    """The version is read again under the write lock: between the look and the lock somebody may migrate."""
    path = tmp_path / "index.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as late:
        looked: list[str] = []

        def first(statement: str) -> None:
            # The moment before the lock is taken is when the other process migrates.
            if statement == "BEGIN IMMEDIATE" and not looked:
                looked.append(statement)
                with closing(sqlite3.connect(path, isolation_level=None)) as early:
                    migrations.migrate(early, str(path))
                    early.execute("INSERT INTO facts VALUES ('early', 1)")

        with closing(sqlite3.connect(path, isolation_level=None, factory=_Told)) as told:
            told.tell = first
            migrations.migrate(told, str(path))
        assert looked == ["BEGIN IMMEDIATE"]
        assert late.execute("SELECT name FROM facts").fetchall() == [("early",)]
        assert late.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (
            migrations.SCHEMA_VERSION,
        )


class _Told(sqlite3.Connection):
    """A connection that tells each statement before it runs."""

    tell: Callable[[str], None]

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        self.tell(sql)
        return super().execute(sql, *arguments)  # type: ignore[arg-type] # as they came


def test_the_switch_to_wal_waits_for_another_process(tmp_path: Path) -> None:
    """SQLite answers "locked" at once there, whatever its busy timeout; a new store must not fail by that."""
    path = tmp_path / "index.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.3, lambda: holder.execute("COMMIT"))
        release.start()
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
            migrations._use_wal(connection)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        release.join()

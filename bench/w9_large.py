"""W9: nothing to do, in a store that holds a million results of others, beside a store of one's own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, compare, header, note, run
from bench.pipeline import Pipeline
from luisy.cas import Store

if TYPE_CHECKING:
    import argparse
    import sqlite3

TASKS = 10_000
ACTIONS, ACTIONS_DEFAULT = 1_000_000, 200_000

_RANDOM = {"key", "shallow_key", "params_digest", "manifest", "digest", "content"}
"""Columns of digests that are another for each row."""

_FILLED = ("actions", "objects", "placements", "stat_cache", "uses")


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    tasks = options.tasks or TASKS
    actions = ACTIONS if options.full else ACTIONS_DEFAULT
    header(f"W9 no-op, {tasks:,} tasks in a store of {actions:,} actions")
    with tempfile.TemporaryDirectory() as folder:
        fresh = _done(Path(folder) / "fresh", tasks, "a store of its own")
        large = _done(Path(folder) / "large", tasks, "a large store")
        store = Path(folder) / "large" / "data" / ".luisy"
        bytes_each = _fill(store, actions)
        compare("W9", large, fresh, pairs=options.pairs, target=1.5)
        note(f"{bytes_each:,.0f} bytes of index for each action (target: less than 1,024)")


def _done(folder: Path, tasks: int, name: str) -> Command:
    """A pipeline that has run."""
    folder.mkdir()
    pipeline = Pipeline.make(folder, tasks)
    pipeline.clear()
    command = pipeline.luisy(name)
    run(command)
    pipeline.expect()
    return command


def _fill(path: Path, count: int) -> float:
    """Let there be *count* actions, in the index alone: what others' look like, under other digests and at other paths.

    :return: bytes that the index has grown by for each.
    """
    index = path / "index.db"
    with Store.open(path, create=False) as store:
        store.database.checkpoint()
        before = index.stat().st_size
        ((there,),) = store.database.query("SELECT count(*) FROM actions")
        with store.database.writing() as connection:
            for table in _FILLED:
                _multiply(connection, table, count / there - 1)
        store.database.checkpoint()
    grown = index.stat().st_size - before
    return grown / (count - int(there))


def _multiply(connection: sqlite3.Connection, table: str, times: float) -> None:
    """Add so many times the rows of *table*."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
    chosen = ", ".join(_other(column) for column in columns)
    rows = int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" WITH RECURSIVE copy (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number <= {times})"
        f" SELECT {chosen} FROM copy CROSS JOIN (SELECT * FROM {table}) LIMIT {int(rows * times)}"
    )


def _other(column: str) -> str:
    if column in _RANDOM:
        return f"iif({column} IS NULL, NULL, randomblob(32))"
    return f"{column} || '.' || number" if column == "path" else column

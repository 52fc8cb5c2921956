"""Whether the index is what its schema says. SQLite finds damaged pages by itself, but reads wrong values as readily."""

# ruff: noqa: S608 - SQL is put together from the schema's own names

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.database import Database

_NAMES = frozenset(
    (
        "action_key",
        "base_key",
        "content",
        "digest",
        "fingerprint",
        "key",
        "manifest",
        "params_digest",
        "shallow_key",
    )
)
"""Columns with one digest or key."""

_LISTS = frozenset(("inputs", "keys", "through"))
"""Columns with any number of them."""

_TIMES = frozenset(("created", "first_used", "used"))
_OBJECTS = (("actions", "params"), ("acceptances", "params"), ("externals", "raw"))
"""Columns with JSON objects."""

_CLASSES = {
    "BLOB": "'blob'",
    "INTEGER": "'integer'",
    "REAL": "'real', 'integer'",
    "TEXT": "'text'",
    "": "'text', 'blob'",
}


def expect_sound(database: Database) -> None:
    """Read the whole index, and hold each value against its column.

    :raises CorruptionError: it is damaged, or a value cannot be luisy's (``corrupt-index``).
    """
    ((answer,), *_) = database.query("PRAGMA integrity_check(1)")
    flaw = answer if answer != "ok" else next(_wrong_values(database), "")
    if flaw:
        raise CorruptionError(
            f"the store's index is damaged: {flaw}",
            slug="corrupt-index",
            hint="`luisy cas verify --rebuild` makes it again from the files of the store.",
        )


def _wrong_values(database: Database) -> Iterator[str]:
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite%' ORDER BY name"
    for (table,) in database.query(tables):
        conditions = [
            _wrong(name, declared, nullable=not (required or place))
            for _, name, declared, required, _, place in database.query(f"PRAGMA table_info({table})")
        ]
        if database.query(f"SELECT 1 FROM {table} WHERE {' OR '.join(conditions)} LIMIT 1"):
            yield f"the table {table} holds values that no luisy writes"
    for table, column in _OBJECTS:
        for (text,) in database.query(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):
            if not _is_object(text):
                yield f"the table {table} holds {column} that are none"


def _wrong(name: str, declared: str, *, nullable: bool) -> str:
    """The condition under which a column's value is wrong."""
    bad = f"typeof({name}) NOT IN ({_CLASSES[declared]})"
    if name in _NAMES:
        bad += f" OR length({name}) <> 32"
    if name in _LISTS:
        bad += f" OR length({name}) % 32 <> 0"
    if name in _TIMES and declared == "REAL":
        bad += f" OR {name} NOT BETWEEN 0 AND 253402300799"  # year 9999
    return f"({name} IS NOT NULL AND ({bad}))" if nullable else f"({name} IS NULL OR {bad})"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False

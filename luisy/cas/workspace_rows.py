"""Rows about files outside the store: what the workspace holds, what was hashed in place, what refs named."""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.database import path_of, path_value
from luisy.cas.index import boot
from luisy.cas.records import Rescued, SeenRef
from luisy.cas.stat_tokens import token_of
from luisy.model import Digest, LinkMode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from luisy.cas.index import Index

RACY_SECONDS = 2.0
"""A file modified this shortly before it was hashed may change again without a new time stamp."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a workspace path is known to hold.

    :param path: absolute.
    :param content: digest of the output's own manifest (``manifests.output_of``).
    :param token: :func:`luisy.cas.stat_tokens.stat_token` when it held that.
    :param mode: how its bytes came there.
    :param made_by: for a task that is not cacheable: digest of the code and parameters that wrote it.
    """

    path: str
    content: Digest
    token: bytes
    mode: LinkMode
    made_by: Digest | None = None


class WorkspaceRows:
    """Placements, the stat cache, first uses and rescued files."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._database = index.database

    # --- placements

    def placements(self, paths: Iterable[str]) -> dict[str, Placement]:
        """The rows of *paths* that can be trusted: written in this boot, or synced since."""
        rows = self._database.query_paths(
            "SELECT path, content, token, mode, made_by FROM placements WHERE path IN (?) AND"
            f" (epoch IS NULL OR epoch IN (SELECT id FROM epochs WHERE boot = x'{boot().hex()}'))",
            paths,
        )
        modes = {mode.value: mode for mode in LinkMode}
        found = (
            Placement(path_of(row[0]), Digest(row[1].hex()), row[2], modes[row[3]], _digest(row[4]))
            for row in rows
        )
        return {placement.path: placement for placement in found}

    def place(self, connection: sqlite3.Connection, rows: Iterable[Placement]) -> None:
        """Remember what workspace paths hold, after it was written there."""
        epoch = self._index.epoch(connection)
        connection.executemany(
            "INSERT OR REPLACE INTO placements VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    path_value(row.path),
                    bytes.fromhex(row.content),
                    row.token,
                    row.mode.value,
                    bytes.fromhex(row.made_by) if row.made_by else None,
                    epoch,
                )
                for row in rows
            ],
        )

    def unplace(self, connection: sqlite3.Connection, paths: Iterable[str]) -> None:
        """Nothing is known about *paths* any more."""
        connection.executemany(
            "DELETE FROM placements WHERE path = ?", [(path_value(path),) for path in paths]
        )

    def folders(self) -> set[str]:
        """Folders of all placements."""
        return {
            os.path.dirname(path_of(row[0])) for row in self._database.query("SELECT path FROM placements")
        }

    def unsynced_folders(self) -> set[str]:
        """Folders of the placements that wait for a sync of this boot."""
        rows = self._database.query(
            "SELECT path FROM placements WHERE epoch IN (SELECT id FROM epochs WHERE boot = ?)", (boot(),)
        )
        return {os.path.dirname(path_of(row[0])) for row in rows}

    # --- the stat cache

    def cached(self, path: str, status: os.stat_result) -> Digest | None:
        """The digest of the file at *path*, if it has not changed since it was hashed."""
        rows = self._database.query(
            "SELECT digest FROM stat_cache WHERE path = ? AND device = ? AND token = ?",
            (path_value(path), _signed(status.st_dev), token_of(status)),
        )
        return Digest(rows[0][0].hex()) if rows else None

    def cache(
        self, connection: sqlite3.Connection, rows: Iterable[tuple[str, os.stat_result, Digest]], began: float
    ) -> None:
        """Remember digests of files that were hashed in place since *began*; racy ones are left out."""
        connection.executemany(
            "INSERT OR REPLACE INTO stat_cache VALUES (?, ?, ?, ?)",
            [
                (path_value(path), _signed(status.st_dev), token_of(status), bytes.fromhex(digest))
                for path, status, digest in rows
                if max(status.st_mtime, status.st_ctime) < began - RACY_SECONDS
            ],
        )

    # --- first uses

    def first_used(self, workspace: str) -> float | None:
        """When luisy first used this workspace, seconds since the epoch."""
        rows = self._database.query(
            "SELECT first_used FROM workspaces WHERE path = ?", (path_value(workspace),)
        )
        return float(rows[0][0]) if rows else None

    def mark_used(self, connection: sqlite3.Connection, workspace: str, used: float) -> None:
        """Remember the first use; later ones change nothing."""
        connection.execute("INSERT OR IGNORE INTO workspaces VALUES (?, ?)", (path_value(workspace), used))

    def any_used(self) -> bool:
        """Whether any workspace is known to have been used."""
        return bool(self._database.query("SELECT 1 FROM workspaces LIMIT 1"))

    # --- refs of external tasks in remotes

    def put_seen_ref(self, connection: sqlite3.Connection, record: SeenRef) -> None:
        """Remember what a ref named."""
        connection.execute(
            "INSERT OR REPLACE INTO seen_refs VALUES (?, ?, ?, ?, ?)",
            (record.url, record.project, record.name, bytes.fromhex(record.manifest), record.created),
        )

    def seen_refs(self, url: str, project: str) -> dict[str, Digest]:
        """What the refs of a project named when they were last seen."""
        rows = self._database.query(
            "SELECT name, manifest FROM seen_refs WHERE url = ? AND project = ?", (url, project)
        )
        return {row[0]: Digest(row[1].hex()) for row in rows}

    def all_seen_refs(self) -> list[SeenRef]:
        """What all refs named when they were last seen."""
        rows = self._database.query("SELECT url, project, name, manifest, created FROM seen_refs")
        return [SeenRef(row[0], row[1], row[2], Digest(row[3].hex()), row[4]) for row in rows]

    # --- rescued

    def put_rescued(self, connection: sqlite3.Connection, record: Rescued) -> None:
        """Remember a rescued file."""
        connection.execute(
            "INSERT OR REPLACE INTO rescued VALUES (?, ?, ?)",
            (bytes.fromhex(record.digest), path_value(record.path), record.created),
        )

    def rescued(self) -> list[Rescued]:
        """All rescued files, newest first."""
        rows = self._database.query("SELECT digest, path, created FROM rescued ORDER BY created DESC, path")
        return [Rescued(Digest(row[0].hex()), path_of(row[1]), row[2]) for row in rows]


def _digest(value: bytes | None) -> Digest | None:
    return None if value is None else Digest(value.hex())


def _signed(device: int) -> int:
    """A device number as SQLite can hold it: 64 bits with sign."""
    return device - (1 << 64) if device >= 1 << 63 else device

"""Which runs are under way, and when they used what: what gc must know to leave it alone."""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from luisy.cas.database import WANTED, packed, unpacked
from luisy.cas.opened import OpenedStore
from luisy.model import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DAY = 86400.0
"""Seconds in which a second use of a result need not be written down."""


class Leasing(OpenedStore):
    """Remembers what is used, now and last."""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """A run is under way in the block: gc deletes no result, here or in forked children, until all have ended.

        The kernel ends it with the last of these processes, however they die. It waits for a gc that is deleting.
        """
        if self.read_only or not self._stored:
            yield
            return
        try:
            descriptor = self._open_lock()
        except OSError:  # a full disk fails no run
            yield
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def idle(self) -> Iterator[bool]:
        """Keep runs from beginning in the block, if none is under way; yields whether that is so."""
        descriptor = self._open_lock()
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _open_lock(self) -> int:
        return os.open(self._layout.runs_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def note_uses(self, keys: Iterable[Key]) -> None:
        """These results were used just now; one query where that is known of today."""
        wanted = sorted(set(keys))
        if not wanted or self.read_only:
            return
        now = time.time()
        rows = self._database.query(
            WANTED
            + "SELECT u.key FROM wanted CROSS JOIN uses u ON u.key = wanted.digest AND u.used > :since",
            {**packed(wanted), "since": now - _DAY},
        )
        fresh = {row[0].hex() for row in rows}
        if stale := [(bytes.fromhex(key), now) for key in wanted if key not in fresh]:
            with self._database.writing() as connection:
                connection.executemany("INSERT OR REPLACE INTO uses VALUES (?, ?)", stale)

    def note_complete_run(self, project: str, keys: Iterable[Key]) -> None:
        """A run of *project* has ended well with these results."""
        names = bytes.fromhex("".join(sorted(set(keys))))
        if not names or self.read_only:
            return
        rows = self._database.query("SELECT keys = ? FROM complete_runs WHERE project = ?", (names, project))
        if rows != [(1,)]:
            with self._database.writing() as connection:
                connection.execute("INSERT OR REPLACE INTO complete_runs VALUES (?, ?)", (project, names))

    def uses(self) -> dict[Key, float]:
        """When results were last used, seconds since the epoch; not known of all."""
        return {Key(row[0].hex()): row[1] for row in self._database.query("SELECT key, used FROM uses")}

    def complete_runs(self) -> set[Key]:
        """The results of the newest complete run of each project."""
        rows = self._database.query("SELECT keys FROM complete_runs")
        return {Key(name) for row in rows for name in unpacked(row[0])}

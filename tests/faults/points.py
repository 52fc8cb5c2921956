"""Kills a process of luisy at a step that leaves something on the disk or goes to a remote: the n-th that it comes to.

Nothing of it stands in luisy. An audit hook sees files opened for writing, renames, links, removals and requests; a
wrapper round ``os.write`` leaves half of what was to be written; SQLite tells of each statement before it carries it
out. Everything below the folders that are watched counts, so there is no step that somebody forgot to list.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import sqlite3
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ON_PATHS = {
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.setxattr": 1,
}
"""Audit events and how many of their first arguments are paths."""

_STATEMENTS = ("COMMIT", "PRAGMA wal_checkpoint", "PRAGMA journal_mode")
_write, _connect, _fsync = os.write, sqlite3.connect, os.fsync


class Points:
    """Counts the steps of this process and its forks.

    :param roots: folders, everything below which counts.
    :param at: the step before which the process and all that it started are killed; 0 for none.
    :param log: a file outside of *roots* that gets a line for each step.
    """

    def __init__(self, roots: Sequence[str], at: int, log: str) -> None:
        self._roots = tuple(os.path.join(root, "") for root in roots)
        self._at = at
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._count = memoryview(mmap.mmap(-1, 8)).cast("Q")  # forks share it

    def step(self, name: str, half: tuple[int, bytes | memoryview] | None = None) -> None:
        """Count a step, or die at it; *half* is a descriptor and what half of is still written to it."""
        self._count[0] += 1
        _write(self._log, f"{name}\n".encode(errors="surrogateescape"))
        if self._at and self._count[0] >= self._at:
            if half is not None:
                data = memoryview(half[1]).cast("B")
                _write(half[0], data[: len(data) // 2])
            os.killpg(0, signal.SIGKILL)

    def audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The audit hook."""
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITING and self._counts(path):
                self.step(f"open {os.fsdecode(path)}")
        elif event in _ON_PATHS:
            paths = [_absolute(path, arguments) for path in arguments[: _ON_PATHS[event]]]
            there = event == "os.mkdir" and os.path.isdir(paths[0])
            if not there and any(self._counts(path) for path in paths):
                self.step(f"{event} {' '.join(os.fsdecode(path) for path in paths)}")
        elif event == "http.client.send":
            self.step("request")

    def connect(self, database: Any, *arguments: Any, **more: Any) -> sqlite3.Connection:
        """In place of ``sqlite3.connect``."""
        connection: sqlite3.Connection = _connect(database, *arguments, **more)
        if self._counts(str(database).removeprefix("file:")):
            connection.set_trace_callback(self.traced)
        return connection

    def traced(self, statement: str) -> None:
        """Called by SQLite before each statement."""
        if statement.startswith(_STATEMENTS):
            self.step(statement)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """In place of ``os.write``."""
        try:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            path = ""
        if self._counts(path):
            self.step(f"write {path}", (descriptor, data))
        return _write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        """In place of ``os.fsync``: the log tells which file is on the disk now."""
        _fsync(descriptor)
        _write(self._log, f"synced {os.fstat(descriptor).st_ino}\n".encode())

    def sync_file_system(self, path: str) -> None:
        """In place of luisy's: the log tells all files that are on the disk now, after a 0."""
        from luisy.cas.materialise import sync_file_system

        sync_file_system(path)
        _write(self._log, b"synced 0\n")
        for root in self._roots:
            for folder, _, names in os.walk(root):
                for name in names:
                    inode = os.lstat(os.path.join(folder, name)).st_ino
                    _write(self._log, f"synced {inode}\n".encode())

    def _counts(self, path: object) -> bool:
        return isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(self._roots)


def _absolute(path: Any, arguments: tuple[Any, ...]) -> Any:
    """*path*, which may be told by a descriptor, or relative to that of a folder, the last argument of the event."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    folder = arguments[-1]
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(path):
        return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))
    return path


def arm(roots: Sequence[str], at: int, log: str, ahead: float = 0.0) -> None:
    """Let this process, whose group is its own from here on, count its steps and die at one.

    :param ahead: seconds that its clock is fast.
    """
    os.setsid()
    points = Points(roots, at, log)
    from luisy.cas import store

    store.sync_file_system = points.sync_file_system  # type: ignore[attr-defined] # as it was imported there
    os.fsync = points.fsync  # type: ignore[assignment] # of descriptors
    os.write = points.write  # type: ignore[assignment] # of what luisy writes
    sqlite3.connect = points.connect  # type: ignore[assignment] # what of it luisy uses
    sys.addaudithook(points.audited)
    if ahead:
        set_clock(ahead)


def set_clock(ahead: float) -> None:
    """Let this process's clock be so many seconds fast, for all that asks Python for the time since the epoch."""
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + ahead
    time.time_ns = lambda: real_ns() + int(ahead * 1e9)


def impatient() -> None:
    """Let this process wait for a locked index for no longer than a moment."""
    from luisy.cas import database

    database.BUSY_MILLISECONDS = 100


def spread(count: int, most: int) -> Iterator[int]:
    """Up to *most* of the numbers 1 to *count*, with about the same distance, always with the first and last."""
    chosen = range(count) if count <= most else (round(n * (count - 1) / (most - 1)) for n in range(most))
    return (number + 1 for number in chosen)


def die_after(seconds: float, ahead: float = 0.0) -> None:
    """Let this process, whose group is its own from here on, and all that it started be killed in so many seconds.

    A process of its own does it, so it strikes in the middle of whatever is being done.

    :param ahead: seconds that its clock is fast.
    """
    os.setsid()
    ended, held = os.pipe()
    if os.fork() == 0:
        os.close(held)
        if not select.select([ended], [], [], seconds)[0]:
            os.killpg(0, signal.SIGKILL)
        os._exit(0)
    os.close(ended)  # the other end stays open for as long as one of them lives
    if ahead:
        set_clock(ahead)

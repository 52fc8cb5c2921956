"""What project modules read while they are imported: files, folders, environment variables, with file and line.

It listens from ``import luisy`` on. What is read belongs to the innermost module-level statement that is being
executed, which is how a constant that a function computes is told from the function (ADR 0011); a module of an
installed distribution reads on its own account. Whether the statement matters to a task, its fingerprint knows.

A file counts as it was when it was opened: small ones are hashed at once, of large ones the stat is noted.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from luisy import loading
from luisy.observe import environment, frames, hook
from luisy.observe.access import Access, access_of, database_file
from luisy.places import is_installed, says_who_and_where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LARGE = 4 << 20
"""Bytes from which a file is not hashed while somebody waits for it to open."""

ABSENT = "absent"
"""The value of what is not there."""


class Kind(Enum):
    """What was read."""

    FILE = "file"
    FOLDER = "folder"
    VARIABLE = "env"
    ENVIRONMENT = "environment"  # all variables, one after the other


class Reading(NamedTuple):
    """One thing that a statement of a module's top level has read.

    :param name: an absolute path, or a variable.
    :param value: a digest, ``ABSENT``, or the value of a variable; None for a large file, which *token* tells.
    :param token: inode, size, mtime_ns and ctime_ns of a large file as it was opened.
    :param file: where the statement stands, with *line* and the name of its *module*.
    :param at: when, nanoseconds since the epoch.
    """

    kind: Kind
    name: str
    value: str | None
    token: tuple[int, ...] | None
    module: str
    file: str
    line: int
    at: int

    def __repr__(self) -> str:
        return f"Reading({self.kind.value} {self.name!r}, {self.file}:{self.line})"  # no value: it may be a secret


_readings: dict[tuple[str, int, Kind, str], Reading] = {}
_own: set[str] = set()
_suspended = 0


def begin() -> None:
    """Listen from now on."""
    hook.listen(
        {"open": _on_open, "os.listdir": _on_list, "os.scandir": _on_list, "sqlite3.connect": _on_connect}
    )
    environment.listen(_on_variable)


def readings() -> list[Reading]:
    """What was read so far, without what modules read before they were loaded again."""
    return [reading for reading in list(_readings.values()) if reading.at >= loading.moment(reading.module)]


def count() -> int:
    """How many things were read so far: while it stays, so do the readings."""
    return len(_readings)


@contextmanager
def suspended() -> Iterator[None]:
    """Listen to nothing in the block: no module is imported in it, but in ``resumed`` blocks."""
    global _suspended  # noqa: PLW0603 - the one switch of this module
    before, _suspended = _suspended, 1
    try:
        yield
    finally:
        _suspended = before


@contextmanager
def resumed() -> Iterator[None]:
    """Listen in the block after all."""
    global _suspended  # noqa: PLW0603 - as above
    before, _suspended = _suspended, 0
    try:
        yield
    finally:
        _suspended = before


def _on_open(path: Any, _mode: str | None, flags: int) -> None:
    if _suspended or isinstance(path, int):
        return
    absolute = os.path.abspath(os.fsdecode(path))
    if is_installed(absolute) or absolute.startswith(("/proc/", "/sys/", "/dev/")):
        return
    access = access_of(absolute, flags)
    if access is Access.MAKES:
        if _statement() is not None:
            _own.add(absolute)
    elif access is Access.READS and absolute not in _own and not frames.reads_code(absolute):
        _note_file(absolute)


def _on_connect(database: Any) -> None:
    if not _suspended and (path := database_file(database)) is not None:
        _note_file(path)


def _note_file(path: str) -> None:
    statement = _statement()
    if statement is not None and (state := _state_of(path)) is not None:
        _note(statement, Kind.FILE, path, *state)


def _on_list(path: Any) -> None:
    if _suspended or isinstance(path, int):
        return
    absolute = os.path.abspath("." if path is None else os.fsdecode(path))
    if is_installed(os.path.join(absolute, "")) or frames.lists_for_itself(frames.callers()):
        return
    if (statement := _statement()) is not None:
        _note(statement, Kind.FOLDER, absolute, _listing(absolute))


def _on_variable(name: str | None, value: str | None) -> None:
    if _suspended or (name is not None and says_who_and_where(name)):
        return
    statement = _statement()
    if statement is None or not frames.asks_for(name):
        return
    if name is None:
        _note(statement, Kind.ENVIRONMENT, "", None)  # one by one they come next, and count no more
    elif (statement.f_code.co_filename, statement.f_lineno, Kind.ENVIRONMENT, "") not in _readings:
        _note(statement, Kind.VARIABLE, name, ABSENT if value is None else f"={value}")


def _statement() -> FrameType | None:
    """The frame of the project module whose top level is being executed, if this is done for it."""
    for frame in frames.callers():
        if frames.works_for_itself(frame) or frames.is_task_method(frame):
            return None  # what a method of a task reads is no part of the module, whoever calls it
        if frames.is_top_level(frame):
            return None if frames.is_foreign(frame) else frame
    return None


def _note(
    statement: FrameType, kind: Kind, name: str, value: str | None, token: tuple[int, ...] | None = None
) -> None:
    file, line = os.path.abspath(statement.f_code.co_filename), statement.f_lineno
    module = frames.module_of(statement)
    _readings[file, line, kind, name] = Reading(kind, name, value, token, module, file, line, time.time_ns())


def _state_of(path: str) -> tuple[str | None, tuple[int, ...] | None] | None:
    """Value and token of the file at *path*; None for what is no file (a pipe, a terminal, a folder)."""
    try:
        found = os.stat(path)
    except OSError:
        return ABSENT, None
    if not stat.S_ISREG(found.st_mode):
        return None
    if found.st_size > LARGE:
        return None, _token(found)
    from blake3 import blake3  # ``import luisy`` comes by this module, and most modules read nothing

    with hook.paused():
        try:
            with open(path, "rb") as file:
                return blake3(file.read(), max_threads=1).hexdigest(), None
        except OSError:
            return "unreadable", None


def token_of(path: str) -> tuple[int, ...] | None:
    """What tells whether the file at *path* is the one that a reading's token stands for; None if it is gone."""
    try:
        return _token(os.stat(path))
    except OSError:
        return None


def _token(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _listing(folder: str) -> str:
    """A digest of the names in *folder*."""
    from blake3 import blake3  # as above

    with hook.paused():
        try:
            found = sorted(name for name in os.listdir(folder) if name != "__pycache__")
        except OSError:
            return ABSENT
    return blake3("\0".join(found).encode("utf-8", "surrogateescape"), max_threads=1).hexdigest()

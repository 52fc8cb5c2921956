"""What ``run()`` reads beside what it is given: files, folders, environment variables, modules imported late.

Each is noted once for a run, with the line of project code that is responsible. It is noted only where that line
is certain: what installed distributions read when they are imported, what luisy and Luigi read for themselves,
and what threads read that were there before or have no project code in them, is left out. Of runs within runs, the innermost reads.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from luisy import loading
from luisy.errors import TaskError
from luisy.observe import environment, frames, hook
from luisy.observe.access import Access, access_of, database_file
from luisy.observe.imports import Kind
from luisy.places import is_installed, lies_in, says_who_and_where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Line(NamedTuple):
    """A line of project code.

    :param module: the name of the module that it stands in.
    """

    module: str
    file: str
    line: int


class Audit:
    """What one ``run()`` has read so far.

    :ivar read: kind and name (an absolute path, or a variable) -> the line that read it first.
    :ivar imported: name of a module that project code imported meanwhile -> the line.
    """

    def __init__(self, driver: str, *, refuse_processes: bool) -> None:
        self.read: dict[tuple[Kind, str], Line] = {}
        self.imported: dict[str, Line] = {}
        self._driver = driver
        self._refuse_processes = refuse_processes
        self._own: set[str] = set()
        self._seen: set[str] = set()
        self._pid = os.getpid()
        self._strangers = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}

    def opened(self, path: str, flags: int) -> None:
        """A file is about to be opened."""
        access = access_of(path, flags)
        if access is Access.MAKES:
            self._own.add(path)
        elif access is Access.READS and not lies_in(path, self._own) and not frames.reads_code(path):
            self.note(Kind.FILE, path)

    def listed(self, folder: str) -> None:
        """The names in a folder are about to be read."""
        if not lies_in(folder, self._own) and not frames.lists_for_itself(frames.callers()):
            self.note(Kind.FOLDER, folder)

    def made(self, path: str) -> None:
        """A folder is made, or something is moved to *path*: it is the run's own work."""
        self._own.add(path)

    def note(self, kind: Kind, name: str) -> None:
        """*name* is read now."""
        if (kind, name) in self.read or (line := self._line()) is None:
            return
        if kind is Kind.VARIABLE and self.read.get((Kind.ENVIRONMENT, "")) == line:
            return  # this line goes through all of them
        self.read[kind, name] = line

    def imports(self, module: str) -> None:
        """*module* is looked for. Only what project code asks for itself is of interest."""
        for frame in frames.callers():
            if not frames.is_code_reader(frame):
                if not frames.is_foreign(frame) and (line := self._line()) is not None:
                    self.imported.setdefault(module, line)
                return

    def starts_process(self, what: str) -> None:
        """A process is about to be started.

        :raises TaskError: slug ``process-refused``, if that is not allowed.
        """
        if self._refuse_processes and os.getpid() == self._pid and (line := self._line()) is not None:
            raise TaskError(
                f"it starts a process ({what}, {line.file}:{line.line}), and luisy cannot see what that reads",
                slug="process-refused",
                hint="run with audit = warn, or declare the task uncacheable (luisy.declares)",
            )

    def _line(self) -> Line | None:
        """The innermost line of project code between the event and the ``run()`` that is audited."""
        found: FrameType | None = None
        if threading.get_ident() in self._strangers:
            return None  # a thread that was there before may work for anybody
        for frame in frames.callers():
            if frames.works_for_itself(frame):
                if frames.module_of(frame) != self._driver:
                    return None
                break
            if not frames.is_foreign(frame):
                found = found or frame
            elif found is None and frames.is_top_level(frame):
                return None  # an installed module is being imported
        if found is None:
            return None
        return Line(frames.module_of(found), os.path.abspath(found.f_code.co_filename), found.f_lineno)

    def is_new(self, path: str) -> bool:
        """Whether *path* was not met yet in this way; asked first, since loops open the same files again."""
        if path in self._seen:
            return False
        self._seen.add(path)
        return True


_audits: list[Audit] = []


@contextmanager
def audited(driver: str, *, refuse_processes: bool = False) -> Iterator[Audit]:
    """Note what the block reads.

    :param driver: the module whose frame stands directly below what is audited.
    :param refuse_processes: let the start of a process fail.
    """
    _listen()
    audit = Audit(driver, refuse_processes=refuse_processes)
    _audits.append(audit)
    try:
        yield audit
    finally:
        _audits.remove(audit)


@cache
def _listen() -> None:
    hook.listen(
        {
            "open": _on_open,
            "os.listdir": _on_list,
            "os.scandir": _on_list,
            "os.mkdir": _on_mkdir,
            "os.rename": _on_rename,
            "sqlite3.connect": _on_connect,
            **{event: _refusing(event) for event in hook.PROCESS_EVENTS},
        }
    )
    environment.listen(_on_variable)
    loading.listen(_on_import)


def _on_open(path: Any, _mode: str | None, flags: int) -> None:
    if not _audits or isinstance(path, int):
        return
    audit, absolute = _audits[-1], os.path.abspath(os.fsdecode(path))
    way = "w" if flags & os.O_ACCMODE else "r"
    if audit.is_new(way + absolute) and not _is_system(absolute):
        audit.opened(absolute, flags)


def _on_list(path: Any) -> None:
    if not _audits or isinstance(path, int):
        return
    audit, absolute = _audits[-1], os.path.abspath("." if path is None else os.fsdecode(path))
    if audit.is_new("l" + absolute) and not _is_system(os.path.join(absolute, "")):
        audit.listed(absolute)


def _on_mkdir(path: Any, _mode: int, descriptor: int = -1) -> None:
    if _audits and descriptor < 0:
        _audits[-1].made(os.path.abspath(os.fsdecode(path)))


def _on_rename(_source: Any, target: Any, *descriptors: int) -> None:
    if _audits and all(descriptor < 0 for descriptor in descriptors):
        _audits[-1].made(os.path.abspath(os.fsdecode(target)))


def _on_connect(database: Any) -> None:
    if _audits and (path := database_file(database)) is not None:
        if os.path.lexists(path):
            _audits[-1].note(Kind.FILE, path)
        else:
            _audits[-1].made(path)


def _on_import(module: str) -> None:
    if _audits and not hook.is_paused():
        with suppress(Exception):  # an observer must not break what it observes
            _audits[-1].imports(module)


def _on_variable(name: str | None, value: str | None) -> None:
    """A variable whose value is a path is left out: what is opened there is seen by itself."""
    if not _audits or (name is not None and (says_who_and_where(name) or os.path.isabs(value or ""))):
        return
    audit = _audits[-1]
    if audit.is_new(f"v{name}") and frames.asks_for(name):
        audit.note(Kind.ENVIRONMENT if name is None else Kind.VARIABLE, name or "")


def _refusing(event: str) -> Any:
    def refuse(*_: object) -> None:
        if _audits:
            _audits[-1].starts_process(event)

    return refuse


def _is_system(path: str) -> bool:
    return is_installed(path) or path.startswith(("/proc/", "/sys/", "/dev/", "/etc/", "/usr/share/"))

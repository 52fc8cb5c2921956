"""What a block of code touches on disk.

``watch(roots)`` observes every thread of the process while its block runs.

**Seen**: whatever goes through Python's own ``open``, ``os.open``, ``os.listdir``, ``os.scandir``,
``os.rename``, ``os.link``, ``os.symlink``, ``os.truncate``, ``os.mkdir``, ``sqlite3.connect``, and with
them shutil, zipfile, pickle, glob, ``numpy`` (``load``, ``save``, ``fromfile``, memory maps), pandas' csv,
json, pickle, feather and Excel functions. Tried with pandas 3.1, numpy 2.4, pyarrow 26, tables 3.11, h5py 3.

**Not seen**, since C or C++ code opens the file (the caller reports it by ``note_read``, ``note_write``):

* pyarrow given a path: ``parquet.read_table``, ``write_table`` and ``ParquetFile``, ``feather.read_table``,
  ``csv.read_csv``, ``dataset``, ``OSFile``, ``memory_map``;
* ``pandas.read_parquet`` and ``to_parquet`` from pandas 3.1 on (older ones open single files in
  Python; folders they too hand to pyarrow);
* tables and h5py, hence ``pandas.read_hdf`` and ``to_hdf``;
* SQLite's ``ATTACH``, ``dbm.gnu`` and ``dbm.ndbm``;
* questions that open nothing: ``os.stat``, ``os.path.exists``, ``os.access``, ``os.readlink``;
* what a process does that was started before the block (a pool made when the module was imported). Spark's is
  seen to be used (``gateways``), which counts as if it had been started.

**Symbolic links.** A path that lies below a root as written is reported as written. Any other path is
resolved first, so that a link outside which leads into a root counts; its folder is resolved once per
observation (resolving each path anew would cost more than all the rest), so a link to a *folder*
that is changed while the block runs may be followed to where it led before.

**The program's own code is not data**: what the import system and ``linecache`` read (``.py``,
``.pyc``, extension modules, folders on ``sys.path``) is the fingerprint's concern and is left out.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from luisy.observe import gateways, hook
from luisy.observe.access import database_file
from luisy.observe.frames import reads_code
from luisy.places import lies_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(slots=True)
class Observation:
    """What a block has touched so far; complete when the block has ended.

    :param reads: absolute normalised paths below the roots that were opened for reading, or tried to be
        (the absence of a file is known by that, too); a folder is read when it is listed or opened.
        What the block itself created or truncated before is its own and no read. A file that is
        appended to or opened for update counts as read, since its new content rests on the old one.
    :param writes: ... that were opened for writing, created, linked or renamed to. Ones that were
        removed afterwards, or whose opening failed, stay listed. A renamed folder stands for its content.
    :param started_process: a process was started or forked, by whatever means.
    """

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    started_process: bool = False


class _Watch:
    """One running observation. Only single operations on sets and dicts: other threads record too."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.observation = Observation()
        lexical = [os.path.abspath(root) for root in roots]
        # The same root under its real name, as code that resolves its paths spells it.
        spellings = [(root, root) for root in lexical] + [(os.path.realpath(root), root) for root in lexical]
        self._prefixes = [(spelling.rstrip("/") + "/", root.rstrip("/")) for spelling, root in spellings]
        self._folders: dict[str, str] = {}
        self._own: set[str] = set()
        self._databases: dict[str, tuple[int, int, int]] = {}

    def locate(self, path: str) -> str | None:
        """*path* (absolute, normalised) as it lies below a root, else None."""
        return self._below(path) or self._below(self._resolve(path))

    def _below(self, path: str) -> str | None:
        for prefix, root in self._prefixes:
            if path.startswith(prefix):
                return root + path[len(prefix) - 1 :]
            if path == prefix[:-1]:
                return root
        return None

    def _resolve(self, path: str) -> str:
        folder, name = os.path.split(path)
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = os.path.realpath(folder)
        path = os.path.join(real, name)
        return os.path.realpath(path) if os.path.islink(path) else path

    def read(self, path: str) -> None:
        if not lies_in(path, self._own):
            self.observation.reads.add(path)

    def write(self, path: str, *, fresh: bool) -> None:
        if fresh:
            self._own.add(path)
        self.observation.writes.add(path)

    def database(self, path: str) -> None:
        """Connecting may read or write; which one it was is told by the file when the block has ended."""
        before = _stat(path)
        if before is None:
            self.write(path, fresh=True)
        else:
            self.read(path)
            self._databases.setdefault(path, before)

    def finish(self) -> None:
        for path, before in self._databases.items():
            if _stat(path) != before:
                self.observation.writes.add(path)


_active: dict[int, _Watch] = {}


@contextmanager
def watch(roots: Sequence[str]) -> Iterator[Observation]:
    """Observe the block: what it touches below *roots*, and whether it starts a process.

    May be nested and used from several threads: each observation gets what all threads do meanwhile
    (but for those in ``paused``). A forked child goes on with a copy that the parent does not see;
    that it was forked, the parent does.
    """
    watched = _Watch(roots)
    processes = _processes_made()
    servers = gateways.loaded()
    gateways.hear(_on_process)
    _listen()
    _active[id(watched)] = watched
    try:
        yield watched.observation
    finally:
        del _active[id(watched)]
        watched.finish()
        # multiprocessing's spawn and forkserver raise no audit event.
        watched.observation.started_process |= _processes_made() != processes or gateways.loaded() != servers


def note_read(path: str) -> None:
    """Tell the running observations, also while paused, that *path* is read where the hook cannot see it."""
    _read(path)


def note_write(path: str) -> None:
    """Tell the running observations, also while paused, that *path* is replaced where the hook cannot see it."""
    _write(path, fresh=True)


@cache
def _listen() -> None:
    hook.listen(_HANDLERS)


def _located(path: Any) -> Iterator[tuple[_Watch, str]]:
    """Each observation that *path* concerns, with the path as it lies below that one's roots."""
    if not _active:
        return
    absolute = _absolute(path)
    for watched in tuple(_active.values()):
        found = watched.locate(absolute)
        if found is not None:
            yield watched, found


def _absolute(path: Any) -> str:
    text = os.fsdecode(path)
    if "/.." in text or text.startswith(
        ".."
    ):  # "link/../x" lies beside where the link leads to, not beside the link
        folder, name = os.path.split(text)
        text = (
            os.path.realpath(text)
            if name in ("", ".", "..")
            else os.path.join(os.path.realpath(folder), name)
        )
    return os.path.abspath(text)


def _read(path: Any) -> None:
    for watched, found in _located(path):
        if not reads_code(found):
            watched.read(found)


def _write(path: Any, *, fresh: bool) -> None:
    for watched, found in _located(path):
        if not reads_code(found):
            watched.write(found, fresh=fresh)


def _on_open(path: Any, mode: str | None, flags: int) -> None:
    if isinstance(path, int):
        return
    writing = flags & os.O_ACCMODE != os.O_RDONLY
    for place in _places(path, creating=bool(flags & os.O_CREAT)) if mode is None else (path,):
        fresh = writing and bool(flags & os.O_TRUNC or (flags & os.O_CREAT and not os.path.lexists(place)))
        if writing:
            _write(place, fresh=fresh)
        if flags & os.O_ACCMODE != os.O_WRONLY or not fresh:
            _read(place)


def _places(path: Any, *, creating: bool) -> Sequence[Any]:
    """Where ``os.open(path)`` may mean: its event tells no ``dir_fd``, so each open folder counts (Linux)."""
    if os.path.isabs(path) or not os.path.isdir("/proc/self/fd"):
        return (path,)
    folders = filter(None, map(_folder_of, map(int, os.listdir("/proc/self/fd"))))
    places = (os.path.join(folder, os.fsdecode(path)) for folder in folders)
    return (path, *(place for place in places if creating or os.path.lexists(place)))


def _folder_of(descriptor: int) -> str | None:
    """The folder that is open as *descriptor*, where the system can tell (Linux)."""
    with suppress(OSError):
        folder = os.readlink(f"/proc/self/fd/{descriptor}")
        return folder if os.path.isdir(folder) else None
    return None


def _at(path: Any, descriptor: int) -> Any:
    """*path* where it lies, given the ``dir_fd`` of an event (-1 for none)."""
    if descriptor < 0 or os.path.isabs(path):
        return path
    folder = _folder_of(descriptor)
    return path if folder is None else os.path.join(folder, os.fsdecode(path))


def _on_list(path: Any) -> None:
    if not isinstance(path, int):
        _read("." if path is None else path)


def _on_rename(source: Any, target: Any, source_fd: int = -1, target_fd: int = -1) -> None:
    """What is renamed or linked gets its content from the source: that is read."""
    _read(_at(source, source_fd))
    _write(_at(target, target_fd), fresh=True)


def _on_symlink(_source: Any, target: Any, descriptor: int = -1) -> None:
    _write(_at(target, descriptor), fresh=True)


def _on_mkdir(path: Any, _mode: int, descriptor: int = -1) -> None:
    place = _at(path, descriptor)
    if not os.path.lexists(place):
        _write(place, fresh=True)


def _on_truncate(path: Any, length: int) -> None:
    if not isinstance(path, int):
        _write(path, fresh=length == 0)
        _read(path)


def _on_connect(database: Any) -> None:
    if (path := database_file(database)) is not None:
        for watched, found in _located(path):
            watched.database(found)


def _on_process(*_args: Any) -> None:
    for watched in tuple(_active.values()):
        watched.observation.started_process = True


_HANDLERS: dict[str, Callable[..., None]] = {
    "open": _on_open,
    "os.listdir": _on_list,
    "os.scandir": _on_list,
    "os.rename": _on_rename,
    "os.link": _on_rename,
    "os.symlink": _on_symlink,
    "os.mkdir": _on_mkdir,
    "os.truncate": _on_truncate,
    "sqlite3.connect": _on_connect,
    **dict.fromkeys(hook.PROCESS_EVENTS, _on_process),
}


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _processes_made() -> str:
    """How many process objects multiprocessing has made so far (``count(1)`` for none)."""
    process = sys.modules.get("multiprocessing.process")
    return repr(getattr(process, "_process_counter", "count(1)")).strip("'")

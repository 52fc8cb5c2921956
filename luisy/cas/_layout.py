"""Where a store keeps what.

::

    <store>/
      index.db              SQLite, WAL; schema = migrations/
      secret                32 random bytes, mode 0600; leaves this machine never
      runs.lock             empty; locked by runs together, by gc alone
      objects/ab/cdef...    raw bytes, mode 0444 & ~umask, named by BLAKE3 (64 hex digits)
      actions/ab/cdef...    one small file per action, named by its key
      records/<kind>/...    aliases, superseded keys, rescued, pins, acceptances
      tmp/                  same file system; swept by gc; its folder carries the checkpointer's lock
      quarantine/           what failed verification
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luisy.model import Digest, Key

FOLDERS = ("objects", "actions", "records", "tmp", "quarantine")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one store folder. Computes names; only :meth:`create` touches the disk.

    :param index_name: of the SQLite file below *root*; another one while a new index is made.
    """

    root: str
    index_name: str = "index.db"

    def create(self) -> None:
        """Make the folders that are not there yet. Idempotent, safe against other processes."""
        for folder in FOLDERS:
            os.makedirs(f"{self.root}/{folder}", exist_ok=True)

    @property
    def index(self) -> str:
        """The SQLite file."""
        return f"{self.root}/{self.index_name}"

    @property
    def index_files(self) -> tuple[str, str, str]:
        """The SQLite file and what SQLite puts beside it."""
        return self.index, f"{self.index}-wal", f"{self.index}-shm"

    @property
    def secret(self) -> str:
        """The file with this store's secret."""
        return f"{self.root}/secret"

    @property
    def tmp(self) -> str:
        """The folder for files that nobody has been promised yet."""
        return os.path.join(self.root, "tmp")

    @property
    def objects(self) -> str:
        """The folder of the objects."""
        return f"{self.root}/objects"

    @property
    def actions(self) -> str:
        """The folder of the action files."""
        return f"{self.root}/actions"

    def object(self, digest: Digest) -> str:
        """Path of an object's bytes."""
        return f"{self.root}/objects/{digest[:2]}/{digest[2:]}"

    def action(self, key: Key) -> str:
        """Path of an action file."""
        return f"{self.root}/actions/{key[:2]}/{key[2:]}"

    def records(self, kind: str) -> str:
        """The folder of one kind of record files."""
        return f"{self.root}/records/{kind}"

    def record(self, kind: str, name: str) -> str:
        """Path of a record file; *name* is 64 hex digits."""
        return f"{self.records(kind)}/{name[:2]}/{name[2:]}"

    def lock(self, key: Key) -> str:
        """The file that a process locks while it makes the result of *key*."""
        return f"{self.tmp}/{key}.lock"

    def temporary(self) -> str:
        """A fresh name in ``tmp/``: random, since processes (and machines) share the folder."""
        return f"{self.tmp}/{os.urandom(12).hex()}"

    @property
    def runs_lock(self) -> str:
        """The file that every run locks with others, and gc alone."""
        return f"{self.root}/runs.lock"

    @property
    def index_lock(self) -> str:
        """The file that a process locks while it makes a lost index again."""
        return f"{self.tmp}/index.lock"

    def quarantined(self, name: str) -> str:
        """A fresh name in ``quarantine/`` that still tells what was there."""
        return f"{self.root}/quarantine/{name}-{os.urandom(4).hex()}"


def install(temporary: str, path: str) -> None:
    """Rename *temporary* to *path*, replacing what is there; makes the parent folder on first use."""
    try:
        os.replace(temporary, path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.replace(temporary, path)


def write_new(path: str, data: bytes, mode: int) -> None:
    """Write *data* to a file that must not exist. On any error nothing is left of it.

    :param mode: permission bits before the umask.
    :raises OSError: the file exists, the disk is full or read-only.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        write_all(descriptor, data)
    except BaseException:
        os.close(descriptor)
        remove(path)
        raise
    os.close(descriptor)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte of *data*: one ``write`` may take fewer (a disk that fills up, 2 GiB at once)."""
    written = os.write(descriptor, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def remove(path: str) -> None:
    """Unlink *path* if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)

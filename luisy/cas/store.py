"""The store: the one door to objects, manifests, actions and what the workspace holds.

Write order: bytes -> object -> action file -> index -> workspace row; readers go the other way. So a crash
between any two leaves garbage for gc, never a promise of missing bytes.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.cas import database
from luisy.cas._layout import Layout
from luisy.cas.accepting import Accepting
from luisy.cas.keeping import Keeping
from luisy.cas.leases import Leasing
from luisy.cas.locks import exclusive
from luisy.cas.materialise import sync_file_system
from luisy.cas.opened import no_space, unwritten
from luisy.cas.pinning import Pinning
from luisy.cas.rebuilding import Rebuilt, lost_index, rebuild, remake
from luisy.cas.recording import Recording
from luisy.cas.secret import secret_of
from luisy.cas.soundness import expect_sound
from luisy.errors import CorruptionError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from luisy.model import Key

logger = logging.getLogger("luisy")

_ROOM_TO_OPEN = 64 << 10
"""Bytes that SQLite wants for the files beside an index, and some more."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a store holds.

    :param result_bytes: bytes of all outputs, counted once per action.
    :param object_bytes: bytes of all objects, each once.
    """

    objects: int
    object_bytes: int
    actions: int
    result_bytes: int
    aliases: int

    @property
    def dedup_ratio(self) -> float:
        """How many bytes of results one stored byte stands for; 1.0 for an empty store."""
        return self.result_bytes / self.object_bytes if self.object_bytes else 1.0


class Store(Recording, Keeping, Accepting, Pinning, Leasing):
    """A content-addressed store in one folder, used by one user's processes, several at once.

    Use :meth:`open` or :meth:`ephemeral`. It survives forks: each process opens a connection of its own.
    Errors of the disk (OSError) and of the index (StoreError) are raised to the caller, who goes on without.
    Its parts, each with its concern: :class:`~luisy.cas.keeping.Keeping` takes in,
    :class:`~luisy.cas.recording.Recording` files actions, :class:`~luisy.cas.serving.Serving` gives out,
    :class:`~luisy.cas.accepting.Accepting` remembers what counts for changed code,
    :class:`~luisy.cas.pinning.Pinning` what must stay,
    :class:`~luisy.cas.leases.Leasing` what is used.

    :ivar path: the store's folder.
    :ivar read_only: nothing can be put; what is there can be read.
    """

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = True) -> Store:
        """Open the store at *path*; make it if it is not there and *create* says so.

        An index that is lost is made again from the files, each of which is verified: that reads the whole store.

        :raises StoreError: there is none (``no-store``), it cannot be made (``store-unwritable``), a newer luisy
            made it (``newer-index``).
        :raises CorruptionError: the index cannot be read (``corrupt-index``).
        """
        folder = Path(path).absolute()
        layout = Layout(os.fspath(folder))
        if lost_index(layout):
            _remake(layout)
        exists = os.path.exists(layout.index)
        if not exists and not create:
            raise StoreError(f"there is no store at {folder}", slug="no-store", hint="`luisy run` makes one.")
        read_only = exists and not _writable(layout)
        if not read_only:
            try:
                layout.create()
            except OSError as error:
                raise unwritten(os.fspath(folder), error) from error
        store = cls(
            folder, (database.read_only if read_only else database.writable)(layout), read_only=read_only
        )
        try:
            store._database.query("SELECT 1 FROM facts LIMIT 1")  # a store that does not work says so here
        except StoreError:
            if read_only or not exists or not _is_full(folder):
                raise
            # SQLite needs some room to open what it may write; reading what is there goes on.
            store = cls(folder, database.read_only(layout), refusal=no_space(os.fspath(folder)))
        return store

    @classmethod
    def ephemeral(cls) -> Store:
        """A store without files: it hashes and remembers while this process lives, and keeps nothing."""
        return cls(Path(os.devnull), database.in_memory(), read_only=False, stored=False)

    def __enter__(self) -> Store:  # noqa: PYI034 - typing.Self came with 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({os.fspath(self.path)!r})"

    def sync(self) -> None:
        """Bring everything to the disk at once (``syncfs``), so that a power cut costs no re-hashing."""
        self._flush()
        if self.read_only or not self._stored or not self._index.unsynced():
            return
        with self._database.writing() as connection:
            epoch = self._index.new_epoch(connection)
        folders = {self._layout.root, *self._workspace.unsynced_folders()}
        for folder in _one_per_device(folders):
            sync_file_system(folder)
        self._index.mark_synced(epoch)

    def status(self) -> Status:
        """Counts and bytes."""
        self._flush()
        return Status(*self._index.totals(), *self._actions.totals())

    def object_bytes(self) -> int:
        """Bytes of all objects, by the index: one query."""
        self._flush()
        return self._index.totals()[1]

    def lock(self, key: Key) -> AbstractContextManager[bool]:
        """Hold a key against the other processes of this machine; yields whether one of them held it first."""
        if self.read_only or not self._stored:
            return contextlib.nullcontext(False)  # noqa: FBT003 - what the context yields
        return exclusive(self._layout.lock(key))

    def secret(self) -> bytes:
        """32 random bytes that belong to this store: they key the digests of private parameters."""
        if not self._secret:
            self._secret = secret_of(self._layout, writable=self._stored and not self.read_only)
        return self._secret

    def pseudonym(self) -> str:
        """12 hex digits by which this store can be told from others; they say nothing else about it."""
        return blake3(self.secret(), derive_key_context="luisy 1 store pseudonym", max_threads=1).hexdigest()[
            :12
        ]

    def rebuild(self) -> Rebuilt:
        """Make the index again from the files; each is verified."""
        self._must_write()
        self._flush()
        return rebuild(self._layout, self._index, self._actions, self._workspace)

    @classmethod
    def rebuild_at(cls, path: str | os.PathLike[str]) -> Rebuilt:
        """:meth:`rebuild`, also for a store whose index cannot be opened or is damaged: it goes to quarantine first."""
        layout = Layout(os.fspath(Path(path).absolute()))
        if not lost_index(layout):
            try:
                with cls.open(path, create=False) as store:
                    expect_sound(store.database)
                    return store.rebuild()
            except CorruptionError:
                for file in layout.index_files:
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(file, layout.quarantined(os.path.basename(file)))
        if (found := remake(layout)) is not None:
            return found
        with cls.open(path) as store:  # it holds nothing, or another process was first
            return store.rebuild()


def _writable(layout: Layout) -> bool:
    return all(os.access(path, os.W_OK) for path in (layout.root, layout.index))


def _remake(layout: Layout) -> None:
    """Make a lost index again, and say so: it takes as long as reading the store.

    :raises CorruptionError: the store cannot be written (``lost-index``).
    """
    logger.warning("the store %s has lost its index; it is made again from the files", layout.root)
    try:
        remake(layout)
    except (OSError, StoreError) as error:
        raise CorruptionError(
            f"the store {layout.root} has lost its index, and it cannot be made again: {error}",
            slug="lost-index",
            hint="See to the rights and the free space of the folder, or use another store.",
        ) from error


def _is_full(folder: Path) -> bool:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize < _ROOM_TO_OPEN


def _one_per_device(folders: Iterable[str]) -> list[str]:
    devices: dict[int, str] = {}
    for folder in folders:
        with contextlib.suppress(OSError):  # gone since: nothing to bring to a disk
            devices.setdefault(os.stat(folder).st_dev, folder)
    return list(devices.values())

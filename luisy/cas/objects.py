"""Objects: immutable bytes named by their digest, and the rules by which they are trusted.

Putting is two steps. *Staging* writes a file in ``tmp/`` that nobody knows of. *Installing* renames it to its
name and writes its row in one ``BEGIN IMMEDIATE``, in which gc may not unlink. What lies at the name without a
verified row is replaced: it may be the rest of a crash.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.cas._layout import install, remove, write_new
from luisy.cas.hashing import digest_bytes, digest_descriptor, digest_own_file, update_from_own_file
from luisy.cas.materialise import clone, copy
from luisy.cas.processes import PerProcess
from luisy.cas.stat_tokens import token_of
from luisy.errors import NoSuchResult, StoreError
from luisy.model import Digest, LinkMode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable
    from typing import BinaryIO

    from luisy.cas._layout import Layout
    from luisy.cas.index import Index

MODE = 0o444
"""Permissions of an object before the umask: nobody writes to it."""

SMALL = 64 << 10
"""Bytes up to which a file is read whole: then what is stored is what was hashed, in the fewest calls."""

_PIPELINE = 16 << 20


@dataclass(frozen=True, slots=True)
class Staged:
    """A file in ``tmp/`` that waits to be installed."""

    digest: Digest
    size: int
    temporary: str


class Objects:
    """The objects of one store. Everything that is served was verified before.

    :param read_only: nothing on disk or in the index may be changed.
    """

    def __init__(self, layout: Layout, index: Index, *, read_only: bool) -> None:
        self._layout = layout
        self._index = index
        self._read_only = read_only
        self._staged: PerProcess[dict[Digest, Staged]] = PerProcess(dict)

    # --- putting

    @property
    def staged(self) -> dict[Digest, Staged]:
        """What this process staged and did not install yet."""
        return self._staged.get()

    def stage_bytes(self, data: bytes) -> Digest:
        """Make *data* ready to be installed, unless the store holds it.

        :raises OSError: the disk is full or read-only; nothing is left behind.
        """
        digest = digest_bytes(data)
        if not self._held(digest):
            temporary = self._layout.temporary()
            write_new(temporary, data, MODE)
            self.staged[digest] = Staged(digest, len(data), temporary)
        return digest

    def stage_file(self, source: int, status: os.stat_result, path: str) -> tuple[Digest, LinkMode]:
        """Make an open file's bytes ready to be installed.

        :param status: of the file when it was found; if it has another one before or after, that is an error.
        :param path: of the file, for messages.
        :raises StoreError: the file changed meanwhile (slug ``source-changed``).
        :raises OSError: the disk is full or read-only; nothing is left behind.
        """
        expect_unchanged(source, status, path)
        if status.st_size <= SMALL:
            data = os.read(source, SMALL + 1)
            expect_unchanged(source, status, path)
            if len(data) != status.st_size:
                raise source_changed(path)
            return self.stage_bytes(data), LinkMode.COPY
        temporary = self._layout.temporary()
        try:
            digest, mode = _copy_hashing(source, temporary, status.st_size, path)
            expect_unchanged(source, status, path)
        except BaseException:
            remove(temporary)
            raise
        if self._held(digest):
            remove(temporary)
        else:
            self.staged[digest] = Staged(digest, status.st_size, temporary)
        return digest, mode

    def new_file(self) -> BinaryIO:
        """A file in ``tmp/``, open for writing and reading, with the permissions of an object."""
        path = self._layout.temporary()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return open(path, "w+b", opener=lambda name, _: os.open(name, flags, MODE))

    def stage_received(self, digest: Digest, size: int, source: bytes | str) -> None:
        """Make bytes, or a file of :meth:`new_file`, ready to be installed, that the caller has hashed.

        What the store has of that name is replaced: the caller asked first whether it is there.
        """
        if digest in self.staged:
            if isinstance(source, str):
                remove(source)
            return
        if isinstance(source, bytes):
            temporary = self._layout.temporary()
            write_new(temporary, source, MODE)
        else:
            temporary = source
        self.staged[digest] = Staged(digest, size, temporary)

    def install(self, connection: sqlite3.Connection) -> None:
        """Rename what is staged to its names, with their rows, in the caller's transaction."""
        rows = []
        waiting = self.staged
        for digest in list(waiting):
            path = self._layout.object(digest)
            install(waiting[digest].temporary, path)
            rows.append((digest, waiting.pop(digest).size, token_of(os.lstat(path))))
        if rows:
            self._index.put(connection, rows)

    def forget_staged(self) -> None:
        """After installing, or to give up: no temporary file is left."""
        for staged in self.staged.values():
            remove(staged.temporary)
        self.staged.clear()

    def _held(self, digest: Digest) -> bool:
        if digest in self.staged:
            return True
        token = self._token(digest)
        if token is None:  # most often: the file system answers sooner than the index
            return False
        row = self._index.object(digest)
        return row is not None and row.settled and row.token == token

    # --- getting

    def read(self, digest: Digest) -> bytes:
        """The bytes of an object, hashed once more as they pass.

        :raises NoSuchResult: it is not there, or was damaged (then it is quarantined now).
        """
        try:
            with open(self._layout.object(digest), "rb") as file:
                token = token_of(os.fstat(file.fileno()))
                data = file.read()
        except OSError:
            if self._index.object(digest) is not None:
                self._lose([digest])
        else:
            if digest_bytes(data) == digest:
                return data
            self._quarantine(digest, token)
        raise missing(digest)

    def open(self, digest: Digest) -> BinaryIO:
        """A file with the object's bytes, verified by its stat or by hashing.

        :raises NoSuchResult: as :meth:`read`.
        """
        if digest in self.verified([digest]):
            return open(self._layout.object(digest), "rb")
        raise missing(digest)

    def verified(self, digests: Iterable[Digest]) -> set[Digest]:
        """Which of *digests* are there with the right bytes: one query, one stat each.

        One whose stat differs from its row, or that an earlier boot wrote and never synced, is hashed; if it
        is wrong it is quarantined.
        """
        good: set[Digest] = set()
        doubtful: list[Digest] = []
        lost: list[Digest] = []
        for digest, known, settled in self._index.tokens(list(dict.fromkeys(digests))):
            token = self._token(digest)
            if token == known and settled:
                good.add(digest)
            else:
                (lost if token is None else doubtful).append(digest)
        if lost:
            self._lose(lost)
        if doubtful:
            good |= self._rehash(doubtful)
        return good

    def promised(self, digests: Collection[Digest]) -> bool:
        """Whether the index has all of *digests*: inside a transaction, gc can take none of them away."""
        return len(self._index.sizes(sorted(digests))) == len(digests)

    def accept_link(self, digest: Digest, before: os.stat_result) -> None:
        """Keep trusting an object after we made a hard link to it, which changed its ctime and no more."""
        path = self._layout.object(digest)
        with self._index.database.writing() as connection:
            now = os.lstat(path)
            same = (now.st_ino, now.st_size, now.st_mtime_ns)
            if same == (before.st_ino, before.st_size, before.st_mtime_ns):
                self._index.put(connection, [(digest, now.st_size, token_of(now))])

    def _token(self, digest: Digest) -> bytes | None:
        try:
            return token_of(os.lstat(self._layout.object(digest)))
        except OSError:  # an unreadable object is a miss, whatever the reason
            return None

    def _rehash(self, digests: Collection[Digest]) -> set[Digest]:
        fresh: list[tuple[Digest, int, bytes]] = []
        for digest in digests:
            found = hash_object(self._layout.object(digest))
            if found is None:
                self._lose([digest])
            elif found[0] == digest:
                fresh.append(found)
            else:
                self._quarantine(digest, found[2])
        if self._read_only:
            return {digest for digest, _, _ in fresh}
        with self._index.database.writing() as connection:
            # gc or another writer may have been at it since it was hashed.
            still = [item for item in fresh if self._token(item[0]) == item[2]]
            self._index.put(connection, still)
        return {digest for digest, _, _ in still}

    def _lose(self, digests: Collection[Digest]) -> None:
        """Drop the rows of objects that cannot be read, unless they can by now."""
        if self._read_only:
            return
        with self._index.database.writing() as connection:
            for digest in digests:
                if hash_object(self._layout.object(digest)) is None:
                    self._index.drop(connection, digest)

    def _quarantine(self, digest: Digest, token: bytes) -> None:
        """Take a damaged file out of sight, unless another process has put a good one in its place."""
        if self._read_only:
            return
        with self._index.database.writing() as connection:
            if self._token(digest) == token:
                os.replace(self._layout.object(digest), self._layout.quarantined(digest))
                self._index.drop(connection, digest)


def hash_object(path: str) -> tuple[Digest, int, bytes] | None:
    """Digest, size and stat token of an object file; None if it cannot be read, or changes meanwhile.

    It is read, not mapped: a bad block of the disk is an error then, and not the end of the process (SIGBUS).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        digest = digest_descriptor(descriptor)
        same = token_of(os.fstat(descriptor)) == token_of(status)
        return (digest, status.st_size, token_of(status)) if same else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def expect_unchanged(source: int, status: os.stat_result, path: str) -> None:
    """Raise ``source-changed`` unless open file *source* still has *status*."""
    if token_of(os.fstat(source)) != token_of(status):
        raise source_changed(path)


def source_changed(path: str) -> StoreError:
    """The error for a file that is written while we read it."""
    return StoreError(
        f"{path} changed while it was read",
        slug="source-changed",
        hint="Something else writes this file; find out what, and run again.",
    )


def missing(digest: Digest) -> NoSuchResult:
    """The error for an object that is not there."""
    return NoSuchResult(f"the store has no object {digest}", slug="no-such-object")


def _copy_hashing(source: int, temporary: str, size: int, path: str) -> tuple[Digest, LinkMode]:
    """Copy a large file to a new one, by reflink or as bytes, and hash the copy."""
    target = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:
        if not clone(source, target):
            return _pipeline(source, target, size, path), LinkMode.COPY
        if os.fstat(target).st_size != size:
            raise source_changed(path)
        return digest_own_file(target, size), LinkMode.REFLINK
    finally:
        os.close(target)


def _pipeline(source: int, target: int, size: int, path: str) -> Digest:
    """Copy chunk after chunk while a thread hashes the one before.

    The thread hashes the copy (our file, so mmap is safe), never the source, which may change.
    """
    os.truncate(target, size)
    hasher = blake3(max_threads=1)  # the other core copies
    worker: threading.Thread | None = None
    done = 0
    try:
        while done < size:
            copied = copy(source, target, min(_PIPELINE, size - done))
            if copied == 0:
                raise source_changed(path)
            if worker:
                worker.join()
            worker = threading.Thread(target=update_from_own_file, args=(hasher, target, done, done + copied))
            worker.start()
            done += copied
    finally:
        if worker:
            worker.join()
    return Digest(hasher.hexdigest())

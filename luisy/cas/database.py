"""One SQLite connection per process, and what every query needs: bulk parameters, errors in our words.

A connection that a forked child inherits loses rows in silence, so all connections of a process are closed
before it forks and opened again on first use, in the parent and in the child.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import weakref
from typing import TYPE_CHECKING, Any

from luisy.cas import migrations
from luisy.errors import CorruptionError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from luisy.cas._layout import Layout

BUSY_MILLISECONDS = 60_000
_CHECKPOINT_BYTES = 8 << 20
_COMMITS_BETWEEN_LOOKS = 64

WANTED = """WITH RECURSIVE
  positions(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM positions WHERE i + 1 < :count),
  wanted(digest) AS (SELECT substr(:digests, i * 32 + 1, 32) FROM positions)
"""
"""Start of a query over any number of digests, bound as :func:`packed`: one blob and their count."""

_IN_CHUNK = 500
"""Host parameters in one statement; old SQLite builds allow 999."""


def packed(digests: Sequence[str]) -> dict[str, Any]:
    """Parameters for :data:`WANTED`. *digests* must not be empty.

    :raises ValueError: one is not 64 hex digits.
    """
    blob = bytes.fromhex("".join(digests))
    if len(blob) != 32 * len(digests):
        raise ValueError("digests and keys are 64 hex digits each")
    return {"digests": blob, "count": len(digests)}


def unpacked(blob: bytes) -> list[str]:
    """The digests, 64 hex digits each, that stand in *blob* one after the other."""
    digits = blob.hex()
    return [digits[at : at + 64] for at in range(0, len(digits), 64)]


def path_value(path: str) -> str | bytes:
    """How a path stands in the index: TEXT, or a BLOB of its bytes where these are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def path_of(value: str | bytes) -> str:
    """The path that :func:`path_value` stored."""
    return value if isinstance(value, str) else os.fsdecode(value)


class Database:
    """A connection to the index, opened lazily in each process.

    Threads of one process share it under a lock. It must be closed; a fork closes it for a while.

    :param connect: makes a ready connection in autocommit mode.
    :param layout: where the checkpointer's lock lies; None if nothing is ever checkpointed.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], layout: Layout | None = None) -> None:
        self._connect = connect
        self._layout = layout
        self._connection: sqlite3.Connection | None = None
        self._depth = 0
        self._commits = 0
        self.lock = threading.RLock()
        _databases.add(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """This process's connection."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """All rows of one reading statement.

        :raises StoreError: SQLite refused.
        """
        with self.lock, translated():
            return self.connection.execute(sql, parameters).fetchall()

    def query_paths(self, sql: str, paths: Iterable[str]) -> list[Any]:
        """All rows of *sql*, whose ``(?)`` is replaced by as many paths as one statement takes."""
        values = [path_value(path) for path in paths]
        rows: list[Any] = []
        for start in range(0, len(values), _IN_CHUNK):
            chunk = values[start : start + _IN_CHUNK]
            # A full chunk has always the same text, so SQLite's statement cache serves it.
            rows += self.query(sql.replace("(?)", f"({','.join('?' * len(chunk))})"), chunk)
        return rows

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One ``BEGIN IMMEDIATE`` transaction; all or nothing. Inside another one it joins that.

        :raises StoreError: the index is busy for longer than a minute, full, read-only or damaged.
        """
        with self.lock, translated():
            connection = self.connection
            if self._depth:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite rolls back by itself when the disk is full
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_LOOKS == 0:
            self.checkpoint(at_bytes=_CHECKPOINT_BYTES)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Queries inside see one state of the index, whatever other processes write. Nothing may be written inside.

        :raises StoreError: SQLite refused.
        """
        with self.lock, translated():
            if self._depth:  # of a transaction, which is one
                yield
                return
            connection = self.connection
            connection.execute("BEGIN")
            self._depth = 1
            try:
                yield
            finally:
                self._depth = 0
                connection.execute("COMMIT")

    def checkpoint(self, *, at_bytes: int = 0) -> None:
        """Move the WAL into the index, unless another process is at it or it is not over *at_bytes*.

        Never waits for others: it is left to whoever comes next.

        One process at a time: SQLite before 3.51.3 can lose pages where two checkpoint and write at once.
        """
        if self._layout is None:
            return
        try:
            if os.stat(f"{self._layout.index}-wal").st_size <= at_bytes:
                return
        except FileNotFoundError:
            return
        descriptor = os.open(self._layout.tmp, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.query("PRAGMA busy_timeout = 0")
            with contextlib.suppress(StoreError):  # somebody reads or writes
                self.query("PRAGMA wal_checkpoint(TRUNCATE)")
            self.query(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS:d}")
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close this process's connection; the next query opens another. Idempotent."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def forget_lock(self) -> None:
        """In a forked child: the lock may have been held by a thread that does not exist here."""
        self.lock = threading.RLock()
        self._depth = 0


_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def _before_fork() -> None:
    # Taking the lock waits for the transaction that another thread may be in.
    for database in list(_databases):
        database.lock.acquire()
        database.close()


def _after_in_parent() -> None:
    for database in list(_databases):
        # One made by another thread since then was not locked.
        with contextlib.suppress(RuntimeError):
            database.lock.release()


def _after_in_child() -> None:
    for database in list(_databases):
        database.forget_lock()


os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """SQLite's errors as :class:`StoreError`; others pass."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{error.object!r} is no text that an index can hold",
            slug="not-unicode",
            hint="Give the task, project or pin a name that is UTF-8.",
        ) from error
    except sqlite3.OperationalError as error:
        raise _operational(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise corrupt_index(str(error)) from error


def corrupt_index(why: str) -> CorruptionError:
    """The error for an index that SQLite or luisy cannot make sense of."""
    return CorruptionError(
        f"the store's index cannot be read: {why}",
        slug="corrupt-index",
        hint="`luisy cas verify --rebuild` makes it again from the files of the store.",
    )


def _operational(text: str) -> StoreError:
    for sign, slug, hint in (
        ("locked", "store-busy", "Another process holds the index; try again when it is done."),
        ("full", "store-full", "Free some space, or run `luisy cas gc`."),
        ("readonly", "store-read-only", "Use a store that you may write."),
        ("unable to open", "store", "Look at the rights of the store's folder."),
    ):
        if sign in text:
            return StoreError(f"the store's index cannot be used: {text}", slug=slug, hint=hint)
    return StoreError(f"the store's index failed: {text}", slug="store-index")


def writable(layout: Layout) -> Database:
    """The index of a store that we may write, brought to the current schema when it is opened."""

    def connect() -> sqlite3.Connection:
        with translated():
            connection = _open(layout.index)
            try:
                migrations.migrate(connection, layout.index)
                # In WAL mode NORMAL can lose the last commits in a power cut, never consistency.
                connection.execute("PRAGMA synchronous = NORMAL")
                # `Database.checkpoint` does it, one process at a time.
                connection.execute("PRAGMA wal_autocheckpoint = 0")
                _keep_wal_on_close(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    return Database(connect, layout)


def _keep_wal_on_close(connection: sqlite3.Connection) -> None:
    """Do not fold the WAL at each close: we close before every fork, and folding waits for the disk."""
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)  # noqa: FBT003 - its signature


def read_only(layout: Layout) -> Database:
    """The index of a store that we may not write: immutable, or a copy if its WAL holds rows."""

    def connect() -> sqlite3.Connection:
        with translated():
            wal = f"{layout.index}-wal"
            if os.path.exists(wal) and os.path.getsize(wal):
                connection = _open_copy(layout.index)
            else:
                connection = _open(f"file:{_quoted(layout.index)}?immutable=1", uri=True)
            found = migrations.version(connection)
            migrations.check(found, layout.index)
            if found < migrations.SCHEMA_VERSION:
                connection.close()
                raise StoreError(
                    f"the index {layout.index} is older than this luisy and cannot be written",
                    slug="store-read-only",
                    hint="Let its owner open it once with this version.",
                )
            return connection

    return Database(connect)


def in_memory() -> Database:
    """An empty index that lives as long as its connection; a fork empties it."""

    def connect() -> sqlite3.Connection:
        connection = _open(":memory:")
        migrations.create_in_memory(connection)
        return connection

    return Database(connect)


def _open(name: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False, uri=uri)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS:d}")
    return connection


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _open_copy(index: str) -> sqlite3.Connection:
    """The index with its WAL, in memory: through a temporary copy, since reading a WAL needs to write."""
    with tempfile.TemporaryDirectory(prefix="luisy-index-") as folder:
        for suffix in ("", "-wal"):
            shutil.copyfile(index + suffix, f"{folder}/index.db{suffix}")
        with contextlib.closing(_open(f"{folder}/index.db")) as source:
            connection = _open(":memory:")
            source.backup(connection)
            return connection

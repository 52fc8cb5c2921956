"""What all parts of an opened store work on: its folder, its index, and what this process has yet to write there."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from luisy.cas._layout import Layout, install, remove, write_new
from luisy.cas.action_rows import ActionRows
from luisy.cas.external_rows import ExternalRows
from luisy.cas.index import Index
from luisy.cas.objects import Objects
from luisy.cas.processes import PerProcess
from luisy.cas.table_rows import TableRows
from luisy.cas.workspace_rows import Placement, WorkspaceRows
from luisy.errors import StoreError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from luisy.cas.database import Database
    from luisy.cas.records import Record
    from luisy.model import Manifest

_R = TypeVar("_R", bound="Record")

_BATCH = 512
"""Objects that are installed in one transaction: some milliseconds, so that others need not wait long."""


@dataclass(slots=True)
class _Pending:
    """What one process has yet to write.

    :ivar depth: how many :meth:`OpenedStore.transaction` it is in.
    :ivar kept: what it kept last: most probably the outputs of the action that it records next.
    """

    placements: list[Placement] = field(default_factory=list)
    depth: int = 0
    kept: Manifest | None = None


class OpenedStore:
    """A store's folder with its index. It survives forks: each process opens a connection of its own.

    :ivar path: the store's folder.
    :param refusal: why nothing can be put, where it is for another reason than the rights.
    :ivar read_only: nothing can be put; what is there can be read.
    """

    def __init__(
        self,
        path: Path,
        index: Database,
        *,
        read_only: bool = False,
        stored: bool = True,
        refusal: StoreError | None = None,
    ) -> None:
        if read_only:
            refusal = StoreError(f"the store {path} is read-only", slug="store-read-only")
        self.path = path
        self.refusal = refusal
        self.read_only = read_only = refusal is not None
        self._stored = stored
        self._layout = Layout(os.fspath(path))
        self._database = index
        self._index = Index(index)
        self._objects = Objects(self._layout, self._index, read_only=read_only or not stored)
        self._actions = ActionRows(index)
        self._workspace = WorkspaceRows(self._index)
        self._externals = ExternalRows(index)
        self._tables = TableRows(index)
        self._pending: PerProcess[_Pending] = PerProcess(_Pending)
        self._secret = b""

    def close(self) -> None:
        """Install what is pending and close the index. Idempotent; the next use opens it again."""
        try:
            self._flush()
            if self._stored and not self.read_only:
                self._database.checkpoint()
        finally:
            self._objects.forget_staged()
            self._database.close()

    @property
    def database(self) -> Database:
        """The index's connection, for what keeps rows of its own beside the store's (``luisy.cas.transfer``)."""
        return self._database

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Collect what :meth:`put`, :meth:`keep` and :meth:`place` do into few index transactions.

        For speed, not for atomicity: what was collected before an error may be there or not. Whatever reads the
        store writes out what was collected first.
        """
        pending = self._pending.get()
        pending.depth += 1
        try:
            yield
        except BaseException:
            self._objects.forget_staged()
            pending.placements.clear()
            raise
        finally:
            pending.depth -= 1
        if not pending.depth:
            self._flush()

    def _flush(self) -> None:
        """Objects first, then what says that the workspace holds them: in one transaction."""
        placements = self._pending.get().placements
        if not self._objects.staged and not placements:
            return
        try:
            with self._database.writing() as connection:
                self._objects.install(connection)
                if placements:
                    self._workspace.place(connection, placements)
        finally:
            self._objects.forget_staged()
            placements.clear()

    def _added(self) -> None:
        pending = self._pending.get()
        if not pending.depth or len(self._objects.staged) + len(pending.placements) >= _BATCH:
            self._flush()

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """The disk's errors in the block as StoreError, for a caller whose errors are the store's if not his own."""
        try:
            yield
        except OSError as error:
            raise unwritten(os.fspath(self.path), error) from error

    def _must_write(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        if not self._stored:
            raise StoreError("there is no store here to keep anything in", slug="no-store")

    def _file_record(self, record: _R, put: Callable[[sqlite3.Connection, _R], None]) -> None:
        """Write a record's file, then *put* its row."""
        self._file_records([record], put)

    def _file_records(self, records: Iterable[_R], put: Callable[[sqlite3.Connection, _R], None]) -> None:
        """Write the files of all of *records*, then *put* their rows; or of none of them."""
        written: list[tuple[_R, str]] = []
        try:
            for record in records:
                temporary = self._layout.temporary()
                write_new(temporary, record.encode(), 0o444)
                written.append((record, temporary))
            with self._database.writing() as connection:
                for record, temporary in written:
                    install(temporary, record.file(self._layout))
                    put(connection, record)
        finally:
            for _, temporary in written:
                remove(temporary)


def unwritten(path: str, error: OSError) -> StoreError:
    """The error for a folder in which something could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(path)
    return StoreError(
        f"{path} cannot be written: {error.strerror or error}",
        slug="store-unwritable",
        hint="look at the rights of the folder, or name another store with --store",
    )


def no_space(path: str) -> StoreError:
    """The error for a folder whose file system is full."""
    return StoreError(
        f"no space is left in {path}",
        slug="store-full",
        hint="free some space, or name another store with --store",
    )

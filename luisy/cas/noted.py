"""The records that the index tells of: for each there must be a file, and for each file a row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from luisy.cas._layout import install, write_new
from luisy.cas.acceptances import AcceptanceRows
from luisy.cas.action_rows import ActionRows
from luisy.cas.index import Index
from luisy.cas.pins import PinRows
from luisy.cas.records import RecordKind, Superseded
from luisy.cas.workspace_rows import WorkspaceRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from luisy.cas._layout import Layout
    from luisy.cas.database import Database
    from luisy.cas.records import Record


def noted(database: Database, kind: RecordKind) -> Sequence[Record]:
    """All records of one kind, as their rows say."""
    rows, workspace = ActionRows(database), WorkspaceRows(Index(database))
    if kind is RecordKind.ACCEPTANCE:
        return AcceptanceRows(database).all()
    if kind is RecordKind.ALIAS:
        return rows.aliases()
    if kind is RecordKind.PIN:
        return PinRows(database).all()
    if kind is RecordKind.RESCUED:
        return workspace.rescued()
    if kind is RecordKind.SEEN_REF:
        return workspace.all_seen_refs()
    return [Superseded(key, created) for key, created in rows.superseded().items()]


def by_file(database: Database, layout: Layout, kind: RecordKind) -> dict[str, Record]:
    """The records of one kind by the paths of their files."""
    return {record.file(layout): record for record in noted(database, kind)}


def told_at(database: Database, layout: Layout, path: str) -> Record | None:
    """The record whose file *path* is, if its row is there."""
    kind = RecordKind(path.split(os.sep)[-3])
    return by_file(database, layout, kind).get(path)


def write_again(database: Database, layout: Layout, path: str) -> bool:
    """Make a record's file again from its row, if there is one. Nobody else writes meanwhile: the caller sees to it.

    :raises OSError: the disk is full or read-only.
    """
    record = told_at(database, layout, path)
    if record is None:
        return False
    temporary = layout.temporary()
    write_new(temporary, record.encode(), 0o444)
    install(temporary, path)
    return True

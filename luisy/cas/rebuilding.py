"""Make the index again from objects, action files and record files."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from luisy.cas import actions, manifests
from luisy.cas._layout import remove
from luisy.cas.acceptances import Acceptance, AcceptanceRows
from luisy.cas.action_rows import ActionRows
from luisy.cas.database import writable
from luisy.cas.fanned import files_in
from luisy.cas.index import Index
from luisy.cas.locks import exclusive
from luisy.cas.objects import hash_object
from luisy.cas.outputs import needed
from luisy.cas.pins import Pin, PinRows
from luisy.cas.records import Alias, RecordKind, Rescued, SeenRef, Superseded
from luisy.cas.workspace_rows import WorkspaceRows
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from luisy.cas._layout import Layout
    from luisy.model import Action, Digest, Manifest

_T = TypeVar("_T")

DECODERS: dict[RecordKind, Callable[[bytes], object]] = {
    RecordKind.ACCEPTANCE: Acceptance.decode,
    RecordKind.ALIAS: Alias.decode,
    RecordKind.PIN: Pin.decode,
    RecordKind.RESCUED: Rescued.decode,
    RecordKind.SEEN_REF: SeenRef.decode,
    RecordKind.SUPERSEDED: Superseded.decode,
}
"""What reads the record files of each kind."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found.

    :param damaged: files that did not verify; they stand where they were and count as missing.
    """

    objects: int
    actions: int
    aliases: int
    rescued: int
    damaged: tuple[str, ...]


def rebuild(layout: Layout, index: Index, rows: ActionRows, workspace: WorkspaceRows) -> Rebuilt:
    """Replace all rows that files stand behind, in one transaction: readers see the old index or the new."""
    damaged: list[str] = []
    with index.database.writing() as connection:
        index.clear(connection)
        objects = list(_objects(layout, damaged))
        index.put(connection, objects)
        held = {digest for digest, _, _ in objects}
        filed = _actions(layout, rows, connection, held, damaged)
        aliases = [
            alias
            for alias in _decoded(layout.records(RecordKind.ALIAS.value), Alias.decode, damaged)
            if alias.created >= filed.get(alias.key, alias.created) and alias.action_key in filed
        ]
        for alias in aliases:
            rows.put_alias(connection, alias)
        rescued = list(_decoded(layout.records(RecordKind.RESCUED.value), Rescued.decode, damaged))
        for record in rescued:
            workspace.put_rescued(connection, record)
        for ref in _decoded(layout.records(RecordKind.SEEN_REF.value), SeenRef.decode, damaged):
            workspace.put_seen_ref(connection, ref)
        for note in _decoded(layout.records(RecordKind.SUPERSEDED.value), Superseded.decode, damaged):
            rows.put_superseded(connection, note)
        acceptances = AcceptanceRows(index.database)
        for acceptance in _decoded(layout.records(RecordKind.ACCEPTANCE.value), Acceptance.decode, damaged):
            acceptances.put(connection, acceptance)
        pins = PinRows(index.database)
        for pin in _decoded(layout.records(RecordKind.PIN.value), Pin.decode, damaged):
            pins.put(connection, pin)
    return Rebuilt(len(objects), len(filed), len(aliases), len(rescued), tuple(damaged))


def lost_index(layout: Layout) -> bool:
    """Whether a store has objects or actions but no index, which somebody or something has removed."""
    if os.path.exists(layout.index):
        return False
    try:
        return any(next(files_in(folder), None) is not None for folder in (layout.actions, layout.objects))
    except OSError:  # what cannot be looked at cannot be opened either, which says more
        return False


def remake(layout: Layout) -> Rebuilt | None:
    """Make a lost index again, aside, so that nobody ever sees half of it; None if another process was first.

    :raises OSError: the disk is full or read-only.
    """
    layout.create()
    with exclusive(layout.index_lock):
        if not lost_index(layout):
            return None
        aside = replace(layout, index_name=f"tmp/{os.path.basename(layout.temporary())}")
        made = writable(aside)
        try:
            index = Index(made)
            found = rebuild(layout, index, ActionRows(made), WorkspaceRows(index))
            made.query("PRAGMA wal_checkpoint(TRUNCATE)")
            made.close()
            for left in layout.index_files:  # SQLite would take an old WAL for that of the new index
                remove(left)
            os.replace(aside.index, layout.index)
        finally:
            made.close()
            for left in aside.index_files:
                remove(left)
    return found


def _actions(
    layout: Layout,
    rows: ActionRows,
    connection: sqlite3.Connection,
    held: set[Digest],
    damaged: list[str],
) -> dict[str, float]:
    """File every action whose objects are there, oldest first; when each key was filed."""
    found: list[Action] = list(_decoded(layout.actions, actions.decode, damaged))
    filed = {}
    for action in sorted(found, key=lambda action: action.created):
        manifest = _manifest(layout, action.manifest) if action.manifest in held else None
        if manifest is not None and needed([manifest]) <= held:
            rows.put(connection, action, manifest)
            filed[str(action.key)] = action.created
    return filed


def _manifest(layout: Layout, digest: Digest) -> Manifest | None:
    try:
        return manifests.decode(Path(layout.object(digest)).read_bytes())
    except CorruptionError:
        return None


def _objects(layout: Layout, damaged: list[str]) -> Iterator[tuple[Digest, int, bytes]]:
    for path in files_in(layout.objects):
        found = hash_object(path)
        if found is not None and path == layout.object(found[0]):
            yield found
        else:
            damaged.append(path)


def _decoded(folder: str, decode: Callable[[bytes], _T], damaged: list[str]) -> Iterator[_T]:
    for path in files_in(folder):
        try:
            yield decode(Path(path).read_bytes())
        except (CorruptionError, OSError):  # noqa: PERF203 - each file may be damaged by itself
            damaged.append(path)

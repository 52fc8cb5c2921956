"""What each action keeps alive: the index tells, or where it does not, the action's files.

The index does not tell of actions that were filed before it had ``actions.needs`` (ADR 0025), nor where it is damaged.
What had to be read is written down there, once somebody may write.
"""

# ruff: noqa: S608 - SQL is put together from this module's own constants; values are bound

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from luisy.cas import actions, gc, manifests, marks
from luisy.cas.action_rows import ActionRows
from luisy.cas.fanned import batches
from luisy.cas.marks import unpacked
from luisy.errors import CorruptionError
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas._layout import Layout
    from luisy.cas.store import Store

_FILINGS = "SELECT a.key, a.manifest, a.created, a.needs"
_FROM = "FROM actions a LEFT JOIN uses u ON u.key = a.key"
_USED = "max(a.created, ifnull(u.used, 0))"
_ALL = f"{_FILINGS} FROM actions a"
_YOUNGER = f"{_FILINGS} {_FROM} WHERE {_USED} > ?"
_OLDER = f"""{_FILINGS}, lower(hex(a.key)), t.project, t.family, ifnull(a.params, '{{}}'), a.params_digest, a.created,
  {_USED}, a.seconds, a.size, NOT EXISTS (SELECT 1 FROM remote_actions r WHERE r.key = a.key)
  {_FROM} JOIN tasks t ON t.id = a.task WHERE {_USED} <= ?"""
"""A filing, then the beginning of a ``gc.Holding``."""

_EVER = 1e18
"""Later than anything was ever used, seconds."""

_AT_ONCE = 512
"""Rows that are written in one transaction."""


class _Row(NamedTuple):
    """What tells one filing of an action from another at its key, and the needs that its row tells."""

    key: bytes
    manifest: bytes
    created: float
    needs: bytes | None


class _Read(NamedTuple):
    """What was read in files.

    :param packed: what the index may tell from now on.
    """

    marks: bytes
    packed: bytes | None


class Holdings:
    """The actions of one store with the marks of all objects that they need."""

    def __init__(self, store: Store, layout: Layout) -> None:
        self._database = store.database
        self._layout = layout
        self._rows = ActionRows(store.database)
        self._read: dict[_Row, _Read] = {}

    def of(
        self, policy: gc.Policy, now: float, protected: AbstractSet[Key]
    ) -> tuple[list[gc.Holding], set[int]]:
        """All actions that *policy* might take, and the marks of what the others need.

        :param now: seconds since the epoch.
        :param protected: those that must stay.
        :raises CorruptionError: what one needs can neither be told nor read (``damaged-results``).
        """
        most = now - policy.older_than if policy.by_age_alone else _EVER
        younger = self._needed(self._database.query(_YOUNGER, (most,)))
        older = self._database.query(_OLDER, (most,))
        holdings = [
            gc.Holding._make((*row[4:13], row[13] == 1, unpacked(needs), row[4] in protected))
            for row, needs in zip(older, map(self._needs, older), strict=True)
        ]
        return holdings, younger

    def needed(self) -> set[int]:
        """The marks of what any action needs.

        :raises CorruptionError: as :meth:`of`.
        """
        return self._needed(self._database.query(_ALL))

    def _needed(self, rows: Iterable[Sequence[Any]]) -> set[int]:
        return set(unpacked(b"".join(map(self._needs, rows))))

    def write_down(self) -> None:
        """Let the index tell what had to be read.

        :raises StoreError: the store cannot be written.
        """
        told = [(row, read.packed) for row, read in self._read.items() if read.packed is not None]
        for batch in batches(told, _AT_ONCE):
            with self._database.writing() as connection:
                connection.executemany(
                    "UPDATE actions SET needs = ? WHERE key = ? AND manifest = ? AND created = ? AND needs IS ?",
                    [(packed, row.key, row.manifest, row.created, row.needs) for row, packed in batch],
                )

    def _needs(self, found: Sequence[Any]) -> bytes:
        """The marks of what an action needs, whose row begins with *found*."""
        told = marks.checked(found[1], found[3])
        if told is not None:
            return told
        row = _Row(*found[:4])
        if row not in self._read:
            self._read[row] = self._from_files(row)
        return self._read[row].marks

    def _from_files(self, row: _Row) -> _Read:
        """What an action needs.

        Its file may be that of another action, if whoever filed that one was killed just before the commit. Then
        what either needs stays, and the index goes on telling nothing.
        """
        key, manifest = Key(row.key.hex()), Digest(row.manifest.hex())
        try:
            action = actions.decode(Path(self._layout.action(key)).read_bytes())
            named = {action.manifest, manifest}
            found = [manifests.decode(Path(self._layout.object(one)).read_bytes()) for one in named]
        except (OSError, CorruptionError) as error:
            if self._rows.own(key) is None:  # another gc was faster
                return _Read(b"", None)
            raise CorruptionError(
                f"what the result at {key} needs cannot be read: {error}",
                slug="damaged-results",
                hint="`luisy cas verify --repair` puts aside what is damaged",
            ) from error
        packed = marks.packed(manifest, {digest for one in found for digest in actions.needs(action, one)})
        is_its_own = (action.manifest, action.created) == (manifest, row.created)
        return _Read(marks.checked(row.manifest, packed) or b"", packed if is_its_own else None)

"""Filing what came from elsewhere in bulk: objects whose bytes were hashed on the way, and the actions that need them.

It keeps the store's write order, with one check, and one transaction, for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from luisy.cas._layout import remove, write_new
from luisy.cas.filing import filing
from luisy.cas.outputs import needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from luisy.cas._layout import Layout
    from luisy.cas.action_rows import ActionRows
    from luisy.cas.database import Database
    from luisy.cas.objects import Objects
    from luisy.model import Action, Digest, Key, Manifest

_BATCH = 512
"""Actions that are filed in one transaction: some tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Received:
    """An action from elsewhere.

    :param data: the bytes of its file, from which *action* was decoded.
    :param manifest: the manifest that it names.
    """

    action: Action
    data: bytes
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Receiver:
    """Files actions, each in place of what may be at its key."""

    layout: Layout
    database: Database
    objects: Objects
    rows: ActionRows

    def file(
        self, received: Iterable[Received], only_over: Mapping[Key, Digest] | None = None
    ) -> list[Action]:
        """File those whose manifests and objects are all there; these.

        :param only_over: nothing else may answer a key than the content that this names, if any. None: whatever does.
        """
        given = list(received)
        there = self.objects.verified(
            {one.manifest.digest for one in given} | needed(one.manifest for one in given)
        )
        whole = iter([one for one in given if {one.manifest.digest, *one.manifest.objects} <= there])
        filed: list[Action] = []
        while batch := list(islice(whole, _BATCH)):
            filed += self._file(batch, only_over)
        return filed

    def _file(self, batch: Sequence[Received], only_over: Mapping[Key, Digest] | None) -> list[Action]:
        filed: list[Action] = []
        temporaries: list[str] = []
        try:
            for one in batch:
                temporaries.append(self.layout.temporary())
                write_new(temporaries[-1], one.data, 0o444)
            with filing(self.database, self.layout, self.rows) as filing_:
                barred = set() if only_over is None else self._others(batch, only_over)
                for one, temporary in zip(batch, temporaries, strict=True):
                    if one.action.key in barred:
                        continue
                    # gc may have been at it since they were looked at.
                    if self.objects.promised({one.manifest.digest, *needed([one.manifest])}):
                        filing_.action(one.action, one.manifest, temporary)
                        filed.append(one.action)
        finally:
            for temporary in temporaries:
                remove(temporary)
        return filed

    def _others(self, batch: Sequence[Received], expected: Mapping[Key, Digest]) -> set[Key]:
        """Those keys that something else answers than what is expected."""
        there = self.rows.results([one.action.key for one in batch])
        return {key for key, result in there.items() if result.manifest != expected.get(key)}

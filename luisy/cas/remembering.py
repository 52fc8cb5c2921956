"""The store's memory of what lies outside of it: what workspace paths and tables hold, what refs in remotes named."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from luisy.cas.opened import OpenedStore
from luisy.cas.records import SeenRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas.external_rows import ExternalFiles
    from luisy.cas.records import Rescued
    from luisy.cas.table_rows import TableWrite
    from luisy.cas.workspace_rows import Placement
    from luisy.model import Digest


class Remembering(OpenedStore):
    """Remembers files and refs that are not the store's own."""

    def placements(self, paths: Iterable[str]) -> dict[str, Placement]:
        """What workspace paths were last known to hold; compare the token with ``stat_token(path)``."""
        self._flush()
        return self._workspace.placements(paths)

    def place(self, rows: Iterable[Placement]) -> None:
        """Remember that workspace paths hold this content."""
        self._pending.get().placements += rows
        self._added()

    def unplace(self, paths: Iterable[str]) -> None:
        """Forget what workspace paths hold; to be called before they are removed or changed."""
        self._flush()
        with self._database.writing() as connection:
            self._workspace.unplace(connection, paths)

    def rescued(self) -> list[Rescued]:
        """All rescued files, newest first."""
        return self._workspace.rescued()

    def see_refs(self, url: str, project: str, refs: Mapping[str, Digest]) -> None:
        """Remember what refs of a project in the remote at *url* name: this store has pushed or taken it."""
        self._must_write()
        known = self.seen_refs(url, project)
        fresh = [
            SeenRef(url, project, name, manifest, time.time())
            for name, manifest in refs.items()
            if known.get(name) != manifest
        ]
        for record in fresh:
            self._file_record(record, self._workspace.put_seen_ref)

    def seen_refs(self, url: str, project: str) -> dict[str, Digest]:
        """What the refs of a project in a remote named when this store last pushed or took them."""
        return self._workspace.seen_refs(url, project)

    def externals(self, project: str) -> dict[str, ExternalFiles]:
        """The files of a project's external tasks as they were found last, by the names of their refs."""
        return self._externals.of(project)

    def note_externals(self, project: str, files: Iterable[ExternalFiles]) -> None:
        """Remember how the files of external tasks were found."""
        known = self.externals(project)
        fresh = [one for one in files if known.get(one.name) != one]
        if fresh and not self.read_only:
            with self._database.writing() as connection:
                self._externals.put(connection, project, fresh)

    def last_write(self, location: str) -> TableWrite | None:
        """Who has written the table at *location* last, as far as this store knows."""
        return self._tables.last_write(location)

    def note_writes(self, writes: Iterable[TableWrite]) -> None:
        """Remember what tables have been written, all of *writes* or none.

        :raises StoreError: the store cannot be written.
        """
        self._must_write()
        with self._database.writing() as connection:
            self._tables.put(connection, writes)

    def first_used(self, workspace: str) -> float | None:
        """When luisy first used this workspace, seconds since the epoch; None if never."""
        return self._workspace.first_used(workspace)

    def mark_used(self, workspace: str) -> None:
        """Remember the first use of a workspace. Idempotent."""
        if self.first_used(workspace) is None:
            with self._database.writing() as connection:
                self._workspace.mark_used(connection, workspace, self.use_begins())

    def use_begins(self) -> float:
        """The first use of a workspace that is not known: now, or if the index has forgotten all, when the first run began.

        Else files of a run that lost the power, and the index with it, would be taken for older than luisy.
        """
        now = time.time()
        if not self._stored or self._workspace.any_used():
            return now
        try:
            return min(now, os.stat(self._layout.runs_lock).st_mtime)
        except OSError:
            return now

"""Actions: filing them under their keys, and finding them again."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas import actions
from luisy.cas._layout import remove, write_new
from luisy.cas.filing import filing
from luisy.cas.outputs import needed
from luisy.cas.receiving import Received, Receiver
from luisy.cas.records import Alias
from luisy.cas.searching import Match, find
from luisy.cas.serving import Serving
from luisy.errors import CorruptionError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from luisy.cas.action_rows import Listed, Recorded, Result
    from luisy.cas.filing import Filing
    from luisy.model import Action, Digest, Key, Manifest


class Recording(Serving):
    """Files actions, and answers which there are."""

    def record(self, action: Action, *, superseding: bool = False) -> Action:
        """File an action under its key; returns the action that is filed there now.

        One that is there already with another manifest stays, if its objects do, unless *superseding*.

        :raises StoreError: the store lacks the action's manifest or an object of it (``missing-object``), or
            cannot be written.
        :raises OSError: the disk is full.
        """
        self._must_write()
        self._flush()
        # Before the transaction: should something have to be hashed, nobody waits for it.
        wanted = self._complete(action.manifest)
        if wanted is None:
            raise StoreError(f"the store lacks outputs of {action.family}", slug="missing-object")
        temporary = self._layout.temporary()
        write_new(temporary, actions.encode(action), 0o444)
        try:
            with self._filing() as filing_:
                first = None if superseding else self._first(action)
                if first is None:
                    self._expect(action, wanted)
                    filing_.action(action, wanted, temporary)
        finally:
            remove(temporary)
        return first or action

    def _expect(self, action: Action, manifest: Manifest) -> None:
        """Inside the transaction that files it: gc has not deleted, since they were looked at, what the action needs."""
        if not self._objects.promised(actions.needs(action, manifest)):
            raise StoreError(f"outputs of {action.family} were deleted meanwhile", slug="missing-object")

    def _filing(self) -> AbstractContextManager[Filing]:
        return filing(self._database, self._layout, self._actions)

    def _complete(self, digest: Digest) -> Manifest | None:
        """The manifest, if it and all its objects are there."""
        found = self._pending.get().kept
        if found is None or found.digest != digest:
            found = self.manifests([digest]).get(digest)
        wanted = {digest, *needed([found])} if found is not None else set()
        return found if wanted <= self.check(wanted) else None

    def _first(self, action: Action) -> Action | None:
        """The action that is filed at the key and must not be replaced just so."""
        row = self._actions.own(action.key)
        if row is None or row.manifest == action.manifest:
            return None
        return self._load(action.key) if self._complete(row.manifest) is not None else None

    def receive(
        self, received: Iterable[Received], *, only_over: Mapping[Key, Digest] | None = None
    ) -> list[Action]:
        """File actions that came from elsewhere, each in place of what is at its key.

        :param only_over: with it, only where nothing answers the key but the content that it names for that.
        :return: those that were filed: whose manifests and objects are all there.
        """
        self._must_write()
        self._flush()
        return Receiver(self._layout, self._database, self._objects, self._actions).file(received, only_over)

    def results(self, keys: Iterable[Key]) -> dict[Key, Result]:
        """The action that answers each key, aliases followed; one query. Objects are not looked at."""
        return self._actions.results(list(keys))

    def traced(self, keys: Iterable[Key]) -> dict[Key, list[Result]]:
        """The actions whose base key it is (dynamic dependencies), newest first."""
        return self._actions.traced(list(keys))

    def by_shallow(self, key: Key) -> Result | None:
        """The newest action with this shallow key."""
        return self._actions.by_shallow(key)

    def action(self, key: Key) -> Action | None:
        """The whole action that answers *key*; None if there is none or its file is damaged."""
        return self.actions([key]).get(key)

    def actions(self, keys: Iterable[Key]) -> dict[Key, Action]:
        """The whole actions that answer *keys*; one query, and a file each."""
        found = self._actions.results(list(keys))
        loaded = ((key, self._load(result.key)) for key, result in found.items())
        return {key: action for key, action in loaded if action is not None}

    def _load(self, key: Key) -> Action | None:
        try:
            found = actions.decode(Path(self._layout.action(key)).read_bytes())
        except (OSError, CorruptionError):
            return None
        return found if found.key == key else None

    def naming(self, digest: Digest) -> Iterator[Action]:
        """The actions whose files name *digest*, newest first; reads all action files."""
        wanted = digest.encode()
        for item in self._actions.listed(None):
            with contextlib.suppress(OSError, CorruptionError):
                data = Path(self._layout.action(item.key)).read_bytes()
                if wanted in data:
                    yield actions.decode(data)

    def alias(self, key: Key, action_key: Key) -> None:
        """From now on *key* is answered by the action at *action_key* (early cutoff).

        :raises StoreError: there is no such action (``missing-action``), or the store cannot be written.
        """
        self._must_write()
        with self._filing() as filing_:
            target = self._actions.own(action_key)
            if target is None:
                raise StoreError(f"there is no action at {action_key}", slug="missing-action")
            filing_.alias(Alias(key, action_key, time.time()), target.manifest)

    def aliases_to(self, action_keys: Iterable[Key]) -> list[Alias]:
        """The aliases that lead to the actions filed at *action_keys*, sorted by key."""
        return self._actions.aliases_to(set(action_keys))

    def superseded(self) -> dict[Key, float]:
        """The keys whose result ever gave way to another content, and when one last did, seconds since the epoch."""
        return self._actions.superseded()

    def known(self, project: str, family: str, params_digest: Digest) -> bool:
        """Whether any action exists for this task and these parameters, at whatever key."""
        return bool(self._actions.known([(project, family, params_digest)]))

    def known_many(self, tasks: Iterable[tuple[str, str, Digest]]) -> set[tuple[str, str, Digest]]:
        """Which of (project, family, params digest) are :meth:`known`."""
        return self._actions.known(tasks)

    def adopted_keys(self) -> set[Key]:
        """Keys of the actions whose files were there before luisy."""
        return self._actions.adopted()

    def list_actions(self, *, family: str | None = None) -> list[Listed]:
        """All actions, or those of one family, newest first."""
        return self._actions.listed(family)

    def find(self, prefix: str) -> list[Match]:
        """What an abbreviated key or digest may mean.

        :param prefix: 6 to 64 hex digits.
        :raises UsageError: it is something else (``bad-prefix``).
        """
        self._flush()
        return find(self._database, prefix)

    def history(self, project: str, family: str, params_digest: Digest) -> dict[Digest, bool]:
        """The fingerprints of all actions of a task with these parameters.

        :return: for each, whether an action with it might be found by a shallow key.
        """
        return self._actions.history(project, family, params_digest)

    def recorded(
        self, tasks: Iterable[tuple[str, str, Digest]]
    ) -> dict[tuple[str, str, Digest], list[Recorded]]:
        """What there is of each (project, family, params digest), newest first; one query per family."""
        return self._actions.recorded(tasks)

    def nearest(self, project: str, family: str, params_digest: Digest) -> Key | None:
        """The newest action of this task and parameters, else the newest of this task."""
        return self._actions.nearest(project, family, params_digest)

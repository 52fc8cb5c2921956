"""What is in the index of a namespace; only results that count are told of.

What is merged is asked without a request. Of a large segment only what was asked for is: the rest comes when it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cas.remote_rows import RemoteRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from luisy.cas.action_rows import Listed, Result
    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.remote_rows import Bring
    from luisy.cas.signing import Authority, PublicKey
    from luisy.model import Action, Digest, Key


class Questions:
    """The results of one namespace.

    :param authority: whose results count. What others have made is a miss, which is told once.
    :param bring: as for :class:`RemoteRows`.
    """

    def __init__(self, index: RemoteIndex, authority: Authority, bring: Bring) -> None:
        self._index = index
        self._authority = authority
        self._rows = RemoteRows(index, authority.trusted, bring)
        self._everybodys = RemoteRows(index, None, bring)

    @property
    def url(self) -> str:
        """Where the remote is, without secrets."""
        return self._index.url

    def results(self, keys: Iterable[Key]) -> dict[Key, Result]:
        """The result that wins at each key; at once, whatever their number."""
        wanted = list(keys)
        found = self._rows.results(wanted)
        self._tell_refused([key for key in wanted if key not in found])
        return found

    def _tell_refused(self, missed: Sequence[Key]) -> None:
        """Say once where there would be results, if anybody who made them was trusted."""
        if self._authority.trusted is None or self._authority.told or not missed:
            return
        if there := self._everybodys.with_action(missed) - self._rows.with_action(missed):
            self._authority.refuses(f"{self.url} has results of this pipeline, {len(there)} or more, signed")

    def traced(self, keys: Iterable[Key]) -> dict[Key, list[Result]]:
        """The results with a trace at each base key, newest first."""
        return self._rows.traced(list(keys))

    def by_shallow(self, key: Key) -> Result | None:
        """A result with this shallow key."""
        return self._rows.by_shallow(key)

    def known_many(self, tasks: Iterable[tuple[str, str, Digest]]) -> set[tuple[str, str, Digest]]:
        """Which of (project, family, params digest) have a result at any key."""
        return self._rows.known(tasks)

    def history(self, project: str, family: str, params_digest: Digest) -> dict[Digest, bool]:
        """The fingerprints of a task's results; True where one might be found by a shallow key."""
        return self._rows.history(project, family, params_digest)

    def nearest(self, project: str, family: str, params_digest: Digest) -> Key | None:
        """The newest result of this task and these parameters, else the newest of this task."""
        return self._rows.nearest(project, family, params_digest)

    def action(self, key: Key) -> Action | None:
        """The whole action that wins at *key*."""
        found = self._rows.actions([key]).get(key)
        return None if found is None else found[0]

    def actions(self, keys: Iterable[Key]) -> dict[Key, Action]:
        """The whole actions that win at these keys."""
        return {key: action for key, (action, _) in self._rows.actions(list(keys)).items()}

    def listed(self, family: str | None = None) -> list[Listed]:
        """All results, or those of one family, newest first; without parameters."""
        return self._rows.listed(family)

    def starting(self, prefix: str) -> list[Key]:
        """The keys of results that start with *prefix*; at most 64 of them.

        :raises UsageError: *prefix* is not 6 to 64 hex digits.
        """
        return self._rows.starting(prefix)

    def signers(self) -> tuple[dict[PublicKey, int], int]:
        """How many results each key has signed, by what was merged last; and how many name one that has not."""
        return self._index.signers()

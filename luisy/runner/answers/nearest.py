"""Earlier actions of a task: in the store, and in the remotes that a session asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cas import browsing
from luisy.runner.pipeline.describe import shown_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from luisy.cas import Listed, Store
    from luisy.keys import Facts
    from luisy.model import Action, Digest, Key
    from luisy.runner.remote.exchange import Exchange
    from luisy.runner.remote.lookup import Source

_MOST_COMPARED = 1000
"""Results of a remote whose parameters are looked at, the newest first: they are not in its index."""


class Records:
    """Actions at keys and near to tasks."""

    def __init__(self, store: Store, exchange: Exchange) -> None:
        self._store = store
        self._exchange = exchange

    def _sources(self, project: str) -> tuple[Source, ...]:
        return (self._store, *self._exchange.sources(project))

    def at(self, key: Key, project: str) -> Action | None:
        """The action at *key*: the store's, else a remote's."""
        return next((action for s in self._sources(project) if (action := s.action(key)) is not None), None)

    def nearest(self, facts: Facts) -> Action | None:
        """The action to compare a task with: of the same parameters, else of the fewest others; of several the newest."""
        wanted = facts.params_digest()
        same = []
        for source in self._sources(facts.project):
            key = source.nearest(facts.project, facts.family, wanted)
            action = None if key is None else source.action(key)
            if action is not None and action.params_digest == wanted:
                same.append(action)
        return max(same, key=lambda action: action.created) if same else self._similar(facts)

    def _similar(self, facts: Facts) -> Action | None:
        """The action whose public parameters differ in the fewest."""
        params = shown_parameters(facts.parameters)
        counted = [
            (sum(shown.get(name) != params.get(name) for name in {*shown, *params}), -item.created, item.key)
            for item, shown in self._of_family(facts)
        ]
        return self.at(min(counted)[2], facts.project) if counted else None

    def _of_family(self, facts: Facts) -> Iterator[tuple[Listed, Mapping[str, str]]]:
        """The actions of a task with their public parameters."""
        for item in self._store.list_actions(family=facts.family):
            if item.project == facts.project:
                yield item, browsing.public_params(self._store, item)
        for source in self._exchange.sources(facts.project):
            items = source.listed(facts.family)[:_MOST_COMPARED]
            actions = source.actions([item.key for item in items])
            yield from ((item, actions[item.key].params) for item in items if item.key in actions)

    def bring(self, action: Action, digests: Iterable[Digest]) -> None:
        """Fetch objects that explain *action* into the store, from the first remote that has them."""
        wanted = set(digests)
        for source in self._exchange.sources(action.project):
            wanted -= self._store.check(wanted)
            if not wanted:
                return
            self._exchange.fetch_objects(source, wanted)

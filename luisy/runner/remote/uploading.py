"""Uploading what a run has: for machines that wait for it, as it comes up, and all the rest at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.errors import RemoteError
from luisy.runner.results.noting import note_externals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas import Store
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.remote.exchange import Exchange
    from luisy.runner.results.workspace import Workspace


@dataclass(slots=True)
class Uploads:
    """What of one run is in the remote, and what is still to come.

    :param forced: ids of tasks whose results replace others that the remote has.
    """

    store: Store
    workspace: Workspace
    exchange: Exchange
    forced: AbstractSet[str]
    _offered: set[str] = field(default_factory=set)
    _pushed: set[str] = field(default_factory=set)
    _made: list[Node] = field(default_factory=list)

    def offer(self, nodes: Iterable[Node]) -> None:
        """Have in the remote what is here of *nodes*, unless they were offered before: other machines take it as input."""
        fresh = [node for node in nodes if node.task_id not in self._offered]
        if fresh:
            self._offered.update(node.task_id for node in fresh)
            note_externals(self.store, self.workspace, fresh)
            self.complete(fresh)

    def made_here(self, node: Node) -> None:
        """The result of *node* has come to be in this store: :meth:`publish` is to push it."""
        self._made.append(node)

    def made_elsewhere(self, node: Node) -> None:
        """Another machine has made, and pushed, the result of *node* for this run."""
        self._pushed.add(node.task_id)

    def publish(self) -> None:
        """Push what was made since the last time.

        :raises RemoteError: not all of it got through, so that nobody may be told that it is done.
        """
        if not self._made:
            return
        nodes, self._made = self._made, []
        self.complete(nodes)
        if (reason := self.exchange.incomplete) is not None:
            raise RemoteError(reason.text, slug=reason.slug)

    def complete(self, nodes: Sequence[Node]) -> None:
        """Have in the remote what is here of *nodes*, but for what another machine has pushed in this run."""
        self.exchange.upload([node for node in nodes if node.task_id not in self._pushed], self.forced)

"""Which results have to be on this machine, in a run whose tasks execute elsewhere; and how they come here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.errors import NoSuchResult
from luisy.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from luisy.cas import Result
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.remote.exchange import Exchange
    from luisy.runner.remote.lookup import Lookup
    from luisy.runner.results.workspace import Workspace


class Holding:
    """What of a run's results belongs into this machine's workspace.

    :ivar everything: as long as tasks execute here. Else only what was named by :meth:`want`.
    """

    def __init__(self, workspace: Workspace, exchange: Exchange, lookup: Lookup) -> None:
        self.everything = True
        self._workspace = workspace
        self._exchange = exchange
        self._lookup = lookup
        self._here: set[str] = set()

    def wants(self, node: Node) -> bool:
        """Whether the result of *node* is to be brought here as soon as it is there."""
        return self.everything or node.task_id in self._here

    def want(self, nodes: Iterable[Node]) -> None:
        """From now on."""
        self._here.update(node.task_id for node in nodes)

    def hold(self, nodes: Iterable[Node]) -> None:
        """Bring here what was left in the remote of *nodes*, which are done: somebody is about to read it.

        :raises LuisyError: it is not to be had.
        """
        absent = [node for node in nodes if not self.wants(node)]
        self._bring(absent)
        self.want(absent)

    def _bring(self, absent: Sequence[Node]) -> None:
        remote = [
            node
            for node in absent
            if node.result is not None and self._lookup.origin(node.result) is not None
        ]
        failed = self._exchange.fetch(remote, self._lookup) if remote else {}
        for task_id, reason in failed.items():
            raise NoSuchResult(f"the result of {task_id} is not to be had: {reason.text}", slug=reason.slug)
        for node in remote:
            assert node.result is not None
            self._lookup.fetched(node.result)
            self._workspace.restore(node, self._lookup.manifest(node.result))
        for node in absent:
            if node.kind is Kind.EXTERNAL and node.elsewhere is not None:
                self._workspace.restore(node, self._exchange.bring(node))

    def arrived(self, node: Node, key: Key, content: Digest | None) -> Result:
        """The result of *node* that another machine has pushed; brought here if it is wanted, or another one is here.

        :param content: what it was there. Where the remote has had another result at *key* before, that one counts.
        :raises LuisyError: the remote does not have it, or it is not to be had.
        """
        assert node.facts is not None
        project = node.facts.project
        self._lookup.forget(key)
        found = self._lookup.in_remotes(key, project)
        if found is None or found.manifest != content:
            self._exchange.refresh()
            found = self._lookup.in_remotes(key, project)
        if found is None:
            raise NoSuchResult(f"{node.task} ran, but the remote does not have its result")
        node.result = found
        own = self._lookup.store.results([key]).get(key)
        if self.wants(node) or (own is not None and own.manifest != found.manifest):  # which gives way
            self._bring([node])
        return found

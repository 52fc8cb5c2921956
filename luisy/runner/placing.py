"""Making the workspace hold the results that there are; what cannot be had after all is decided again."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.errors import LuisyError, StoreError
from luisy.model import Outcome
from luisy.plan import Kind
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.results.noting import dispensable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from luisy.cas import Store
    from luisy.runner.pipeline.graph import Graph, Node
    from luisy.runner.remote.exchange import Exchange
    from luisy.runner.remote.holding import Holding
    from luisy.runner.resolve import Resolver
    from luisy.runner.results.keeping import Keeper
    from luisy.runner.results.workspace import Workspace

logger = logging.getLogger("luisy")


@dataclass(frozen=True, slots=True)
class Placer:
    """Puts results in their places, and takes stale files away.

    :param holding: says what of the remotes' results belongs here.
    :param everything: place also what nothing that is left to do needs.
    :param redecide: decide again what was planned on a result that is gone, and what is needed now.
    """

    graph: Graph
    store: Store
    workspace: Workspace
    exchange: Exchange
    resolver: Resolver
    keeper: Keeper
    holding: Holding
    everything: bool
    redecide: Callable[[], None]

    def fetch(self, nodes: Sequence[Node]) -> None:
        """Bring to the store, in few requests, what is needed of the remotes; what is gone is decided again."""
        wanted = [
            node
            for node in nodes
            if node.needed
            and not node.done
            and node.result is not None
            and self.resolver.is_remote(node)
            and self.holding.wants(node)
        ]
        if not wanted:
            return
        started = time.monotonic()
        failed = self.exchange.fetch(wanted, self.resolver.lookup)
        for node in wanted:
            if node.task_id in failed:
                logger.warning("%s is not to be had: %s", node.task, failed[node.task_id].text)
                self.resolver.spoiled(node)
            elif node.result is not None:
                self.resolver.lookup.fetched(node.result)
                node.seconds = (time.monotonic() - started) / len(wanted)
        if failed:
            self.redecide()
            self.fetch(nodes)

    def apply(self, nodes: Iterable[Node]) -> None:
        """Materialise what is served and mark it done, inputs first."""
        for node in nodes:
            if node.done:
                continue
            if node.kind is Kind.WRAPPER:
                node.done = all(dep.done for dep in node.deps)
            elif node.kind is Kind.EXTERNAL or node.outcome is Outcome.COMPLETE:
                node.done = node.is_served and self._brought(node)
            elif node.is_served:
                node.done = self.serve(node)

    def _brought(self, node: Node) -> bool:
        """Whether the files of a task that is not answered by key are here; those of an external one are fetched."""
        if node.elsewhere is None or not self.holding.wants(node):
            return True
        try:
            self.workspace.restore(node, self.exchange.bring(node))
        except (OSError, LuisyError) as error:
            logger.warning("the files of %s are not to be had: %s", node.task, error)
            node.missing, node.elsewhere, node.content = tuple(path for _, path in node.outputs), None, None
            self.redecide()
            return False
        return True

    def serve(self, node: Node) -> bool:
        """Make the workspace hold the node's result; False if that turns out to be impossible."""
        if node.result is None:
            self.keeper.adopt(node)
            return True
        if node.outcome is Outcome.REUSED and node.base_key is not None and not self.store.read_only:
            # Else early cutoff finds it again.
            with dispensable(f"that {node.task} is answered by an earlier result"):
                self.store.alias(node.base_key, node.result.key)
        if not self.everything and not node.needed:
            return True
        if self.resolver.is_remote(node):
            if not self.holding.wants(node):
                return True
            self.fetch([node])
            if node.result is None or self.resolver.is_remote(node):
                return False
        started = time.monotonic()
        try:
            self.workspace.restore(node, self.resolver.lookup.manifest(node.result))
        except (OSError, LuisyError) as error:
            logger.warning("cannot restore the result of %s, it executes instead: %s", node.task, error)
            self.resolver.spoiled(node)
            self.redecide()
            return False
        node.seconds += time.monotonic() - started
        return True

    def clear_unneeded(self) -> None:
        """Take stale files away also upstream of results, once anything below executes that might read them."""
        upstream: set[str] = set()
        for node in reversed(list(self.graph)):
            if node.task_id in upstream or (not node.done and node.needed and node.kind is Kind.TASK):
                upstream.update(dep.task_id for dep in node.all_deps)
        for node in self.graph:
            if node.task_id in upstream and node.outcome is Outcome.NOT_NEEDED and not node.uncacheable:
                self.clear(node)

    def clear(self, node: Node) -> None:
        """Take away what lies at the outputs of *node*: stale, and its bytes are or will be in the store."""
        try:
            self.workspace.clear(node)
        except (OSError, StoreError) as error:
            logger.warning("cannot take away the old output of %s: %s", node.task, error)

    def refresh_inputs(self, node: Node) -> None:
        """Inputs must be what their results are: a changed raw file is hashed again, a changed result restored."""
        for leaf in input_leaves(node):
            if not leaf.done or (self.workspace.unchanged(leaf) and self.resolver.tables.unchanged(leaf)):
                continue
            if leaf.result is not None:
                self.workspace.restore(leaf, self.resolver.lookup.manifest(leaf.result))
            else:
                became = leaf.decision
                leaf.done, leaf.content = False, None
                self.resolver.settle(leaf)
                leaf.done = leaf.is_served
                leaf.decision = became if leaf.done else leaf.decision

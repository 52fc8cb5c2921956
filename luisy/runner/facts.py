"""What a task's key rests on: its facts, as its code and its outputs tell them; what stands in the way is told, too."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from luisy import keys
from luisy.errors import LuisyError
from luisy.keys import Facts
from luisy.naming import project_of
from luisy.plan import Kind
from luisy.runner.pipeline.clock import Clock
from luisy.runner.pipeline.describe import Promises, significant_parameters
from luisy.runner.pipeline.options import OptionValues
from luisy.runner.pipeline.output_paths import OutputPaths
from luisy.runner.results.extras import Extras

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.cas import Store
    from luisy.fingerprint import Fingerprinter
    from luisy.runner.pipeline.graph import Node


class Describer:
    """Gives nodes their facts.

    :param root: the folder of the workspace, if there is one.
    """

    def __init__(self, store: Store, root: str | None, fingerprinter: Fingerprinter) -> None:
        self.extras = Extras(store, root)
        self._fingerprinter = fingerprinter
        self._options = OptionValues()
        self._clock = Clock(root, dt.datetime.now().astimezone().date())
        self._promises = Promises(self._fingerprint)
        self._output_paths = OutputPaths()

    def describe(self, node: Node) -> None:
        """Fill in what the key rests on; what stands in the way makes the task not cacheable."""
        if node.problem or node.kind is Kind.WRAPPER:
            return
        try:
            promised = self._promises.of(node)
            node.promise = keys.promise_of(promised)
            if node.kind is Kind.EXTERNAL:
                self._count_by_version(node)
                return
            if node.given is not None:
                return
            fingerprint = self._fingerprinter.of(type(node.task))
            node.facts = Facts(
                project_of(node.task),
                node.family,
                fingerprint.digest,
                significant_parameters(node.task, self._fingerprint),
                promised,
                self._options.of(fingerprint),
                self.extras.declared_by(node),
                self.extras.observed(fingerprint),
            )
        except LuisyError as error:
            node.uncacheable = node.uncacheable or error.text
            return
        if clock := self._clock.read_by(node, node.facts.parameters):
            node.facts = replace(node.facts, observed={**(node.facts.observed or {}), **clock})
        node.encoded_facts = node.facts.encoded()
        self._count_by_version(node)
        node.by_content = node.declaration.time_to_live is not None

    def _count_by_version(self, node: Node) -> None:
        """A task whose outputs are no files counts, in its consumers' keys, by a version that it declares."""
        told = node.countable or node.tables
        if node.uncacheable and not told and (version := node.declaration.version):
            parameters = significant_parameters(node.task, self._fingerprint)
            node.content = keys.declared_content(project_of(node.task), node.family, parameters, version)

    def _fingerprint(self, kind: type) -> str:
        return self._fingerprinter.of(kind).digest

    def mark_shared_paths(self, nodes: Iterable[Node]) -> None:
        """What lies where two tasks write, or where one writes over its input, cannot be told apart."""
        for node in nodes:
            if node.kind is Kind.WRAPPER:
                continue
            for own, other in self._output_paths.add(node):
                cannot_cache(own.node, own.sharing_with(other))
                cannot_cache(other.node, other.sharing_with(own))

    def writer_of(self, path: str) -> Node | None:
        """The task that writes *path*, as far as is known."""
        return self._output_paths.writer_of(path)


def cannot_cache(node: Node, why: str) -> None:
    """Note why results of *node* cannot be kept, unless a reason is known already."""
    if node.kind is Kind.TASK and not node.uncacheable:
        node.uncacheable = why

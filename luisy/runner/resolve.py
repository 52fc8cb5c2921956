"""From nodes to decisions: keys, look-ups, and what they mean for each task.

``Resolver.resolve`` takes many nodes at once with a few bulk questions to the index; ``settle`` decides one
node with all that is known now. The runner settles a node again when its inputs have finished: the same code,
so a plan and its run agree.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from luisy import keys
from luisy.errors import LuisyError
from luisy.keys import Facts
from luisy.model import SHOWN_DIGITS
from luisy.naming import project_of
from luisy.plan import SERVED, UNCERTAIN, Found, History, Kind, Situation, decide
from luisy.runner.pipeline.clock import Clock
from luisy.runner.pipeline.describe import Promises, significant_parameters, yields
from luisy.runner.pipeline.graph import equal_task_id_error, input_leaves
from luisy.runner.pipeline.keying import deep_key, ref_of, refs_of, shallow_key, wrapper_content
from luisy.runner.pipeline.options import OptionValues
from luisy.runner.pipeline.output_paths import OutputPaths
from luisy.runner.remote.lookup import Lookup
from luisy.runner.results.extras import Extras
from luisy.runner.results.keeping import maker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from luisy.cas import Result, Store
    from luisy.fingerprint import Fingerprinter
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.elsewhere import Elsewhere
    from luisy.runner.pipeline.graph import Graph, Node
    from luisy.runner.remote.lookup import RemoteSource
    from luisy.runner.results.workspace import Workspace


class Resolver:
    """Decides for each node of a graph where its result comes from.

    :param remotes: the sources beside the store that know results of a project.
    :param adopt: whether files from before luisy are taken over.
    """

    def __init__(
        self,
        graph: Graph,
        store: Store,
        workspace: Workspace,
        fingerprinter: Fingerprinter,
        remotes: Callable[[str], Sequence[RemoteSource]],
        *,
        adopt: bool = True,
    ) -> None:
        self.graph = graph
        self.store = store
        self.workspace = workspace
        self.fingerprinter = fingerprinter
        self.adopt = adopt
        self.forced: set[str] = set()
        # Filled by the session: tasks that have no result and are about to be made, below results over them.
        self.renewing: set[str] = set()
        self.lookup = Lookup(store, remotes)
        # Filled by the session: builds and settles a task that a trace names; None where that is not possible.
        self.rebuild: Callable[[str, str, Mapping[str, str]], Node | None] = lambda *_: None
        # Filled by the session where a remote may be asked: where an external task's files are to be had.
        self.elsewhere: Callable[[Node], Elsewhere | None] = lambda _: None
        self.extras = Extras(store, workspace.root)
        self._options = OptionValues()
        self._clock = Clock(workspace.root, dt.datetime.now().astimezone().date())
        self._promises = Promises(self._fingerprint)
        self._output_paths = OutputPaths()

    def resolve(self, nodes: Sequence[Node]) -> None:
        """Decide each of *nodes*, which are new to the graph and stand inputs first.

        :raises UsageError: where two different tasks have one task_id.
        """
        for node in nodes:
            self._describe(node)
        self._mark_shared_paths(nodes)
        self.workspace.load(nodes)
        self._prefetch(nodes)
        for node in nodes:
            self.settle(node)
        for first, twin in self.graph.twins:
            if not _is_one_task(first, twin):
                raise equal_task_id_error(first, twin)
        self.graph.unite_twins()

    def _describe(self, node: Node) -> None:
        """Fill in what the key rests on; what stands in the way makes the task not cacheable."""
        if node.problem or node.kind is Kind.WRAPPER:
            return
        try:
            promised = self._promises.of(node)
            node.promise = keys.promise_of(promised)
            if node.kind is Kind.EXTERNAL:
                self._count_by_version(node)
                return
            fingerprint = self.fingerprinter.of(type(node.task))
            node.facts = Facts(
                project_of(node.task),
                node.family,
                fingerprint.digest,
                significant_parameters(node.task, self._fingerprint),
                promised,
                self._options.of(fingerprint),
                self.extras.declared(type(node.task)),
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
        if node.uncacheable and not node.countable and (version := node.declaration.version):
            parameters = significant_parameters(node.task, self._fingerprint)
            node.content = keys.declared_content(project_of(node.task), node.family, parameters, version)

    def _fingerprint(self, kind: type) -> str:
        return self.fingerprinter.of(kind).digest

    def _mark_shared_paths(self, nodes: Iterable[Node]) -> None:
        """What lies where two tasks write, or where one writes over its input, cannot be told apart."""
        for node in nodes:
            if node.kind is Kind.WRAPPER:
                continue
            for own, other in self._output_paths.add(node):
                _cannot_cache(own.node, own.sharing_with(other))
                _cannot_cache(other.node, other.sharing_with(own))

    def writer_of(self, path: str) -> Node | None:
        """The task that writes *path*, as far as is known."""
        return self._output_paths.writer_of(path)

    def _prefetch(self, nodes: Sequence[Node]) -> None:
        """Ask the index at once for what ``settle`` will most likely want: keys as if no task were odd."""
        wanted: dict[Key, str] = {}
        for node in nodes:
            if node.kind is Kind.EXTERNAL:
                self._take_external(node)
                continue
            self._count_inputs(node)
            node.key = node.base_key
            if node.facts is not None and node.base_key is not None:
                wanted[node.base_key] = node.facts.project
        self.lookup.prefetch(wanted)

    @staticmethod
    def _count_inputs(node: Node) -> None:
        """Key *node* by what its inputs count as now; where they count as before, it has that key already."""
        refs = refs_of(node)
        if refs != node.refs:
            node.refs, node.base_key = refs, deep_key(node, refs)

    # --- one node

    def settle(self, node: Node, *, fresh: bool = False) -> None:
        """Decide *node* with what is known of its inputs now.

        :param fresh: ask the index again: another process may have made the result since.
        """
        if node.done:
            return
        if fresh:
            self.lookup.forget(node.base_key, node.shallow_key)
        if node.problem:
            situation = Situation(node.kind, problem=node.problem)
        elif node.kind is Kind.EXTERNAL:
            situation = self._external(node)
        elif node.kind is Kind.WRAPPER:
            situation = self._wrapper(node)
        elif node.uncacheable or self._uncountable_input(node):
            situation = self._uncacheable(node)
        else:
            situation = self._cached(node)
        node.decision = decide(situation)

    def _external(self, node: Node) -> Situation:
        if node.content is None and not node.missing:
            self._take_external(node)
        return Situation(
            node.kind,
            uncacheable=node.uncacheable,
            complete=node.complete,
            missing=node.missing,
            remote=node.elsewhere is not None,
            settled=node.elsewhere is None or node.content is not None,
        )

    def _take_external(self, node: Node) -> None:
        """An external task is keyed by the content of its files; Luigi's own word counts where it has none."""
        node.by_content = True
        if node.uncacheable and not node.complete:
            node.missing = tuple(path for _, path in node.outputs) or (str(node.task),)
            return
        if not node.countable:
            return
        self.workspace.expect(node)
        try:
            manifest = self.store.snapshot(node.outputs)
        except FileNotFoundError as error:
            self._take_from_elsewhere(node)
            if node.elsewhere is None:
                node.missing = (str(error.filename or node.outputs[0][1]),)
            return
        except OSError as error:
            node.problem = f"cannot read {error.filename}: {error.strerror}"
            return
        self._has_content(node, manifest.digest, manifest.size)
        if self.workspace.wrote(node):  # no original: the remote may have moved on since luisy brought it
            self._take_from_elsewhere(node)

    def _take_from_elsewhere(self, node: Node) -> None:
        """Count what a remote says that the files of an external task are, unless they are here already."""
        found = self.elsewhere(node)
        if found is None or (found.content is not None and found.content == node.content):
            return
        node.elsewhere, node.content, node.key = found, None, None
        if found.content is not None:
            self._has_content(node, found.content, found.size)

    @staticmethod
    def _has_content(node: Node, content: Digest, size: int) -> None:
        node.content, node.size = content, size
        node.key = keys.external_key(project_of(node.task), node.family, content)

    def _wrapper(self, node: Node) -> Situation:
        self._count_inputs(node)
        node.key = node.base_key
        node.content = wrapper_content(node)
        return Situation(node.kind, inputs=tuple(dep.outcome for dep in node.deps))

    @staticmethod
    def _uncountable_input(node: Node) -> bool:
        """Whether an input can be counted neither by key nor by content; then *node* is not cacheable either."""
        leaf = next((leaf for leaf in input_leaves(node) if _says_nothing(leaf)), None)
        if leaf is not None:
            _cannot_cache(
                node,
                f"its input {leaf.task} is not cacheable, and has neither files to count by content nor a declared version",
            )
        return leaf is not None

    def _uncacheable(self, node: Node) -> Situation:
        """Luigi's own answer, but for files that other code or other parameters made."""
        node.by_content = True
        node.key = None
        if node.by_inputs:
            node.complete = all(leaf.outcome in SERVED for leaf in input_leaves(node))
        elif not node.asked and node.countable:
            node.complete = self.workspace.present(node)
        made_alike = self.workspace.made_by(node) in (None, maker_of(node))
        complete = node.complete and made_alike and node.task_id not in self.forced
        if complete and node.countable and node.content is None:
            node.content = self._snapshot(node)
        return Situation(
            node.kind,
            uncacheable=node.uncacheable,
            complete=complete,
            inputs=tuple(dep.outcome for dep in node.all_deps),
        )

    def _snapshot(self, node: Node) -> Digest | None:
        self.workspace.expect(node)
        try:
            manifest = self.store.snapshot(node.outputs)
        except OSError:
            return None
        node.size = manifest.size
        return manifest.digest

    def _cached(self, node: Node) -> Situation:
        forced = node.task_id in self.forced
        self._count_inputs(node)
        settled = all(leaf.content is not None for leaf in input_leaves(node))
        found, result = self._find(node)
        equal_inputs = (
            None if found is Found.SOUND or forced or not settled else self._find_equal_inputs(node)
        )
        node.result = None if forced else result or equal_inputs
        history, cutoff = (History.SAME_CODE, True) if node.result else self._history(node)
        if node.result is None and not forced:
            self._try_adopting(node, history)
        node.supersedes = found in (Found.SUPERSEDED, Found.GONE, Found.EXPIRED)
        self._conclude(node, found, forced=forced)
        # With an input that has no key yet, any result of this code may turn out to be at the deep key.
        keyless = node.base_key is None and history is History.SAME_CODE
        return Situation(
            node.kind,
            forced=forced,
            adopted=node.adopted,
            accepted=(node.accepted or "")[:SHOWN_DIGITS],
            found=found,
            remote=result is not None and self.lookup.origin(result) is not None,
            equal_inputs=equal_inputs is not None,
            settled=settled,
            cutoff_possible=cutoff
            or keyless
            or found in UNCERTAIN
            or any(_awaits_its_trace(dep) for dep in node.all_deps),
            history=history,
            inputs=tuple(dep.outcome for dep in node.all_deps),
        )

    def _find(self, node: Node) -> tuple[Found, Result | None]:
        """The best that the index holds at the deep key; the result comes with it only where it is sound."""
        node.accepted = None
        if node.base_key is None:
            return Found.NOTHING, None
        found, result = self.found_at(node, node.base_key)
        accepted = None if result is not None else self.lookup.accepted(node.base_key)
        if accepted is None:
            return found, result
        counts, result = self.found_at(node, accepted)
        if result is None:
            return counts if found is Found.NOTHING else found, None
        node.accepted = accepted
        return counts, result

    def found_at(self, node: Node, key: Key) -> tuple[Found, Result | None]:
        """The best that the index holds for *node* at *key*; the result comes with it only where it is sound."""
        best = Found.NOTHING
        for result in self.lookup.candidates(key, _facts(node).project):
            node.dynamic = ()
            if result.has_trace and not self._follow_trace(node, result):
                continue
            best = self._standing(node, result)
            if best is Found.SOUND:
                return best, result
        node.dynamic = ()
        return best, None

    def _standing(self, node: Node, result: Result) -> Found:
        """Whether *result* is whole and was made from what the inputs' results are now, as far as they are known."""
        if not self.lookup.whole(result) or not self._is_complete(result) or _is_expired(node, result):
            return Found.EXPIRED if _is_expired(node, result) else Found.GONE
        leaves = input_leaves(node)
        if (
            result.adopted and not result.inputs
        ):  # made before luisy from inputs that were gone when it was adopted
            return Found.SUPERSEDED if any(leaf.superseded for leaf in leaves) else Found.SOUND
        if len(leaves) != len(result.inputs) or any(leaf.superseded for leaf in leaves):
            return Found.SUPERSEDED
        for leaf, digest in zip(leaves, result.inputs, strict=True):
            if leaf.content is not None and leaf.content != digest:
                return Found.SUPERSEDED
        if any(leaf.content is None and leaf.renewed > result.created for leaf in leaves):
            return Found.UNPROVEN
        return Found.SOUND

    def _renewed(self, node: Node) -> float:
        """When the newest of what *node*, which has no result, rests on was made or gave way to another content."""
        times = [self.lookup.superseded(node.base_key)]
        for leaf in input_leaves(node):
            if leaf.content is None:
                times.append(leaf.renewed)
            elif leaf.result is not None and not leaf.by_content:
                times += (leaf.result.created, self.lookup.superseded(leaf.key))
        return max(times)

    def _is_complete(self, result: Result) -> bool:
        """Whether what the task wrote beside its outputs is there too: who reads one may look for the other."""
        if not result.has_side_files:
            return True
        action = self.lookup.action(result)
        return action is not None and self.workspace.are_beside(action, self._output_paths.writer_of)

    def _follow_trace(self, node: Node, result: Result) -> bool:
        """Whether the tasks that this execution yielded still have the keys that they had."""
        action = self.lookup.action(result)
        if action is None:
            return False
        found = []
        for dependency in action.trace:
            other = self.rebuild(dependency.module, dependency.family, dependency.params)
            ref = None if other is None else ref_of(other)
            if other is None or ref is None or ref.digest != dependency.key:
                return False
            found.append(other)
        node.dynamic = tuple(found)
        return True

    def spoiled(self, node: Node) -> None:
        """The result that *node* was decided on cannot be had after all: decide it again without."""
        if node.result is not None:
            self.lookup.refuse(node.result)
        node.result = None
        self.settle(node)

    def _find_equal_inputs(self, node: Node) -> Result | None:
        node.shallow_key = shallow_key(node)
        if node.shallow_key is None:
            return None
        result = self.lookup.equal_inputs(node.shallow_key, _facts(node).project)
        if result is None or not self._is_complete(result) or _is_expired(node, result):
            return None
        return result

    def _history(self, node: Node) -> tuple[History, bool]:
        """What was ever recorded for these parameters, and whether early cutoff could still find some of it."""
        facts = _facts(node)
        seen = self.lookup.history(facts.project, facts.family, facts.params_digest())
        if not seen:
            return History.NEVER, False
        cutoff = seen.get(facts.fingerprint)
        return (History.OTHER_CODE, False) if cutoff is None else (History.SAME_CODE, cutoff)

    def _try_adopting(self, node: Node, history: History) -> None:
        if node.declaration.time_to_live is not None:
            return  # nobody knows how old it is
        if self.adopt and history is History.NEVER and not node.adopted and self.workspace.adoptable(node):
            node.content = self._snapshot(node)
            node.adopted = node.content is not None

    def _conclude(self, node: Node, found: Found, *, forced: bool) -> None:
        """What consumers may build on: key, content, and whether they have to wait for both."""
        result = node.result
        if result is not None:
            node.content, node.size, node.adopted = result.manifest, result.size, result.adopted
            # What was accepted is known below as what it is: the result of earlier code (ADR 0009).
            node.key = result.key if result.has_trace or node.accepted else node.base_key
        else:
            node.key = None if yields(node.task) else node.base_key
            node.content = node.content if node.adopted else None
        node.by_content = node.adopted or node.declaration.time_to_live is not None
        waits = any(leaf.superseded for leaf in input_leaves(node))
        node.superseded = node.content is None and (
            forced or waits or found in UNCERTAIN or node.task_id in self.renewing
        )
        node.renewed = 0.0 if node.content is not None else self._renewed(node)


def _is_expired(node: Node, result: Result) -> bool:
    """Whether *result* is older than the task declares that its results live."""
    lifetime = node.declaration.time_to_live
    return lifetime is not None and time.time() - result.created > lifetime


def _says_nothing(leaf: Node) -> bool:
    """Whether *leaf* can be counted neither by key nor by content."""
    return bool(leaf.uncacheable) and not leaf.countable and leaf.content is None


def _is_one_task(first: Node, twin: Node) -> bool:
    """Whether two instances with one task_id are the same task; while they have no keys, by what these are made of."""
    return (
        first.kind is twin.kind
        and first.base_key == twin.base_key
        and first.encoded_facts == twin.encoded_facts
        and [dep.task_id for dep in first.deps] == [dep.task_id for dep in twin.deps]
    )


def _facts(node: Node) -> Facts:
    """The facts of a task that is cacheable."""
    assert node.facts is not None
    return node.facts


def _cannot_cache(node: Node, why: str) -> None:
    if node.kind is Kind.TASK and not node.uncacheable:
        node.uncacheable = why


def _awaits_its_trace(node: Node) -> bool:
    return node.kind is Kind.TASK and node.key is None and not node.uncacheable

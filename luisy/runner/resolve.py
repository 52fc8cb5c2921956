"""From nodes to decisions: keys, look-ups, and what they mean for each task.

``Resolver.resolve`` takes many nodes at once with a few bulk questions to the index; ``settle`` decides one
node with all that is known now. The runner settles a node again when its inputs have finished: the same code,
so a plan and its run agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy import keys
from luisy.errors import LuisyError
from luisy.model import SHOWN_DIGITS
from luisy.naming import project_of
from luisy.plan import SERVED, UNCERTAIN, Found, History, Kind, Situation, Table, decide
from luisy.runner.facts import Describer, cannot_cache
from luisy.runner.finding import Finder, is_expired, stands_on
from luisy.runner.pipeline.describe import yields
from luisy.runner.pipeline.graph import equal_task_id_error, input_leaves
from luisy.runner.pipeline.keying import deep_key, refs_of, wrapper_content
from luisy.runner.remote.lookup import Lookup
from luisy.runner.results.keeping import maker_of
from luisy.runner.results.tables import Tables, content_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from luisy.cas import Store
    from luisy.fingerprint import Fingerprinter
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.elsewhere import Elsewhere
    from luisy.runner.pipeline.given import Given
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
        self.adopt = adopt
        self.forced: set[str] = set()
        # Filled by the session: tasks that have no result and are about to be made, below results over them.
        self.renewing: set[str] = set()
        # Filled by the session where a remote may be asked: where an external task's files are to be had.
        self.elsewhere: Callable[[Node], Elsewhere | None] = lambda _: None
        self.tables = Tables(store)
        self.describer = Describer(store, workspace.root, fingerprinter)
        self.lookup = Lookup(store, remotes)
        self.finder = Finder(self.lookup, workspace, self.describer.writer_of)

    def resolve(self, nodes: Sequence[Node]) -> None:
        """Decide each of *nodes*, which are new to the graph and stand inputs first.

        :raises UsageError: where two different tasks have one task_id.
        """
        for node in nodes:
            self.describer.describe(node)
        self.describer.mark_shared_paths(nodes)
        self.workspace.load(nodes)
        self._prefetch(nodes)
        for node in nodes:
            self.settle(node)
        for first, twin in self.graph.twins:
            if not _is_one_task(first, twin):
                raise equal_task_id_error(first, twin)
        self.graph.unite_twins()

    def _prefetch(self, nodes: Sequence[Node]) -> None:
        """Ask the index at once for what ``settle`` will most likely want: keys as if no task were odd."""
        wanted: dict[Key, str] = {}
        for node in nodes:
            if node.kind is Kind.EXTERNAL:
                self._take_external(node)
                continue
            if node.given is not None:
                wanted[node.given.action] = project_of(node.task)
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
        if node.given is not None:
            self._take_given(node, node.given)
        if node.problem:
            situation = Situation(node.kind, problem=node.problem)
        elif node.given is not None:
            situation = self._as_given(node)
        elif node.kind is Kind.EXTERNAL:
            situation = self._external(node)
        elif node.kind is Kind.WRAPPER:
            situation = self._wrapper(node)
        elif node.tables:
            situation = self._with_tables(node)
        elif node.uncacheable or self._uncountable_input(node):
            situation = self._uncacheable(node)
        else:
            situation = self._cached(node)
        node.decision = decide(situation)

    def _take_given(self, node: Node, given: Given) -> None:
        """The result that was named, if the store or a remote has just that."""
        candidates = self.lookup.candidates(given.action, project_of(node.task))
        named = (one for one in candidates if one.key == given.action and one.manifest == given.content)
        node.result = next((one for one in named if self.lookup.whole(one)), None)
        node.key, node.content, node.by_content = given.key, given.content, given.by_content
        if node.result is None:
            node.problem = f"the result of {node.task} that it is to be run with is not in the remote"

    def _as_given(self, node: Node) -> Situation:
        assert node.result is not None
        node.size = node.result.size
        return Situation(node.kind, found=Found.SOUND, remote=self.lookup.origin(node.result) is not None)

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
        if node.tables:
            self._take_tables(node)
            return
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

    def _take_tables(self, node: Node) -> None:
        """Tables that somebody else makes count by their versions."""
        try:
            versions = self.tables.versions(node)
        except LuisyError as error:
            node.problem = error.text
            return
        if versions is None:
            node.missing = tuple(table.location for _, table in node.tables)
        else:
            self._has_content(node, content_of(node, versions), 0)

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
            cannot_cache(
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

    def _with_tables(self, node: Node) -> Situation:
        """Tables are held against what was noted when they were written last; anything else runs."""
        self._count_inputs(node)
        forced, found = node.task_id in self.forced, Found.NOTHING
        try:
            state, writes = self.tables.state(node)
        except LuisyError as error:
            node.problem = error.text
            return Situation(node.kind, problem=node.problem)
        if state is Table.HELD:
            written = min(write.written for write in writes)
            stands = stands_on(node, writes[0].inputs, written)
            found = Found.EXPIRED if is_expired(node, written) else stands
        node.complete = found is Found.SOUND and not forced
        node.key, node.by_content = node.base_key, True
        told = [(write.location, write.version) for write in writes]
        node.content = content_of(node, told) if node.complete else None
        return Situation(
            node.kind,
            uncacheable=node.uncacheable,
            forced=forced,
            found=found,
            table=state,
            settled=all(leaf.content is not None for leaf in input_leaves(node)),
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
        found, result = self.finder.find(node)
        equal_inputs = (
            None if found is Found.SOUND or forced or not settled else self.finder.equal_inputs(node)
        )
        node.result = None if forced else result or equal_inputs
        history, cutoff = (History.SAME_CODE, True) if node.result else self.finder.history(node)
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

    def is_remote(self, node: Node) -> bool:
        """Whether the node's result has to be fetched before it can be used."""
        if node.elsewhere is not None:
            return not node.done
        return node.result is not None and self.lookup.origin(node.result) is not None

    def spoiled(self, node: Node) -> None:
        """The result that *node* was decided on cannot be had after all: decide it again without."""
        if node.result is not None:
            self.lookup.refuse(node.result)
        node.result = None
        self.settle(node)

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
        node.renewed = 0.0 if node.content is not None else self.finder.renewed(node)


def _says_nothing(leaf: Node) -> bool:
    """Whether *leaf* can be counted neither by key nor by content."""
    return bool(leaf.uncacheable) and not leaf.countable and not leaf.tables and leaf.content is None


def _is_one_task(first: Node, twin: Node) -> bool:
    """Whether two instances with one task_id are the same task; while they have no keys, by what these are made of."""
    return (
        first.kind is twin.kind
        and first.base_key == twin.base_key
        and first.encoded_facts == twin.encoded_facts
        and [dep.task_id for dep in first.deps] == [dep.task_id for dep in twin.deps]
    )


def _awaits_its_trace(node: Node) -> bool:
    return node.kind is Kind.TASK and node.key is None and not node.uncacheable

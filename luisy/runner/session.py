"""One run, or one plan: the graph of its tasks, and what is decided, done and told about each.

The session lives in the process that plans. Forked children inherit it as it is at the fork and tell the
parent by an ``Execution`` what they did.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from luigi.task_register import load_task

from luisy.cas import Store
from luisy.fingerprint import Fingerprinter
from luisy.model import LinkMode, Outcome, Reason
from luisy.naming import project_of
from luisy.observe import imports
from luisy.observe.watching import Observation
from luisy.plan import Decision, Kind, needed
from luisy.runner.garbage import uncollected
from luisy.runner.pipeline.asking import Oracle
from luisy.runner.pipeline.graph import Graph, Node, input_leaves, undecided
from luisy.runner.pipeline.reasons import Reasons
from luisy.runner.pipeline.walk import Walker
from luisy.runner.placing import Placer
from luisy.runner.remote.exchange import exchange_for
from luisy.runner.remote.holding import Holding
from luisy.runner.remote.uploading import Uploads
from luisy.runner.resolve import Resolver
from luisy.runner.results.auditing import Auditor, Undeclared
from luisy.runner.results.keeping import Keeper, Ran
from luisy.runner.results.noting import note_end, note_externals, note_uses
from luisy.runner.results.reporting import blind_spots, report_of
from luisy.runner.results.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import luigi

    from luisy.plan import Report, Status
    from luisy.runner.pipeline.given import Given
    from luisy.runner.remote.exchange import Exchange
    from luisy.runner.results.keeping import Execution
    from luisy.settings import Settings

logger = logging.getLogger("luisy")

_NEVER_RAN = Decision(Outcome.BLOCKED, Reason("not-run", "Luigi did not run it"))
_NOT_NEEDED = Decision(Outcome.NOT_NEEDED, Reason("not-needed", "what needs it is there already"))


class Builder(Protocol):
    """What runs a task: told of the tasks that come up meanwhile."""

    task: luigi.Task

    def note_dynamic(self, node: Node) -> None:
        """*node* was yielded or built by the task."""


@dataclass(slots=True)
class Session:
    """The state of one run.

    :param shared: other machines work on the same tasks, told by a central scheduler.
    :param given: by task id, results of inputs that whoever hands out this run has decided on.
    :param hash_raw: bring plain blobs of other systems into the store as soon as their content is asked for.
    :param eager: a result is put in its place as soon as user code is told that it is there: it may read it.
    :param listener: told of each task that finishes: its name, its outcome, how many were left to do in all.
    """

    settings: Settings
    store: Store
    exchange: Exchange = field(init=False)
    given: Mapping[str, Given] = field(default_factory=dict)
    hash_raw: bool = False
    eager: bool = False
    shared: bool = False
    graph: Graph = field(default_factory=Graph)
    roots: list[Node] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    undeclared: Undeclared = field(default_factory=Undeclared)
    started: float = field(default_factory=time.monotonic)
    workspace: Workspace = field(init=False)
    resolver: Resolver = field(init=False)
    keeper: Keeper = field(init=False)
    holding: Holding = field(init=False)
    notes: dict[Reason, None] = field(default_factory=dict)
    placer: Placer = field(init=False)
    uploads: Uploads = field(init=False)
    fingerprinter: Fingerprinter = field(init=False)
    running: bool = False
    listener: Callable[[str, str, int], None] | None = None
    left: int = 0
    _traced: list[Node] = field(default_factory=list)
    current: list[Builder] = field(default_factory=list)
    oracle: Oracle = field(init=False)
    _walker: Walker = field(init=False)
    reasons: Reasons = field(init=False)

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.store, self.settings.working_dir, LinkMode(self.settings.link))
        self.fingerprinter = Fingerprinter(requirements_path=self.settings.requirements_path)
        self.exchange = exchange_for(self.store, self.settings)
        self.resolver = Resolver(
            self.graph,
            self.store,
            self.workspace,
            self.fingerprinter,
            self.exchange.sources,
            adopt=self.settings.adopt,
        )
        self.holding = Holding(self.workspace, self.exchange, self.resolver.lookup)
        self.uploads = Uploads(self.store, self.workspace, self.exchange, self.resolver.forced)
        self.resolver.elsewhere = lambda node: self.exchange.elsewhere(node, hash_raw=self.hash_raw)
        self.keeper = Keeper(
            self.store,
            self.workspace,
            self.fingerprinter,
            self.resolver.forced,
            Auditor(
                self.resolver.describer.extras, self.fingerprinter, strict=self.settings.audit == "strict"
            ),
        )
        self.placer = Placer(
            self.graph,
            self.store,
            self.workspace,
            self.exchange,
            self.resolver,
            self.keeper,
            self.holding,
            self.settings.materialise != "needed",
            self._redecide,
        )
        self.resolver.finder.rebuild = self._rebuild
        self.oracle = Oracle(self, self.resolver.describer.writer_of)
        self._walker = Walker(self.graph, self.oracle, given=self.given)
        self.reasons = Reasons(self.store, self.fingerprinter)

    def share(self) -> None:
        """Work with other machines: what one of them has told to be done must be in the remote for the others."""
        self.shared = True
        self.exchange.require()

    def hand_out(self) -> None:
        """Let other machines execute: they take inputs from the remote, and results stay there unless wanted here."""
        self.exchange.require()
        self.holding.everything = self.settings.materialise == "all"

    @property
    def hands_out(self) -> bool:
        """Whether other machines execute for this run, or may take part in it: what is here is offered to them."""
        return self.shared or self.settings.executor == "dask"

    # --- plan

    @uncollected()
    def plan(self, tasks: Sequence[luigi.Task]) -> None:
        """Walk and decide everything upstream of *tasks*; a misconfigured remote is told before that."""
        self.exchange.check(dict.fromkeys(project_of(task) for task in tasks))
        for task in tasks:
            node = self._walk(task)
            self.roots.append(node)
            self.holding.want([node])
            self._decide(node, root=True)
        self._mark_needed()

    def admit(self, task: luigi.Task) -> Node:
        """The node of a task that comes up while the pipeline runs; walked, decided and made to hold its result."""
        node = self._walk(task)
        fresh = self._decide(node)
        if self.running:
            self._apply_with_traces(fresh)
        return node

    def _walk(self, task: luigi.Task) -> Node:
        node = self._walk_within(task)
        assert node is not None, "nobody waits for this walk"
        return node

    def _walk_within(self, task: luigi.Task) -> Node | None:
        """Walk *task*, maybe in the middle of another walk; None where it needs what that one is about."""
        outer = self._walker
        self._walker = Walker(self.graph, self.oracle, outer.open, self.given)
        try:
            return self._walker.admit(task)
        finally:
            self._walker = outer

    def _decide(self, node: Node, *, root: bool = False) -> list[Node]:
        """Decide *node* and what is upstream of it; returns what was not decided before, inputs first."""
        fresh = undecided(node)
        if self.settings.force and root:
            self.resolver.forced.add(node.task_id)
        if self.settings.force_all:
            self.resolver.forced.update(one.task_id for one in fresh)
        self.resolver.resolve(fresh)
        return fresh

    def consider(self, task: luigi.Task, *, hand_out: bool = True) -> Node | None:
        """The node of a task that user code asks about, decided; None where that waits for this answer.

        :param hand_out: user code may read its files at once.
        """
        if task.task_id in self._walker.open or (node := self._walk_within(task)) is None:
            return None
        fresh = self._decide(node)
        if hand_out and node.done:
            self.holding.hold([node])
        elif hand_out:
            self.holding.want([node])
        if self.running:
            self._apply_with_traces(fresh)
            for one in fresh:
                if one.kind is Kind.TASK and not one.done:
                    one.decision = _NOT_NEEDED
        elif self.eager and hand_out and node.is_served:
            self.placer.fetch([node])
            self.placer.apply([node])
        return node

    @property
    def running_task(self) -> str | None:
        """The id of the task whose ``run()`` this process is in."""
        return str(self.current[-1].task.task_id) if self.current else None

    def _rebuild(self, module: str, family: str, params: Mapping[str, str]) -> Node | None:
        try:
            with imports.resumed():
                task = load_task(module, family, dict(params))
        except Exception:
            logger.debug("cannot build %s%s of a trace", family, dict(params), exc_info=True)
            return None
        node = self._walk_within(task)
        if node is not None:
            fresh = self._decide(node)
            self._traced += fresh if self.running else ()
        return node

    def _apply_with_traces(self, fresh: list[Node]) -> None:
        """Apply *fresh*, and what was decided meanwhile because a trace named it: it may be upstream of these."""
        traced, self._traced = self._traced, []
        self.placer.apply([*traced, *fresh])

    def _mark_needed(self) -> None:
        """Tell what the run has to look after from what is upstream of results that are there."""
        wanted = needed(
            [node.task_id for node in self.roots],
            lambda name: [dep.task_id for dep in self.graph.nodes[name].all_deps],
            lambda name: (node := self.graph.nodes[name]).is_served and not node.by_inputs,
        )
        for node in self.graph:
            remote = self.resolver.is_remote(node)
            node.needed = node.task_id in wanted or (remote and self.settings.materialise == "all")
            if not node.needed and (remote or not node.is_served) and node.kind is not Kind.WRAPPER:
                node.decision = _NOT_NEEDED
        self._doubt_results_over_lost_inputs()

    def _doubt_results_over_lost_inputs(self) -> None:
        """What lost its result and is about to be made again may give other content: results over it have to wait."""
        made = {node.task_id for node in self.graph if _will_be_made(node)} - self.resolver.renewing
        if not made:  # as when there is nothing to do: nobody's inputs are looked at
            return
        lost = made.intersection(
            leaf.task_id
            for node in self.graph
            if node.kind is Kind.TASK and node.is_served and not node.done
            for leaf in input_leaves(node)
        )
        if lost:
            self.resolver.renewing |= lost
            self._redecide()

    @property
    def has_work(self) -> bool:
        """Whether something is to be executed, as far as the plan knows."""
        return any(node.kind is Kind.TASK and _will_be_made(node) for node in self.graph)

    # --- run

    def begin(self) -> None:
        """Make the workspace hold the results that are there; from here on, decisions become deeds."""
        self.running = True
        self.workspace.open()
        self.placer.fetch(list(self.graph))
        self.placer.apply(list(self.graph))
        self.placer.clear_unneeded()
        if self.hands_out:
            self.uploads.offer(self.graph)
        left = [n for n in self.graph if n.kind is Kind.TASK and n.needed and not n.done]
        self.left = len(left)
        self.keeper.prepare(left)

    def _redecide(self) -> None:
        """A result that was planned on is gone: decide that task and everything below it again."""
        for node in self.graph:
            if not node.done:
                self.resolver.settle(node)
        self._mark_needed()

    def recheck(self, node: Node) -> bool:
        """Whether the files of an external task are there by now."""
        node.missing, node.content = (), None
        if node.uncacheable and not node.tables:
            node.complete = bool(node.task.complete())
        self.resolver.settle(node)
        node.done = node.is_served
        return node.done

    def served_now(self, node: Node) -> bool:
        """Decide *node* again, now that its inputs have finished; True if its result is there and in place."""
        if node.done:
            return True
        if node.kind is Kind.WRAPPER:
            self.resolver.settle(node)
        if node.kind is not Kind.TASK:
            return False
        if self.shared:
            self._learn([leaf for leaf in input_leaves(node) if not leaf.done])
        self.placer.refresh_inputs(node)
        if node.uncacheable and not (node.by_inputs or node.tables):
            return False  # as under Luigi: what lies at its outputs by now is no answer, another task may write there
        self.resolver.settle(node, fresh=True)
        if node.is_served:
            node.done = node.outcome is Outcome.COMPLETE or self.placer.serve(node)
        return node.done

    def _learn(self, nodes: Sequence[Node]) -> None:
        """Look whether other machines have made the results of *nodes* meanwhile, and fetch those that are needed."""
        if not nodes:
            return
        self.exchange.refresh()
        for node in nodes:
            node.needed = True
            self.resolver.settle(node, fresh=True)
        self.placer.fetch(nodes)
        self.placer.apply(nodes)

    def publish(self) -> None:
        """Where other machines wait for it, push what has finished, before anybody is told that it is done."""
        if self.hands_out:
            self.uploads.publish()

    def finished(self, execution: Execution) -> None:
        """Take in what became of a task that ran, here or in a child."""
        node = self.graph.nodes[execution.task_id]
        self.executions.append(execution)
        self.undeclared.add(execution.undeclared)
        node.seconds, node.size = execution.seconds, execution.size
        if self.listener is not None and node.kind is Kind.TASK:
            self.listener(str(node.task), execution.outcome.value, self.left)
        if execution.outcome is not node.outcome:
            node.decision = Decision(execution.outcome, execution.reason or node.decision.reason)
        if execution.outcome is Outcome.FAILED:
            return
        node.done, node.superseded = True, False
        if node.kind is not Kind.TASK:
            return
        node.content, node.key, node.by_content = execution.content, execution.key, execution.key is None
        node.by_content |= node.declaration.time_to_live is not None
        if execution.key is None:
            self.workspace.load([node])
            self.workspace.hold_to(execution.tokens or {})
            return
        if execution.away:  # its result is known, and wherever it is wanted
            self.uploads.made_elsewhere(node)
            return
        self.resolver.lookup.forget(execution.key)
        node.result = self.store.results([execution.key]).get(execution.key)
        if node.result is not None:
            self.workspace.kept(node, self.resolver.lookup.manifest(node.result))
        self.uploads.made_here(node)

    def ran_in_batch(self, task: luigi.Task, seconds: float) -> None:
        """A batch ran for *task*, too: keep its outputs as its own. What the batch read says nothing about it."""
        node = self.admit(task)
        if not node.done:
            ran = Ran(seconds, Observation(started_process=True), None, None, ())
            self.finished(self.keeper.conclude(node, ran))

    def finish(self) -> None:
        """The run is over: what never ran is blocked, and its old files are stale."""
        if self.shared:
            self._learn([node for node in self.graph if not node.done and node in self.roots])
        for node in self.graph:
            if node.done or node.outcome in (Outcome.FAILED, Outcome.MISSING, Outcome.NOT_NEEDED):
                continue
            self.resolver.settle(node, fresh=self.shared)
            if node.kind is Kind.TASK and node.outcome in (Outcome.EXECUTED, Outcome.UNDECIDED):
                node.decision = _NEVER_RAN
            if node.outcome is Outcome.BLOCKED and not node.uncacheable:
                self.placer.clear(node)
        note_externals(self.store, self.workspace, self.graph)
        note_uses(self.store, self.graph, self.roots)
        note_end(self.store)
        self.uploads.complete(list(self.graph))

    def bring(self, nodes: Sequence[Node]) -> None:
        """Have in the store what remotes have of *nodes*; what is gone there has no result any more."""
        for node in nodes:
            node.needed = True
        self.placer.fetch(nodes)

    def serve_root(self) -> bool:
        """Make the workspace hold the result of the root alone; False if there is none."""
        root = self.roots[0]
        self.running = True
        if root.is_served:
            self.placer.fetch([root])
            self.placer.apply([root])
        return root.done

    def upload_root(self, *, overwrite: bool) -> bool:
        """Upload the result of the root alone; False if the store has none.

        :param overwrite: replace another result that the remote has.
        """
        root = self.roots[0]
        if root.result is None or self.resolver.is_remote(root):
            return False
        root.done = True
        self.exchange.upload([root], [root.task_id] if overwrite else ())
        return True

    # --- report

    def report(self, status: Status) -> Report:
        """What was planned, or what happened."""
        return report_of(
            status,
            self.roots[0],
            self.graph,
            self.executions,
            (
                *self.resolver.describer.extras.notes,
                *self.undeclared.notes(),
                *self.workspace.notes,
                *self.notes,
                *blind_spots(self.graph, self.fingerprinter),
            ),
            reasons=self.reasons.of(self.graph.nodes.values()),
            seconds=time.monotonic() - self.started,
            traffic=self.exchange.traffic,
            incomplete=self.exchange.incomplete,
        )


def _will_be_made(node: Node) -> bool:
    """Whether *node* has no result, and will execute to have one."""
    waits = node.kind is Kind.TASK and node.content is None and node.needed and not node.done
    return waits and node.outcome in (Outcome.EXECUTED, Outcome.UNDECIDED)


def open_store(settings: Settings, *, create: bool) -> Store:
    """The store of a run; for a command that only looks and where no store exists yet, one without files.

    :raises UsageError: where the store cannot be created.
    """
    path = settings.store_path or os.path.join(os.getcwd(), ".luisy")
    if not create and not os.path.isdir(path):
        return Store.ephemeral()
    return Store.open(path, create=create)

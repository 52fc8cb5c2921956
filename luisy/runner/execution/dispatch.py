"""Tasks of a session handed to a cluster: which may go, what goes with them, and what their answers mean."""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import itertools
import logging
import pickle
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from luigi.scheduler import DONE, FAILED, PENDING
from luigi.task_register import load_task

from luisy.errors import LuisyError
from luisy.model import Outcome, Reason
from luisy.observe import imports
from luisy.plan import Kind
from luisy.runner.execution.cluster import Cluster, ClusterProcess, required_scheduler
from luisy.runner.execution.errands import Answer, Errand, own_version
from luisy.runner.pipeline.commandline import given_options
from luisy.runner.pipeline.given import Given
from luisy.runner.pipeline.graph import input_leaves, leaves_of
from luisy.runner.results.keeping import Execution, failure, maker_of
from luisy.runner.results.noting import ref_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.model import Key
    from luisy.runner.execution.errands import Reply
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session

Message = tuple[str, str, Any, list[str], list[Any], "Execution | None"]
"""What a process of ours puts on its queue: Luigi's five fields, and the execution."""

logger = logging.getLogger("luisy")

_CARRIED = ("audit", "materialise")
"""The settings of the driver that count on the worker, too."""


class Dispatch:
    """Hands tasks of *session* to *cluster*, and takes in what comes back."""

    def __init__(self, session: Session, cluster: Cluster) -> None:
        self.session = session
        self.cluster = cluster
        self.threads = 1
        self._numbers = itertools.count()
        self._out: dict[int, Errand] = {}
        self._told: set[str] = set()
        self._yielded: dict[str, tuple[Node, ...]] = {}
        self._turns = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this

    @property
    def turn(self) -> int:
        """What tasks that stay here wait for: a descriptor to lock."""
        return self._turns.fileno()

    def connect(self) -> None:
        """Connect to the cluster, unless that was done.

        :raises UsageError: it does not answer.
        """
        if not self.cluster.is_connected:
            self.threads = max(1, self.cluster.connect())

    def process(self, node: Node, default_timeout: float, *, batch: bool) -> ClusterProcess | None:
        """What runs *node* on the cluster; None where it stays here, which is told once for each family.

        :param default_timeout: seconds, for a task that says nothing itself; 0 for none.
        :param batch: it stands for several tasks.
        """
        if node.kind is not Kind.TASK:
            return None
        why = "several tasks run as one batch" if batch else self._why_here(node)
        if why:
            self._note(node, why)
            return None
        self.connect()
        self.session.placer.clear(node)
        node.attempted = True
        errand = self._errand(node)
        self._out[errand.number] = errand
        return ClusterProcess(self.cluster, errand, node.task, default_timeout)

    def _why_here(self, node: Node) -> str:
        """Why *node* cannot run elsewhere; empty if it can."""
        if node.uncacheable:
            return f"it is not cacheable: {node.uncacheable}"
        if node.base_key is None:
            return "an input of it has no key"
        if node.held:
            return "it holds tasks in its parameters"
        if node.task.task_module == "__main__":
            return "it is defined in a script, which cannot be imported elsewhere"
        self.session.uploads.offer(self._inputs(node))
        absent = next((leaf for leaf in self._inputs(node) if not self._is_shared(leaf)), None)
        return "" if absent is None else f"the remote does not have its input {absent.task}"

    def _note(self, node: Node, why: str) -> None:
        if node.family not in self._told:
            self._told.add(node.family)
            text = f"{node.task} and others of its family run on this machine, not on the cluster: {why}"
            self.session.notes[Reason("runs-here", text)] = None

    def _inputs(self, node: Node) -> tuple[Node, ...]:
        yielded = self._yielded.get(node.task_id, ())
        return (*input_leaves(node), *(leaf for one in yielded for leaf in leaves_of(one)))

    def _is_shared(self, leaf: Node) -> bool:
        """Whether the content of an input can be had on every machine."""
        # Without files, the machine that needs it asks for itself; of tables, this one knows more.
        if leaf.uncacheable:
            return not leaf.countable and not leaf.tables
        if leaf.kind is Kind.EXTERNAL:
            return ref_name(leaf, self.session.workspace.root) is not None
        return leaf.result is not None and self.session.resolver.lookup.shares(leaf.result, _project(leaf))

    def _errand(self, node: Node) -> Errand:
        task, facts, facts_digest = node.task, node.facts, maker_of(node)
        assert facts is not None
        assert facts_digest is not None
        assert node.base_key is not None
        settings = self.session.settings
        modules = dict.fromkeys((*([settings.module] if settings.module else []), task.task_module))
        return Errand(
            version=own_version(),
            number=next(self._numbers),
            task_id=node.task_id,
            family=node.family,
            module=task.task_module,
            modules=tuple(modules),
            # Luigi's own to_str_params() leaves out what is private.
            params={name: one.serialize(task.param_kwargs[name]) for name, one in task.get_params()},
            key=node.base_key,
            fingerprint=facts.fingerprint,
            facts=facts_digest,
            given={leaf.task_id: given for leaf in self._inputs(node) if (given := _given(leaf))},
            options=given_options(),
            settings={name: getattr(settings, name) for name in _CARRIED}
            | {"force": node.task_id in self.session.resolver.forced},
        )

    # --- what comes back

    def take(self, reply: Reply) -> Message | None:
        """A reply as the message of a process; None for one that nobody waits for any more."""
        errand = self._out.pop(reply.number, None)
        if errand is None:
            return None
        if reply.answer is None:
            return self._failed(errand, Reason("cluster-lost", reply.lost))
        answer: Answer = pickle.loads(reply.answer)  # noqa: S301 - from the cluster that this user runs code on  # nosec B301
        if answer.status == FAILED:
            return self._refused(errand, answer)
        if answer.status == PENDING:
            return self._waits(errand, answer)
        assert answer.execution is not None
        try:
            execution = self._taken(answer.execution, answer.action)
        except (LuisyError, OSError) as error:
            return self._failed(errand, Reason("not-shared", f"{error} (pushed to {answer.remote})"))
        return errand.task_id, DONE, answer.explanation, [], [], execution

    def _taken(self, execution: Execution, action: Key | None) -> Execution:
        """An execution elsewhere, as the remote has it; brought here if it is wanted here."""
        node = self.session.graph.nodes[execution.task_id]
        assert action is not None
        result = self.session.holding.arrived(node, action, execution.content)
        return replace(execution, content=result.manifest, size=result.size, away=True)

    def _waits(self, errand: Errand, answer: Answer) -> Message:
        """It yielded tasks that had no result there."""
        with imports.resumed():
            tasks = [load_task(*one) for one in answer.new]
        nodes = tuple(self.session.admit(task) for task in tasks)
        known = self._yielded.get(errand.task_id, ())
        if all(node in known and node.done for node in nodes):
            what = ", ".join(str(node.task) for node in nodes)
            return self._failed(
                errand,
                Reason("not-shared", f"it asks for {what}, whose results it was given ({answer.where})"),
            )
        self._yielded[errand.task_id] = tuple(dict.fromkeys((*known, *nodes)))
        return errand.task_id, PENDING, answer.explanation, [], answer.new, None

    def _refused(self, errand: Errand, answer: Answer) -> Message:
        """It failed there: what is to be said about that."""
        logger.error("%s failed on %s: %s", errand.name, answer.where, answer.explanation)
        execution = answer.execution or failure(errand.task_id, answer.explanation)
        return errand.task_id, FAILED, answer.explanation, [], [], execution

    def _failed(self, errand: Errand, reason: Reason) -> Message:
        """It came to nothing, for a reason that is not its own."""
        logger.error("%s: %s", errand.name, reason.text)
        execution = Execution(errand.task_id, Outcome.FAILED, reason=reason)
        return errand.task_id, FAILED, reason.text, [], [], execution


@contextmanager
def dispatching(session: Session) -> Iterator[Dispatch]:
    """The dispatch of a run that is to execute on a cluster."""
    cluster = Cluster(required_scheduler(session.settings))
    session.hand_out()
    try:
        yield Dispatch(session, cluster)
    finally:
        cluster.close()


def _project(node: Node) -> str:
    assert node.facts is not None
    return node.facts.project


def _given(leaf: Node) -> Given | None:
    if leaf.result is None or leaf.content is None:
        return None
    return Given(leaf.result.key, leaf.key, leaf.content, leaf.by_content)

"""What happens in the process that runs a task: Luigi's ``TaskProcess`` with luisy's answers and its keeping."""

# What is inherited from Luigi is untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import collections.abc
import contextlib
import fcntl
import multiprocessing
import os
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import luigi.worker
from luigi.task import DynamicRequirements
from luigi.task_status import DONE, FAILED
from luigi.worker import ContextManagedTaskProcess

from luisy import observe
from luisy.errors import LuisyError, TaskError
from luisy.observe import imports
from luisy.observe.runs import audited
from luisy.plan import Kind
from luisy.runner.pipeline.asking import Code
from luisy.runner.pipeline.graph import input_leaves, leaves_of
from luisy.runner.pipeline.requirements import Requirements
from luisy.runner.results.keeping import Execution, Ran, failure
from luisy.tasks import naming_only

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from luisy.observe.runs import Audit
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session

Message = tuple[str, str, Any, list[str], list[Any]]
"""What Luigi's processes put on their queue: task_id, status, explanation, missing, new requirements."""


class CachingProcess(ContextManagedTaskProcess):
    """Runs one task: under its lock, observed, and kept before Luigi hears that it is done."""

    # Luigi's processes inherit what the parent knows; that takes a fork, whatever the default has become.
    _Popen = staticmethod(multiprocessing.get_context("fork").Process._Popen)  # type: ignore[assignment]  # noqa: SLF001

    def __init__(self, session: Session, node: Node, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = session
        self.node = node
        self.result_queue = _Concluding(self, self.result_queue)
        self.check_complete = self._answer  # type: ignore[assignment]  # a partial at Luigi's
        self.ran: Ran | None = None
        self._requirements: Requirements | None = None
        self._told: str | None = None
        self._dynamic: dict[str, Node] = {}
        self._started = False
        self._first_attempt = not node.attempted
        node.attempted = True

    def run(self) -> None:
        """Run the task, unless another process has made its result since the parent looked for it."""
        if (
            self.use_multiprocessing
        ):  # Luigi forks with this lock held, so a build in the child could never fork again
            luigi.worker.fork_lock = threading.Lock()
        session, key = self.session, self.node.base_key
        if self.node.tables and self.node.kind is Kind.TASK:
            self._run_on_tables()
            return
        if self.node.kind is not Kind.TASK or self.node.uncacheable or key is None:
            self._run()
            return
        forced = self.node.task_id in session.resolver.forced
        with session.store.lock(key) as waited:
            if not forced and (waited or session.store.results([key])) and session.served_now(self.node):
                self.result_queue.served()
                return
            with session.workspace.reserved(self.node):
                self._run()

    def _run_on_tables(self) -> None:
        """Run the task while no other process writes its tables, unless one has just written them for it."""
        session = self.session
        with session.resolver.tables.reserved(self.node) as waited:
            forced = self.node.task_id in session.resolver.forced
            if waited and not forced and session.served_now(self.node):
                self.result_queue.served()
            else:
                self._run()

    def _run(self) -> None:
        if self._first_attempt and self.node.kind is Kind.TASK and not self.node.uncacheable:
            self.session.placer.clear(self.node)
        self.session.current.append(self)
        try:
            with self._hearing_requirements():
                super().run()
        finally:
            self.session.current.pop()

    def _hearing_requirements(self) -> AbstractContextManager[None]:
        if not self.node.is_filed:
            return contextlib.nullcontext()
        self._requirements = Requirements(
            self.node, self.task, partial(self.session.oracle.asked_by, code=Code.REQUIRES)
        )
        return self._requirements.heard()

    def _answer(self, task: luigi.Task) -> bool:
        """Whether *task* is complete: by key, not by whether a file is there."""
        with observe.paused():
            node = self.session.graph.get(task)
            if node is self.node:
                return self.session.recheck(node) if node.kind is Kind.EXTERNAL else self._has_outputs()
            if node is None or self._started:
                node = self.session.admit(task)
            return node.done

    def note_dynamic(self, node: Node) -> None:
        """Remember a task that ``run()`` yielded or built."""
        self._dynamic.setdefault(node.task_id, node)

    def _run_get_new_deps(self) -> list[tuple[str, str, dict[str, str]]] | None:
        """Luigi's seam round ``run()``: new requirements, or None when it is through."""
        self._started = True
        self._dynamic.clear()
        roots = self.session.workspace.watched(self.session.graph)
        start = time.monotonic()
        with (
            observe.watch(roots) as seen,
            self._audited() as audit,
            imports.resumed(),
            self.session.oracle.asked_by(self.task, Code.RUN) as asker,
            naming_only(only=False),  # what it runs directly may count on the folders of its outputs
        ):
            new = self._drive(self.task.run())
        for node, _ in asker.answers.values():
            if node not in self.node.deps:
                self.note_dynamic(node)
        dynamic = tuple(self._dynamic.values())
        self.ran = Ran(time.monotonic() - start, seen, audit, self._requirements, dynamic)
        if not new and not _writes_on_success(self.task):
            self._demand_outputs()
        return new

    def _audited(self) -> AbstractContextManager[Audit | None]:
        audit = self.session.settings.audit
        if audit == "off" or not self.node.is_filed:
            return nullcontext()
        return audited(__name__, refuse_processes=audit == "strict")

    def _drive(self, generator: Any) -> list[tuple[str, str, dict[str, str]]] | None:
        if not isinstance(generator, collections.abc.Generator):
            return None
        answer = None
        while True:
            try:
                yielded = generator.send(answer)
            except StopIteration:
                return None
            requirements = (
                yielded if isinstance(yielded, DynamicRequirements) else DynamicRequirements(yielded)
            )
            complete = requirements.complete(self._answer)
            with observe.paused():
                for task in requirements.flat_requirements:
                    self.note_dynamic(self.session.admit(task))
            if not complete:
                return [
                    (t.task_module, t.task_family, t.to_str_params()) for t in requirements.flat_requirements
                ]
            answer = requirements.paths

    def _has_outputs(self) -> bool:
        return all(os.path.lexists(path) for _, path in self.node.outputs)

    def _demand_outputs(self) -> None:
        """A task that is answered by key must have written what it promised."""
        missing = [path for _, path in self.node.outputs if not os.path.lexists(path)]
        if missing and self.node.kind is Kind.TASK and not self.node.uncacheable:
            raise TaskError(
                f"{self.task} ran through but did not write {missing[0]}",
                slug="no-output-written",
                hint="write every target that output() returns, or take it out of output()",
            )

    def execution(self, status: str, explanation: object) -> Execution | None:
        """What to tell the session about a run that Luigi says ended with *status*."""
        if status == DONE and self.ran is not None:
            execution = self.session.keeper.conclude(self.node, self.ran)
            # What builds inside this run() found out is known to nobody else if this is a child.
            return replace(execution, undeclared=(*execution.undeclared, *self.session.undeclared.all()))
        if status == DONE:  # an external task that has appeared
            return Execution(
                self.node.task_id, self.node.outcome, key=self.node.key, content=self.node.content
            )
        if status == FAILED:
            return failure(self.node.task_id, explanation if self._told is None else self._told)
        return None

    def _handle_run_exception(self, ex: BaseException) -> Any:
        """Luigi's way, but what luisy itself says about a task is told as it stands, without a traceback."""
        if isinstance(ex, LuisyError):
            self._told = ex.text
        return super()._handle_run_exception(ex)


class LocalProcess(CachingProcess):
    """A task that stays here while others execute elsewhere: one after the other, with its inputs brought here.

    :param turn: descriptor of a file that is locked by the one whose turn it is.
    """

    def __init__(self, turn: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn = turn

    def run(self) -> None:
        """Wait for the turn; the kernel passes it on when a process dies."""
        fcntl.lockf(self._turn, fcntl.LOCK_EX)
        super().run()

    def _run_get_new_deps(self) -> list[tuple[str, str, dict[str, str]]] | None:
        self.session.holding.hold(input_leaves(self.node))
        return super()._run_get_new_deps()

    def _answer(self, task: luigi.Task) -> bool:
        complete = super()._answer(task)
        if complete and self._started and (node := self.session.graph.get(task)) is not None:
            with observe.paused():
                self.session.holding.hold(leaves_of(node))
        return complete


def _writes_on_success(task: luigi.Task) -> bool:
    """Whether ``on_success()`` is the task's own: it may still write what ``run()`` did not."""
    return type(task).on_success is not luigi.Task.on_success


class _Concluding:
    """The queue as the process sees it: on the way out, a finished task is kept and its execution added."""

    def __init__(self, process: CachingProcess, queue: Any) -> None:
        self._process = process
        self._queue = queue

    def put(self, message: Message) -> None:
        """Conclude and pass on."""
        task_id, status, explanation, missing, new = message
        if status == DONE and _writes_on_success(self._process.task):
            try:
                self._process._demand_outputs()  # noqa: SLF001 - the two classes are one thing in two roles
            except TaskError as error:
                status, explanation = FAILED, error.text
        execution = self._process.execution(status, explanation)
        self._queue.put((task_id, status, explanation, missing, new, execution))

    def served(self) -> None:
        """The result came from elsewhere: done, and nothing was executed."""
        node = self._process.node
        execution = Execution(
            node.task_id,
            node.outcome,
            key=None if node.tables else node.key,
            content=node.content,
            size=node.size,
            reason=node.decision.reason,
        )
        self._queue.put((node.task_id, DONE, None, [], [], execution))

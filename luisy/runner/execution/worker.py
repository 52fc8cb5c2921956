"""Luigi's worker, answered by luisy: tasks are fed from the session's decisions, not asked whether they are complete."""

# What is inherited from Luigi is untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import collections
import contextlib
import logging
import multiprocessing
import os
import queue
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

from luigi.event import Event
from luigi.rpc import RemoteScheduler, RPCError
from luigi.scheduler import DISABLED, DONE, FAILED, PENDING, UNKNOWN
from luigi.worker import TaskStatusReporter, Worker

from luisy.plan import Kind
from luisy.runner.execution.letters import send_error
from luisy.runner.execution.process import CachingProcess, LocalProcess
from luisy.runner.results.keeping import failure

if TYPE_CHECKING:
    from collections.abc import Callable

    import luigi

    from luisy.runner.execution.dispatch import Dispatch
    from luisy.runner.execution.errands import Reply
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.results.keeping import Execution
    from luisy.runner.session import Session

logger = logging.getLogger("luigi-interface")


_PATIENCE = 180.0
"""Seconds to wait, with nothing running anywhere, for tasks that are pending. Luigi's daemon looks once a minute for
workers that were lost, and a minute later gives their tasks to others."""


_WITH_EXECUTION = 6  # fields of a message: Luigi's five and ours


class ResultQueue:
    """Results of task processes: from this process through a plain queue, from children through Luigi's.

    Each message carries an execution behind Luigi's five fields; it is handed to *finished* on the way.

    :param take: makes a message of what came from a cluster, or None where nobody waits for it.
    """

    def __init__(
        self,
        inner: Any,
        finished: Callable[[Execution], None],
        take: Callable[[Reply], tuple[Any, ...] | None] | None = None,
    ) -> None:
        self._inner = inner
        self._take = take
        self._local: collections.deque[tuple[Any, ...]] = collections.deque()
        self._ready: collections.deque[tuple[Any, ...]] = collections.deque()
        self._owner = os.getpid()
        self._finished = finished

    def put(self, message: tuple[Any, ...]) -> None:
        """Put a message, with or without an execution."""
        if os.getpid() == self._owner:
            self._local.append(message)
        else:
            self._inner.put(message)

    def get(self, timeout: float | None = None) -> tuple[Any, ...]:
        """Luigi's five fields of the next message; ``queue.Empty`` after *timeout* seconds."""
        while not self._ready:
            self._receive(self._local.popleft() if self._local else self._inner.get(timeout=timeout))
            with contextlib.suppress(queue.Empty):  # what came meanwhile is finished, and published, together
                while True:
                    self._receive(self._inner.get_nowait())
        return self._ready.popleft()

    def _receive(self, received: tuple[Any, ...] | Reply) -> None:
        if isinstance(received, tuple):
            message = received
        elif self._take is None or (taken := self._take(received)) is None:
            return
        else:
            message = taken
        task_id, status, explanation = message[:3]
        execution = message[5] if len(message) == _WITH_EXECUTION else None
        if (
            execution is None and status == FAILED
        ):  # Luigi's parent speaks for a child that died or was too slow
            execution = failure(task_id, explanation)
        if execution is not None:
            self._finished(execution)
        self._ready.append(message[:5])

    def close(self) -> None:
        """Close the queue to the children."""
        self._inner.close()


class CachingWorker(Worker):
    """A worker whose tasks are resolved by key."""

    def __init__(self, session: Session, dispatch: Dispatch | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session = session
        self.dispatch = dispatch
        results = (
            ResultQueue(self._task_result_queue, session.finished)
            if dispatch is None
            else ResultQueue(dispatch.cluster.replies, session.finished, dispatch.take)
        )
        self._task_result_queue = results  # type: ignore[assignment]  # as much of a queue as Luigi uses
        self._fed: set[str] = set()
        self._others_seen = time.monotonic()

    def add(self, task: luigi.Task, multiprocess: bool = False, processes: int = 0) -> bool:  # noqa: ARG002, FBT001, FBT002 - Luigi's signature
        """Tell the scheduler about *task* and what it needs, from the session's decisions."""
        self._validate_task(task)
        if self._first_task is None:
            self._first_task = task.task_id
        self.add_succeeded = True
        node = self.session.admit(task)
        if self.session.current:  # a build inside a run(): what it builds is a dependency of that task
            self.session.current[-1].note_dynamic(node)
        self._fed.discard(node.task_id)
        open_nodes = collections.deque([node])
        while open_nodes:
            current = open_nodes.popleft()
            if current.task_id not in self._fed:
                self._fed.add(current.task_id)
                open_nodes.extend(self._feed(current))
        return bool(self.add_succeeded)

    def _feed(self, node: Node) -> tuple[Node, ...]:
        """Tell the scheduler about one task, firing the events that Luigi fires; returns what it waits for."""
        task, deps = node.task, None
        if node.problem:
            status, runnable = UNKNOWN, False
            self.add_succeeded = False
            logger.warning("Will not run %s or any dependencies: %s", task, node.problem)
            task.trigger_event(Event.BROKEN_TASK, task, RuntimeError(node.problem))
            self._email_dependency_error(task, node.problem)
        elif node.done:
            status, runnable = DONE, False
            task.trigger_event(Event.DEPENDENCY_PRESENT, task)
        elif node.kind is Kind.EXTERNAL:
            status, runnable = PENDING, bool(self._config.retry_external_tasks)
            task.trigger_event(Event.DEPENDENCY_MISSING, task)
            logger.warning("Data for %s does not exist (yet?): %s", task, ", ".join(node.missing))
        else:
            status, runnable, deps = PENDING, True, node.deps
            self._add_task_batcher(task)
            for dep in deps:
                task.trigger_event(Event.DEPENDENCY_DISCOVERED, task, dep.task)
        self._tell(node, DISABLED if task.disabled else status, runnable=runnable, deps=deps)
        return deps or ()

    def _tell(
        self, node: Node, status: str, *, runnable: bool | None, deps: tuple[Node, ...] | None = None
    ) -> None:
        task = node.task
        self._scheduled_tasks[task.task_id] = task
        self._add_task(
            worker=self._id,
            task_id=task.task_id,
            status=status,
            deps=None if deps is None else [dep.task_id for dep in deps],
            runnable=runnable,
            priority=task.priority,
            resources=task.process_resources(),
            params=task.to_str_params(),
            family=task.task_family,
            module=task.task_module,
            batchable=task.batchable,
            retry_policy_dict=_retry_policy(task),
            accepts_messages=task.accepts_messages,
        )

    def _run_task(self, task_id: str) -> None:
        """Early cutoff before anything is forked or any event fired; else Luigi's way."""
        if task_id not in self._running_tasks:
            task = self._scheduled_tasks[task_id]
            if self.session.served_now(node := self.session.admit(task)):
                self._tell(node, DONE, runnable=None)
                return
        super()._run_task(task_id)

    def _get_work(self) -> Any:
        work = super()._get_work()
        if work.task_id in self._batch_running_tasks:  # Luigi leaves an iterator that can be read once
            self._batch_running_tasks[work.task_id] = list(self._batch_running_tasks[work.task_id])
        return work

    def _add_task(self, *args: Any, **kwargs: Any) -> None:
        if kwargs["status"] == DONE:
            for task in self._batch_running_tasks.get(kwargs["task_id"], ()):
                self.session.ran_in_batch(task, self.session.graph.nodes[kwargs["task_id"]].seconds)
            self.session.publish()
        super()._add_task(*args, **kwargs)
        if kwargs["status"] == DONE and isinstance(self._scheduler, RemoteScheduler):
            self._say_how(self.session.graph.nodes[kwargs["task_id"]])

    def _say_how(self, node: Node) -> None:
        """Show the outcome in the visualiser, unless the task itself has said something there."""
        with contextlib.suppress(RPCError):
            if not self._scheduler.get_task_status_message(node.task_id)["statusMessage"]:
                said = f"luisy: {node.outcome.value}, {node.decision.reason.text}"
                self._scheduler.set_task_status_message(node.task_id, said)

    def _announce_scheduling_failure(self, task: luigi.Task, expl: str) -> None:
        try:
            self._scheduler.announce_scheduling_failure(
                worker=self._id,
                task_name=str(task),
                family=task.task_family,
                params=task.to_str_params(only_significant=True, only_public=True),
                expl=expl,
                owners=task._owner_list(),  # noqa: SLF001 - as Luigi's worker asks for it
            )
        except Exception:
            self._email_unexpected_error(task, traceback.format_exc())
            raise

    def _email_error(self, task: luigi.Task, formatted_traceback: str, subject: str, headline: str) -> None:
        about = {"task": task, "host": self.host}
        send_error(task, formatted_traceback, subject.format(**about), headline.format(**about))

    def _keep_alive(self, get_work_response: Any) -> bool:
        """On a shared scheduler, stay while others run tasks, and a while longer in case one of them was lost."""
        if self._config.keep_alive or not self.session.shared:
            return bool(super()._keep_alive(get_work_response))
        if get_work_response.running_tasks:
            self._others_seen = time.monotonic()
            return True
        return bool(get_work_response.n_pending_tasks) and time.monotonic() - self._others_seen < _PATIENCE

    def _create_task_process(self, task: luigi.Task) -> Any:
        node = self.session.graph.nodes[task.task_id]
        if self.dispatch is None:
            return self._process(CachingProcess, node)
        batch = task.task_id in self._batch_running_tasks
        away = self.dispatch.process(node, self._config.timeout, batch=batch)
        return away or self._process(partial(LocalProcess, self.dispatch.turn), node)

    def _process(self, kind: Callable[..., CachingProcess], node: Node) -> CachingProcess:
        task = node.task
        messages: Any = multiprocessing.Queue() if task.accepts_messages else None
        return kind(
            self.session,
            node,
            self._config.task_process_context,
            task,
            self._id,
            self._task_result_queue,
            TaskStatusReporter(self._scheduler, task.task_id, self._id, messages),
            use_multiprocessing=self._config.force_multiprocessing
            or self.worker_processes > 1
            or self.dispatch is not None,
            worker_timeout=self._config.timeout,
            check_unfulfilled_deps=self._config.check_unfulfilled_deps,
            check_complete_on_run=self._config.check_complete_on_run,
        )


def _retry_policy(task: luigi.Task) -> dict[str, Any]:
    return {
        "retry_count": task.retry_count,
        "disable_hard_timeout": task.disable_hard_timeout,
        "disable_window": task.disable_window,
    }

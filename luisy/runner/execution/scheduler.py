"""A local scheduler whose cost per task does not grow with the number of tasks.

Luigi's ``Scheduler.get_work`` walks and sorts all pending tasks, prunes all tasks and counts all unfinished
ones, each time that it is asked. ``FlatScheduler`` leaves the *rules* to Luigi: it calls Luigi's own
``get_work``, ``count_pending`` and pruning, but on the few tasks that can make a difference. It
answers what Luigi would answer, in the same order (``tests/unit/runner`` compares the two).

Why the few suffice:

* ``get_work`` goes through the tasks by rank. One that is not ready (pending, with all its dependencies
  done) changes nothing, so the ready ones are kept in heaps by rank.
* Ready tasks with the same resources and workers form a *group*. If its first one may run, that one is handed
  out; else none of it is, but each may reserve one free worker process, so that lesser tasks do not take what
  it waits for. So of each group as many as there are processes are enough, and at least one.
* Nothing behind a task that needs no resource and that the asking worker may run is ever handed out,
  but for the other members of its batch; these are added.
* Pruning changes a task only when a time has come (retry, end of a disable, removal), when it runs, or
  when it has lost its last stakeholder. The times are in a heap. Looking at a task too early is
  harmless, since Luigi looks at each one each time.
* ``count_pending`` leaves out tasks behind a disabled one; that set is worked out anew only when a change
  may have touched it.

With assistants, with several workers, or after something that the argument does not cover
(``FlatState.is_plain``), Luigi's own way over all tasks is taken. A group for each task (resources that no two tasks
share) costs as much as Luigi does.
"""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import heapq
import inspect
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import luigi.scheduler
from luigi.task_status import PENDING

from luisy.runner.execution.letters import PublicBatchNotifier
from luisy.runner.execution.scheduler_state import FlatState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from luigi.scheduler import Task


class FlatScheduler(luigi.scheduler.Scheduler):
    """Luigi's scheduler for use in one process, at a cost per task that does not grow.

    Parameters and methods are Luigi's; ``make_scheduler`` makes one where Luigi's inner parts are as expected.
    """

    _state: FlatState

    def __init__(
        self, config: Any = None, resources: Any = None, task_history_impl: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(config, resources, task_history_impl, **kwargs)
        state = FlatState(self._config)
        state._metrics_collector = self._state._metrics_collector  # noqa: SLF001 - as Luigi's own __init__ does
        self._state = state
        self._raised: list[tuple[float, str]] = []
        if self._config.batch_emails:
            self._email_batcher = PublicBatchNotifier()

    def add_task(
        self,
        task_id: Any = None,
        status: str = PENDING,
        runnable: Any = True,  # noqa: FBT002 - Luigi's signature
        deps: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """As Luigi's."""
        if deps is not None:
            self._inherit_before_losing_deps(task_id, deps)
        super().add_task(task_id, status, runnable, deps, *args, **kwargs)
        task = self._state.get_task(task_id)
        if task is not None:
            self._state.rewire(task)
            self._state.refresh(task)
        if kwargs.get("assistant") or not self._state.is_plain(kwargs.get("worker")):
            # What an assistant names as a dependency need not exist yet, and then inherits nothing.
            self._inherit_priorities()

    def get_work(
        self,
        host: Any = None,
        assistant: Any = False,  # noqa: FBT002 - Luigi's signature
        current_tasks: Any = None,
        worker: Any = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """As Luigi's."""
        self._inherit_priorities()
        with self._serving(worker, plain=not assistant):
            return super().get_work(host, assistant, current_tasks, worker, **kwargs)

    def count_pending(self, worker: Any) -> dict[str, Any]:
        """As Luigi's."""
        with self._serving(worker) as served:
            reply: dict[str, Any] = super().count_pending(worker)
        if served:
            # The only worker is each task's only and last one, so Luigi's three numbers are one.
            number = self._state.unfinished()
            reply.update(n_pending_tasks=number, n_unique_pending=number, n_pending_last_scheduled=number)
        return reply

    def prune(self) -> None:
        """As Luigi's."""
        self._inherit_priorities()
        super().prune()

    @contextmanager
    def _serving(self, worker: Any, *, plain: bool = True) -> Iterator[bool]:
        """Show Luigi's code the few tasks that make a difference, if that is known to be right."""
        before = self._state.serving
        self._state.serving = worker if plain and self._state.is_plain(worker) else None
        try:
            yield self._state.serving is not None
        finally:
            self._state.serving = before

    def _prune_tasks(self) -> None:
        """As Luigi's loop over all tasks, for those where it may have something to do."""
        state, config = self._state, self._config
        assistants = {worker.id for worker in state.get_assistants()}
        remove = []
        for task in state.take_due():
            state.fail_dead_worker_task(task, config, assistants)
            state.update_status(task, config)
            state.refresh(task)
            if state.may_prune(task):
                remove.append(task.id)
        state.inactivate_tasks(remove)

    def _update_priority(self, task: Task, prio: float, worker: Any) -> None:  # noqa: ARG002 - Luigi's signature
        """Note that the dependencies inherit the priority; Luigi raises them at once, by recursion."""
        existing = task.priority if isinstance(task.priority, (int, float)) else 0
        task.priority = max(prio, existing)
        heapq.heappush(self._raised, (-task.priority, task.id))

    def _inherit_priorities(self) -> None:
        """Raise all upstream of what was added since, highest first: each task is raised at most once."""
        while self._raised:
            priority, task_id = heapq.heappop(self._raised)
            task = self._state.get_task(task_id)
            for dep in task.deps if task is not None and task.priority == -priority else ():
                upstream = self._state.get_task(dep)
                if upstream is not None and upstream.priority < -priority:
                    upstream.priority = -priority
                    self._state.refresh(upstream)
                    heapq.heappush(self._raised, (priority, dep))

    def _inherit_before_losing_deps(self, task_id: str, deps: Iterable[str]) -> None:
        """What Luigi would have raised before a dependency was taken away stays raised."""
        task = self._state.get_task(task_id)
        if task is not None and not task.deps <= set(deps):
            self._inherit_priorities()


def make_scheduler(**kwargs: Any) -> luigi.scheduler.Scheduler:
    """Make the scheduler of a local run: a flat one, or Luigi's own if this Luigi is not the one that we know.

    :param kwargs: what ``luigi.scheduler.Scheduler`` takes.
    """
    return (FlatScheduler if _luigi_is_as_expected() else luigi.scheduler.Scheduler)(**kwargs)


_EXPECTED = {
    "SimpleTaskState.set_status": "self task new_status config",
    "SimpleTaskState.get_task": "self task_id default setdefault",
    "SimpleTaskState.inactivate_tasks": "self delete_tasks",
    "SimpleTaskState.get_active_tasks_by_status": "self statuses",
    "SimpleTaskState._remove_workers_from_tasks": "self workers remove_stakeholders",
    "SimpleTaskState.fail_dead_worker_task": "self task config assistants",
    "SimpleTaskState.update_status": "self task config",
    "SimpleTaskState.may_prune": "self task",
    "Worker.get_tasks": "self state statuses",
    "Worker.is_trivial_worker": "self state",
    "Scheduler.get_work": "self host assistant current_tasks worker kwargs",
    "Scheduler.count_pending": "self worker",
    "Scheduler._prune_tasks": "self",
    "Scheduler._update_priority": "self task prio worker",
}
"""What is overridden or called, with its parameters: the same in Luigi 3.6 to 3.8."""


@cache
def _luigi_is_as_expected() -> bool:
    for name, parameters in _EXPECTED.items():
        owner, method = name.split(".")
        function = getattr(getattr(luigi.scheduler, owner, None), method, None)
        if not callable(function) or " ".join(inspect.signature(function).parameters) != parameters:
            return False
    return True

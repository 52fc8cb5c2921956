"""What the flat scheduler knows about its tasks: which are ready, unfinished, cut off by a disabled one, due.

It is kept up to date change by change, so that no question needs a look at all tasks.
"""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import luigi.scheduler
from luigi.task_status import BATCH_RUNNING, DISABLED, DONE, FAILED, PENDING, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luigi.scheduler import Task

_Rank = tuple[float, float, int, str]
"""Minus priority, time of the first add, place among the pending ones, id: Luigi's order, ties included."""

_Group = tuple[frozenset[tuple[str, int]], tuple[str, ...], "str | None"]
"""Resources, workers, and the family of what may go in a batch."""


@dataclass(slots=True)
class _Record:
    """What is known of one task beside Luigi's own object.

    :param place: its place among all tasks, the order in which Luigi prunes.
    :param deps: the dependencies as they are indexed, to notice that they were changed.
    :param blockers: how many of them are not done (or not known).
    :param turn: its place among the tasks of its status.
    :param rank: its valid entry in a heap while it is ready; entries that are not this one are stale.
    :param due: when pruning is to look at it, as last noted.
    """

    task: Task
    place: int
    turn: int
    deps: set[str] = field(default_factory=set)
    blockers: int = 0
    rank: _Rank | None = None
    group: _Group | None = None
    due: float | None = None


class _Worker(luigi.scheduler.Worker):
    """Luigi's record of a worker; while it is served it sees the few tasks that make a difference."""

    def get_tasks(self, state: Any, *statuses: str) -> Iterable[Task]:
        if state.serving == self.id and statuses == (PENDING, RUNNING):
            return state.contenders(self.id, processes=0, own=True)
        if state.serving == self.id and statuses == (PENDING, FAILED):
            return ()  # FlatScheduler.count_pending adds their number
        return super().get_tasks(state, *statuses)

    def is_trivial_worker(self, state: Any) -> bool:
        if state.serving == self.id:
            return not state.needy
        return super().is_trivial_worker(state)


class FlatState(luigi.scheduler.SimpleTaskState):
    """Luigi's state with an index of what is ready, unfinished, cut off and due.

    Each change of a status goes through ``set_status``, each new task through ``get_task``, each
    removal through ``inactivate_tasks``; the other fields change in ``add_task`` (then ``refresh``).
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config.state_path)
        self._config = config
        self._count = itertools.count()
        self.serving: str | None = None
        self._regular = True
        self._clear()

    def _clear(self) -> None:
        self._records: dict[str, _Record] = {}
        self._dependents: defaultdict[str, set[str]] = defaultdict(set)
        self._ready: dict[_Group, list[_Rank]] = {}
        self._timers: list[tuple[float, str]] = []
        self.needy: set[str] = set()  # pending tasks of a worker that need resources
        self._unfinished: set[str] = set()  # pending and failed tasks of a worker
        self._cut_off: set[str] = set()  # pending tasks behind a disabled one
        self._cut_off_known = False

    # What Luigi calls

    def set_state(self, state: Any) -> None:
        """As Luigi's, for a state that was saved; everything is indexed anew."""
        super().set_state(state)
        self._clear()
        for task in self._tasks.values():
            self._insert(task)

    def get_worker(self, worker_id: str) -> luigi.scheduler.Worker:
        """As Luigi's."""
        return self._active_workers.setdefault(worker_id, _Worker(worker_id))

    def get_task(
        self, task_id: str, default: Task | None = None, setdefault: Task | None = None
    ) -> Task | None:
        """As Luigi's; a task that is new through *setdefault* is indexed."""
        known = task_id in self._tasks
        task = super().get_task(task_id, default, setdefault)
        if setdefault and not known:
            self._insert(task)
        return task

    def set_status(self, task: Task, new_status: str, config: Any = None) -> None:
        """As Luigi's; the change, if it is not refused, is indexed."""
        before = task.status
        super().set_status(task, new_status, config)
        if task.status != before:
            self._moved(task, before)
        self.refresh(task)

    def inactivate_tasks(self, delete_tasks: Iterable[str]) -> None:
        """As Luigi's; what is removed leaves the index."""
        delete_tasks = list(delete_tasks)
        removed = [self._tasks[task_id] for task_id in delete_tasks]
        super().inactivate_tasks(delete_tasks)
        for task in removed:
            self._remove(task)
            # Luigi still counts a removed task that a worker holds: not ours to imitate.
            self._regular &= not any(task in worker.tasks for worker in self._active_workers.values())

    def _remove_workers_from_tasks(self, workers: Iterable[str], remove_stakeholders: bool = True) -> None:  # noqa: FBT001, FBT002 - Luigi's signature
        if workers:  # each pruning asks to remove none from all tasks
            super()._remove_workers_from_tasks(workers, remove_stakeholders)
            for task in self._tasks.values():
                self.refresh(task)

    def get_active_tasks_by_status(self, *statuses: str) -> Iterable[Task]:
        """As Luigi's, but ``get_work`` is told the contenders alone while a worker is served."""
        if self.serving is not None and statuses == (PENDING, RUNNING):
            processes = self.get_worker(self.serving).info.get("workers", 1)
            return self.contenders(self.serving, processes=max(0, processes), own=False)
        return super().get_active_tasks_by_status(*statuses)

    # What FlatScheduler asks

    def is_plain(self, worker_id: str | None) -> bool:
        """True if *worker_id* is the only worker, an enabled one that is no assistant, and nothing odd was seen."""
        if not self._regular or self._active_workers.keys() != {worker_id}:
            return False
        (worker,) = self._active_workers.values()
        return bool(worker.enabled and not worker.assistant)

    def refresh(self, task: Task) -> None:
        """Index what changed in *task*, except its status (see ``set_status``)."""
        record = self._records[task.id]
        if task.id in self._cut_off:
            self._cut_off_known = False
        owned = bool(task.workers)
        _keep(self._unfinished, task.id, member=owned and task.status in (PENDING, FAILED))
        _keep(self.needy, task.id, member=owned and task.status == PENDING and bool(task.resources))
        self._offer(record)
        self._set_timer(record)

    def rewire(self, task: Task) -> None:
        """Index the dependencies of *task*."""
        record = self._records[task.id]
        if record.deps == task.deps:
            return
        self._unwire(record)
        record.deps = set(task.deps)
        for dep in record.deps:
            self._dependents[dep].add(task.id)
        record.blockers = sum(not self._is_done(dep) for dep in record.deps)
        self._cut_off_known = False

    def contenders(self, worker_id: str, *, processes: int, own: bool) -> list[Task]:
        """The tasks that ``get_work`` may hand out, in Luigi's order, with those that may stand in their way.

        :param processes: how many worker processes there are to be reserved.
        :param own: leave out of a batch what *worker_id* may not run.
        """
        firsts: list[tuple[_Rank, _Group]] = []
        last: _Rank = (math.inf, 0.0, 0, "")
        for group in list(self._ready):
            resources, workers, _ = group
            first = self._first(group, max(1, processes))
            firsts += [(rank, group) for rank in first]
            if first and not resources and worker_id in workers:
                last = min(last, first[0])
        chosen = {rank: group for rank, group in firsts if rank <= last}
        for resources, family in {(group[0], group[2]) for group in chosen.values()}:
            if family is not None and self.get_batcher(worker_id, family)[0]:
                chosen |= self._batch(resources, family, worker_id if own else None)
        ready = [self._tasks[rank[3]] for rank in sorted(chosen)]
        return ready + list(self._status_tasks[RUNNING].values())

    def unfinished(self) -> int:
        """How many tasks are pending or failed, without those behind a disabled one."""
        if not self._cut_off_known:
            self._find_cut_off()
        return len(self._unfinished) - len(self._cut_off & self._unfinished)

    def take_due(self) -> list[Task]:
        """The tasks that pruning has to look at now, in Luigi's order."""
        now = time.time()
        due = {task.id for status in (RUNNING, BATCH_RUNNING) for task in self._status_tasks[status].values()}
        while self._timers and self._timers[0][0] <= now:
            when, task_id = heapq.heappop(self._timers)
            record = self._records.get(task_id)
            if record is not None and record.due == when:
                record.due = None
                due.add(task_id)
        return [
            self._tasks[task_id] for task_id in sorted(due, key=lambda task_id: self._records[task_id].place)
        ]

    # The index

    def _insert(self, task: Task) -> None:
        turn = next(self._count)
        self._records[task.id] = _Record(task, place=turn, turn=turn)
        self._moved(task, None)
        self.rewire(task)
        self.refresh(task)

    def _remove(self, task: Task) -> None:
        self._unwire(self._records.pop(task.id))
        _keep(self._unfinished, task.id, member=False)
        _keep(self.needy, task.id, member=False)
        if task.status == DONE:
            self._block_dependents(task.id, 1)
        self._cut_off_known = False

    def _unwire(self, record: _Record) -> None:
        for dep in record.deps:
            self._dependents[dep].discard(record.task.id)

    def _is_done(self, task_id: str) -> bool:
        record = self._records.get(task_id)
        return record is not None and record.task.status == DONE

    def _moved(self, task: Task, before: str | None) -> None:
        """Index that the status was *before* (None for a new task)."""
        self._records[task.id].turn = next(self._count)
        if task.status == DONE:
            self._block_dependents(task.id, -1)
        elif before == DONE:
            self._block_dependents(task.id, 1)
        # What stops to be pending passes on no longer that it is cut off; if it was, see refresh.
        harmless = before == PENDING and task.status != DISABLED
        if not harmless and {before, task.status} & {PENDING, DISABLED}:
            self._cut_off_known = False

    def _block_dependents(self, task_id: str, step: int) -> None:
        for dependent in self._dependents[task_id]:
            record = self._records[dependent]
            record.blockers += step
            self._offer(record)

    def _offer(self, record: _Record) -> None:
        """Put the task into its group's heap if it is ready; what it had there before becomes stale."""
        task = record.task
        if task.status != PENDING or record.blockers:
            record.rank = None
            return
        family = task.family if task.batchable else None
        group = (frozenset((task.resources or {}).items()), tuple(task.workers), family)
        rank = (-task.priority, task.time, record.turn, task.id)
        if (rank, group) != (record.rank, record.group):
            record.rank, record.group = rank, group
            heapq.heappush(self._ready.setdefault(group, []), rank)

    def _is_valid(self, rank: _Rank) -> bool:
        record = self._records.get(rank[3])
        return record is not None and record.rank is rank

    def _first(self, group: _Group, number: int) -> list[_Rank]:
        """The first *number* ready tasks of *group*; stale entries met on the way are dropped."""
        heap = self._ready[group]
        found: list[_Rank] = []
        while heap and len(found) < number:
            rank = heapq.heappop(heap)
            if self._is_valid(rank):
                found.append(rank)
        for rank in found:
            heapq.heappush(heap, rank)
        if not heap:
            del self._ready[group]
        return found

    def _batch(self, resources: Any, family: str, worker_id: str | None) -> dict[_Rank, _Group]:
        """All that may go into one batch: the ready tasks of *family* with these *resources*."""
        return {
            rank: group
            for group, heap in self._ready.items()
            if group[0] == resources and group[2] == family and (worker_id is None or worker_id in group[1])
            for rank in heap
            if self._is_valid(rank)
        }

    def _find_cut_off(self) -> None:
        self._cut_off, self._cut_off_known = set(), True
        reached = list(self._status_tasks[DISABLED])
        while reached:
            for dependent in self._dependents[reached.pop()]:
                if dependent not in self._cut_off and self._records[dependent].task.status == PENDING:
                    self._cut_off.add(dependent)
                    reached.append(dependent)

    def _set_timer(self, record: _Record) -> None:
        due = _due(record.task, self._config)
        if due is not None and due != record.due:
            record.due = due
            heapq.heappush(self._timers, (due, record.task.id))


def _keep(members: set[str], task_id: str, *, member: bool) -> None:
    if member:
        members.add(task_id)
    else:
        members.discard(task_id)


def _due(task: Task, config: Any) -> float | None:
    """When ``update_status`` or ``may_prune`` may have something to do, None for never."""
    times = []
    if task.remove:
        times.append(task.remove)
    elif not task.stakeholders and task.remove is None and task.status != RUNNING:
        times.append(-math.inf)
    if task.status == FAILED and config.retry_delay >= 0 and task.retry is not None:
        times.append(task.retry)
    if task.status == DISABLED and task.scheduler_disable_time is not None:
        times.append(task.scheduler_disable_time + config.disable_persist)
    return min(times, default=None)

"""Luigi's behaviours that the flat scheduler keeps, one claim each, and that its work stays flat."""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, misc, call-arg, arg-type"

from __future__ import annotations

import functools
import sys
import time
from typing import TYPE_CHECKING, Any

import luigi
import luigi.scheduler
import pytest
from luigi.task_status import DISABLED, DONE, FAILED, PENDING, RUNNING

import luisy.runner.execution.scheduler
import luisy.runner.execution.scheduler_state
from luisy.runner.execution.scheduler import FlatScheduler, make_scheduler

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """A time of its own for the schedulers: it stands still but for *now* being set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock, modules = Clock(), (luigi.scheduler, luisy.runner.execution.scheduler_state)
    for module in modules:
        vars(module)["time"] = clock
    yield clock
    for module in modules:
        vars(module)["time"] = time


@pytest.fixture(params=[luigi.scheduler.Scheduler, FlatScheduler])
def scheduler(request: pytest.FixtureRequest, clock: Clock) -> Any:
    """Each claim holds for Luigi's own scheduler, else it is no claim about Luigi."""
    return request.param(
        resources={"db": 2, "gpu": 4},
        prune_on_get_work=True,
        retry_delay=50.0,
        retry_count=2,
        disable_window=300,
        disable_persist=200,
        remove_delay=100.0,
        worker_disconnect_delay=10_000.0,
        stable_done_cooldown_secs=5,
    )


def add(scheduler: Any, task_id: str, *deps: str, status: str = PENDING, **kwargs: Any) -> None:
    scheduler.add_task(worker="w", task_id=task_id, deps=deps, status=status, family="F", **kwargs)


def end(scheduler: Any, task_id: str, status: str = DONE, **kwargs: Any) -> None:
    scheduler.add_task(
        worker="w", task_id=task_id, status=status, expl='""', runnable=None, family="F", **kwargs
    )


def work(scheduler: Any, *current: str) -> Any:
    return scheduler.get_work(worker="w", host="h", current_tasks=list(current))["task_id"]


def work_through(scheduler: Any) -> list[str]:
    """Run all that is handed out; the answer is the order."""
    order = []
    while (task_id := work(scheduler)) is not None:
        order.append(task_id)
        end(scheduler, task_id)
    return order


def test_dependencies_come_first(scheduler: Any) -> None:
    """A task is handed out once all its dependencies are done."""
    add(scheduler, "c", "a", "b")
    add(scheduler, "b", "a")
    add(scheduler, "a")
    assert work_through(scheduler) == ["a", "b", "c"]


def test_unknown_dependency_blocks(scheduler: Any) -> None:
    """A dependency that nobody added keeps a task from running."""
    add(scheduler, "b", "a")
    assert work(scheduler) is None


def test_priority_first(scheduler: Any) -> None:
    """Of two ready tasks the one with the higher priority comes first."""
    add(scheduler, "low", priority=1)
    add(scheduler, "high", priority=2)
    assert work_through(scheduler) == ["high", "low"]


def test_earlier_first(scheduler: Any, clock: Clock) -> None:
    """Of two tasks with one priority the one that was added first comes first, whatever their names."""
    add(scheduler, "z")
    clock.now += 1
    add(scheduler, "a")
    assert work_through(scheduler) == ["z", "a"]


def test_same_moment_keeps_the_order_of_adding(scheduler: Any) -> None:
    """Tasks of one priority that were added at the same moment keep their order."""
    for task_id in "cab":
        add(scheduler, task_id)
    assert work_through(scheduler) == ["c", "a", "b"]


def test_same_moment_after_a_failure(scheduler: Any, clock: Clock) -> None:
    """A task that was pending again later stands behind its equals."""
    for task_id in "cab":
        add(scheduler, task_id)
    assert work(scheduler) == "c"
    end(scheduler, "c", FAILED)
    clock.now += 51
    assert work_through(scheduler) == ["a", "b", "c"]


def test_priority_is_inherited(scheduler: Any, clock: Clock) -> None:
    """What an urgent task waits for, over any number of steps, is urgent too."""
    add(scheduler, "first")
    clock.now += 1
    add(scheduler, "bottom")
    add(scheduler, "middle", "bottom")
    add(scheduler, "urgent", "middle", priority=5)
    assert work_through(scheduler) == ["bottom", "middle", "urgent", "first"]


def test_inherited_priority_outlives_the_dependency(scheduler: Any, clock: Clock) -> None:
    """A task that was raised stays raised when the urgent one no longer depends on it."""
    add(scheduler, "first")
    clock.now += 1
    add(scheduler, "a")
    add(scheduler, "urgent", "a", priority=5)
    add(scheduler, "urgent", "missing", priority=5)
    assert work(scheduler) == "a"


def test_deep_priority_needs_no_recursion(clock: Clock) -> None:
    """Inheritance goes down a chain that is longer than Python's recursion limit."""
    flat = FlatScheduler()
    length = 2 * sys.getrecursionlimit()
    add(flat, "t0")
    for number in range(1, length):
        add(flat, f"t{number}", f"t{number - 1}")
    add(flat, "urgent", f"t{length - 1}", priority=7)
    assert work(flat) == "t0"
    assert {task.priority for task in flat._state.get_active_tasks()} == {7}


def test_resources_are_not_exceeded(scheduler: Any) -> None:
    """A task waits while running ones hold what it needs, and a later one that needs less goes first."""
    add(scheduler, "a", resources={"db": 2}, priority=3)
    add(scheduler, "b", resources={"db": 1}, priority=2)
    add(scheduler, "c", priority=1)
    assert [work(scheduler), work(scheduler, "a"), work(scheduler, "a", "c")] == ["a", "c", None]
    end(scheduler, "a")
    assert work(scheduler, "c") == "b"


def test_decreased_resources_are_free(scheduler: Any) -> None:
    """What a running task gives back early can be used at once."""
    add(scheduler, "a", resources={"db": 2}, priority=3)
    add(scheduler, "b", resources={"db": 1})
    assert [work(scheduler), work(scheduler, "a")] == ["a", None]
    scheduler.decrease_running_task_resources("a", {"db": 1})
    assert work(scheduler, "a") == "b"


def test_urgent_tasks_reserve_for_free_processes(scheduler: Any) -> None:
    """Waiting urgent tasks hold back resources from lesser ones, each for one free process."""
    scheduler.add_worker("w", [("workers", 3)])
    add(scheduler, "runs", resources={"gpu": 3}, priority=1)
    assert work(scheduler) == "runs"
    add(scheduler, "urgent1", resources={"db": 1, "gpu": 2}, priority=9)
    add(scheduler, "lesser", resources={"db": 1}, priority=0)
    add(scheduler, "urgent2", resources={"db": 1, "gpu": 2}, priority=8)
    assert work(scheduler, "runs") is None


def test_failed_task_is_retried_after_the_delay(scheduler: Any, clock: Clock) -> None:
    """A failed task is pending again once retry_delay has passed, not before."""
    add(scheduler, "a")
    work(scheduler)
    end(scheduler, "a", FAILED)
    clock.now += 50
    assert work(scheduler) is None
    clock.now += 1
    assert work(scheduler) == "a"


def fail(scheduler: Any, clock: Clock, times: int) -> None:
    add(scheduler, "a")
    for _ in range(times):
        assert work(scheduler) == "a"
        end(scheduler, "a", FAILED)
        clock.now += 51


def test_too_many_failures_disable(scheduler: Any, clock: Clock) -> None:
    """After retry_count failures a task is disabled, and enabled again after disable_persist."""
    fail(scheduler, clock, 2)
    assert work(scheduler) is None
    clock.now += 151
    assert scheduler.get_work(worker="w")["n_pending_tasks"] == 1
    clock.now += 51
    assert work(scheduler) == "a"


def test_old_failures_do_not_count(scheduler: Any, clock: Clock) -> None:
    """Failures that are older than the window do not disable."""
    fail(scheduler, clock, 1)
    clock.now += 301
    assert work(scheduler) == "a"
    end(scheduler, "a", FAILED)
    clock.now += 51
    assert work(scheduler) == "a"


def test_hard_timeout_disables(scheduler: Any, clock: Clock) -> None:
    """A task that failed first longer ago than its hard timeout is disabled by the next failure."""
    policy = {"retry_policy_dict": {"retry_count": 99, "disable_hard_timeout": 60}}
    add(scheduler, "a", **policy)
    for expected in ("a", "a", None):
        assert work(scheduler) == expected
        if expected:
            end(scheduler, "a", FAILED, **policy)
            clock.now += 61


def test_disabled_upstream_is_not_counted(scheduler: Any) -> None:
    """Tasks behind a disabled one, over any number of steps, are not pending in the count."""
    add(scheduler, "a", status=DISABLED)
    add(scheduler, "b", "a")
    add(scheduler, "c", "b")
    add(scheduler, "d")
    assert scheduler.count_pending("w")["n_pending_tasks"] == 1
    end(scheduler, "a", DONE)
    assert scheduler.count_pending("w")["n_pending_tasks"] == 3


def test_count_pending(scheduler: Any) -> None:
    """All three numbers and the running tasks are told with the work."""
    scheduler.add_worker("w", [("workers", 2)])
    for priority, task_id in enumerate("cba"):
        add(scheduler, task_id, priority=priority)
    add(scheduler, "external", runnable=False)
    reply = scheduler.get_work(worker="w", current_tasks=[])
    assert (
        reply["task_id"],
        reply["n_pending_tasks"],
        reply["n_unique_pending"],
        reply["n_pending_last_scheduled"],
    ) == ("a", 3, 3, 3)
    reply = scheduler.get_work(worker="w", current_tasks=["a"])
    assert reply["running_tasks"] == [{"task_id": "a", "worker": "w", "workers": 2}]


def test_dependency_found_while_running(scheduler: Any) -> None:
    """A task that comes back pending with a new dependency waits for it."""
    add(scheduler, "a")
    assert work(scheduler) == "a"
    add(scheduler, "b")
    end(scheduler, "a", PENDING, new_deps=["b"])
    assert work_through(scheduler) == ["b", "a"]


def test_done_task_pending_again(scheduler: Any, clock: Clock) -> None:
    """A done task that is added as pending blocks its dependents again, after the cool-down."""
    add(scheduler, "b", "a")
    add(scheduler, "a")
    assert work(scheduler) == "a"
    end(scheduler, "a")
    add(scheduler, "a")
    assert work(scheduler) == "b"
    end(scheduler, "b", FAILED)
    clock.now += 51
    add(scheduler, "a")
    assert work_through(scheduler) == ["a", "b"]


def test_unclaimed_task_is_handed_out_again(scheduler: Any) -> None:
    """A running task that its worker does not know about is handed out once more."""
    add(scheduler, "a")
    assert [work(scheduler), work(scheduler, "a"), work(scheduler)] == ["a", None, "a"]


def test_batch(scheduler: Any) -> None:
    """Ready tasks of one family go in one batch up to its size, by rank, whatever comes between."""
    scheduler.add_task_batcher("w", "F", ["x"], 3)
    for number in range(5):
        add(scheduler, f"t{number}", params={"x": str(number), "y": "0"}, batchable=True, priority=-number)
    add(scheduler, "other", params={"x": "9", "y": "9"}, batchable=True, priority=-1.5)
    reply = scheduler.get_work(worker="w", current_tasks=[])
    assert reply["batch_task_ids"] == ["t0", "t1", "t2"]
    assert reply["task_params"] == {"x": ["0", "1", "2"], "y": "0"}


def test_failed_batch_fails_its_tasks(scheduler: Any) -> None:
    """What becomes of the combined task becomes of each task in it."""
    fail_batch(scheduler)
    assert {task.id for task in scheduler._state.get_active_tasks() if task.status == FAILED} == {
        "t0",
        "t1",
        "both",
    }


def test_batch_has_only_what_the_worker_may_run(scheduler: Any) -> None:
    """A task that its worker cannot run is in no batch."""
    scheduler.add_task_batcher("w", "F", ["x"], 9)
    for number in range(3):
        add(
            scheduler,
            f"t{number}",
            params={"x": str(number)},
            batchable=True,
            runnable=number != 1,
            priority=-number,
        )
    assert scheduler.get_work(worker="w", current_tasks=[])["batch_task_ids"] == ["t0", "t2"]


def fail_batch(scheduler: Any, **kwargs: Any) -> None:
    """Let t0 and t1 run as one batch that fails; the combined task is removed by the next pruning."""
    scheduler.add_task_batcher("w", "F", ["x"], 2)
    for number in range(2):
        add(scheduler, f"t{number}", params={"x": str(number)}, batchable=True)
    reply = scheduler.get_work(worker="w", current_tasks=[])
    call = {"worker": "w", "task_id": "both", "status": RUNNING, "family": "F", **kwargs}
    scheduler.add_task(batch_id=reply["batch_id"], **call)
    end(scheduler, "both", FAILED)


def test_removed_dependency_blocks(scheduler: Any) -> None:
    """A dependency that was done and is no longer known blocks again, and nothing but its dependents."""
    fail_batch(scheduler, runnable=False)
    scheduler.mark_as_done("both")
    add(scheduler, "c", "both", priority=1)
    add(scheduler, "d")
    assert [work(scheduler), work(scheduler, "d")] == ["d", None]
    assert scheduler.dep_graph("both") == {}


def test_removed_task_of_a_worker_counts(scheduler: Any) -> None:
    """Luigi counts a removed task that its worker still holds as pending; so do we."""
    fail_batch(scheduler)
    for number in range(3):
        add(scheduler, f"external{number}", runnable=False)
    assert scheduler.get_work(worker="w", current_tasks=[])["n_pending_tasks"] == 3


def test_pause(scheduler: Any) -> None:
    """While paused nothing is handed out."""
    add(scheduler, "a")
    scheduler.pause()
    assert work(scheduler) is None
    scheduler.unpause()
    assert work(scheduler) == "a"


def test_messages_reach_the_worker(scheduler: Any) -> None:
    """A message for a task comes with the next ping of its worker."""
    add(scheduler, "a")
    scheduler.send_scheduler_message("w", "a", "hello")
    assert [message["kwargs"]["content"] for message in scheduler.ping(worker="w")["rpc_messages"]] == [
        "hello"
    ]


def test_silent_worker_is_pruned(scheduler: Any, clock: Clock) -> None:
    """The running task of a worker that fell silent fails, is retried, and its tasks go in the end."""
    add(scheduler, "a")
    assert work(scheduler) == "a"
    clock.now += 10_001
    scheduler.prune()
    assert list(scheduler.task_list(FAILED)) == ["a"]
    clock.now += 51
    scheduler.add_task(worker="v", task_id="a", status=PENDING)
    assert scheduler.get_work(worker="v")["task_id"] == "a"


def test_task_without_stakeholder_is_removed(scheduler: Any, clock: Clock) -> None:
    """A task that no worker cares about any more is removed after remove_delay."""
    add(scheduler, "a")
    clock.now += 10_001
    scheduler.prune()
    clock.now += 99
    assert list(scheduler.task_list(PENDING)) == ["a"]
    clock.now += 1
    assert list(scheduler.task_list(PENDING)) == []


def test_assistant_gets_any_runnable_task(scheduler: Any) -> None:
    """An assistant is handed tasks that another worker added."""
    add(scheduler, "a")
    assert scheduler.get_work(worker="helper", assistant=True)["task_id"] == "a"


def test_assistant_gets_what_a_lost_worker_left(scheduler: Any, clock: Clock) -> None:
    """An assistant that is the only worker is handed the runnable task, though one that is not ranks before it."""
    add(scheduler, "external", runnable=False)
    clock.now += 1
    add(scheduler, "a")
    clock.now += 10_001
    scheduler.ping(worker="helper")
    scheduler.prune()
    assert scheduler.get_work(worker="helper", assistant=True)["task_id"] == "a"


def test_unknown_dependency_of_an_assistant_inherits_nothing(scheduler: Any, clock: Clock) -> None:
    """An assistant's task makes urgent what is known when it is added, not what is added later."""
    add(scheduler, "urgent", "later", priority=5, assistant=True)
    add(scheduler, "first")
    clock.now += 1
    add(scheduler, "later")
    assert work(scheduler) == "first"


def test_saved_state_is_taken_up(scheduler: Any, tmp_path: Any) -> None:
    """A scheduler that loads a saved state goes on where the other one stopped."""
    scheduler._state._state_path = str(tmp_path / "state.pickle")
    add(scheduler, "b", "a")
    add(scheduler, "a")
    assert work(scheduler) == "a"
    end(scheduler, "a")
    scheduler.dump()
    other = type(scheduler)()
    other._state._state_path = scheduler._state._state_path
    other.load()
    assert work(other) == "b"


class CountingTask(luigi.scheduler.Task):
    """Counts how often tasks are looked at: each read of a status."""

    looks = 0

    @property
    def status(self) -> str:
        CountingTask.looks += 1
        return self._status

    @status.setter
    def status(self, value: str) -> None:
        self._status = value


def count_looks(scheduler: Any) -> None:
    scheduler._make_task = functools.partial(CountingTask, **scheduler._make_task.keywords)
    CountingTask.looks = 0


def looks_per_task(number: int, *, resources: dict[str, int], width: int) -> float:
    """How many looks one task costs, with *number* tasks in chains, *width* of them ready at any time."""
    flat = FlatScheduler(prune_on_get_work=True, resources={"db": 1})
    count_looks(flat)
    for index in range(number):
        add(flat, f"t{index}", *([f"t{index - width}"] if index >= width else []), resources=resources)
    add(flat, "root", *(f"t{index}" for index in range(number - width, number)))
    assert len(work_through(flat)) == number + 1
    return CountingTask.looks / number


@pytest.mark.parametrize("resources", [{}, {"db": 1}])
def test_work_per_task_is_flat(resources: dict[str, int]) -> None:
    """Ten times as many tasks, in ten times as many chains, need no more looks for each."""
    assert looks_per_task(2000, resources=resources, width=200) <= 1.05 * looks_per_task(
        200, resources=resources, width=20
    )


def looks_with_everything(number: int) -> float:
    """How many looks one task costs where tasks have resources and priorities, fail and are retried, and yield others."""
    flat = FlatScheduler(
        prune_on_get_work=True,
        resources={"db": 2, "gpu": 4},
        retry_delay=0,
        retry_count=5,
        disable_window=300,
    )
    count_looks(flat)
    kinds: tuple[dict[str, int], ...] = ({}, {"db": 1}, {"gpu": 3}, {"db": 1, "gpu": 1})
    width = number // 10
    for index in range(number):
        deps = [f"t{index - width}"] if index >= width else []
        add(
            flat, f"t{index}", *deps, resources=kinds[index % 4], priority=index % 7, batchable=index % 5 == 0
        )
    add(flat, "root", *(f"t{index}" for index in range(number - width, number)))
    failed, yielded, done = set(), set(), 0
    while (task_id := work(flat)) is not None:
        turn = int(task_id[1:]) if task_id[0] == "t" else 1
        if turn % 6 == 0 and task_id not in failed:
            failed.add(task_id)
            end(flat, task_id, FAILED)
        elif turn % 4 == 0 and task_id not in yielded:
            yielded.add(task_id)
            add(flat, f"y{turn}")
            end(flat, task_id, PENDING, new_deps=[f"y{turn}"])
        else:
            done += 1
            end(flat, task_id)
    assert done == number + 1 + len(yielded)
    return CountingTask.looks / number


@pytest.mark.slow
def test_work_per_task_is_flat_with_everything_at_once() -> None:
    """Resources, priorities, batches, retries and yielded tasks: ten times as many tasks need no more looks for each."""
    assert looks_with_everything(5000) <= 1.05 * looks_with_everything(500)


def test_failures_do_not_make_it_slow() -> None:
    """Tasks that wait for their retry are not looked at for each task that is handed out."""

    def looks(number: int) -> float:
        flat = FlatScheduler(prune_on_get_work=True, retry_delay=900.0)
        count_looks(flat)
        for index in range(number):
            add(flat, f"t{index}")
        while (task_id := work(flat)) is not None:
            end(flat, task_id, FAILED)
        return CountingTask.looks / number

    assert looks(2000) <= 1.05 * looks(200)


def test_rising_priorities_are_inherited_in_one_go() -> None:
    """A chain whose priorities rise downstream is raised once for each task, not once for each pair."""

    def looks(number: int) -> float:
        flat: Any = FlatScheduler(prune_on_get_work=True)
        raised = 0
        refresh = flat._state.refresh

        def count(task: Any) -> None:
            nonlocal raised
            raised += 1
            refresh(task)

        flat._state.refresh = count
        for index in range(number):
            add(flat, f"t{index}", *([f"t{index - 1}"] if index else []), priority=index)
        work(flat)
        assert flat._state.get_task("t0").priority == number - 1
        return raised / number

    assert looks(1000) <= 1.05 * looks(100)


class Step(luigi.Task):
    number = luigi.IntParameter()
    done: dict[int, float] = {}  # noqa: RUF012 - what the tasks of the process did

    def requires(self) -> list[luigi.Task]:
        return [Step(self.number - 1)] if self.number else []

    def complete(self) -> bool:
        return self.number in self.done

    def run(self) -> None:
        self.done[self.number] = time.perf_counter()


class Factory:
    """Luigi's seam for schedulers and workers."""

    def create_local_scheduler(self) -> Any:
        return make_scheduler(prune_on_get_work=True, record_task_history=False)

    def create_worker(self, scheduler: Any, worker_processes: int, assistant: bool = False) -> Any:  # noqa: FBT001, FBT002 - Luigi's
        assert isinstance(scheduler, FlatScheduler)
        return luigi.worker.Worker(
            scheduler=scheduler, worker_processes=worker_processes, assistant=assistant
        )


def test_luigi_build_with_the_flat_scheduler() -> None:
    """Luigi's own worker runs a chain to its end."""
    Step.done.clear()
    assert luigi.build(
        [Step(20)], local_scheduler=True, worker_scheduler_factory=Factory(), log_level="ERROR"
    )
    assert list(Step.done) == list(range(21))


def test_other_luigi_gets_its_own_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a Luigi has other inner parts than we know, its own scheduler is made."""
    monkeypatch.setitem(
        luisy.runner.execution.scheduler._EXPECTED, "Scheduler.get_work", "self something else"
    )
    luisy.runner.execution.scheduler._luigi_is_as_expected.cache_clear()
    try:
        assert type(make_scheduler()) is luigi.scheduler.Scheduler
    finally:
        luisy.runner.execution.scheduler._luigi_is_as_expected.cache_clear()

"""Luigi's scheduler and the flat one get the same calls and must give the same answers."""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, misc"

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import luigi.scheduler
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from luigi.task_status import DISABLED, DONE, FAILED, PENDING, RUNNING, UNKNOWN

import luisy.runner.execution.scheduler_state
from luisy.runner.execution.scheduler import FlatScheduler

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = 16
FAMILIES = ("Plain", "Batched")
RESOURCES = st.sampled_from([{}, {}, {}, {"db": 1}, {"db": 2}, {"gpu": 2}, {"db": 1, "gpu": 2}, {"gpu": 3}])
CONFIG = {
    "prune_on_get_work": True,
    "retry_delay": 50.0,
    "remove_delay": 100.0,
    "worker_disconnect_delay": 60.0,
    "disable_persist": 200,
    "retry_count": 3,
    "disable_window": 300,
    "stable_done_cooldown_secs": 5,
}


class Clock:
    """The time that both schedulers see; it stands still but for ``tick``."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


def in_order(reply: Any) -> Any:
    """*reply* without the order of what Luigi keeps in sets of objects, which differs from run to run."""
    if isinstance(reply, dict) and "running_tasks" in reply:
        reply["running_tasks"].sort(key=lambda entry: entry["task_id"])
    return reply


def name(number: int) -> str:
    return f"task_{number:02}"


class SameAsLuigi(RuleBasedStateMachine):
    """One worker: the way that FlatScheduler shortens."""

    workers: tuple[str, ...] = ("A",)

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.set_time(self.clock)
        limits = {"db": 2, "gpu": 4}
        self.luigi = luigi.scheduler.Scheduler(resources=dict(limits), **CONFIG)
        self.flat = FlatScheduler(resources=dict(limits), **CONFIG)
        self.running: dict[str, list[tuple[str, dict[str, Any]]]] = {worker: [] for worker in self.workers}

    def teardown(self) -> None:
        self.set_time(time)

    def set_time(self, source: Any) -> None:
        for module in (luigi.scheduler, luisy.runner.execution.scheduler_state):
            vars(module)["time"] = source

    def both(self, call: Callable[[Any], Any]) -> Any:
        expected, answer = (in_order(call(scheduler)) for scheduler in (self.luigi, self.flat))
        assert answer == expected
        return answer

    def compare_states(self) -> None:
        def snapshot(scheduler: Any) -> dict[str, Any]:
            return {
                task.id: (
                    task.status,
                    task.priority,
                    list(task.workers),
                    task.stakeholders,
                    task.remove,
                    task.retry,
                    task.deps,
                    task.resources,
                )
                for task in scheduler._state.get_active_tasks()
            }

        assert snapshot(self.flat) == snapshot(self.luigi)

    def tick(self, seconds: float = 0.001) -> None:
        self.clock.now += seconds

    @initialize(processes=st.integers(1, 3), batch_size=st.sampled_from([2, 3, float("inf")]))
    def start(self, processes: int, batch_size: float) -> None:
        for worker in self.workers:
            self.both(lambda s, w=worker: s.add_worker(w, [("workers", processes)]))
            self.both(lambda s, w=worker: s.add_task_batcher(w, "Batched", ["x"], batch_size))

    @rule(
        number=st.integers(0, TASKS - 1),
        deps=st.sets(st.integers(0, TASKS - 1), max_size=3),
        priority=st.integers(0, 3),
        resources=RESOURCES,
        family=st.sampled_from(FAMILIES),
        status=st.sampled_from([PENDING] * 8 + [DONE, DISABLED, UNKNOWN]),
        runnable=st.sampled_from([True, True, True, False]),
        data=st.data(),
    )
    def add(  # noqa: PLR0917 - Hypothesis passes them by name
        self,
        number: int,
        deps: set[int],
        priority: int,
        resources: dict[str, int],
        family: str,
        status: str,
        *,
        runnable: bool,
        data: Any,
    ) -> None:
        """A worker adds a task; its dependencies have lower numbers, and at most one is new (no equal ranks)."""
        worker = data.draw(st.sampled_from(self.workers))
        known = {dep for dep in deps if dep < number and self.luigi._state.has_task(name(dep))}
        new = [dep for dep in sorted(deps) if dep < number and dep not in known][:1]
        self.assume_no_equal_ranks(number, known)
        if self.luigi._state.has_task(name(number)):
            call = {"task_id": name(number), "deps": sorted(map(name, known | set(new)))}
        else:
            call = {"task_id": name(number), "deps": sorted(map(name, known))}
        self.both(
            lambda s: s.add_task(
                worker=worker,
                status=status,
                priority=priority,
                resources=resources,
                family=family,
                module="m",
                params={"x": str(number), "y": str(number % 2)},
                batchable=family == "Batched",
                runnable=runnable,
                **call,
            )
        )
        self.tick()

    @rule(
        numbers=st.lists(st.integers(0, TASKS - 1), unique=True, min_size=2, max_size=6),
        priority=st.integers(0, 3),
        resources=RESOURCES,
        family=st.sampled_from(FAMILIES),
        data=st.data(),
    )
    def add_ready(
        self, numbers: list[int], priority: int, resources: dict[str, int], family: str, data: Any
    ) -> None:
        """Several tasks of one kind that wait for nothing."""
        worker = data.draw(st.sampled_from(self.workers))
        for number in numbers:
            if not self.luigi._state.has_task(name(number)):
                self.both(
                    lambda s, n=number: s.add_task(
                        worker=worker,
                        task_id=name(n),
                        status=PENDING,
                        deps=[],
                        priority=priority,
                        resources=resources,
                        family=family,
                        params={"x": str(n), "y": "0"},
                        batchable=family == "Batched",
                    )
                )
                self.tick()

    def assume_no_equal_ranks(self, number: int, deps: set[int]) -> None:
        """Luigi orders tasks of one priority and time by the addresses of its objects: nothing to compare."""
        task = self.luigi._state.get_task(name(number))
        for dep in (task.deps if task else set()) - set(map(name, deps)):
            assume(
                self.luigi._state.get_task(dep) is None or self.luigi._state.get_task(dep).time != task.time
            )

    @rule(data=st.data(), forget=st.sampled_from([False] * 9 + [True]))
    def get_work(self, data: Any, *, forget: bool) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if forget:
            self.running[worker].clear()
        current = [task_id for task_id, _ in self.running[worker]]
        assistant = len(self.workers) > 1 and data.draw(st.sampled_from([False] * 4 + [True]))
        reply = self.both(
            lambda s: s.get_work(worker=worker, host="h", current_tasks=list(current), assistant=assistant)
        )
        self.compare_states()
        if reply["task_id"] is not None:
            if reply["task_id"] not in current:
                self.running[worker].append((reply["task_id"], {}))
        elif "batch_id" in reply:
            call = {
                "task_id": "batch_" + reply["batch_id"],
                "family": reply["task_family"],
                "batch_id": reply["batch_id"],
            }
            self.both(
                lambda s: s.add_task(worker=worker, status=RUNNING, module="m", params={"x": "all"}, **call)
            )
            self.running[worker].append((call["task_id"], {"family": call["family"]}))
        self.tick()

    @precondition(lambda self: any(self.running.values()))
    @rule(data=st.data(), status=st.sampled_from([DONE, DONE, DONE, FAILED, PENDING]))
    def finish(self, data: Any, status: str) -> None:
        """A running task ends: done, failed, or with dependencies that it found while it ran."""
        worker = data.draw(st.sampled_from([worker for worker in self.workers if self.running[worker]]))
        task_id, extra = self.running[worker].pop(data.draw(st.integers(0, len(self.running[worker]) - 1)))
        new_deps: list[str] = []
        if status == PENDING and task_id.startswith("task_"):
            lower = [name(n) for n in range(int(task_id[5:])) if self.luigi._state.has_task(name(n))]
            new_deps = data.draw(st.lists(st.sampled_from(lower), unique=True, max_size=2)) if lower else []
        self.both(
            lambda s: s.add_task(
                worker=worker,
                task_id=task_id,
                status=status,
                expl='"e"',
                runnable=None,
                new_deps=new_deps,
                params={},
                **extra,
            )
        )
        self.tick()

    @rule(seconds=st.sampled_from([0.5, 6.0, 30.0, 61.0, 101.0, 250.0]), alive=st.booleans())
    def time_passes(self, seconds: float, *, alive: bool) -> None:
        self.tick(seconds)
        if alive:
            for worker in self.workers:
                self.both(lambda s, w=worker: s.ping(worker=w))

    @rule(data=st.data())
    def count_pending(self, data: Any) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        self.both(lambda s: s.count_pending(worker))

    @rule(number=st.integers(0, TASKS - 1), method=st.sampled_from(["forgive_failures", "mark_as_done"]))
    def change_by_hand(self, number: int, method: str) -> None:
        self.both(lambda s: getattr(s, method)(task_id=name(number)))

    @rule(number=st.integers(0, TASKS - 1))
    def re_enable(self, number: int) -> None:
        self.both(lambda s: bool(s.re_enable_task(name(number))))

    @rule(number=st.integers(0, TASKS - 1), amount=st.integers(0, 2))
    def decrease_running_resources(self, number: int, amount: int) -> None:
        self.both(lambda s: s.decrease_running_task_resources(name(number), {"db": amount}))
        self.both(lambda s: s.get_running_task_resources(name(number)))

    @rule(amount=st.integers(0, 3))
    def change_limit(self, amount: int) -> None:
        self.both(lambda s: s.update_resource("db", amount))

    @rule(method=st.sampled_from(["pause", "unpause", "unpause", "is_paused"]))
    def pause(self, method: str) -> None:
        self.both(lambda s: getattr(s, method)())

    @rule()
    def prune(self) -> None:
        self.both(lambda s: s.prune())
        self.compare_states()

    @rule()
    def look(self) -> None:
        """What the web page asks for."""
        self.both(lambda s: s.task_list(status=PENDING))
        self.both(lambda s: s.dep_graph(name(TASKS - 1)))
        self.both(lambda s: sorted(s.resource_list(), key=lambda entry: entry["name"]))


class SameAsLuigiWithTwoWorkers(SameAsLuigi):
    """Two workers, each an assistant at times, or disabled: the way that is Luigi's."""

    workers = ("A", "B")

    @rule(worker=st.sampled_from(["A", "B", "B", "B"]), really=st.sampled_from([False, False, False, True]))
    def disable(self, worker: str, *, really: bool) -> None:
        if really:
            self.both(lambda s: s.disable_worker(worker))


TestOneWorker = SameAsLuigi.TestCase
TestTwoWorkers = SameAsLuigiWithTwoWorkers.TestCase
TestOneWorker.settings = TestTwoWorkers.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None
)

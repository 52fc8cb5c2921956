"""How the cost of scheduling grows: luisy's flat scheduler beside Luigi's own, in one run.

Both run the same pipelines of tasks that do nothing through ``luigi.build`` with Luigi's own worker, N/10 chains
of depth 10 under one root, alternating. Printed are milliseconds per task (median of the rounds), their
ratio, and the exponent of growth between the first and the last size (1 is linear), by the wall clock and by
CPU time: on a busy machine only the second tells. The rest of the growth is mostly Python's garbage
collector, whose full collections go through all tasks; ``--no-gc`` shows it without.

    python bench/scheduler.py [--sizes 500 1000 2000 5000 10000] [--rounds 5] [--limit 60] [--no-gc]
"""

# Luigi's classes are untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import argparse
import gc
import itertools
import math
import statistics
import time
from typing import Any, ClassVar

import luigi
import luigi.scheduler
import luigi.worker

from luisy.runner.execution.scheduler import FlatScheduler, make_scheduler

DEPTH = 10


class Step(luigi.Task):
    """One link of a chain; *run* tells the pipelines of the rounds apart."""

    run_number = luigi.IntParameter()
    chain = luigi.IntParameter()
    depth = luigi.IntParameter()
    done: ClassVar[set[str]] = set()  # the outputs of all these tasks

    def requires(self) -> list[luigi.Task]:
        """Wait for the link below."""
        return [Step(self.run_number, self.chain, self.depth - 1)] if self.depth else []

    def complete(self) -> bool:
        """True once it ran."""
        return self.task_id in self.done

    def run(self) -> None:
        """Do nothing but be done."""
        self.done.add(self.task_id)


class Root(luigi.Task):
    """The fan-in of all chains."""

    run_number = luigi.IntParameter()
    chains = luigi.IntParameter()

    def requires(self) -> list[luigi.Task]:
        """Wait for the ends of the chains."""
        return [Step(self.run_number, chain, DEPTH - 1) for chain in range(self.chains)]

    def complete(self) -> bool:
        """True once it ran."""
        return self.task_id in Step.done

    def run(self) -> None:
        """Do nothing but be done."""
        Step.done.add(self.task_id)


class Timed:
    """Luigi's seam for schedulers and workers; adds up the time that is spent in the scheduler."""

    def __init__(self, *, flat: bool) -> None:
        self._flat = flat
        self.seconds = 0.0
        self.cpu = 0.0

    def create_local_scheduler(self) -> Any:
        """Make the scheduler that is measured."""
        make = make_scheduler if self._flat else luigi.scheduler.Scheduler
        scheduler = make(prune_on_get_work=True, record_task_history=False)
        assert isinstance(scheduler, FlatScheduler) is self._flat
        for name in ("add_task", "get_work"):
            setattr(scheduler, name, self._timed(getattr(scheduler, name)))
        return scheduler

    def _timed(self, method: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start, cpu = time.perf_counter(), time.process_time()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - start
                self.cpu += time.process_time() - cpu

        return timed

    def create_worker(self, scheduler: Any, worker_processes: int, assistant: bool = False) -> Any:  # noqa: FBT001, FBT002 - Luigi's signature
        """Make Luigi's own worker."""
        return luigi.worker.Worker(
            scheduler=scheduler, worker_processes=worker_processes, assistant=assistant
        )


runs = itertools.count()


Cost = tuple[float, float, float, float]
"""Seconds of one run: the whole and the scheduler's part by the wall clock, then both in CPU time."""


def measure(size: int, *, flat: bool) -> Cost:
    """Run a pipeline of *size* tasks through ``luigi.build``."""
    root, factory = Root(next(runs), size // DEPTH), Timed(flat=flat)
    Step.done.clear()
    luigi.task_register.Register.clear_instance_cache()
    gc.collect()
    start, cpu = time.perf_counter(), time.process_time()
    assert luigi.build([root], local_scheduler=True, worker_scheduler_factory=factory, log_level="ERROR")
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert len(Step.done) == size + 1
    return seconds, factory.seconds, cpu, factory.cpu


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """How the time grows with the size, from the first to the last."""
    return math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000, 5000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that one run of Luigi's may take")
    parser.add_argument("--no-gc", action="store_true", help="measure without the garbage collector")
    options = parser.parse_args()
    if options.no_gc:
        gc.disable()
    totals: dict[str, list[Cost]] = {"flat": [], "luigi": []}
    print("ms per task       whole build: flat   luigi   ratio    in the scheduler: flat   luigi   ratio")
    skip = False
    for size in options.sizes:
        rounds: dict[str, list[Cost]] = {"flat": [], "luigi": []}
        for _ in range(options.rounds):
            rounds["flat"].append(measure(size, flat=True))
            if totals["luigi"] and not skip:
                # Luigi's grows with the square; half of the limit's worth of rounds is enough to tell.
                last = totals["luigi"][-1][0] * (size / options.sizes[len(totals["luigi"]) - 1]) ** 2
                skip = last > options.limit
            if not skip and sum(cost[0] for cost in rounds["luigi"]) < options.limit / 2:
                rounds["luigi"].append(measure(size, flat=False))
        medians: dict[str, Any] = {
            which: tuple(statistics.median(part) for part in zip(*measured, strict=True))
            if measured
            else None
            for which, measured in rounds.items()
        }
        flat, other = medians["flat"], medians["luigi"]
        totals["flat"].append(flat)
        if other is None:
            print(
                f"{size:10} {flat[0] / size * 1e3:25.2f} skipped: expected > {options.limit:.0f} s {flat[1] / size * 1e3:23.3f}"
            )
            continue
        totals["luigi"].append(other)
        cells = [
            f"{flat[part] / size * 1e3:{width}.3f} {other[part] / size * 1e3:7.2f} {flat[part] / other[part]:7.3f}"
            for part, width in ((0, 25), (1, 26))
        ]
        print(f"{size:10} {cells[0]} {cells[1]}", flush=True)
    for which, measured in totals.items():
        sizes = options.sizes[: len(measured)]
        if len(measured) > 1:
            wall, inside, cpu, cpu_inside = (
                exponent(sizes, [m[part] for m in measured]) for part in range(4)
            )
            print(
                f"growth of {which:6} {sizes[0]} to {sizes[-1]}: exponent {wall:.2f} whole, {inside:.2f} in the scheduler;"
                f" in CPU time {cpu:.2f} and {cpu_inside:.2f}"
            )


if __name__ == "__main__":
    main()

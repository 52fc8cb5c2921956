"""What the memo of ``get_params`` saves: making 10,000 tasks with and without it, alternating, in one run.

python bench/params.py [--tasks 10000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import luigi

from luisy.runner.pipeline.params import memoised_params

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Given(luigi.Task):
    """All parameters are given."""

    round = luigi.IntParameter()
    number = luigi.IntParameter()
    name = luigi.Parameter()


class Defaulted(Given):
    """Three more are left to the configuration or their default."""

    a = luigi.Parameter(default="a")
    b = luigi.IntParameter(default=1)
    c = luigi.BoolParameter()


def measure(cls: type[Given], tasks: int, round_number: int, block: AbstractContextManager[None]) -> float:
    """Seconds to make *tasks* tasks that are in no cache."""
    with block:
        start = time.perf_counter()
        made = [cls(round=round_number, number=number, name="n") for number in range(tasks)]
        seconds = time.perf_counter() - start
    assert len({task.task_id for task in made}) == tasks
    luigi.task_register.Register.clear_instance_cache()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for cls in (Given, Defaulted):
        plain, memo = [], []
        for number in range(options.rounds):
            plain.append(measure(cls, options.tasks, 2 * number, nullcontext()))
            memo.append(measure(cls, options.tasks, 2 * number + 1, memoised_params()))
        before, after = (statistics.median(seconds) / options.tasks * 1e6 for seconds in (plain, memo))
        print(
            f"{cls.__name__:10} luigi {before:6.1f} us a task   memo {after:6.1f} us a task   ratio {after / before:.2f}"
        )


if __name__ == "__main__":
    main()

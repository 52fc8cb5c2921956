"""Plain Luigi walks a DAG: ``complete()`` of each task that ``requires()`` leads to, once each."""

# Luigi is untyped.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import sys
import time

import luigi
from chains import Root  # type: ignore[import-not-found]  # beside it where it runs


def walk(root: luigi.Task) -> tuple[int, int]:
    """How many tasks there are, and how many of them are not complete."""
    seen = {root.task_id}
    open_tasks = [root]
    incomplete = 0
    while open_tasks:
        task = open_tasks.pop()
        incomplete += not task.complete()
        for dep in luigi.task.flatten(task.requires()):
            if dep.task_id not in seen:
                seen.add(dep.task_id)
                open_tasks.append(dep)
    return len(seen), incomplete


def main(tasks: int) -> None:
    """Walk, and say how long it took."""
    started = time.perf_counter()
    found, incomplete = walk(Root(tasks=tasks))
    print(f"inner-seconds:{time.perf_counter() - started}")
    if (found, incomplete) != (tasks + 1, 0):
        sys.exit(f"walked {found} tasks, {incomplete} of them incomplete")


main(int(sys.argv[1]))

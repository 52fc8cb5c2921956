"""Luigi's Range tasks: a date counts as there by its task's key, not because a file lies in its place.

Asked as Luigi asks, a Range whose files are all there requires nothing, so a changed task would never run again.
Here it requires the dates that have results and, of the others, those that Luigi would take on in one run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import luigi


def is_range(task: luigi.Task) -> bool:
    """Whether *task* is one of Luigi's ``RangeDaily`` and friends (their module is loaded on demand)."""
    ranges = sys.modules.get("luigi.tools.range")
    return ranges is not None and isinstance(task, ranges.RangeBase)


def range_requirements(task: Any, is_served: Callable[[luigi.Task], bool]) -> list[luigi.Task]:
    """What the Range *task* requires: the dates that are served, and of the others those up to its ``task_limit``.

    In the order of the dates: Luigi's, by what is missing and by ``reverse``, is another one once they are there.
    """
    dates: list[luigi.Task] = []
    served: set[str] = set()

    def missing_datetimes(datetimes: list[Any]) -> list[Any]:
        missing = []
        for moment in datetimes:
            one = task._instantiate_task_cls(task.datetime_to_parameter(moment))  # noqa: SLF001 - Luigi's own way
            dates.append(one)
            if is_served(one):
                served.add(one.task_id)
            else:
                missing.append(moment)
        return missing

    vars(task).pop("_cached_requires", None)  # Luigi's instances outlive a run, and with them this answer
    task.missing_datetimes = missing_datetimes
    try:
        wanted = {one.task_id: one for one in task.requires()}
    finally:
        del task.missing_datetimes
    known = [one for one in dates if one.task_id in served or wanted.pop(one.task_id, None)]
    task._cached_requires = [*known, *wanted.values()]  # noqa: SLF001 - so that deps() says the same when it is asked again
    return list(task._cached_requires)  # noqa: SLF001

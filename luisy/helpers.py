"""luisy 1.x's helper functions: facades, and small things that its pipelines import."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import luigi
from luigi.date_interval import Week

from luisy.gone import attributes_of
from luisy.targets import ParquetDirTarget

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from luisy.tasks import Task

__all__ = [
    "add_filter_info",
    "get_all_reqs",
    "get_df_from_parquet_dir",
    "get_related_instances",
    "get_start_date",
    "get_stop_date",
    "get_string_repr",
]

logger = logging.getLogger(__name__)
_flatten: Any = luigi.task.flatten  # not annotated
_week: Any = Week


def get_string_repr(obj: object) -> str:
    """*obj* as part of a name: items joined by underscores, blanks and slashes replaced by them.

    Different values may come out alike. The automatic names of outputs keep them apart (``luisy.naming``).
    """
    if not isinstance(obj, str) and hasattr(obj, "__iter__"):
        return "_".join(get_string_repr(item) for item in obj)
    return str(obj).replace(" ", "_").replace("/", "_")


def get_start_date(week: Week | str) -> dt.date:
    """The first day of *week*, which may be text as in ``2021-W12``."""
    start: dt.date = _as_week(week).date_a
    return start


def get_stop_date(week: Week | str) -> dt.date:
    """The day after the last one of *week*, which may be text as in ``2021-W12``."""
    stop: dt.date = _as_week(week).date_b
    return stop


def _as_week(week: Week | str) -> Any:
    return week if isinstance(week, Week) else _week.parse(week)


def get_all_reqs(task: luigi.Task, visited: Iterable[luigi.Task] | None = None) -> list[luigi.Task]:
    """*task* and everything that it requires, each once, in no particular order.

    :param visited: tasks that are known already; they are in the answer, and what they require is not looked for.
    """
    found = set(visited or ()) | {task}
    open_tasks: list[Any] = [task]
    while open_tasks:
        fresh = {required for required in _flatten(open_tasks.pop().requires()) if required not in found}
        found |= fresh
        open_tasks.extend(fresh)
    return list(found)


def add_filter_info(filter_func: Callable[..., Any]) -> Callable[..., Any]:
    """A method that takes a data frame also logs the shape of the frame before, and after if it returns one."""

    @functools.wraps(filter_func)
    def logging_shapes(self: Any, df: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{type(self).__name__}.{filter_func.__name__}"
        logger.info("shape before %s: %s", name, df.shape)
        filtered = filter_func(self, df, *args, **kwargs)
        if filtered is not None:
            logger.info("shape after %s: %s", name, filtered.shape)
        return filtered

    return logging_shapes


def get_related_instances(task_cls: type[Task], regex_placeholder: str = r"[\S]*") -> list[Any]:
    """The tasks of *task_cls* whose outputs lie in the workspace; see ``Task.get_related_instances``."""
    return task_cls.get_related_instances(regex_placeholder)


def get_df_from_parquet_dir(path: str) -> Any:
    """All rows of the parquet files in the folder *path*, as one data frame."""
    return ParquetDirTarget(path).read()


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)

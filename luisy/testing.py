"""For tests of pipelines: tasks run under plain Luigi, and their outputs are objects in memory.

Nothing is keyed and nothing kept; no file is read or written. docs/guide/testing.md shows how.
"""

from __future__ import annotations

import copy
import pickle
import unittest
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock, patch

import luigi
from luigi.execution_summary import LuigiStatusCode, _summary_dict

from luisy import settings
from luisy.config import Config, get_default_params
from luisy.gone import attributes_of
from luisy.helpers import get_all_reqs

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, MutableMapping
    from contextlib import AbstractContextManager

    Outputs = MutableMapping[luigi.Task, Any]
    """The content of each output that is there, by task."""

__all__ = [
    "DFMock",
    "LuisyTestCase",
    "SparkMock",
    "create_file",
    "create_testing_config",
    "debug_run",
    "get_all_dependencies",
    "mock_target",
]

WORKING_DIR = "/some/working_dir"
"""Where the tasks of a ``LuisyTestCase`` believe to be. It need not exist, and nothing is made there."""


class LuisyTestCase(unittest.TestCase):
    """A test case that runs pipelines on objects.

    ``existing_outputs`` of its methods are pairs of a task and the content of its output; what the other tasks write
    is held in memory.
    """

    def run_pipeline(
        self,
        task: luigi.Task,
        existing_outputs: Iterable[tuple[luigi.Task, Any]] | None = None,
        return_store: bool = False,  # noqa: FBT001, FBT002 - luisy 1.x's signature
    ) -> Any:
        """Run *task* and what it requires; the test fails if that fails.

        :param return_store: return the contents of all outputs by task, rather than that of *task*.
        """
        result, outputs = self._run(task, existing_outputs)
        if result.status is not LuigiStatusCode.SUCCESS:
            self.fail(f"{task} did not succeed: {_summary_dict(result.worker)}")
        return outputs if return_store else outputs.get(task)

    def get_execution_summary(
        self, task: luigi.Task, existing_outputs: Iterable[tuple[luigi.Task, Any]] | None = None
    ) -> dict[str, Any]:
        """Run *task* and return Luigi's categories (``completed``, ``already_done``, ``failed``, ...) with their tasks."""
        summary: dict[str, Any] = _summary_dict(self._run(task, existing_outputs)[0].worker)
        return summary

    def assertSuccess(  # noqa: N802 - unittest's spelling
        self, task: luigi.Task, existing_outputs: Iterable[tuple[luigi.Task, Any]] | None = None
    ) -> None:
        """The pipeline of *task* succeeds at the first attempt."""
        assert self._run(task, existing_outputs)[0].status == LuigiStatusCode.SUCCESS

    def assertFail(  # noqa: N802 - unittest's spelling
        self, task: luigi.Task, existing_outputs: Iterable[tuple[luigi.Task, Any]] | None = None
    ) -> None:
        """The pipeline of *task* does not succeed."""
        assert self._run(task, existing_outputs)[0].status != LuigiStatusCode.SUCCESS

    def assertMissing(  # noqa: N802 - unittest's spelling
        self, task: luigi.Task, existing_outputs: Iterable[tuple[luigi.Task, Any]] | None = None
    ) -> None:
        """The pipeline of *task* lacks the output of an external task."""
        assert self._run(task, existing_outputs)[0].status == LuigiStatusCode.MISSING_EXT

    @staticmethod
    def _run(
        task: luigi.Task, existing_outputs: Iterable[tuple[luigi.Task, Any]] | None
    ) -> tuple[Any, dict[luigi.Task, Any]]:
        """Luigi's result, and the outputs that are there after it."""
        outputs = dict(existing_outputs or ())
        with ExitStack() as stack:
            stack.enter_context(
                settings.overridden(working_dir=WORKING_DIR, executor="local", download=False, upload=False)
            )
            for each in get_all_reqs(task):
                stack.enter_context(mock_target(each, outputs))
            return debug_run(task, return_summary=False), outputs


def mock_target(task: luigi.Task, output_store: Outputs) -> AbstractContextManager[Any]:
    """For the length of the block, let the output of *task* be its item of *output_store*.

    The target answers to every other attribute with a mock.
    """
    target = Mock()  # and no MagicMock: Luigi would take an iterable target for a list of none
    target.exists = lambda: task in output_store
    target.read = lambda: copy.deepcopy(output_store[task])
    target.write = lambda obj: output_store.__setitem__(task, obj)
    target.remove = lambda: output_store.pop(task, None)
    return patch.object(task, "output", return_value=target)


def debug_run(tasks: luigi.Task | list[luigi.Task], return_summary: bool = True) -> Any:  # noqa: FBT001, FBT002 - luisy 1.x's signature
    """Run *tasks* under plain Luigi: nothing is keyed, nothing kept.

    :param return_summary: return Luigi's categories (``completed``, ``already_done``, ``failed``, ...) with their
        tasks, rather than its result with ``status`` and ``worker``.
    """
    wanted = [tasks] if isinstance(tasks, luigi.Task) else tasks
    result = luigi.build(wanted, detailed_summary=True, local_scheduler=True)
    return _summary_dict(result.worker) if return_summary else result


def get_all_dependencies(task: luigi.Task) -> set[luigi.Task]:
    """*task* and everything that it requires."""
    return set(get_all_reqs(task))


class DFMock(Mock):
    """A data frame of a :class:`SparkMock`: what a table holds.

    :param data: whatever ``pandas.DataFrame`` takes.
    """

    def __init__(self, table_uri: str, data: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table_uri = table_uri
        self.data = data

    @property
    def write(self) -> DFMock:
        """What writes it: itself."""
        return self

    def mode(self, *_args: object) -> DFMock:
        """However it is written."""
        return self

    def saveAsTable(self, name: str) -> None:  # noqa: N802 - pyspark's spelling
        """Put the data into the table *name* of the configured session."""
        Config().spark.data[name] = self.data

    def toPandas(self) -> Any:  # noqa: N802 - pyspark's spelling
        """The data as a data frame of pandas."""
        import pandas as pd

        return pd.DataFrame(data=self.data)

    def _get_child_mock(self, /, **kwargs: Any) -> Mock:
        return Mock(**kwargs)  # what it answers else is no data frame


class SparkMock(Mock):
    """A session of Spark that knows tables by name, and answers to everything else with mocks.

    ``data`` holds the content of each table. No version can be told of them, so in a run by luisy their tasks run
    each time.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data: dict[str, Any] = {}
        self.catalog.tableExists = lambda name: name in self.data

    @property
    def tables(self) -> list[str]:
        """The names of all tables."""
        return list(self.data)

    def table(self, table_uri: str) -> DFMock:
        """The table of that name."""
        return DFMock(table_uri, self.data[table_uri])

    def createDataFrame(self, data: Any, *_args: object) -> DFMock:  # noqa: N802 - pyspark's spelling
        """A data frame of no table."""
        return DFMock("", data)

    def sql(self, query: str) -> Any:
        """Nothing, but for a table that does not exist: that raises, as Spark does."""
        selected = query.removeprefix("SELECT 1 from ")
        if selected != query and not any(name in selected for name in self.data):
            raise AnalysisException(f"there is no table {selected}")
        found = Mock()
        found.collect = list  # no rows
        return found

    def _get_child_mock(self, /, **kwargs: Any) -> Mock:
        return Mock(**kwargs)


class AnalysisException(Exception):
    """What Spark raises where there is no such table, under the name that it has there."""


def create_file(file: str | os.PathLike[str], val: object) -> None:
    """Pickle *val* to *file*; missing folders are made."""
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(val))


def create_testing_config(
    working_dir: str | os.PathLike[str],
    storage_key: str = "",
    container_name: str = "",
    account_name: str = "",
    mock_spark: bool = True,  # noqa: FBT001, FBT002 - luisy 1.x's signature
    **kwargs: object,
) -> None:
    """Let this process work in *working_dir* (mostly a temporary folder) with default settings.

    :param mock_spark: let ``Config`` have a :class:`SparkMock`, which counts where no session is active.
    :param kwargs: further settings, such as ``download``.
    """
    Config().update(
        {
            **get_default_params(raw=False),
            "working_dir": working_dir,
            "azure_storage_key": storage_key,
            "azure_container_name": container_name,
            "azure_account_name": account_name,
            "spark": SparkMock() if mock_spark else None,
            **kwargs,
        }
    )


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)

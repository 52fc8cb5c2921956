"""Tasks whose ``run()`` works on data frames of Spark."""

from __future__ import annotations

from typing import Any

from luisy import spark
from luisy.observe import note_read
from luisy.targets import ParquetDirTarget, PickleTarget
from luisy.tasks.base import Task


class SparkTask(Task):
    """A task that reads its inputs as data frames of Spark, and writes them in the format of its output."""

    @property
    def spark(self) -> Any:
        """The session: the active one, else that of ``Config``, else one on this machine (``local[*]``).

        :raises NoSpark: pyspark or Java is missing.
        """
        return spark.session()

    def read_input(self) -> Any:
        """The content of the inputs, in their shape, with data frames of Spark in place of those of pandas.

        Folders that Spark has written are read by Spark.
        """
        return self._as_frames(super().read_input())

    def _take(self, task: Task) -> Any:
        target = task.output()
        if isinstance(target, ParquetDirTarget) and not target.kwargs and spark.wrote(target.path):
            note_read(target.path)
            return spark.read_folder(target.path)
        return super()._take(task)

    def _as_frames(self, content: Any) -> Any:
        kind = type(content)
        if kind is dict:
            return {name: self._as_frames(one) for name, one in content.items()}
        if kind in (list, tuple):
            return kind(self._as_frames(one) for one in content)
        return self.spark.createDataFrame(content) if _is_of_pandas(content) else content

    def write(self, obj: Any) -> None:
        """Make *obj* the content of the output; a data frame of Spark becomes one of pandas where the format needs it."""
        target = self.output()
        needs_pandas = target.requires_pandas or isinstance(target, PickleTarget)
        if needs_pandas and not _is_of_pandas(obj) and hasattr(obj, "toPandas"):
            obj = obj.toPandas()
        super().write(obj)


def _is_of_pandas(value: object) -> bool:
    """Whether *value* is a data frame of pandas; asked without importing it."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
        for kind in type(value).__mro__
    )

"""Spark, as far as luisy knows it: the session that tasks use, what Spark calls a path, and how it writes folders.

pyspark is imported when a task asks for a session and there is none yet, and never before.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from luisy.errors import TaskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DBFS = "/dbfs/"

_RUN_OF_SPARK = re.compile(r"^(part-\d+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""How Spark names the files of a folder: the number of the part, then a UUID that is another one each time."""

SUCCESS = "_SUCCESS"
"""The empty file that Spark leaves in a folder that it has written whole."""


class NoSpark(TaskError):
    """A task needs Spark, and there is no session to be had."""

    slug = "no-spark"


class _Configured:
    """The session that ``Config().set_param("spark", ...)`` was given."""

    session: Any = None


def configure(session: Any) -> None:
    """Let tasks use *session* where none is active; None takes that back.

    :param session: a ``SparkSession``, or a ``SparkContext``.
    """
    _Configured.session = session


def configured() -> Any:
    """What ``configure`` was given last, else None."""
    return _Configured.session


def active() -> Any:
    """The session that is active in this process, whoever has started it; None where there is none."""
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    if getattr(context, "_active_spark_context", None) is not None:
        return _builder().getOrCreate()
    connect = getattr(sys.modules.get("pyspark.sql.connect.session"), "SparkSession", None)
    return None if connect is None else connect.getActiveSession()


def session() -> Any:
    """The session that tasks use: the active one, else the configured one, else a new one on this machine (``local[*]``).

    :raises NoSpark: pyspark is not installed (slug ``missing-extra``), or Spark does not start.
    """
    for found in (active(), configured()):
        if found is not None:
            return found if hasattr(found, "createDataFrame") else _builder().getOrCreate()
    # Where nothing else is said, pyspark's own master is local[*].
    builder = _builder().config("spark.ui.showConsoleProgress", "false")
    try:
        return builder.getOrCreate()
    except Exception as error:  # whatever pyspark makes of a machine without Java
        raise NoSpark(
            f"Spark does not start: {str(error).strip() or type(error).__name__}",
            hint="Spark 4 needs Java 17 or newer (JAVA_HOME); a session of your own goes to "
            'luisy.Config().set_param("spark", session)',
        ) from error


def _builder() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise NoSpark(
            f"Spark tasks need pyspark, which cannot be imported: {error}",
            slug="missing-extra",
            hint='pip install "luisy[spark]"',
        ) from error
    return SparkSession.builder.appName("luisy")


def is_frame(value: object) -> bool:
    """Whether *value* is a data frame of Spark."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.startswith("pyspark.sql")
        for kind in type(value).__mro__
    )


def is_absence(error: Exception) -> bool:
    """Whether *error* is how Spark says that there is no such table or path."""
    return any(kind.__name__ == "AnalysisException" for kind in type(error).__mro__)


def uri_of(path: str) -> str:
    """What Spark calls the absolute *path*: below Databricks' mount ``/dbfs`` it is ``dbfs:``, elsewhere ``file:``."""
    return f"dbfs:/{path[len(_DBFS) :]}" if path.startswith(_DBFS) else f"file://{path}"


# --- folders of parquet files


def write_folder(frame: Any, path: str, options: Mapping[str, Any]) -> None:
    """Let Spark write *frame* to the new folder *path*. Equal parts get equal names, and no checksums beside them.

    :param options: ``compression`` and ``partition_cols``.
    :raises UsageError: slug ``unknown-option``, for any other option.
    :raises TaskError: slug ``spark-elsewhere``, if Spark's machines do not share this one's files.
    """
    if unknown := sorted(set(options) - {"compression", "partition_cols"}):
        raise UsageError(
            f"Spark writes folders of parquet files without an option {unknown[0]!r}",
            slug="unknown-option",
            hint="known: compression, partition_cols; or write a data frame of pandas",
        )
    writer = frame.write
    if options.get("compression"):
        writer = writer.option("compression", options["compression"])
    if columns := options.get("partition_cols"):
        writer = writer.partitionBy([columns] if isinstance(columns, str) else list(columns))
    writer.parquet(uri_of(path))
    if not os.path.isdir(path):
        raise TaskError(
            f"Spark wrote {uri_of(path)}, and nothing is there on this machine",
            slug="spark-elsewhere",
            hint="let the working dir lie where Spark's machines have it, too, or write a table",
        )
    _settle_names(path)


def _settle_names(path: str) -> None:
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            if name.endswith(".crc"):
                os.unlink(file)
            elif (settled := _RUN_OF_SPARK.sub(r"\1", name)) != name:
                os.rename(file, os.path.join(folder, settled))


def wrote(path: str) -> bool:
    """Whether *path* is a folder that Spark has written."""
    return os.path.isfile(os.path.join(path, SUCCESS))


def read_folder(path: str) -> Any:
    """The folder *path* of parquet files, as a data frame of Spark."""
    # Without the option, brackets and the like in the path would be a pattern.
    return session().read.option("__globPaths__", "false").parquet(uri_of(path))


# --- forks

_inherited: list[Any] = []
"""Connections to the parent's JVM. Kept for good: to let go of one would close it for the parent, too."""


def _reconnect() -> None:
    """In a forked child: talk to the parent's JVM, if it has one, on connections of its own."""
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    gateway = getattr(context, "_gateway", None)
    if gateway is None:
        return
    client = gateway._gateway_client  # noqa: SLF001 - py4j has no other way
    _inherited.append((client.deque, getattr(client, "thread_connection", None)))
    client.deque = deque()
    client.thread_connection = threading.local()
    # What the child lets go of, the parent may still hold.
    sys.modules["py4j.finalizer"].ThreadSafeFinalizer.clear_finalizers(clear_all=True)


os.register_at_fork(after_in_child=_reconnect)

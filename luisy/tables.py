"""Results that lie elsewhere and are no files: the tables of Spark, and the base of users' own targets.

A table stays where it is: luisy copies nothing of it. It asks a table only for its version, a text that is another
one after every write, and remembers which task has left it at that (ADR 0019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import luigi
from blake3 import blake3

from luisy import spark

if TYPE_CHECKING:
    from collections.abc import Mapping

_DELTA_LOG = "_delta_log"


class CloudTarget(luigi.Target):
    """The base of targets that lie elsewhere: no files, so luisy runs their tasks as Luigi does and keeps nothing.

    A subclass overrides ``exists``, ``read`` and ``write``.

    :param outdir: where the task would have its files; given by the task.
    :param kwargs: the task's ``target_kwargs``.
    """

    file_ending: ClassVar[str] = ""
    requires_pandas: ClassVar[bool] = False

    def __init__(self, outdir: str | None = None, **kwargs: Any) -> None:
        self.outdir = outdir
        self.kwargs = kwargs

    def exists(self) -> bool:
        """Whether the result is there."""
        raise NotImplementedError(f"{type(self).__name__} does not say whether it is there")

    def read(self) -> Any:
        """The content."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is read")

    def write(self, obj: Any) -> None:
        """Put *obj* in the place of whatever is there."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is written")

    def remove(self) -> None:
        """Remove the result."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is removed")

    def make_dir(self, path: str) -> None:
        """Nothing: there is no folder."""


class SparkTarget(CloudTarget):
    """The base of targets that a Spark session reads and writes."""

    @property
    def spark(self) -> Any:
        """The session: the active one, else that of ``Config``, else one on this machine."""
        return spark.session()


class TableTarget(SparkTarget):
    """The base of tables that tell their version.

    A subclass overrides ``location`` and ``version``, beside what it overrides of ``CloudTarget``.
    """

    @property
    def location(self) -> str:
        """What names the table, the same in every process."""
        raise NotImplementedError(f"{type(self).__name__} does not say where it is")

    @property
    def options(self) -> Mapping[str, Any]:
        """How the table is written and read, without where; counts for the task's key."""
        return {}

    @property
    def path(self) -> str:
        """The location, under the name that files have theirs."""
        return self.location

    def version(self) -> str | None:
        """A text that is another one after every write; None where there is no table, or none can be told.

        :raises Exception: whatever Spark raises where it cannot tell.
        """
        raise NotImplementedError(f"{type(self).__name__} does not tell its version")


class DeltaTableTarget(TableTarget):
    """A table of Spark's catalog: a delta table, or one of the format that the catalog takes when nothing is said.

    :param catalog: of Unity Catalog; None for the session's own.
    :param schema: None for the session's own.
    """

    file_ending = "DeltaTable"

    def __init__(
        self,
        outdir: str | None = None,
        schema: str | None = "schema",
        catalog: str | None = "catalog",
        table_name: str | None = None,
    ) -> None:
        super().__init__(outdir)
        self.schema = schema
        self.catalog = catalog
        self.table_name = table_name

    @property
    def table_uri(self) -> str:
        """The table's name in SQL."""
        return ".".join(part for part in (self.catalog, self.schema, self.table_name) if part)

    @property
    def location(self) -> str:
        """The table's name; SQL does not tell capitals apart."""
        return f"table {self.table_uri.lower()}"

    def exists(self) -> bool:
        """Whether the catalog has the table."""
        return bool(self.spark.catalog.tableExists(self.table_uri))

    def read(self) -> Any:
        """The table, as a data frame of Spark."""
        return self.spark.table(self.table_uri)

    def write(self, df: Any) -> None:
        """Put the data frame *df* in the place of what the table holds; make it if there is none."""
        _frame(df).write.mode("overwrite").saveAsTable(self.table_uri)

    def remove(self) -> None:
        """Drop the table."""
        self.spark.sql(f"DROP TABLE IF EXISTS {self.table_uri}")

    def version(self) -> str | None:
        """Of a delta table its last commit; of any other, its files."""
        if not self.exists():
            return None
        described = {
            row[0]: row[1] for row in self.spark.sql(f"DESCRIBE TABLE EXTENDED {self.table_uri}").collect()
        }
        if described.get("Provider", "").lower() == "delta":
            return _delta_version(self.spark, self.table_uri)
        location = described.get("Location")  # a view has none
        return None if location is None else _version_of_files(self.spark, location)


class AzureBlobStorageTarget(TableTarget):
    """A folder that Spark reads and writes by its URI, such as ``abfss://container@account.dfs.core.windows.net``.

    :param endpoint: the URI up to the container, or any other that Spark knows.
    :param directory: below it.
    :param file_format: Spark's name of the format.
    :param inferschema: whether formats without types are read with types.
    """

    def __init__(
        self,
        outdir: str | None = None,
        endpoint: str = "",
        directory: str = "",
        inferschema: bool = False,  # noqa: FBT001, FBT002 - luisy 1.x's signature
        file_format: str = "parquet",
    ) -> None:
        super().__init__(outdir)
        self.endpoint = endpoint
        self.directory = directory
        self.inferschema = inferschema
        self.file_format = file_format

    @property
    def blob_uri(self) -> str:
        """The folder's URI."""
        return f"{self.endpoint.rstrip('/')}/{self.directory.strip('/')}"

    @property
    def location(self) -> str:
        """The folder's URI."""
        return self.blob_uri

    @property
    def options(self) -> Mapping[str, Any]:
        """The format, and how it is read."""
        return {"file_format": self.file_format, "inferschema": self.inferschema}

    def exists(self) -> bool:
        """Whether there is something to read."""
        try:
            self.read()
        except Exception as error:
            if spark.is_absence(error):
                return False
            raise
        return True

    def read(self) -> Any:
        """The folder, as a data frame of Spark."""
        return self.spark.read.format(self.file_format).load(self.blob_uri, inferschema=self.inferschema)

    def write(self, df: Any) -> None:
        """Put the data frame *df* in the place of what the folder holds."""
        _frame(df).write.format(self.file_format).mode("overwrite").save(self.blob_uri)

    def remove(self) -> None:
        """Nothing, as in luisy 1.x: every write overwrites."""

    def version(self) -> str | None:
        """Of a delta table its last commit; of any other format, the folder's files."""
        if self.file_format.lower() == "delta":
            return _delta_version(self.spark, f"delta.`{self.blob_uri}`", self.blob_uri)
        return _version_of_files(self.spark, self.blob_uri)


def _frame(value: Any) -> Any:
    """*value* as a data frame of Spark, if it is one of pandas."""
    return value if hasattr(value, "write") else spark.session().createDataFrame(value)


def _version_of_files(session: Any, uri: str, pattern: str = "*") -> str | None:
    """What the names, sizes and times of all files below *uri* make; None where there are none.

    Spark takes no file for data whose name begins with ``_`` or a dot.
    """
    files = sorted((row.path, row.length, str(row.modificationTime)) for row in _files(session, uri, pattern))
    return _digest(repr(files).encode()) if files else None


def _files(session: Any, uri: str, pattern: str) -> list[Any]:
    """Path, length and time of the files below *uri*, by a reader that opens none of them."""
    reader = session.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        found = reader.option("pathGlobFilter", pattern).option("__globPaths__", "false").load(uri)
        return list(found.select("path", "length", "modificationTime").collect())
    except Exception as error:
        if spark.is_absence(error):
            return []
        raise


def _delta_version(session: Any, name: str, uri: str | None = None) -> str | None:
    """Number and time of a delta table's last commit, by Delta's own word.

    :param uri: of the table's folder, for a session without Delta: then the newest file of its log tells.
    """
    try:
        last = session.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()
    except Exception as error:
        if not spark.is_absence(error):
            raise
        return None if uri is None else _version_of_log(session, f"{uri}/{_DELTA_LOG}")
    return f"{last[0]['version']} {last[0]['timestamp']}" if last else None


def _version_of_log(session: Any, uri: str) -> str | None:
    """Number and digest of the newest commit in the log of a delta table."""
    commits = sorted(row.path for row in _files(session, uri, "*.json"))
    if not commits:
        return None
    number = commits[-1].rpartition("/")[2].removesuffix(".json")
    content = session.read.format("binaryFile").load(commits[-1]).select("content").collect()[0][0]
    return f"{int(number)} {_digest(bytes(content))}"


def _digest(content: bytes) -> str:
    return blake3(content, max_threads=1).hexdigest()

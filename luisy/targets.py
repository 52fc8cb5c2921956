"""Local files and folders that results are read from and written to.

A target's ``exists()`` looks at this machine only and nothing here touches the disk before it is told to
read, write or remove. A write makes a scratch folder beside the result, ``.luisy-tmp-<random>/``, with the new
file under its final name (some formats put that into the file), and moves it into place by one rename: readers
see the old result or the new one, and a write that fails leaves nothing. A folder that is there already
has to be moved away first, so for that moment it is neither.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import luigi

from luisy import formats
from luisy.errors import LuisyError
from luisy.gone import attributes_of
from luisy.observe import note_read
from luisy.tables import AzureBlobStorageTarget, CloudTarget, DeltaTableTarget, SparkTarget, TableTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "AzureBlobStorageTarget",
    "CSVTarget",
    "CloudTarget",
    "DeltaTableTarget",
    "DirectoryTarget",
    "FeatherTarget",
    "HDFTarget",
    "JSONTarget",
    "LocalTarget",
    "LuisyTarget",
    "ParquetDirTarget",
    "ParquetTarget",
    "PickleTarget",
    "SparkTarget",
    "TableTarget",
    "XLSXTarget",
]

logger = logging.getLogger(__name__)

SCRATCH_PREFIX = ".luisy-tmp-"
"""How the names of scratch folders start; one that is left over belongs to a process that was killed."""


class LuisyTarget(luigi.LocalTarget):
    """A target that knows how to ``read()`` and ``write()`` its content.

    :param path: of the file or folder; ``~`` and variables are not expanded.
    """

    file_ending: ClassVar[str] = ""
    requires_pandas: ClassVar[bool] = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path=os.fspath(path))  # type: ignore[no-untyped-call]  # Luigi's targets are not annotated

    if TYPE_CHECKING:

        def open(self, mode: str = "r") -> Any:
            """Open the file as Luigi does: what is written appears when it is closed."""

    def exists(self) -> bool:
        """Whether the file or folder is on this machine."""
        return os.path.exists(self.path)

    def read(self) -> Any:
        """The content."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is read")

    def write(self, obj: Any) -> None:
        """Put *obj* in the place of whatever is there."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is written")

    def remove(self) -> None:
        """Remove the file or folder; nothing happens if there is none."""
        _remove(self.path)

    def make_dir(self, path: str) -> None:
        """Make the folder *path* and those above it, where they are missing."""
        os.makedirs(path, exist_ok=True)

    def is_folder(self) -> bool:
        """Whether the result is a folder: a format without a file ending."""
        return not os.path.splitext(os.path.basename(self.path))[1]


class LocalTarget(LuisyTarget):
    """A file or folder in one of luisy's formats.

    A format of your own: a subclass with ``file_ending`` that overrides ``read`` and ``write``; within
    ``write``, ``with self.replacing() as path`` makes what is written to *path* appear at once.

    :param kwargs: options of the functions that write and read; each goes to those that know it.
    """

    requires_pandas = True
    file_format: ClassVar[formats.Format | None] = None

    def __init__(self, path: str | os.PathLike[str], **kwargs: Any) -> None:
        super().__init__(path)
        self.kwargs = kwargs

    def write(self, obj: Any) -> None:
        """Put *obj* in the place of whatever is there, atomically; missing folders are made.

        :raises LuisyError: slug ``missing-extra`` or ``unknown-option``; else what the library raises.
        """
        if self.file_format is None:
            super().write(obj)
            return
        with self.replacing() as path:
            self.file_format.write(obj, path, self.kwargs)

    def read(self) -> Any:
        """The content.

        :raises LuisyError: slug ``unreadable-file`` with the path, ``missing-extra`` or ``unknown-option``.
        :raises FileNotFoundError: if there is nothing.
        """
        if self.file_format is None:
            return super().read()
        note_read(self.path)
        if not self.exists():
            raise FileNotFoundError(2, "No such file or directory", self.path)
        try:
            return self.file_format.read(self.path, self.kwargs)
        except (LuisyError, MemoryError, FileNotFoundError, PermissionError):
            raise
        except Exception as error:  # whatever a parser makes of rubbish
            raise formats.UnreadableFile(
                f"{self.path} cannot be read as {self.file_format.name}: {type(error).__name__}: {error}",
                hint="remove the file and run its task again, or mend the options of its output decorator",
            ) from error

    @contextmanager
    def replacing(self) -> Iterator[str]:
        """A path to write to; when the block ends well, what lies there takes the place of the result."""
        parent, name = os.path.split(os.path.abspath(self.path))
        os.makedirs(parent, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=parent)
        try:
            fresh = os.path.join(scratch, name)
            yield fresh
            _swap(fresh, self.path, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _swap(fresh: str, path: str, scratch: str) -> None:
    """Move *fresh* to *path*; a folder on either side cannot be replaced by one rename."""
    present = os.path.lexists(path)
    if not present or not (_is_real_folder(fresh) or _is_real_folder(path)):
        os.replace(fresh, path)
        return
    old = os.path.join(scratch, ".old")
    os.rename(path, old)
    try:
        os.rename(fresh, path)
    except BaseException:
        os.rename(old, path)
        raise


def _is_real_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _remove(path: str) -> None:
    if _is_real_folder(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)
    else:
        logger.debug("nothing to remove at %s", path)


class PickleTarget(LocalTarget):
    """Any Python object."""

    file_ending = "pkl"
    requires_pandas = False
    file_format = formats.Pickle()


class JSONTarget(LocalTarget):
    """Dicts, lists and scalars."""

    file_ending = "json"
    requires_pandas = False
    file_format = formats.Json()


class CSVTarget(LocalTarget):
    """A data frame as comma-separated values."""

    file_ending = "csv"
    file_format = formats.Csv()


class XLSXTarget(LocalTarget):
    """A data frame as an Excel sheet."""

    file_ending = "xlsx"
    file_format = formats.Xlsx()


class HDFTarget(LocalTarget):
    """A data frame or series as HDF5."""

    file_ending = "hdf"
    file_format = formats.Hdf()


class FeatherTarget(LocalTarget):
    """A data frame as an Arrow file."""

    file_ending = "feather"
    file_format = formats.Feather()


class ParquetTarget(LocalTarget):
    """A data frame as one parquet file."""

    file_ending = "parquet"
    file_format = formats.Parquet()


class _FolderTarget(LocalTarget):
    def is_folder(self) -> bool:
        return True


class ParquetDirTarget(_FolderTarget):
    """A data frame as a folder of parquet files."""

    requires_pandas = False
    file_format = formats.ParquetFolder()


class DirectoryTarget(_FolderTarget):
    """A folder of files that somebody else made; ``make_directory_output`` says how each is read."""

    requires_pandas = False
    regex_pattern: ClassVar[str | None] = None

    def is_valid_file(self, filename: str) -> bool:
        """Whether the file of that name counts: ``regex_pattern`` is found in it."""
        return re.search(self.regex_pattern or "", filename) is not None

    def read(self) -> Iterator[Any]:
        """What ``read_file`` makes of each file, one after the other in the order of their names.

        Files for which it returns None are left out.
        """
        note_read(self.path)
        for name in sorted(os.listdir(self.path)):
            if self.is_valid_file(name):
                path = os.path.join(self.path, name)
                note_read(path)
                content = self.read_file(path)
                if content is not None:
                    yield content

    def read_file(self, file: str) -> Any:
        """The content of one file, given its path."""
        raise NotImplementedError(f"{type(self).__name__} does not say how the file {file} is read")


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)

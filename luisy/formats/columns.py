"""Parquet, feather and HDF5, by pandas with pyarrow and PyTables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from luisy import spark
from luisy.formats.base import Options, UnreadableFile, load
from luisy.observe import note_read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PATHS = frozenset({"path", "where", "source", "df", "dest", "table", "root_path", "filesystem", "kwargs"})


def _parquet_options(name: str, given: Mapping[str, Any], *writers: str) -> Options:
    pandas = load("pandas", name)
    parquet = load("pyarrow.parquet", name)
    further = tuple(getattr(parquet, writer) for writer in writers)
    return Options(
        name,
        given,
        (pandas.DataFrame.to_parquet, *further),
        (pandas.read_parquet, parquet.read_table),
        _PATHS,
    )


class Parquet:
    """One parquet file."""

    name: ClassVar[str] = "parquet"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write a data frame; *options* are those of ``DataFrame.to_parquet`` and ``pyarrow.parquet.write_table``."""
        settled = _parquet_options(self.name, options, "write_table").of_writer()
        obj.to_parquet(path, **settled)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read a data frame; *options* are those of ``pandas.read_parquet`` and ``pyarrow.parquet.read_table``."""
        settled = _parquet_options(self.name, options, "write_table").of_reader()
        return load("pandas", self.name).read_parquet(path, **settled)


class ParquetFolder:
    """A folder of parquet files; read as one data frame of pandas, without the parts' indices.

    Written as one ``part-0.parquet``, or with ``partition_cols`` as one in each ``column=value`` folder; a data frame
    of Spark is written by Spark.
    """

    name: ClassVar[str] = "parquet folder"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write a data frame; *options* as for a single parquet file."""
        if spark.is_frame(obj):
            spark.write_folder(obj, path, options)
            return
        settled = self._options(options).of_writer()
        os.mkdir(path)
        if settled.get("partition_cols"):
            # One thread and a name that is no UUID: the same rows in the same files each time.
            settled = {"basename_template": "part-{i}.parquet", "use_threads": False, **settled}
            obj.to_parquet(path, **settled)
        else:
            obj.to_parquet(os.path.join(path, "part-0.parquet"), **settled)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read all rows in the order of the parts' names; *options* as for a single parquet file."""
        pandas = load("pandas", self.name)
        settled = self._options(options).of_reader()
        parts = part_files(path)
        if not parts:
            raise UnreadableFile(f"{path}: no parquet file in this folder", hint="see what was to write it")
        for part in parts:
            note_read(part)
        if any(os.path.dirname(part) != path for part in parts):
            return pandas.read_parquet(path, **settled)
        frames = [pandas.read_parquet(part, **settled) for part in parts]
        told = [frame for frame in frames if len(frame)] or frames[:1]
        return pandas.concat(told, ignore_index=True)

    def _options(self, given: Mapping[str, Any]) -> Options:
        further = ["write_to_dataset"] if given.get("partition_cols") else []
        return _parquet_options(self.name, given, "write_table", *further)


def part_files(path: str) -> list[str]:
    """The parquet files in *path* and in its ``column=value`` folders, in the order of their names."""
    found = []
    for folder, below, files in os.walk(path):
        below[:] = sorted(name for name in below if "=" in name)
        found += [os.path.join(folder, name) for name in sorted(files) if _is_part(name)]
    return found


def _is_part(name: str) -> bool:
    return name.endswith(".parquet") and not name.startswith((".", "_"))


class Feather:
    """An Arrow file."""

    name: ClassVar[str] = "feather"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write a data frame; *options* are those of ``pyarrow.feather.write_feather``."""
        settled = self._options(options).of_writer()
        obj.to_feather(path, **settled)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read a data frame; *options* are those of ``pandas.read_feather``."""
        return load("pandas", self.name).read_feather(path, **self._options(options).of_reader())

    def _options(self, given: Mapping[str, Any]) -> Options:
        pandas = load("pandas", self.name)
        feather = load("pyarrow.feather", self.name)
        writers = (pandas.DataFrame.to_feather, feather.write_feather)
        return Options(self.name, given, writers, (pandas.read_feather,), _PATHS)


class Hdf:
    """An HDF5 file with one data frame or series, at ``data`` unless ``key`` says otherwise."""

    name: ClassVar[str] = "hdf"
    _creators = ("create_array", "create_carray", "create_earray", "create_vlarray", "create_table")

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write *obj*; *options* are those of ``pandas.HDFStore.put``, and ``complevel`` and ``complib``."""
        pandas = load("pandas", self.name)
        # PyTables' indices, which speed up queries of large tables, always tell the time.
        settled = {"key": "data", "index": False, **self._options(options).of_writer()}
        of_file = {
            name: settled.pop(name) for name in ("complevel", "complib", "fletcher32") if name in settled
        }
        with pandas.HDFStore(path, mode="w", **of_file) as store:
            file = store.root._v_file  # noqa: SLF001 - PyTables' documented way from a node to its file
            for name in self._creators:
                setattr(file, name, _timeless(getattr(file, name)))
            store.put(settled.pop("key"), obj, track_times=False, **settled)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read what lies there; *options* are those of ``pandas.read_hdf``."""
        return load("pandas", self.name).read_hdf(path, **self._options(options).of_reader())

    def _options(self, given: Mapping[str, Any]) -> Options:
        pandas = load("pandas", self.name)
        load("tables", self.name)
        writers = (pandas.HDFStore.put, pandas.HDFStore, pandas.DataFrame.to_hdf)
        kept = frozenset({"path_or_buf", "value", "path", "mode", "track_times", "iterator", "kwargs"})
        return Options(self.name, given, writers, (pandas.read_hdf,), kept)


def _timeless(create: Callable[..., Any]) -> Callable[..., Any]:
    """HDF5 stamps each dataset with the time, and pandas lets only some of them go without."""
    return lambda *args, **kwargs: create(*args, **{**kwargs, "track_times": False})

"""How two tables differ: rows, columns, and the cells at equal places.

CSV, parquet and feather are read piece by piece, so that two large files need little memory; Excel, HDF5 and JSON
are read whole. Rows are told apart by their position: a row that was put in shifts all that follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from luisy.formats.base import load
from luisy.formats.columns import Feather, Hdf, Parquet, ParquetFolder, part_files
from luisy.formats.plain import Json
from luisy.formats.tables import Csv, Xlsx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from luisy.formats.base import Format

    Pieces = Iterator[Any]

_ROWS = 65536
"""Rows that are compared at once."""

_CSV_SHAPE = frozenset(
    {
        "sep",
        "delimiter",
        "header",
        "names",
        "skiprows",
        "skipfooter",
        "comment",
        "quotechar",
        "quoting",
        "doublequote",
    }
    | {"escapechar", "encoding", "compression", "lineterminator", "skipinitialspace"}
)
"""Options that say where the cells of a CSV file are; what their text means does not matter to a comparison."""


@dataclass(frozen=True, slots=True)
class TableDifference:
    """What differs between an old and a new table.

    :param rows: how many there are in the old one and in the new.
    :param columns: likewise.
    :param added: names of columns that are new.
    :param removed: names of columns that are gone.
    :param changed: how many cells differ in each column that both have, in the rows that both have; columns without
        such cells are left out.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, int] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """How many cells differ."""
        return sum(self.changed.values())


def compare_tables(kind: Format, old: str, new: str, options: Mapping[str, Any]) -> TableDifference | None:
    """What differs between two files (or folders) of one format; None where it holds no tables.

    :param options: those of the output decorator.
    :raises Missing: a library is not installed.
    """
    read = _READERS.get(kind.name)
    if read is None:
        return None
    before, after = read(old, options), read(new, options)
    try:
        return _compared(before, after)
    except _NoTableError:
        return None


class _NoTableError(Exception):
    """A file of a format that may hold tables holds none."""


def _compared(before: Pieces, after: Pieces) -> TableDifference:
    """Walk through two sequences of frames in step; how they are cut does not matter."""
    old, new = next(before, None), next(after, None)
    if old is None or new is None:
        raise _NoTableError
    names = [str(name) for name in old.columns], [str(name) for name in new.columns]
    common = [name for name in names[0] if name in names[1]]
    rows = [len(old), len(new)]
    changed = dict.fromkeys(common, 0)
    while old is not None and new is not None:
        length = min(len(old), len(new))
        for name in common:
            changed[name] += _differing(_column(old, name, length), _column(new, name, length))
        old, rows[0] = _rest(old, length, before, rows[0])
        new, rows[1] = _rest(new, length, after, rows[1])
    for side, pieces in enumerate((before, after)):
        rows[side] += sum(len(piece) for piece in pieces)
    return TableDifference(
        (rows[0], rows[1]),
        (len(names[0]), len(names[1])),
        tuple(name for name in names[1] if name not in names[0]),
        tuple(name for name in names[0] if name not in names[1]),
        {name: count for name, count in changed.items() if count},
    )


def _rest(piece: Any, used: int, pieces: Pieces, rows: int) -> tuple[Any, int]:
    """What is left of a piece, or the next one; None at the end. With the number of rows seen so far."""
    if used < len(piece):
        return piece.iloc[used:], rows
    following = next(pieces, None)
    return following, rows + (0 if following is None else len(following))


def _column(piece: Any, name: str, length: int) -> Any:
    """The first column of that name, with its first *length* values."""
    at = [str(column) for column in piece.columns].index(name)
    return piece.iloc[:length, at].reset_index(drop=True)


def _differing(old: Any, new: Any) -> int:
    both_empty = old.isna() & new.isna()
    if old.dtype == new.dtype and old.dtype.kind in "biufcmM":
        return int(((old != new) & ~both_empty).sum())
    return int(((old.astype(str) != new.astype(str)) & ~both_empty).sum())


# --- readers


def _csv(path: str, options: Mapping[str, Any]) -> Pieces:
    shape = {name: value for name, value in options.items() if name in _CSV_SHAPE}
    settled = {**shape, "dtype": str, "keep_default_na": False, "chunksize": _ROWS}
    pandas = load("pandas", Csv.name)
    try:
        with pandas.read_csv(path, **settled) as pieces:
            yield from pieces
    except pandas.errors.EmptyDataError:
        yield pandas.DataFrame()


def _parquet(path: str, _options: Mapping[str, Any]) -> Pieces:
    return _parquet_parts([path])


def _parquet_folder(path: str, _options: Mapping[str, Any]) -> Pieces:
    return _parquet_parts(part_files(path))


def _parquet_parts(paths: list[str]) -> Pieces:
    parquet = load("pyarrow.parquet", Parquet.name)
    for number, path in enumerate(paths):
        with parquet.ParquetFile(path) as file:
            if not number:  # also an empty table has columns
                yield file.schema_arrow.empty_table().to_pandas()
            for batch in file.iter_batches(batch_size=_ROWS):
                yield batch.to_pandas()


def _feather(path: str, _options: Mapping[str, Any]) -> Pieces:
    table = load("pyarrow.feather", Feather.name).read_table(path, memory_map=True)
    yield table.slice(0, 0).to_pandas()
    for batch in table.to_batches(max_chunksize=_ROWS):
        yield batch.to_pandas()


def _whole(kind: Format) -> Callable[[str, Mapping[str, Any]], Pieces]:
    def read(path: str, options: Mapping[str, Any]) -> Pieces:
        found = kind.read(path, options)
        pandas = load("pandas", kind.name)
        yield found.to_frame() if isinstance(found, pandas.Series) else found

    return read


def _json(path: str, options: Mapping[str, Any]) -> Pieces:
    found = Json().read(path, options)
    if not (isinstance(found, list) and found and all(isinstance(item, dict) for item in found)):
        raise _NoTableError
    yield load("pandas", Json.name).DataFrame(found)


_READERS: dict[str, Callable[[str, Mapping[str, Any]], Pieces]] = {
    Csv.name: _csv,
    Feather.name: _feather,
    Hdf.name: _whole(Hdf()),
    Json.name: _json,
    Parquet.name: _parquet,
    ParquetFolder.name: _parquet_folder,
    Xlsx.name: _whole(Xlsx()),
}

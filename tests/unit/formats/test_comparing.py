"""How two tables differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from luisy import formats
from luisy.formats import Csv, Feather, Format, Hdf, Json, Parquet, ParquetFolder, Pickle, Xlsx, comparing
from luisy.formats.comparing import TableDifference, compare_tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OLD = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None], "gone": [1.0, 2.0, 3.0]})
NEW = pd.DataFrame({"new": [0, 0, 0, 0], "a": [1, 5, 3, 4], "b": ["x", "z", None, "w"]})
EXPECTED = TableDifference((3, 4), (3, 3), ("new",), ("gone",), {"a": 1, "b": 1})


def compared(
    kind: Format, old: Any, new: Any, folder: Path, options: Mapping[str, Any] | None = None
) -> TableDifference | None:
    """What differs between two objects that were written in this format."""
    before, after = str(folder / "old"), str(folder / "new")
    kind.write(old, before, options or {})
    kind.write(new, after, options or {})
    return compare_tables(kind, before, after, options or {})


@pytest.mark.parametrize(
    "kind", [Csv(), Parquet(), ParquetFolder(), Feather(), Hdf()], ids=lambda kind: kind.name
)
def test_rows_columns_and_cells_of_each_format(kind: Format, tmp_path: Path) -> None:
    """Every format tells rows, columns that are new and gone, and cells that differ at equal places."""
    assert compared(kind, OLD, NEW, tmp_path) == EXPECTED


def test_excel_without_its_index(tmp_path: Path) -> None:
    """The index of an Excel sheet is read as a column; where it is not written, it is none."""
    assert compared(Xlsx(), OLD, NEW, tmp_path, {"index": False}) == EXPECTED


def test_records_of_json(tmp_path: Path) -> None:
    """A list of dicts is a table; any other JSON is none."""
    assert compared(Json(), [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], tmp_path) == TableDifference(
        (2, 2), (1, 1), changed={"a": 1}
    )
    assert compared(Json(), {"a": 1}, {"a": 2}, tmp_path) is None
    assert compared(Json(), [1], [2], tmp_path) is None


def test_what_holds_no_tables(tmp_path: Path) -> None:
    """A pickle may be anything, and is not opened for a comparison."""
    (tmp_path / "old").write_bytes(b"rubbish")
    assert compare_tables(Pickle(), str(tmp_path / "old"), str(tmp_path / "old"), {}) is None


@pytest.mark.parametrize("kind", [Csv(), Parquet(), Feather()], ids=lambda kind: kind.name)
def test_tables_are_read_piece_by_piece(
    kind: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the two tables are cut, cells are compared with those at the same place."""
    monkeypatch.setattr(comparing, "_ROWS", 7)
    old = pd.DataFrame({"a": range(100)})
    new = pd.DataFrame({"a": [*range(50), -1, *range(51, 110)]})
    options = {"row_group_size": 5} if kind.name == "parquet" else {}
    assert compared(kind, old, new, tmp_path, options) == TableDifference(
        (100, 110), (1, 1), changed={"a": 1}
    )


def test_equal_tables_have_no_difference(tmp_path: Path) -> None:
    """Empty cells are equal to empty cells."""
    found = compared(Parquet(), OLD, OLD, tmp_path)
    assert found == TableDifference((3, 3), (3, 3))
    assert found.cells == 0


def test_a_column_of_another_type_is_compared_as_text(tmp_path: Path) -> None:
    """Numbers that became texts differ where they read differently."""
    old, new = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": ["1", "x"]})
    assert compared(Parquet(), old, new, tmp_path) == TableDifference((2, 2), (1, 1), changed={"a": 1})


def test_lists_in_cells_are_compared(tmp_path: Path) -> None:
    """Nested values neither fail nor count as different where they are equal."""
    old, new = pd.DataFrame({"a": [[1, 2], [3]]}), pd.DataFrame({"a": [[1, 2], [4]]})
    assert compared(Parquet(), old, new, tmp_path) == TableDifference((2, 2), (1, 1), changed={"a": 1})


@pytest.mark.parametrize("kind", [Csv(), Parquet(), Feather()], ids=lambda kind: kind.name)
def test_empty_tables(kind: Format, tmp_path: Path) -> None:
    """A table without rows has columns; one without columns has neither."""
    found = compared(kind, OLD.iloc[:0], OLD, tmp_path)
    assert found == TableDifference((0, 3), (3, 3))
    assert compared(kind, pd.DataFrame(), OLD, tmp_path) == TableDifference(
        (0, 3), (0, 3), added=("a", "b", "gone")
    )


def test_options_say_where_the_cells_are(tmp_path: Path) -> None:
    """A CSV file with semicolons, compressed, is compared as it is read."""
    options = {"sep": ";", "compression": "gzip"}
    assert compared(Csv(), OLD, NEW, tmp_path, options) == EXPECTED


def test_the_text_of_csv_counts(tmp_path: Path) -> None:
    """``1`` and ``1.0`` are different cells, and ``NA`` is not an empty one."""
    (tmp_path / "old").write_text("a,b\n1,NA\n")
    (tmp_path / "new").write_text("a,b\n1.0,\n")
    found = compare_tables(Csv(), str(tmp_path / "old"), str(tmp_path / "new"), {})
    assert found == TableDifference((1, 1), (2, 2), changed={"a": 1, "b": 1})


def test_every_format_is_either_a_table_or_known_to_be_none() -> None:
    """A new format has to be thought of here, too."""
    names = {getattr(getattr(formats, name), "name", None) for name in formats.__all__} - {None}
    assert {name for name in names if isinstance(name, str)} - set(comparing._READERS) == {"pickle"}

"""What single formats do beyond the conformance suite."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from luisy import targets
from luisy.errors import LuisyError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

FRAME = pd.DataFrame({"day": ["2020-01-01", "2020-01-02"], "n": [1, 2]})


def test_csv_option_of_both_goes_to_both(tmp_path: Path) -> None:
    """``sep`` is used to write and to read."""
    target = targets.CSVTarget(tmp_path / "a.csv", sep=";")
    target.write(FRAME)
    assert (tmp_path / "a.csv").read_text() == "day;n\n2020-01-01;1\n2020-01-02;2\n"
    assert target.read().equals(FRAME)


def test_csv_parse_dates_goes_to_the_reader(tmp_path: Path) -> None:
    """``parse_dates``, which to_csv does not know, is used to read."""
    target = targets.CSVTarget(tmp_path / "a.csv", parse_dates=["day"])
    target.write(FRAME)
    assert target.read()["day"].dt.year.tolist() == [2020, 2020]


def test_csv_index_is_written_on_request(tmp_path: Path) -> None:
    """``index=True`` overrules the default of luisy 1.x, which leaves the index out."""
    targets.CSVTarget(tmp_path / "a.csv", index=True).write(FRAME)
    assert (tmp_path / "a.csv").read_text().startswith(",day,n\n0,")


@pytest.mark.parametrize("method", ["gzip", "bz2", "xz", "zip", {"method": "gzip", "compresslevel": 1}])
def test_compressed_csv_has_equal_bytes(method: Any, tmp_path: Path) -> None:
    """Compressed files do not tell the time at which they were written."""
    for folder in ("one", "two"):
        targets.CSVTarget(tmp_path / folder / "a.csv", compression=method).write(FRAME)
        time.sleep(2.1)  # zip files tell time in steps of two seconds
    assert (tmp_path / "one/a.csv").read_bytes() == (tmp_path / "two/a.csv").read_bytes()
    assert targets.CSVTarget(tmp_path / "one/a.csv", compression=method).read().equals(FRAME)


def test_near_option_is_suggested(tmp_path: Path) -> None:
    """A mistyped option is answered with the one that was meant."""
    with pytest.raises(UsageError) as caught:
        targets.CSVTarget(tmp_path / "a.csv", parse_date=["day"]).write(FRAME)
    assert "parse_dates" in caught.value.hint


@pytest.mark.parametrize("value", [[1, "a"], "text", 3, 2.5, None, True, {}])
def test_json_takes_more_than_dicts(value: object, tmp_path: Path) -> None:
    """Lists and scalars are JSON too."""
    target = targets.JSONTarget(tmp_path / "a.json")
    target.write(value)
    assert target.read() == value


def test_json_text_is_that_of_luisy_1(tmp_path: Path) -> None:
    """Keys in the given order, four spaces, ASCII."""
    targets.JSONTarget(tmp_path / "a.json").write({"b": 1, "a": ["ü"]})
    assert (tmp_path / "a.json").read_text() == '{\n    "b": 1,\n    "a": [\n        "\\u00fc"\n    ]\n}'


def test_json_options_pass_through(tmp_path: Path) -> None:
    """Options of json.dump are used."""
    targets.JSONTarget(tmp_path / "a.json", indent=None, sort_keys=True).write({"b": 1, "a": 2})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 2, "b": 1}
    assert "\n" not in (tmp_path / "a.json").read_text()


def test_xlsx_keeps_the_index_as_luisy_1(tmp_path: Path) -> None:
    """Without options the index is written, and comes back as a column."""
    target = targets.XLSXTarget(tmp_path / "a.xlsx")
    target.write(FRAME)
    assert target.read().columns.tolist() == ["Unnamed: 0", "day", "n"]


def test_hdf_table_and_compression_have_equal_bytes(tmp_path: Path) -> None:
    """Appendable, compressed tables do not tell the time either."""
    for folder in ("one", "two"):
        targets.HDFTarget(tmp_path / folder / "a.hdf", format="table", complevel=9, key="k").write(FRAME)
        time.sleep(1.1)
    assert (tmp_path / "one/a.hdf").read_bytes() == (tmp_path / "two/a.hdf").read_bytes()


def test_hdf_takes_a_series(tmp_path: Path) -> None:
    """A series comes back as a series."""
    target = targets.HDFTarget(tmp_path / "a.hdf")
    target.write(FRAME["n"])
    pd.testing.assert_series_equal(target.read(), FRAME["n"])


def test_hdf_file_of_luisy_1_is_read(tmp_path: Path) -> None:
    """A file that to_hdf wrote, as in luisy 1.x, is read."""
    FRAME.to_hdf(tmp_path / "a.hdf", key="data")
    assert targets.HDFTarget(tmp_path / "a.hdf").read().equals(FRAME)


def parts(folder: Path, *frames: pd.DataFrame) -> targets.ParquetDirTarget:
    folder.mkdir()
    for number, frame in enumerate(frames):
        frame.to_parquet(folder / f"part-{number}.parquet")
    return targets.ParquetDirTarget(folder)


def test_parquet_folder_concatenates_its_parts(tmp_path: Path) -> None:
    """All parts are read in the order of their names, with a new index, without the empty ones."""
    target = parts(tmp_path / "d", FRAME[1:], FRAME[:0], FRAME[:1])
    assert target.read()["n"].tolist() == [2, 1]
    assert target.read().index.tolist() == [0, 1]


def test_parquet_folder_of_spark(tmp_path: Path) -> None:
    """What Spark puts beside its parts is passed over."""
    target = parts(tmp_path / "d", FRAME)
    (tmp_path / "d/_SUCCESS").touch()
    (tmp_path / "d/.part-0.parquet.crc").write_bytes(b"crc")
    assert target.read().equals(FRAME)


def test_parquet_folder_of_empty_parts_keeps_the_columns(tmp_path: Path) -> None:
    """Parts without rows make a frame without rows."""
    target = parts(tmp_path / "d", FRAME[:0], FRAME[:0])
    assert target.read().columns.tolist() == ["day", "n"]


def test_parquet_folder_without_parts_is_an_error(tmp_path: Path) -> None:
    """A folder without any parquet file is not a frame without columns."""
    with pytest.raises(LuisyError, match="no parquet file") as caught:
        parts(tmp_path / "d").read()
    assert caught.value.slug == "unreadable-file"


def test_partitioned_parquet_folder(tmp_path: Path) -> None:
    """``partition_cols`` makes a folder for each value, with the same names and bytes each time."""
    for name in ("one", "two"):
        targets.ParquetDirTarget(tmp_path / name, partition_cols=["day"]).write(FRAME)
    one, two = (
        {str(p.relative_to(tmp_path / name)): p.read_bytes() for p in (tmp_path / name).rglob("*.parquet")}
        for name in ("one", "two")
    )
    assert one == two
    assert sorted(one) == ["day=2020-01-01/part-0.parquet", "day=2020-01-02/part-0.parquet"]
    read = targets.ParquetDirTarget(tmp_path / "one", partition_cols=["day"]).read()
    assert read["n"].tolist() == [1, 2]

"""luisy 1.x's helper functions answer as they did."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

import luigi
import pandas as pd
import pytest
from luigi.date_interval import Week

from luisy import helpers
from luisy.errors import LuisyError

if TYPE_CHECKING:
    from pathlib import Path


class Node(luigi.Task):
    """Requires the two below it: a diamond of many ways."""

    level = luigi.IntParameter()
    side = luigi.IntParameter(default=0)

    def requires(self) -> Any:
        return [Node(level=self.level - 1, side=side) for side in (0, 1)] if self.level else []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b/c", "a_b_c"),
        (["a b", 1], "a_b_1"),
        ((1, (2, 3)), "1_2_3"),
        (None, "None"),
        ({"x": 1}, "x"),
        (1.5, "1.5"),
    ],
)
def test_string_repr(value: object, text: str) -> None:
    """Items are joined, blanks and slashes become underscores."""
    assert helpers.get_string_repr(value) == text


@pytest.mark.parametrize("week", ["2021-W12", Week(2021, 12)])
def test_start_and_stop_of_a_week(week: Week | str) -> None:
    """The first day, and the day after the last one, of a week or its text."""
    assert helpers.get_start_date(week) == dt.date(2021, 3, 22)
    assert helpers.get_stop_date(week) == dt.date(2021, 3, 29)


def test_all_requirements() -> None:
    """The task and all that it requires, each once; in a deep diamond, too."""
    found = helpers.get_all_reqs(Node(level=200))
    assert len(found) == len(set(found)) == 401
    assert Node(level=200) in found


def test_what_was_visited_is_not_looked_into() -> None:
    """Tasks that are known already are in the answer, but not what they require."""
    known = [Node(level=1, side=0), Node(level=1, side=1)]
    assert set(helpers.get_all_reqs(Node(level=2), visited=known)) == {Node(level=2), *known}


class Cleaner:
    """Methods that filter."""

    @helpers.add_filter_info
    def drop(self, df: pd.DataFrame, column: str) -> pd.DataFrame:
        """Drop a column."""
        return df.drop(columns=[column])

    @helpers.add_filter_info
    def look(self, df: pd.DataFrame) -> None:
        """Return nothing."""


def test_filter_info(caplog: pytest.LogCaptureFixture) -> None:
    """The method does its work, and the shapes before and after are logged."""
    frame = pd.DataFrame({"a": [1], "b": [2]})
    with caplog.at_level(logging.INFO):
        assert list(Cleaner().drop(frame, column="a")) == ["b"]
        assert Cleaner().look(frame) is None
    assert [record.getMessage() for record in caplog.records] == [
        "shape before Cleaner.drop: (1, 2)",
        "shape after Cleaner.drop: (1, 1)",
        "shape before Cleaner.look: (1, 2)",
    ]
    assert Cleaner.drop.__doc__ == "Drop a column."


def test_a_folder_without_parquet_files(tmp_path: Path) -> None:
    """It is a ValueError as in luisy 1.x, and one of luisy's."""
    with pytest.raises(ValueError, match="no parquet file") as caught:
        helpers.get_df_from_parquet_dir(str(tmp_path))
    assert isinstance(caught.value, LuisyError)


def test_a_folder_of_parquet_files(tmp_path: Path) -> None:
    """All rows of all files, in one frame."""
    for name, n in (("a", 1), ("b", 2)):
        pd.DataFrame({"n": [n]}).to_parquet(tmp_path / f"{name}.parquet")
    assert helpers.get_df_from_parquet_dir(str(tmp_path))["n"].tolist() == [1, 2]

"""What luisy knows of Spark without having it: paths, options, whose session it is, what is said where there is none."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import luisy
from luisy import spark
from luisy.errors import TaskError, UsageError
from luisy.testing import SparkMock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """No session stays configured."""
    yield
    spark.configure(None)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("/data/a b%20{c}", "file:///data/a b%20{c}"),
        ("/dbfs/FileStore/wd/x", "dbfs:/FileStore/wd/x"),
        ("/dbfsx/y", "file:///dbfsx/y"),
    ],
)
def test_what_spark_calls_a_path(path: str, uri: str) -> None:
    """A path of this machine has its scheme; below Databricks' mount it is the name without the mount."""
    assert spark.uri_of(path) == uri


def test_a_configured_session() -> None:
    """Where none is active, tasks use what ``Config`` was given, and it shows it; the reset takes it back."""
    session = SparkMock()
    luisy.Config().set_param("spark", session)
    assert spark.session() is session
    assert luisy.Config().spark is session
    assert luisy.Config().get_param("spark") is session
    luisy.Config().reset()
    assert luisy.Config().spark is None


def test_pyspark_is_missing() -> None:
    """A task without Spark is told which extra brings it."""
    code = """
import sys
sys.modules["pyspark"] = sys.modules["pyspark.sql"] = None
from luisy import spark
try:
    spark.session()
except spark.NoSpark as error:
    print(error.slug, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == 'missing-extra pip install "luisy[spark]"\n'


class DataFrame:
    """A data frame of Spark as far as writing goes: it writes nothing here, as on a machine of its own."""

    @property
    def write(self) -> DataFrame:
        return self

    def parquet(self, uri: str) -> None:
        """Nothing."""


def test_an_option_that_spark_does_not_know(tmp_path: Path) -> None:
    """It is refused rather than left out."""
    with pytest.raises(UsageError) as caught:
        spark.write_folder(DataFrame(), str(tmp_path / "x"), {"row_group_size": 1})
    assert caught.value.slug == "unknown-option"


def test_a_spark_that_is_elsewhere(tmp_path: Path) -> None:
    """Where its files do not arrive on this machine, that is said at once."""
    with pytest.raises(TaskError) as caught:
        spark.write_folder(DataFrame(), str(tmp_path / "x"), {})
    assert caught.value.slug == "spark-elsewhere"


def test_what_a_frame_of_spark_is() -> None:
    """It is known by its class's name and module, without an import of pyspark."""
    assert not spark.is_frame(DataFrame())
    assert spark.is_frame(type("DataFrame", (), {"__module__": "pyspark.sql.classic.dataframe"})())
    assert spark.is_frame(
        type("Own", (type("DataFrame", (), {"__module__": "pyspark.sql.dataframe"}),), {})()
    )

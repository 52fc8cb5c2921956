"""Pipelines with a real Spark on this machine. One session serves all tests but the one that starts its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import luisy
from luisy import spark as luisys_spark
from luisy.cas import Store
from luisy.formats import ParquetFolder
from luisy.targets import AzureBlobStorageTarget, DeltaTableTarget, ParquetDirTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.build import BuildResult

pytestmark = pytest.mark.system

DBFS = {
    "spark.hadoop.fs.dbfs.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.dbfs.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
    "spark.hadoop.fs.viewfs.mounttable.default.linkFallback": "file:///dbfs",
}
"""What makes ``dbfs:`` for Spark what ``/dbfs`` is for Python, as on Databricks."""

RAW = "x,y,z\n1,a,0\n2,b,0\n-1,b,0\n"


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``file:`` URIs lead that stand for an account of blobs; the pipeline's module is told before its import."""
    folder = tmp_path_factory.mktemp("blobs")
    os.environ["SPARK_TEST_BLOBS"] = str(folder)
    return folder


@pytest.fixture(scope="module")
def pipe(blobs: Path) -> Any:
    """The module of the pipeline."""
    from tests.system import spark_pipeline

    return spark_pipeline


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The session."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    for name, value in DBFS.items():
        builder = builder.config(name, value)
    session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, spark: Any, pipe: Any) -> Iterator[Path]:
    """A working dir with a raw file, an empty catalog, and nothing set otherwise."""
    luisy.Config().reset()
    luisy.set_working_dir(str(tmp_path / "data"))
    write_raw(RAW)
    yield tmp_path / "data"
    spark.sql("DROP TABLE IF EXISTS default.numbers")
    luisy.Config().reset()


def write_raw(text: str) -> None:
    """Put *text* into the raw file of the working dir."""
    raw = Path(luisy.Config().working_dir) / "tests/raw/raw.csv"
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(text, encoding="utf-8")


def outcomes(run: BuildResult) -> dict[str, str]:
    """Outcome by family; whatever happened, nothing failed."""
    assert run.report.status.value == "success", run.report
    return {task.family: task.outcome.value for task in run.report.tasks}


def test_from_csv_by_spark_to_pandas(pipe: Any) -> None:
    """Cold everything executes, warm nothing; pandas reads what Spark wrote."""
    assert outcomes(luisy.build(pipe.Total())) == {"Raw": "local", "Clean": "executed", "Total": "executed"}
    assert pipe.Total().read().x.tolist() == [1, 2]
    assert outcomes(luisy.build(pipe.Total())) == {"Raw": "local", "Clean": "local", "Total": "local"}


def test_a_row_that_spark_leaves_out(pipe: Any) -> None:
    """Where Spark writes the same rows again, the folder has the same bytes, and what is made of it is reused."""
    luisy.build(pipe.Total())
    write_raw(RAW + "-7,c,0\n")
    assert outcomes(luisy.build(pipe.Total())) == {"Raw": "local", "Clean": "executed", "Total": "reused"}
    write_raw(RAW + "7,c,0\n")
    assert outcomes(luisy.build(pipe.Total())) == {"Raw": "local", "Clean": "executed", "Total": "executed"}
    assert pipe.Total().read().x.tolist() == [1, 2, 7]


def test_a_folder_comes_back_from_the_store(pipe: Any, workspace: Path) -> None:
    """The folder that Spark wrote is kept like any other, and Spark reads what was put back."""
    luisy.build(pipe.Clean())
    folder = workspace / "tests/interim/clean"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["_SUCCESS", "part-00000-c000.snappy.parquet", "part-00001-c000.snappy.parquet"]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert outcomes(luisy.build(pipe.Counted()))["Clean"] == "local"
    assert sorted(path.name for path in folder.iterdir()) == names
    assert pipe.Counted().read()["count"].tolist() == [1, 1]


def test_on_an_empty_machine(pipe: Any, tmp_path: Path) -> None:
    """What one machine uploads, another one downloads: nothing executes there, and Spark's folder comes if it is wanted."""
    (tmp_path / "remote").mkdir()
    remote = f"file://{tmp_path}/remote"
    luisy.build(pipe.Total(), remote=remote, upload=True)
    luisy.set_working_dir(str(tmp_path / "other"))
    write_raw(RAW)
    run = luisy.build(pipe.Total(), remote=remote, download=True)
    assert outcomes(run) == {"Raw": "local", "Clean": "not_needed", "Total": "remote"}
    whole = luisy.build(pipe.Total(), remote=remote, download=True, materialise="all")
    assert outcomes(whole)["Clean"] == "remote"
    assert pipe.Clean().read().x.tolist() == [1, 2]


def test_what_spark_reads_is_not_seen(pipe: Any) -> None:
    """A task that used Spark gets no early cutoff, since nobody saw what Spark read; its neighbour of pandas does."""
    luisy.build(pipe.Both())
    write_raw(RAW.replace("1,a,0", "1,a,5"))
    found = outcomes(luisy.build(pipe.Both()))
    assert (found["Short"], found["BySpark"], found["ByPandas"]) == ("executed", "executed", "reused")


def test_a_table_of_the_catalog(pipe: Any, spark: Any) -> None:
    """Complete while it is as its key left it: another key over it, or anybody else's write, and it runs again."""
    assert outcomes(luisy.build(pipe.OfTable())) == {
        "Raw": "local",
        "Table": "executed",
        "OfTable": "executed",
    }
    assert outcomes(luisy.build(pipe.OfTable())) == {"Raw": "local", "Table": "complete", "OfTable": "local"}
    assert outcomes(luisy.build(pipe.Table(factor=10)))["Table"] == "executed"
    assert outcomes(luisy.build(pipe.Table()))["Table"] == "executed"
    spark.sql("INSERT INTO default.numbers VALUES (9, 'z', 0)")
    assert outcomes(luisy.build(pipe.OfTable())) == {
        "Raw": "local",
        "Table": "executed",
        "OfTable": "executed",
    }
    assert pipe.OfTable().read().x.tolist() == [-1, 1, 2]


def test_a_location(pipe: Any, spark: Any, blobs: Path) -> None:
    """Likewise where a folder is written by its URI."""
    assert outcomes(luisy.build(pipe.Blob()))["Blob"] == "executed"
    assert outcomes(luisy.build(pipe.Blob()))["Blob"] == "complete"
    assert outcomes(luisy.build(pipe.Blob(factor=10)))["Blob"] == "executed"
    assert outcomes(luisy.build(pipe.Blob()))["Blob"] == "executed"
    spark.range(1).write.mode("append").parquet(f"file://{blobs}/numbers")
    assert outcomes(luisy.build(pipe.Blob()))["Blob"] == "executed"
    assert not (Path(luisy.Config().working_dir) / "file:").exists()


def test_a_location_as_input(pipe: Any, blobs: Path) -> None:
    """What somebody else writes counts by its version."""
    theirs = blobs / "theirs"
    theirs.mkdir()
    (theirs / "one.csv").write_text("1\n2\n", encoding="utf-8")
    assert outcomes(luisy.build(pipe.OfTheirs())) == {"OfTheirs": "executed"}
    assert outcomes(luisy.build(pipe.OfTheirs())) == {"OfTheirs": "local"}
    (theirs / "two.csv").write_text("3\n", encoding="utf-8")
    assert outcomes(luisy.build(pipe.OfTheirs())) == {"OfTheirs": "executed"}
    assert len(pipe.OfTheirs().read()) == 3


def test_the_log_of_a_delta_table(tmp_path: Path) -> None:
    """Every commit to a real delta table is another version, and so is a table made anew, though it counts from 0."""
    from deltalake import write_deltalake  # installed for the system tests alone

    table = AzureBlobStorageTarget(endpoint=f"file://{tmp_path}", directory="delta", file_format="delta")
    frame = pd.DataFrame({"x": [1]})
    versions = [table.version()]
    for mode in ("append", "append", "overwrite"):
        write_deltalake(str(tmp_path / "delta"), frame, mode=mode)
        versions.append(table.version())
        assert table.version() == versions[-1]
    (tmp_path / "delta").rename(tmp_path / "old")
    write_deltalake(str(tmp_path / "delta"), frame)
    versions.append(table.version())
    assert versions[0] is None
    assert [str(version).partition(" ")[0] for version in versions[1:]] == ["0", "1", "2", "0"]
    assert len(set(versions)) == 5


def test_tables_that_are_not_there(tmp_path: Path) -> None:
    """Neither exists, and neither has a version."""
    for table in (
        DeltaTableTarget(schema="default", catalog=None, table_name="nowhere"),
        AzureBlobStorageTarget(endpoint=f"file://{tmp_path}", directory="nowhere"),
    ):
        assert not table.exists()
        assert table.version() is None


def test_a_view_tells_no_version(spark: Any) -> None:
    """A view has no files of its own."""
    spark.range(1).createOrReplaceTempView("seen")
    assert DeltaTableTarget(schema=None, catalog=None, table_name="seen").version() is None


def test_a_table_is_removed(spark: Any) -> None:
    """``remove`` drops it, and does so again without one."""
    table = DeltaTableTarget(schema="default", catalog=None, table_name="numbers")
    table.write(pd.DataFrame({"x": [1]}))
    assert table.exists()
    table.remove()
    table.remove()
    assert not spark.catalog.tableExists("default.numbers")


def test_equal_frames_have_equal_folders(tmp_path: Path, spark: Any) -> None:
    """Names and bytes of what Spark writes are the same each time, partitioned or not."""
    frame = spark.createDataFrame([(1, "a"), (2, "b")], ["x", "y"]).repartition(1)
    with Store.open(tmp_path / "store") as store:
        for options in ({}, {"partition_cols": ["y"], "compression": "zstd"}):
            digests = []
            for name in ("one", "two"):
                target = ParquetDirTarget(str(tmp_path / f"{len(options)}{name}"), **options)
                target.write(frame)
                digests.append(store.snapshot([(b"", target.path)]).digest)
            assert len(set(digests)) == 1
    assert (tmp_path / "2one/y=a/part-00000.c000.zstd.parquet").exists()


def test_a_path_with_odd_characters(tmp_path: Path, spark: Any) -> None:
    """Percent signs, blanks and brackets in a path are no patterns."""
    path = str(tmp_path / "a%20b c={d}[e]*")
    ParquetFolder().write(spark.range(3), path, {})
    assert luisys_spark.read_folder(path).count() == 3


def test_a_working_dir_on_dbfs(pipe: Any, spark: Any, tmp_path: Path) -> None:
    """Python finds it below ``/dbfs``, Spark at ``dbfs:``; ``cloud_mode`` is accepted."""
    (tmp_path / "dbfs").mkdir()
    Path("/dbfs").symlink_to(tmp_path / "dbfs")
    try:
        luisy.Config().set_param("working_dir", "/dbfs/wd")
        write_raw(RAW)
        assert outcomes(luisy.build(pipe.Total(), cloud_mode=True))["Total"] == "executed"
        assert outcomes(luisy.cli.build(pipe.Total(), cloud_mode=True))["Clean"] == "local"
        assert spark.read.parquet("dbfs:/wd/tests/interim/clean").count() == 2
    finally:
        Path("/dbfs").unlink()


def test_the_active_session_comes_first(spark: Any) -> None:
    """It is taken though another one is configured; a context in place of a session stands for its session."""
    luisy.Config().set_param("spark", object())
    assert luisys_spark.session() is spark
    assert luisy.Config().spark is spark
    luisy.Config().set_param("spark", spark.sparkContext)
    assert luisys_spark.session() is spark


def test_several_workers(pipe: Any, spark: Any) -> None:
    """Forked workers use the session of their parent side by side, and leave it as it was."""
    held = spark.range(5)
    found = luisy.build(pipe.Parts(), workers=3)
    assert found.report.counts["executed"] == 4
    assert held.count() == 5
    assert {task.read().n[0] for task in pipe.Parts().requires()} == {0, 1, 2, 3}


def test_without_a_session(tmp_path: Path) -> None:
    """The command line starts Spark on all cores of this machine when a task asks; stdout is JSON alone."""
    words = [sys.executable, "-m", "luisy", "run", "--json", "--module", "tests.system.spark_pipeline"]
    command = [*words, "Part", "--number", "1", "--working-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert json.loads(done.stdout)["counts"]["executed"] == 1
    (output,) = (tmp_path / "tests/interim").iterdir()
    assert pd.read_csv(output).master.tolist() == ["local[*]"]

"""``luisy.testing``: test cases as users of luisy 1.x write them, and what they promise."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi
import pytest

import luisy
from luisy import settings
from luisy.testing import (
    WORKING_DIR,
    LuisyTestCase,
    create_file,
    create_testing_config,
    debug_run,
    get_all_dependencies,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of this machine is seen, and none stays."""
    monkeypatch.chdir(tmp_path)
    luisy.Config().reset()
    yield
    luisy.Config().reset()


@luisy.raw
class Numbers(luisy.ExternalTask):
    project_name = "shop"
    label = luisy.Parameter(default="a")


@luisy.interim
@luisy.requires(Numbers)
class Doubled(luisy.Task):
    project_name = "shop"
    label: str  # from Numbers

    def run(self) -> None:
        self.logger.info("doubling %s", self.label)
        self.write([2 * n for n in self.input().read()])


@luisy.final
class Total(luisy.Task):
    project_name = "shop"

    def requires(self) -> Any:
        return {label: Doubled(label=label) for label in "ab"}

    def run(self) -> None:
        self.write(sum(sum(numbers) for numbers in self.read_input().values()))


class Joined(luisy.ConcatenationTask):
    project_name = "shop"

    def requires(self) -> Any:
        return [Numbers(label=label) for label in "ab"]

    def preprocess(self, df: Any) -> Any:
        return df.reset_index(drop=True)


class Both(luisy.WrapperTask):
    def requires(self) -> Any:
        return [Doubled(label=label) for label in "ab"]


class Asking(luisy.Task):
    """Uses what real targets have and the mocks of a test case only pretend to."""

    project_name = "shop"

    def requires(self) -> Any:
        return Numbers()

    def run(self) -> None:
        assert self.output().path
        self.output().make_dir("/nowhere/at/all")
        assert self.input().open("r").read()
        self.write(self.get_outdir())


class Changing(luisy.Task):
    project_name = "shop"

    def requires(self) -> Any:
        return Numbers()

    def run(self) -> None:
        self.input().read().append(3)
        self.write(self.input().read())


A, B = Numbers(label="a"), Numbers(label="b")


class TestPipeline(LuisyTestCase):
    """Written as for luisy 1.x."""

    def test_one_task(self) -> None:
        """The content of the inputs is given, that of the output returned."""
        assert self.run_pipeline(Doubled(label="a"), existing_outputs=[(A, [1, 2])]) == [2, 4]

    def test_whole_pipeline(self) -> None:
        """Tasks between the given ones and the root run, too."""
        assert self.run_pipeline(Total(), existing_outputs=[(A, [1]), (B, [2])]) == 6

    def test_given_in_the_middle(self) -> None:
        """Upstream of what is given nothing is needed."""
        given = [(Doubled(label=label), [1]) for label in "ab"]
        assert self.run_pipeline(Total(), existing_outputs=given) == 2

    def test_store(self) -> None:
        """With ``return_store`` all outputs are returned by task."""
        store = self.run_pipeline(Total(), existing_outputs=[(A, [1]), (B, [2])], return_store=True)
        assert store == {A: [1], B: [2], Doubled(label="a"): [2], Doubled(label="b"): [4], Total(): 6}

    def test_frames(self) -> None:
        """A ConcatenationTask concatenates frames in memory."""
        import pandas as pd

        frames = [(A, pd.DataFrame({"n": [1]})), (B, pd.DataFrame({"n": [2]}))]
        assert self.run_pipeline(Joined(), existing_outputs=frames)["n"].tolist() == [1, 2]

    def test_wrapper(self) -> None:
        """A wrapper runs what it requires, and has no output of its own."""
        store = self.run_pipeline(Both(), existing_outputs=[(A, [1]), (B, [2])], return_store=True)
        assert store[Doubled(label="b")] == [4]
        assert self.run_pipeline(Both(), existing_outputs=[(A, [1]), (B, [2])]) is None

    def test_success(self) -> None:
        """What can run succeeds."""
        self.assertSuccess(Total(), existing_outputs=[(A, [1]), (B, [2])])

    def test_fail(self) -> None:
        """What raises fails."""
        self.assertFail(Doubled(label="a"), existing_outputs=[(A, 1)])

    def test_missing(self) -> None:
        """Without the output of an external task it is missing."""
        self.assertMissing(Total(), existing_outputs=[(A, [1])])

    def test_summary(self) -> None:
        """Luigi's categories hold the tasks themselves."""
        summary = self.get_execution_summary(Total(), existing_outputs=[(A, [1]), (B, 1)])
        assert summary["already_done"] == {A, B}
        assert summary["completed"] == {Doubled(label="a")}
        assert summary["failed"] == {Doubled(label="b")}
        assert summary["upstream_failure"] == {Total()}

    def test_targets_have_every_attribute(self) -> None:
        """Tasks may ask their targets for more than ``read`` and ``write``."""
        assert self.run_pipeline(Asking(), existing_outputs=[(Numbers(), 1)]) == WORKING_DIR + "/"

    def test_reading_copies(self) -> None:
        """A task that changes what it has read changes nobody else's input."""
        assert self.run_pipeline(Changing(), existing_outputs=[(Numbers(), [1])]) == [1]


class FailingCases(LuisyTestCase):
    """Not collected by pytest: run by the tests below, which look at the failures."""

    def success(self) -> None:
        self.assertSuccess(Doubled(label="a"))

    def fail_(self) -> None:
        self.assertFail(Doubled(label="a"), existing_outputs=[(A, [1])])

    def missing(self) -> None:
        self.assertMissing(Doubled(label="a"), existing_outputs=[(A, 1)])

    def pipeline(self) -> None:
        self.run_pipeline(Doubled(label="a"), existing_outputs=[(A, 1)])


FailingCases.__test__ = False  # type: ignore[attr-defined]  # pytest's mark


@pytest.mark.parametrize("name", ["success", "fail_", "missing", "pipeline"])
def test_an_assertion_that_does_not_hold_fails(name: str) -> None:
    """Each assertion is a failure of the test, not an error, where the pipeline ends otherwise."""
    result = unittest.TestResult()
    FailingCases(name).run(result)
    assert (len(result.failures), len(result.errors)) == (1, 0)


def test_a_test_case_touches_nothing(tmp_path: Path) -> None:
    """No folder is made, neither where tasks believe to be nor in the working dir of the process."""
    luisy.set_working_dir(str(tmp_path))
    result = unittest.TestResult()
    TestPipeline("test_targets_have_every_attribute").run(result)
    TestPipeline("test_whole_pipeline").run(result)
    assert result.wasSuccessful()
    assert list(tmp_path.iterdir()) == []
    assert not os.path.exists(WORKING_DIR)
    assert settings.current().working_dir == str(tmp_path)


def test_a_test_case_asks_no_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings for downloads that the process has do not reach the tasks of a test case."""
    monkeypatch.setenv("LUISY_DOWNLOAD", "yes")
    result = unittest.TestResult()
    TestPipeline("test_missing").run(result)
    assert result.wasSuccessful()


def test_outputs_are_real_again_afterwards(tmp_path: Path) -> None:
    """After a test case the same task writes files."""
    TestPipeline("test_one_task").run(unittest.TestResult())
    luisy.set_working_dir(str(tmp_path))
    Doubled(label="a").write([7])
    assert Doubled(label="a").read() == [7]
    assert (tmp_path / "shop/interim/Doubled_label=a.pkl").exists()


def test_debug_run_in_a_folder(tmp_path: Path) -> None:
    """``create_testing_config``, ``create_file`` and ``debug_run`` make a real pipeline run under plain Luigi."""
    create_testing_config(working_dir=tmp_path, mock_spark=False)
    create_file(A.output().path, [1])
    create_file(B.output().path, [2])
    summary = debug_run(Total())
    assert summary["completed"] == {Total(), Doubled(label="a"), Doubled(label="b")}
    assert summary["already_done"] == {A, B}
    assert Total().read() == 6
    assert debug_run([Total()])["already_done"] == {Total()}
    assert not (tmp_path / ".luisy").exists()


def test_debug_run_returns_luigis_result(tmp_path: Path) -> None:
    """Without the summary it is Luigi's own result, with status and worker."""
    create_testing_config(working_dir=tmp_path)
    result = debug_run([Doubled(label="a")], return_summary=False)
    assert result.status is luigi.LuigiStatusCode.MISSING_EXT
    assert result.worker is not None


def test_testing_config_is_deaf_to_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are at their defaults whatever the environment says, but for those that are given."""
    monkeypatch.setenv("LUISY_DOWNLOAD", "yes")
    monkeypatch.setenv("LUISY_WORKERS", "7")
    create_testing_config(
        str(tmp_path), storage_key="secret", account_name="a", container_name="c", upload=True
    )
    config = luisy.Config()
    assert (config.download, config.upload, config.get_param("workers")) == (False, True, 1)
    assert config.get_param("azure_storage_key") == "secret"
    assert config.working_dir == str(tmp_path)


def test_create_file_makes_folders(tmp_path: Path) -> None:
    """The value is pickled, and missing folders are made."""
    create_file(tmp_path / "a/b.pkl", {"x": 1})
    assert pickle.loads((tmp_path / "a/b.pkl").read_bytes()) == {"x": 1}


def test_all_dependencies() -> None:
    """The task itself and everything that it requires."""
    assert get_all_dependencies(Total()) == {Total(), A, B, Doubled(label="a"), Doubled(label="b")}


def test_the_guide_is_true(tmp_path: Path) -> None:
    """The test cases of docs/guide/testing.md pass as they stand there."""
    page = (Path(__file__).parents[2] / "docs/guide/testing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "test_guide.py").write_text("\n\n".join(blocks), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_guide.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^5 passed", done.stdout, flags=re.MULTILINE)


def test_a_mock_of_spark(tmp_path: Path) -> None:
    """Under plain Luigi, tasks read and write the tables of a mock, and ask it whether they exist."""
    create_testing_config(working_dir=tmp_path)
    session = luisy.Config().spark
    session.data["c.s.raw"] = {"a": [1, 2]}
    assert debug_run(Copied())["completed"] == {Copied()}
    assert session.data["c.s.copy"] == {"a": [1, 2]}
    assert session.tables == ["c.s.raw", "c.s.copy"]
    assert debug_run(Copied())["already_done"] == {Copied()}
    assert Copied().read().toPandas().a.tolist() == [1, 2]
    luisy.Config().reset()


def test_a_mock_of_spark_without_the_table(tmp_path: Path) -> None:
    """Selecting from a table that is not there raises, as Spark does."""
    create_testing_config(working_dir=tmp_path)
    with pytest.raises(Exception, match="no table") as caught:
        luisy.Config().spark.sql("SELECT 1 from c.s.none")
    assert type(caught.value).__name__ == "AnalysisException"
    luisy.Config().reset()


@luisy.deltatable_input(catalog="c", schema="s", table_name="raw")
@luisy.deltatable_output(catalog="c", schema="s", table_name="copy")
class Copied(luisy.SparkTask):
    def run(self) -> None:
        self.write(self.read_input())

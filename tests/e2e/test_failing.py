"""A task that fails keeps nothing and blocks what needs it; all else goes on and stays kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])

SIDES = """
    class Good(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " good")


    class Bad(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put("half")
            raise RuntimeError("on purpose")


    class Above(Text):
        def requires(self):
            return Bad()

        def run(self):
            self.put(self.taken() + " above")


    class Root(Text):
        def requires(self):
            return [Good(), Above()]

        def run(self):
            self.put(self.taken() + " root")
"""


@WORKERS
def test_a_failing_task_blocks_what_needs_it_and_nothing_else(project: Project, workers: str) -> None:
    """Exit code 1; the other side is executed and kept; the failed and the blocked have their outcomes."""
    project.tasks(SIDES)
    project.raw("raw")
    failed = project.run("--workers", workers, expected=1)
    assert sorted(failed.ran) == ["Bad", "Good"]
    assert failed.document["status"] == "failed"
    assert failed.outcomes == {
        "Raw(name=raw)": "local",
        "Good": "executed",
        "Bad": "failed",
        "Above": "blocked",
        "Root": "blocked",
    }
    assert "on purpose" in failed.task("Bad")["reason"]["text"]


@WORKERS
def test_what_was_executed_beside_a_failure_is_kept(project: Project, workers: str) -> None:
    """After the code was mended only the failed task and what needs it execute."""
    project.tasks(SIDES)
    project.raw("raw")
    project.run("--workers", workers, expected=1)
    project.edit('            raise RuntimeError("on purpose")\n'[4:], "")
    again = project.run("--workers", workers)
    assert again.ran == ["Bad", "Above", "Root"]
    assert project.text("Root") == "raw goodhalf above root"


def test_what_a_failing_task_wrote_is_not_taken_for_its_output(project: Project) -> None:
    """Its half file lies at the output path; the next run executes it all the same, and fails again."""
    project.tasks(SIDES)
    project.raw("raw")
    project.run(expected=1)
    again = project.run(expected=1)
    assert again.ran == ["Bad"]
    assert again.outcomes["Bad"] == "failed"


def test_a_failing_task_with_an_earlier_result_loses_nothing(project: Project) -> None:
    """New code fails; back at the old code, the result is served."""
    project.tasks(SIDES)
    project.edit('raise RuntimeError("on purpose")', "pass")
    project.raw("raw")
    project.run()
    before = project.outputs()
    project.edit("pass", 'raise RuntimeError("on purpose")')
    project.run(expected=1)
    project.edit('raise RuntimeError("on purpose")', "pass")
    assert project.run().ran == []
    assert project.outputs() == before


def test_stale_outputs_of_blocked_tasks_do_not_stay(project: Project) -> None:
    """What could not be made anew is not there in its old state either: nobody takes it for current."""
    project.tasks(SIDES)
    project.edit('raise RuntimeError("on purpose")', "pass")
    project.raw("raw")
    project.run()
    project.edit("pass", 'raise RuntimeError("on purpose")')
    project.run(expected=1)
    assert not project.place("Above").exists()
    assert not project.place("Root").exists()
    assert project.place("Good").exists()


@WORKERS
def test_a_task_that_writes_no_output_fails(project: Project, workers: str) -> None:
    """run() ends well, the file is not there: failed, with a text that says which path."""
    project.tasks(SIDES)
    project.edit('self.put("half")\n        raise RuntimeError("on purpose")', "pass")
    project.raw("raw")
    failed = project.run("--workers", workers, expected=1)
    assert failed.outcomes["Bad"] == "failed"
    assert "Bad__99914b932b.txt" in failed.task("Bad")["reason"]["text"]
    assert failed.outcomes["Root"] == "blocked"


def test_a_task_that_writes_one_of_two_outputs_fails(project: Project) -> None:
    """All that ``output()`` promises has to be there."""
    project.tasks(
        """
        class Root(luigi.Task):
            def output(self):
                return {"a": luigi.LocalTarget(DATA / "pipe" / "a"), "b": luigi.LocalTarget(DATA / "pipe" / "b")}

            def run(self):
                Path(self.output()["a"].path).write_text("a")
        """
    )
    failed = project.run(expected=1)
    assert "pipe/b" in failed.task("Root")["reason"]["text"]


def test_an_old_output_is_no_proof_of_a_run_that_wrote_nothing(project: Project) -> None:
    """New code writes nothing; the file of the old code must not be filed under the new."""
    project.tasks(SIDES)
    project.edit('raise RuntimeError("on purpose")', "pass")
    project.raw("raw")
    project.run()
    project.edit('self.put("half")', "int()")
    failed = project.run(expected=1)
    assert failed.outcomes["Bad"] == "failed"


@WORKERS
def test_a_missing_raw_file_is_told(project: Project, workers: str) -> None:
    """Which task and which path; what needs it is blocked, exit code 1, nothing executes."""
    project.tasks(SIDES)
    missing = project.run("--workers", workers, expected=1)
    assert missing.ran == []
    assert missing.outcomes["Raw(name=raw)"] == "missing"
    assert str(project.data / "raw" / "raw.txt") in missing.task("Raw(name=raw)")["reason"]["text"]
    assert missing.counts == {"missing": 1, "blocked": 4}


def test_a_missing_raw_file_below_a_finished_root_is_no_failure(project: Project) -> None:
    """Raw data was removed after the pipeline had run: external content is part of the keys, so this is told."""
    project.tasks(SIDES)
    project.edit('raise RuntimeError("on purpose")', "pass")
    path = project.raw("raw")
    project.run()
    path.unlink()
    missing = project.run(expected=1)
    assert missing.outcomes["Raw(name=raw)"] == "missing"
    project.raw("raw")
    assert project.run().ran == []


def test_requires_that_raises(project: Project) -> None:
    """The task is broken, what needs it is blocked, the rest is executed."""
    project.tasks(SIDES)
    project.edit(
        "class Bad(Text):\n    def requires(self):\n        return Raw()",
        'class Bad(Text):\n    def requires(self):\n        raise RuntimeError("no requires")',
    )
    project.raw("raw")
    failed = project.run(expected=1)
    assert failed.outcomes["Bad"] == "failed"
    assert "no requires" in failed.task("Bad")["reason"]["text"]
    assert failed.outcomes["Good"] == "executed"
    assert failed.outcomes["Root"] == "blocked"


def test_output_that_raises(project: Project) -> None:
    """The same for ``output()``."""
    project.tasks(SIDES)
    project.edit(
        "class Bad(Text):\n",
        'class Bad(Text):\n    def output(self):\n        raise RuntimeError("no output")\n\n',
    )
    project.raw("raw")
    failed = project.run(expected=1)
    assert "no output" in failed.task("Bad")["reason"]["text"]
    assert failed.outcomes["Good"] == "executed"


@WORKERS
def test_a_task_that_exits_the_process(project: Project, workers: str) -> None:
    """``os._exit`` in a child, ``sys.exit`` in run(): a failure; nothing is kept, no file is served for it."""
    project.tasks(SIDES)
    leave = "os._exit(3)" if workers == "2" else "raise SystemExit(3)"
    project.edit('raise RuntimeError("on purpose")', leave)
    project.raw("raw")
    assert project.run("--workers", workers, expected=1).outcomes["Bad"] == "failed"
    project.edit(leave, "pass")
    assert "Bad" in project.run().ran
    assert project.text("Root") == "raw goodhalf above root"


def test_a_cycle_is_refused(project: Project) -> None:
    """Exit code 2, the circle is named, nothing executes."""
    project.tasks(
        """
        class A(Text):
            def requires(self):
                return Root()


        class Root(Text):
            def requires(self):
                return A()
        """
    )
    refused = project.run(expected=2)
    assert refused.document["error"]["slug"] == "cycle"
    assert refused.ran == []


def test_a_yielded_cycle_is_refused(project: Project) -> None:
    """A task that yields what needs it cannot end; it fails, and the process does."""
    project.tasks(
        """
        class A(Text):
            def run(self):
                yield Root()
                self.put("a")


        class Root(Text):
            def requires(self):
                return A()

            def run(self):
                self.put("root")
        """
    )
    project.run(expected=1)

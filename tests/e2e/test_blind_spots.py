"""Code that cannot be followed is told where it makes results, and then no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project, Run

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])

BLIND = """
    class Part(Text):
        number = luigi.IntParameter()

        def run(self):
            self.put(str(getattr(self, "num" + "ber")))


    class Root(Text):
        def requires(self):
            return [Part(number=1), Part(number=2)]

        def run(self):
            self.put(str(getattr(self, "task_" + "id")))
"""
SEEING = """
    class Root(Text):
        def run(self):
            self.put("1")
"""


def told(run: Run) -> list[str]:
    return re.findall("blind-spots: .*", run.stderr)


@WORKERS
def test_a_run_tells_once_which_classes_have_blind_spots(project: Project, workers: str) -> None:
    """One sentence for all tasks that executed names the first class, and how many others there are."""
    project.tasks(BLIND)
    (line,) = told(project.run("--workers", workers))
    assert re.match("blind-spots: in (Part|Root) and 1 more, some code cannot be followed", line)


def test_a_plan_tells_it_beforehand(project: Project) -> None:
    """What will execute is spoken of as what did."""
    project.tasks(BLIND)
    plan = project.plan()
    assert told(plan) == told(project.run())


def test_results_that_are_there_are_not_spoken_of_again(project: Project) -> None:
    """A run, and a plan, without anything to execute say nothing of blind spots."""
    project.tasks(BLIND)
    project.run()
    assert told(project.run()) == told(project.plan()) == []


def test_code_that_can_be_followed_is_not_spoken_of(project: Project) -> None:
    """Where there are no blind spots, nothing is said."""
    project.tasks(SEEING)
    assert told(project.run()) == []

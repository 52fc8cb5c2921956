"""``luisy graph``: the picture of a plan, on stdout or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project


@pytest.mark.parametrize("as_format", ["text", "mermaid", "dot"])
def test_a_picture_as_text(finished: Project, as_format: str, snapshot: Callable[[str, str], None]) -> None:
    """Each language tells all tasks with outcomes; what stands on stdout is nothing but the picture."""
    done = finished.luisy("graph", "Both", "--format", as_format)
    assert done.code == 0
    snapshot(f"graph-{as_format}", done.out)


def test_text_is_the_default(finished: Project) -> None:
    """Without ``--format``, people get a tree to read."""
    assert finished.luisy("graph", "Both").out == finished.luisy("graph", "Both", "--format", "text").out


def test_a_picture_in_a_file(finished: Project) -> None:
    """``-o`` writes the file, and nothing to stdout."""
    path = finished.folder.parent / "graph.html"
    done = finished.luisy("graph", "Both", "--format", "html", "-o", str(path))
    assert (done.code, done.out) == (0, "")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_file_that_cannot_be_written(finished: Project) -> None:
    """The error names the path."""
    done = finished.luisy("graph", "Both", "-o", "no/such/folder/graph.dot")
    assert (done.code, done.slug) == (2, "cannot-write")
    assert "no/such/folder/graph.dot" in done.err


def test_it_agrees_with_the_plan(project: Project) -> None:
    """Outcomes, reasons and keys are those of ``luisy plan``; arrows lead from inputs to what is made of them."""
    project.luisy("run", "Upper")
    project.write((project.folder / "pipe/tasks.py").read_text().replace("word.count", "word.upper().count"))
    planned = project.luisy("plan", "Both", "--json").document["tasks"]
    drawn = project.luisy("graph", "Both", "--json").document
    fields = ("family", "params", "key", "outcome", "reason", "outputs")
    assert sorted(map(str, drawn["tasks"])) == sorted(
        str({name: task[name] for name in fields}) for task in planned
    )
    families = [task["family"] for task in drawn["tasks"]]
    assert [(families[a], families[b]) for a, b in drawn["arrows"]] == [
        ("Words", "Upper"), ("Upper", "Count"), ("Upper", "Count"), ("Count", "Both"), ("Count", "Both")
    ]  # fmt: skip
    assert drawn["root"]["family"] == families[-1] == "Both"


def test_dynamic_inputs_are_drawn_once_they_are_known(project: Project) -> None:
    """What ``run()`` yielded stands among the inputs of the task after its first run."""
    project.odd(
        """
class Part(luisy.Task):
    def run(self):
        self.write(1)


class Whole(luisy.Task):
    def run(self):
        yield Part()
        self.write(2)
"""
    )
    assert len(project.luisy("graph", "Whole", "--json").document["tasks"]) == 1
    project.luisy("run", "Whole")
    drawn = project.luisy("graph", "Whole", "--json").document
    assert [task["family"] for task in drawn["tasks"]] == ["Part", "Whole"]
    assert drawn["arrows"] == [[0, 1]]


def test_a_task_that_cannot_take_part_is_drawn(project: Project) -> None:
    """A ``requires()`` that raises is a failed box with its reason, and no error of luisy."""
    project.odd(
        "class Broken(luisy.Task):\n    def requires(self):\n        raise ValueError('out of order')\n"
    )
    done = project.luisy("graph", "Broken")
    assert done.code == 0
    assert done.out == "Broken  failed: requires() raised ValueError: out of order\n"

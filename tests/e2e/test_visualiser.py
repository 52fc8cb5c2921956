"""Luigi's daemon and its visualiser show what became of each task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests import luigid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.projects import Project, Run

TASKS = """
    from luigi.parameter import ParameterVisibility


    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put("up")


    class Loud(Text):
        def run(self):
            self.set_status_message("I am loud")
            self.put("loud")


    class Root(Text):
        password = luigi.Parameter(default="hunter2", visibility=ParameterVisibility.PRIVATE, significant=False)

        def requires(self):
            return [Upstream(), Loud()]

        def run(self):
            self.put(self.taken() + " root")
"""


@pytest.fixture
def daemon(project: Project) -> Iterator[int]:
    """A real daemon; its port."""
    with luigid.serving(project.code, project.folder / "state") as port:
        yield port


def run(project: Project, daemon: int) -> Run:
    """Run the root at the daemon."""
    return project.cold("--scheduler-host", "127.0.0.1", "--scheduler-port", str(daemon))


def shown(daemon: int) -> dict[str, dict[str, Any]]:
    """What the visualiser asks the daemon for: the finished tasks by their families."""
    data = quote(json.dumps({"status": "DONE", "upstream_status": "", "search": ""}))
    with urlopen(f"http://127.0.0.1:{daemon}/api/task_list?data={data}") as answer:
        tasks = json.load(answer)["response"]
    return {task["name"]: task for task in tasks.values()}


def test_outcomes_are_status_messages(project: Project, daemon: int) -> None:
    """Executed, then local, then reused, each with its reason; what a task says itself stays."""
    project.tasks(TASKS)
    project.raw("a")
    run(project, daemon)
    first = {name: task["status_message"] for name, task in shown(daemon).items()}
    assert first["Upstream"] == "luisy: executed, no result for these parameters yet"
    assert first["Loud"] == "I am loud"
    assert first["Root"].startswith("luisy: executed")


def test_what_is_served_says_so(project: Project, daemon: int) -> None:
    """Nothing executes for the daemon's first sight of the tasks: they are done, and told to be local."""
    project.tasks(TASKS)
    project.raw("a")
    project.cold()
    assert run(project, daemon).ran == []
    assert shown(daemon)["Root"]["status_message"] == "luisy: local, the store has its result"


def test_private_parameters_do_not_reach_the_visualiser(project: Project, daemon: int) -> None:
    """As under Luigi."""
    project.tasks(TASKS)
    project.raw("a")
    run(project, daemon)
    assert "hunter2" not in json.dumps(shown(daemon))

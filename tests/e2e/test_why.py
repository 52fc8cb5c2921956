"""`luisy why` and the reasons of plan and run: dynamic dependencies, options, secrets, wrappers, other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.projects import Warm

PIPELINE = """
from luigi.parameter import ParameterVisibility

FACTOR = 1


class Leaf(Text):
    number = luigi.IntParameter()

    def run(self):
        self.put(str(self.number * FACTOR))


class Yields(Text):
    def run(self):
        targets = yield [Leaf(number=1), Leaf(number=2)]
        self.put("".join(open(target.path).read() for target in targets))


class Wrapper(luigi.WrapperTask):
    def requires(self):
        return [Yields(), Leaf(number=3), Raw()]


class limits(luigi.Config):
    most = luigi.IntParameter(default=1)


class Root(Text):
    token = luigi.Parameter(default="open sesame", visibility=ParameterVisibility.HIDDEN)

    def requires(self):
        return Wrapper()

    def run(self):
        self.put(self.taken() + str(limits().most))
"""


@pytest.fixture
def ran(project: Project) -> Project:
    """The pipeline after a run."""
    project.raw("raw")
    project.tasks(PIPELINE)
    project.run()
    return project


def why(project: Project, *arguments: str) -> Any:
    """What `luisy why --json` prints, of the root unless arguments begin with another task."""
    return project.luisy(*project.arguments("why", *arguments)).document


def named(document: Any) -> dict[str, str]:
    """Part and name of each change, with what is told of it."""
    return {f"{change['part']} {change['name']}": change["diff"] for change in document["changes"]}


def test_through_wrappers_and_dynamic_dependencies(ran: Project) -> None:
    """A constant that only yielded tasks use is named at the task that yields them, and below it."""
    ran.edit("FACTOR = 1", "FACTOR = 2")
    below = named(why(ran, "Yields"))
    assert set(below) == {"input Leaf(number=1)", "input Leaf(number=2)"}
    root = named(why(ran))
    assert "input Yields()" in root
    assert "code changed: FACTOR in pipe.py" in root["input Yields()"]
    assert "-FACTOR = 1\n+FACTOR = 2" in root["input Leaf(number=3)"]


def test_an_input_that_was_edited_by_hand_is_told_by_its_bytes(ran: Project) -> None:
    """An external file below a wrapper changed: it is named, and that its bytes did."""
    ran.raw("other")
    (change,) = why(ran)["changes"]
    assert (change["part"], change["name"], change["diff"]) == ("input", "Raw(name=raw)", "")
    assert None not in (change["old"], change["new"])


def test_an_input_more(ran: Project) -> None:
    """What is newly required is told as that."""
    ran.edit("Leaf(number=3), Raw()", "Leaf(number=3), Leaf(number=4), Raw()")
    (more,) = why(ran)["changes"]
    assert (more["part"], more["name"], more["old"]) == ("input", "Leaf(number=4)", None)


def test_an_input_less(ran: Project) -> None:
    """What is not required any more is told by its task id, with what it counted as."""
    ran.edit("Leaf(number=3), Raw()", "Raw()")
    (less,) = why(ran)["changes"]
    assert (less["part"], less["name"][:7], less["new"]) == ("input", "Leaf_3_", None)


def test_an_input_with_another_parameter_takes_the_place_of_the_nearest(ran: Project) -> None:
    """Where an input differs only in a parameter, that one is named with both values, and no input is new or gone."""
    ran.edit("Leaf(number=3), Raw()", "Leaf(number=4), Raw()")
    changed = [change for change in why(ran)["changes"] if change["part"] == "input"]
    assert [change["name"] for change in changed] == ["Leaf(number=4)"]
    told = "it is required in place of Leaf(number=3)\n\nits parameter number: 3 -> 4\n"
    assert changed[0]["diff"] == told
    assert None not in (changed[0]["old"], changed[0]["new"])


def test_raw_data_that_takes_the_place_of_other_raw_data(ran: Project) -> None:
    """Of an external task nothing is recorded but its task id: it is named by that."""
    ran.raw("second", name="other")
    ran.edit("Raw()]", "Raw(name='other')]")
    (change,) = (change for change in why(ran)["changes"] if change["part"] == "input")
    assert change["name"] == "Raw(name=other)"
    shown = ran.luisy(*(word for word in ran.arguments("why") if word != "--json")).stdout
    assert "input Raw(name=other): it is required in place of Raw_raw_" in shown


def test_an_option_is_told_in_plan_and_why(ran: Project) -> None:
    """Where only an option that the code reads changed, plan and why name it alike."""
    (ran.code / "luigi.cfg").write_text("[limits]\nmost = 2\n")
    plan = ran._coldly(ran.words("plan"), 0).document
    (root,) = (task for task in plan["tasks"] if task["family"] == "Root")
    assert root["reason"]["slug"] == "options-changed"
    assert "limits.most: 1 -> 2" in root["reason"]["text"]
    (change,) = ran._coldly(ran.words("why"), 0).document["changes"]
    assert (change["part"], change["old"], change["new"]) == ("option", "1", "2")


def test_an_option_of_a_task_with_dynamic_dependencies_is_told(project: Project) -> None:
    """What such a task yielded is among the inputs of its result; that an option changed is told all the same."""
    project.raw("raw")
    project.tasks(
        PIPELINE.replace("open(target.path).read() for", "open(target.path).read() * limits().most for")
    )
    project.run()
    (project.code / "luigi.cfg").write_text("[limits]\nmost = 2\n")
    plan = project._coldly(project.words("plan"), 0).document
    (reason,) = (task["reason"] for task in plan["tasks"] if task["family"] == "Yields")
    assert reason["slug"] == "options-changed"
    assert "limits.most: 1 -> 2" in reason["text"]


def test_values_that_are_not_public_are_in_no_answer(ran: Project) -> None:
    """That a hidden parameter changed is told, neither value is."""
    done = ran.luisy(*ran.arguments("why", "Root", "--token", "shut sesame"))
    assert "parameter token" in named(done.document)
    assert "sesame" not in done.stdout + done.stderr


def test_a_class_as_parameter_counts_by_its_code(project: Project) -> None:
    """Its code changed, its name did not: that it is a parameter is told."""
    project.tasks(
        """
        STEP = 1


        class Helper:
            step = STEP


        class Root(Text):
            helper = luigi.Parameter(default=Helper)

            def run(self):
                self.put("")
        """
    )
    project.run()
    project.edit("STEP = 1", "STEP = 2")
    assert set(named(why(project))) >= {"parameter unseen"}


def test_the_reason_of_a_run_names_code_and_inputs(ran: Project) -> None:
    """Each executed task of a run says which name or which input changed, also after the run has recorded it."""
    ran.edit("FACTOR = 1", "FACTOR = 2")
    done = ran.run()
    texts = {task["family"]: task["reason"]["text"] for task in done.document["tasks"]}
    assert texts["Leaf"] == "its code changed since its last result: FACTOR in pipe.py"
    assert texts["Root"].startswith("an input changed since its last result: Yields()")


def test_another_machine_compares_with_the_remote(tmp_path: Path, warm: Warm) -> None:
    """With --download the nearest result is one of the remote, and what explains it is fetched; hits say where."""
    remote = tmp_path / "remote"
    remote.mkdir()
    machines = [Project(tmp_path / name, warm) for name in ("one", "two")]
    for machine in machines:
        (machine.code / "pyproject.toml").write_text(f'[tool.luisy]\nremote = "file://{remote}"\n')
        machine.raw("raw")
        machine.tasks(PIPELINE)
    machines[0].run("--upload")
    assert why(machines[1])["compared_with"] is None
    hit = machines[1].luisy("why", "Root", "--module", "pipe", "--download")
    assert f"in file://{remote}" in hit.stdout
    machines[1].edit("FACTOR = 1", "FACTOR = 2")
    document = why(machines[1], "--download")
    assert document["compared_with"] is not None
    assert "code changed: FACTOR in pipe.py" in named(document)["input Leaf(number=3)"]
    hidden = why(machines[1], "Root", "--token", "shut sesame", "--download")
    assert "parameter unseen" in named(hidden)


def test_a_long_chain_is_explained(project: Project) -> None:
    """A thousand tasks between the change and the root: one cause, the way to it cut short."""
    project.tasks(
        """
        STEP = 1


        class Link(Text):
            number = luigi.IntParameter()

            def requires(self):
                return Link(number=self.number - 1) if self.number else First()

            def run(self):
                self.put("")


        class First(Text):
            def run(self):
                self.put(str(STEP))
        """
    )
    project.run("Link", "--number", "1000")
    project.edit("STEP = 1", "STEP = 2")
    done = project.luisy("why", "Link", "--number", "1000", "--module", "pipe")
    assert (
        "First(): code changed: STEP in pipe.py (by way of Link(number=998), ..., Link(number=0))"
        in done.stdout
    )

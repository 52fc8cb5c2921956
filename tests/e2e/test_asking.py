"""``requires()`` and ``run()`` that ask ``complete()`` or ``exists()`` are answered by key, and what they ask counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

COMPLETE, EXISTS = "Upstream().complete()", "Upstream().output().exists()"

UPSTREAM = """
    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " up")
"""

IN_REQUIRES = (
    UPSTREAM
    + """

    class Root(Text):
        def requires(self):
            if not QUESTION:
                return Upstream()

        def run(self):
            self.put(Path(Upstream().output().path).read_text() + " root")
"""
)

IN_RUN = (
    UPSTREAM
    + """

    class Root(Text):
        def run(self):
            if not QUESTION:
                yield Upstream()
            self.put(Path(Upstream().output().path).read_text() + " root")
"""
)

EVERY_WAY = pytest.mark.parametrize(
    "code",
    [code.replace("QUESTION", question) for code in (IN_REQUIRES, IN_RUN) for question in (COMPLETE, EXISTS)],
)


@EVERY_WAY
def test_what_is_asked_for_is_an_input(project: Project, code: str) -> None:
    """Nothing changed: nothing executes; code or raw data of what is asked for changed: both execute."""
    project.tasks(code)
    project.raw("a")
    assert set(project.run().ran) == {"Upstream", "Root"}
    assert project.run().ran == []
    project.edit('" up"', '" UP"')
    assert set(project.run().ran) == {"Upstream", "Root"}
    project.raw("b")
    assert set(project.run().ran) == {"Upstream", "Root"}
    assert project.text("Root") == "b UP root"
    project.raw("a")
    assert project.run().ran == []
    assert project.text("Root") == "a UP root"


@EVERY_WAY
def test_what_is_asked_for_is_restored(project: Project, code: str) -> None:
    """Lost outputs come back, and whoever executes finds what it was told to be complete."""
    project.tasks(code)
    project.raw("a")
    project.run()
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Root") == "a up root"
    project.remove_outputs()
    project.edit('" root"', '" ROOT"')
    assert set(project.run("--workers", "2").ran) == {"Root"}
    assert project.text("Root") == "a up ROOT"


SKIPPING = """
    class Day(Text):
        number = luigi.IntParameter()

        def requires(self):
            return Raw(name=f"day{self.number}")

        def run(self):
            self.put(self.taken())


    class Root(Text):
        def requires(self):
            return [day for day in map(Day, range(3)) if not day.complete()]

        def run(self):
            self.put("".join(Path(Day(number).output().path).read_text() for number in range(3)))
"""


def test_requires_that_leaves_out_what_is_complete(project: Project) -> None:
    """Some days exist, one is made anew: the result is of all, and never that of an earlier state."""
    project.tasks(SKIPPING)
    for number in range(3):
        project.raw(str(number), f"day{number}")
    assert project.run("Day", "--number", "1").ran == ["Day(number=1)"]
    assert sorted(project.run().ran) == ["Day(number=0)", "Day(number=2)", "Root"]
    assert project.run().ran == []
    project.raw("one", "day1")
    assert project.run().ran == ["Day(number=1)", "Root"]
    assert project.text("Root") == "0one2"
    project.raw("1", "day1")
    assert project.run().ran == []
    assert project.text("Root") == "012"


TAKING = """
    class Day(Text):
        number = luigi.IntParameter()

        def run(self):
            self.put(str(self.number))


    class Root(Text):
        def requires(self):
            return [day for day in map(Day, range(3)) if day.complete()]

        def run(self):
            self.put(self.taken())
"""


def test_requires_that_takes_what_is_there(project: Project) -> None:
    """What has a result is an input, what has none is not; a changed code has none."""
    project.tasks(TAKING)
    project.run("Day", "--number", "1")
    project.run()
    assert project.text("Root") == "1"
    project.run("Day", "--number", "2")
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "12"
    project.edit("str(self.number)", '"day" + str(self.number)')
    assert project.run().ran == ["Root"]
    assert project.text("Root") == ""


BUILDING = """
    class Names(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken())


    class Part(Text):
        name = luigi.Parameter()

        def run(self):
            self.put(f"<{self.name}>")


    class Root(Text):
        def requires(self):
            names = Names()
            if not names.complete():
                assert luigi.build([names], local_scheduler=True, no_lock=True, log_level="ERROR")
            return [Part(name=name) for name in open(names.output().path).read().split()]

        def run(self):
            self.put(self.taken())
"""


def test_requires_that_builds_what_it_reads(project: Project) -> None:
    """What is built while the pipeline is planned is an input: changed, restored, and not executed without need."""
    project.tasks(BUILDING)
    project.raw("a b")
    project.run()
    assert project.text("Root") == "<a><b>"
    assert project.run().ran == []
    project.raw("b c")
    project.run()
    assert project.text("Root") == "<b><c>"
    assert project.run().ran == []
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Root") == "<b><c>"
    project.edit("self.put(self.taken())\n\n\nclass Part", 'self.put(self.taken() + " d")\n\n\nclass Part')
    assert "Root" in project.run().ran
    assert project.text("Root") == "<b><c><d>"


def test_a_task_that_asks_for_itself(project: Project) -> None:
    """Its requirements are asked for because it has no result; in run() the file says."""
    project.tasks(
        """
        class Upstream(Text):
            def run(self):
                self.put("up")


        class Root(Text):
            def requires(self):
                return [] if self.complete() else Upstream()

            def run(self):
                there = self.complete(), self.output().exists()
                self.put(self.taken() + str(there))
                trail.note(str(self.complete()))
        """
    )
    assert project.run().ran == ["Upstream", "Root", "True"]
    assert project.text("Root") == "up(False, False)"
    assert project.run().ran == []
    project.edit('self.put("up")', 'self.put("UP")')
    assert project.run().ran == ["Upstream", "Root", "True"]


def test_who_asks_for_what_is_not_there_is_not_kept(project: Project) -> None:
    """That something has no result is in no key: told, and executed each time."""
    project.tasks(
        """
        class Upstream(Text):
            def run(self):
                self.put("up")


        class Root(Text):
            def run(self):
                self.put(str(Upstream().complete()))
        """
    )
    for _ in range(2):
        run = project.run(expected=5)
        assert run.ran == ["Root"]
        assert run.outcomes == {"Root": "executed", "Upstream": "not_needed"}
    project.run("Upstream")
    project.run()
    assert project.text("Root") == "True"
    assert project.run().ran == []


def test_outside_a_luisy_run_files_answer(project: Project) -> None:
    """Plain Luigi's answers are Luigi's, also after a luisy run in the same process."""
    project.tasks(
        UPSTREAM + '\n\n    class Root(Text):\n        def run(self):\n            self.put("root")'
    )
    project.raw("a")
    done = project.python(
        """
        import luigi, luisy, pipe
        before = luigi.Task.complete, luigi.target.FileSystemTarget.exists
        luisy.build(pipe.Upstream())
        assert before == (luigi.Task.complete, luigi.target.FileSystemTarget.exists)
        pipe.Path(pipe.Raw().output().path).write_text("b")
        print(pipe.Upstream().complete(), pipe.Root().complete())
        """
    )
    assert done.stdout == "True False\n"


def test_a_complete_of_its_own_that_asks_its_inputs(project: Project) -> None:
    """A wrapper by hand: its inputs are answered by key, so changed code runs them and it; lost files come back."""
    project.tasks(
        UPSTREAM
        + """

        class Root(luigi.Task):
            def requires(self):
                return [Upstream()]

            def complete(self):
                return all(task.complete() for task in self.requires())

            def run(self):
                pass
        """.replace("\n    ", "\n")
    )
    project.raw("a")
    assert project.run().ran == ["Upstream", "Root"]
    assert project.run().ran == []
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Upstream") == "a up"
    project.edit('" up"', '" UP"')
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Upstream") == "a UP"

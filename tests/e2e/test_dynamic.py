"""Dynamic dependencies: tasks that ``run()`` yields, or builds, are inputs that are known only afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.projects import Project

DYNAMIC = """
    class Part(Text):
        number = luigi.IntParameter()

        def run(self):
            self.put(f"part {self.number}.")


    class Gathered(Text):
        def requires(self):
            return Raw()

        def run(self):
            wanted = [int(word) for word in self.taken().split()]
            first = yield Part(wanted[0])
            others = yield [Part(number) for number in wanted[1:]]
            self.put("".join(open(target.path).read() for target in [first, *others]))


    class Root(Text):
        def requires(self):
            return Gathered()

        def run(self):
            self.put(self.taken() + " root")
"""


def dynamic(project: Project) -> Project:
    """A root over a task that yields the parts that a raw file names."""
    project.tasks(DYNAMIC)
    project.raw("1 2")
    return project


def executed(ran: list[str]) -> set[str]:
    """Luigi starts a yielding run() anew after each yield; which tasks ran, then."""
    return set(ran)


def test_yielded_tasks_are_executed_and_kept(project: Project) -> None:
    """The first run executes all, the second nothing, also after the outputs were removed."""
    dynamic(project)
    assert executed(project.run().ran) == {"Part(number=1)", "Part(number=2)", "Gathered", "Root"}
    assert project.text("Root") == "part 1.part 2. root"
    before = project.outputs()
    second = project.run()
    assert second.ran == []
    assert second.counts["local"] == len(second.document["tasks"])
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before


def test_yielded_tasks_stand_in_the_report(project: Project) -> None:
    """The tasks of the trace are tasks of the run, in the first as in the second."""
    dynamic(project)
    wanted = {"Raw(name=raw)", "Part(number=1)", "Part(number=2)", "Gathered", "Root"}
    assert set(project.run().outcomes) == wanted
    assert set(project.run().outcomes) == wanted


def test_changed_code_of_a_yielded_task_executes_those_above(project: Project) -> None:
    """The trace's keys no longer match: the yielding task and its consumer execute again."""
    dynamic(project).run()
    project.edit("part {self.number}.", "teil {self.number}.")
    assert executed(project.run().ran) == {"Part(number=1)", "Part(number=2)", "Gathered", "Root"}
    assert project.text("Root") == "teil 1.teil 2. root"
    assert project.run().ran == []


def test_changed_code_of_a_yielded_task_and_back_executes_nothing(project: Project) -> None:
    """Both traces are kept."""
    dynamic(project).run()
    project.edit("part {self.number}.", "teil {self.number}.")
    project.run()
    project.edit("teil {self.number}.", "part {self.number}.")
    assert project.run().ran == []
    assert project.text("Root") == "part 1.part 2. root"


def test_other_yields_from_other_raw_data(project: Project) -> None:
    """What is yielded follows the input; a part that is there already is not executed."""
    dynamic(project).run()
    project.raw("2 3")
    assert executed(project.run().ran) == {"Part(number=3)", "Gathered", "Root"}
    assert project.text("Root") == "part 2.part 3. root"
    project.raw("1 2")
    assert project.run().ran == []
    assert project.text("Root") == "part 1.part 2. root"


def test_changed_input_of_a_yielded_task_executes_those_above(project: Project) -> None:
    """The yielded tasks have inputs of their own."""
    dynamic(project)
    project.edit(
        "class Part(Text):",
        """class Part(Text):
    def requires(self):
        return Raw(name="below")
""",
    )
    project.edit('self.put(f"part {self.number}.")', "self.put(self.taken() + str(self.number))")
    project.raw("x", "below")
    project.run()
    assert project.text("Root") == "x1x2 root"
    project.raw("y", "below")
    assert executed(project.run().ran) == {"Part(number=1)", "Part(number=2)", "Gathered", "Root"}
    assert project.text("Root") == "y1y2 root"
    assert project.run().ran == []


def test_a_yielded_raw_file_counts_by_content(project: Project) -> None:
    """A task may yield an external one."""
    project.tasks(
        """
        class Root(Text):
            def run(self):
                target = yield Raw()
                self.put(open(target.path).read())
        """
    )
    project.raw("a")
    project.run()
    assert project.run().ran == []
    project.raw("b")
    assert executed(project.run().ran) == {"Root"}
    assert project.text("Root") == "b"
    project.raw("a")
    assert project.run().ran == []
    assert project.text("Root") == "a"


def test_a_run_that_yields_by_a_clock_keeps_each_trace(project: Project) -> None:
    """What the key does not determine (here a file outside the workspace) may yield one part today, another tomorrow."""
    dynamic(project)
    project.edit("self.taken().split()", '(DATA.parent / "today").read_text().split()')
    (project.folder / "today").write_text("1 2")
    project.run()
    (project.folder / "today").write_text("3 4")
    assert project.run().ran == []
    assert executed(project.run("Gathered", "--force").ran) == {
        "Part(number=3)",
        "Part(number=4)",
        "Gathered",
    }
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "part 3.part 4. root"
    assert project.run().ran == []


def test_who_yields_only_what_is_done_runs_once(project: Project) -> None:
    """All yielded tasks have results: Luigi needs no second start, and the trace is complete."""
    dynamic(project)
    project.run("Part", "--number", "1")
    project.run("Part", "--number", "2")
    assert project.run().ran == ["Gathered", "Root"]
    project.edit("part {self.number}.", "teil {self.number}.")
    project.run()
    assert project.text("Root") == "teil 1.teil 2. root"


def test_a_lost_output_of_a_yielded_task_comes_back_for_run(project: Project) -> None:
    """The yielding task executes, its parts are served: their files are there when it reads them."""
    dynamic(project).run()
    project.remove_outputs()
    project.edit('"".join(open(target.path)', '" ".join(open(target.path)')
    assert project.run().ran == ["Gathered", "Root"]
    assert project.text("Root") == "part 1. part 2. root"


def test_a_yielding_task_in_children(project: Project) -> None:
    """With two workers the yielded tasks come up in a child; the same happens."""
    dynamic(project)
    assert executed(project.run("--workers", "2").ran) == {
        "Part(number=1)",
        "Part(number=2)",
        "Gathered",
        "Root",
    }
    assert project.text("Root") == "part 1.part 2. root"
    assert project.run("--workers", "2").ran == []
    project.edit("part {self.number}.", "teil {self.number}.")
    project.run("--workers", "2")
    assert project.text("Root") == "teil 1.teil 2. root"
    assert project.run().ran == []


NESTED = """
    class Inner(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " inner")


    class Root(Text):
        def run(self):
            inner = Inner()
            assert luigi.build([inner], local_scheduler=True, log_level="WARNING")
            self.put(open(inner.output().path).read() + " root")
"""


def test_a_build_inside_run_counts_as_a_dependency(project: Project) -> None:
    """Changed raw data below a task that ``run()`` built reruns both; nothing changed reruns none."""
    project.tasks(NESTED)
    project.raw("a")
    assert project.run().ran == ["Root", "Inner"]
    assert project.run().ran == []
    project.raw("b")
    assert executed(project.run().ran) == {"Root", "Inner"}
    assert project.text("Root") == "b inner root"
    project.edit('" inner"', '" innen"')
    assert executed(project.run().ran) == {"Root", "Inner"}
    assert project.text("Root") == "b innen root"
    assert project.run().ran == []


def test_a_build_inside_run_is_restored(project: Project) -> None:
    """After the outputs were removed nothing executes."""
    project.tasks(NESTED)
    project.raw("a")
    project.run()
    before = project.outputs()
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before


def test_a_build_inside_run_with_workers(project: Project) -> None:
    """The nested build runs in a child of the run; what it made is known and kept."""
    project.tasks(NESTED)
    project.raw("a")
    assert project.run("--workers", "2").ran == ["Root", "Inner"]
    assert project.run("--workers", "2").ran == []
    project.raw("b")
    project.run("--workers", "2")
    assert project.text("Root") == "b inner root"


def test_a_build_with_workers_inside_run_with_workers(project: Project) -> None:
    """Children of children, two at once; plain Luigi hangs here, since its lock for forks is inherited."""
    project.tasks(
        """
        class Part(Text):
            number = luigi.IntParameter()

            def requires(self):
                return Raw()

            def run(self):
                self.put(self.taken() + str(self.number))


        class Middle(Text):
            number = luigi.IntParameter()

            def run(self):
                parts = [Part(10 * self.number + place) for place in range(3)]
                assert luigi.build(parts, local_scheduler=True, workers=2)
                self.put("".join(open(part.output().path).read() for part in parts))


        class Root(Text):
            def requires(self):
                return [Middle(1), Middle(2)]

            def run(self):
                self.put(self.taken())
        """
    )
    project.raw("a")
    assert len(project.run("--workers", "2").ran) == 9
    assert project.text("Root") == "a10a11a12a20a21a22"
    assert project.run("--workers", "2").ran == []
    project.raw("b")
    assert len(project.run("--workers", "2").ran) == 9
    assert project.text("Root") == "b10b11b12b20b21b22"


def test_a_luisy_build_inside_run_counts_as_a_dependency(project: Project) -> None:
    """``luisy.build`` is no other than ``luigi.build`` there."""
    project.tasks(NESTED)
    project.edit(
        'assert luigi.build([inner], local_scheduler=True, log_level="WARNING")', "luisy.build(inner)"
    )
    project.raw("a")
    assert project.run().ran == ["Root", "Inner"]
    assert project.run().ran == []
    project.raw("b")
    assert executed(project.run().ran) == {"Root", "Inner"}
    assert project.text("Root") == "b inner root"


def test_a_failing_yielded_task_fails_the_run_and_keeps_nothing_above(project: Project) -> None:
    """What yielded it never ends; the next run, mended, makes up for it."""
    dynamic(project)
    project.edit(
        'self.put(f"part {self.number}.")',
        'assert self.number != 2\n        self.put(f"part {self.number}.")',
    )
    failed = project.run(expected=1)
    assert failed.outcomes["Part(number=2)"] == "failed"
    assert failed.outcomes["Root"] == "blocked"
    project.edit("assert self.number != 2\n        ", "")
    again = project.run()
    assert "Part(number=1)" in executed(again.ran)
    assert project.text("Root") == "part 1.part 2. root"
    assert project.run().ran == []


def test_a_yielded_task_that_was_done_before_stays_kept_when_another_fails(project: Project) -> None:
    """Part 1 executed well and is not executed again after part 2 was mended elsewhere."""
    dynamic(project)
    project.write("below", "def broken(number):\n    return number == 2\n")
    project.edit(
        'self.put(f"part {self.number}.")',
        'if (DATA.parent / "broken").exists() and self.number == 2:\n'
        '            raise RuntimeError("broken")\n'
        '        self.put(f"part {self.number}.")',
    )
    (project.folder / "broken").touch()
    project.run(expected=1)
    (project.folder / "broken").unlink()
    assert executed(project.run().ran) == {"Part(number=2)", "Gathered", "Root"}

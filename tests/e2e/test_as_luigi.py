"""Luigi's own features work as under Luigi, and user code is called no more often."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

# Every call of user code leaves a line; the DAG has a diamond, an external task and a wrapper.
COUNTED = """
    class Counting(Text):
        def requires(self):
            trail.note(f"{self.task_family}.requires")
            return self.needed()

        def output(self):
            trail.note(f"{self.task_family}.output")
            return super().output()

        def run(self):
            trail.note(f"{self.task_family}.run")
            self.put(self.task_family)

        def on_success(self):
            trail.note(f"{self.task_family}.on_success")

        def on_failure(self, exception):
            trail.note(f"{self.task_family}.on_failure")
            return super().on_failure(exception)

        def needed(self):
            return []


    class Outside(luigi.ExternalTask):
        def output(self):
            trail.note("Outside.output")
            return luigi.LocalTarget(DATA / "raw" / "raw.txt")


    class Base(Counting):
        def needed(self):
            return Outside()


    class Left(Counting):
        def needed(self):
            return Base()


    class Right(Counting):
        def needed(self):
            return Base()


    class Both(luigi.WrapperTask):
        def requires(self):
            trail.note("Both.requires")
            return [Left(), Right()]


    class Root(Counting):
        def needed(self):
            return {"both": Both(), "base": Base()}
"""

LUIGI = """
    import luigi, pipe, sys
    ok = luigi.build([pipe.Root()], local_scheduler=True, no_lock=True, log_level="ERROR", workers=int(sys.argv[1]))
"""


def calls_under_luigi(project: Project, workers: str) -> Counter[str]:
    """How often plain Luigi calls user code for this pipeline."""
    ran = project.python(LUIGI.replace("int(sys.argv[1])", workers)).ran
    return Counter(line for line in ran if "." in line)


def calls_under_luisy(project: Project, workers: str) -> Counter[str]:
    """How often luisy does."""
    return Counter(line for line in project.run("--workers", workers).ran if "." in line)


def too_many(luisy: Counter[str], luigi: Counter[str]) -> dict[str, tuple[int, int]]:
    """The calls that luisy makes more often, with both numbers."""
    return {name: (number, luigi[name]) for name, number in luisy.items() if number > luigi[name]}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_cold_run_calls_user_code_no_more_often(project: Project, workers: str) -> None:
    """requires(), output(), run(), on_success() of every task: at most as often as plain Luigi."""
    project.tasks(COUNTED)
    project.raw("raw")
    under_luigi = calls_under_luigi(project, workers)
    project.remove_outputs()
    under_luisy = calls_under_luisy(project, workers)
    assert too_many(under_luisy, under_luigi) == {}
    for name in ("Base", "Left", "Right", "Root"):
        assert under_luisy[f"{name}.run"] == under_luisy[f"{name}.on_success"] == 1


def test_a_second_run_calls_user_code_once_for_each_task(project: Project) -> None:
    """Luigi stops at the finished root; luisy walks the DAG, asking each task once for its inputs and outputs."""
    project.tasks(COUNTED)
    project.raw("raw")
    project.run()
    again = calls_under_luisy(project, "1")
    assert set(again.values()) == {1}
    assert not [name for name in again if name.endswith((".run", ".on_success"))]


EVENTS = """
    for name in [name for name in vars(luigi.Event) if name.isupper()]:
        event = getattr(luigi.Event, name)

        def noted(task, *args, _name=name):
            trail.note(f"{task.task_family}:{_name}")

        luigi.Task.event_handler(event)(noted)
"""


def events(lines: list[str]) -> Counter[str]:
    """Events among what was noted."""
    return Counter(line for line in lines if ":" in line)


def test_a_cold_run_fires_luigi_s_events(project: Project) -> None:
    """START, SUCCESS, PROCESSING_TIME, DEPENDENCY_*: the same ones as often as under Luigi."""
    project.tasks(COUNTED + EVENTS)
    project.raw("raw")
    under_luigi = events(project.python(LUIGI.replace("int(sys.argv[1])", "1")).ran)
    project.remove_outputs()
    under_luisy = events(project.run().ran)
    assert under_luisy == under_luigi


def test_a_failing_run_fires_luigi_s_events(project: Project) -> None:
    """FAILURE and on_failure(), once each, like under Luigi."""
    project.tasks(COUNTED + EVENTS)
    project.edit(
        'trail.note(f"{self.task_family}.run")',
        'trail.note(f"{self.task_family}.run")\n        assert self.task_family != "Left"',
    )
    project.raw("raw")
    under_luigi = project.python(LUIGI.replace("int(sys.argv[1])", "1")).ran
    project.remove_outputs()
    under_luisy = project.run(expected=1).ran
    assert events(under_luisy) == events(under_luigi)
    assert under_luisy.count("Left.on_failure") == under_luigi.count("Left.on_failure") == 1


def test_a_missing_external_task_fires_luigi_s_events(project: Project) -> None:
    """DEPENDENCY_MISSING for what is not there."""
    project.tasks(COUNTED + EVENTS)
    under_luigi = events(project.python(LUIGI.replace("int(sys.argv[1])", "1")).ran)
    under_luisy = events(project.run(expected=1).ran)
    assert under_luisy == under_luigi


def test_a_served_root_fires_dependency_present(project: Project) -> None:
    """As Luigi fires it for a root that is complete."""
    project.tasks(COUNTED + EVENTS)
    project.raw("raw")
    project.run()
    assert events(project.run().ran) == {"Root:DEPENDENCY_PRESENT": 1}


RETRIED = """
    class Flaky(Text):
        retry_count = 3

        def run(self):
            attempts = DATA.parent / "attempts"
            number = int(attempts.read_text()) + 1 if attempts.exists() else 1
            attempts.write_text(str(number))
            if number < 3:
                self.output().makedirs()
                Path(self.output().path).write_text("half")
                raise RuntimeError(f"attempt {number}")
            self.put(f"attempt {number}")


    class Root(Text):
        def requires(self):
            return Flaky()

        def run(self):
            self.put(self.taken() + " root")
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_retries(project: Project, workers: str) -> None:
    """A task that succeeds the third time is executed, kept, and the run is a success."""
    (project.code / "luigi.cfg").write_text(
        "[scheduler]\nretry_delay=0\n[worker]\nkeep_alive=true\nwait_interval=0.05\n"
    )
    project.tasks(RETRIED)
    done = project.cold("--workers", workers)
    assert done.ran == ["Flaky", "Flaky", "Flaky", "Root"]
    assert done.outcomes == {"Flaky": "executed", "Root": "executed"}
    assert project.text("Root") == "attempt 3 root"
    assert project.cold().ran == []


def test_retries_that_are_used_up(project: Project) -> None:
    """Then it has failed, exit code 1."""
    (project.code / "luigi.cfg").write_text(
        "[scheduler]\nretry_delay=0\n[worker]\nkeep_alive=true\nwait_interval=0.05\n"
    )
    project.tasks(RETRIED)
    project.edit("number < 3", "number < 30")
    failed = project.cold(expected=1)
    assert failed.outcomes == {"Flaky": "failed", "Root": "blocked"}
    assert failed.ran == ["Flaky"] * 3


def test_formats(project: Project) -> None:
    """Gzip and Nop targets of plain Luigi: kept and restored as the bytes that they are; other formats, other keys."""
    project.tasks(
        """
        import luigi.format


        class Packed(luigi.Task):
            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "packed.gz", format=luigi.format.Gzip)

            def run(self):
                with self.output().open("w") as file:
                    file.write(b"packed")


        class Plain(luigi.Task):
            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "plain.bin", format=luigi.format.Nop)

            def run(self):
                with self.output().open("w") as file:
                    file.write(bytes(range(256)))


        class Root(Text):
            def requires(self):
                return [Packed(), Plain()]

            def run(self):
                with self.input()[0].open() as packed, self.input()[1].open() as plain:
                    self.put(f"{packed.read()}{len(plain.read())}")
        """
    )
    assert sorted(project.run().ran) == ["Packed", "Plain", "Root"]
    before = project.outputs()
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before
    project.edit('"plain.bin", format=luigi.format.Nop', '"plain.bin", format=luigi.format.MixedUnicodeBytes')
    assert "Plain" in project.run().ran


@pytest.mark.parametrize("kind", ["Gzip", "Bzip2"])
def test_packed_targets_are_cut_off_early(project: Project, kind: str) -> None:
    """Luigi packs by a program that reads a pipe: a consumer of equal bytes is reused, also under a strict audit."""
    project.tasks(
        f"""
        import luigi.format


        class Packed(Text):
            def requires(self):
                return Raw()

            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "packed", format=luigi.format.{kind})

            def run(self):
                with self.output().open("w") as file:
                    file.write(self.taken()[:1].encode())


        class Root(Text):
            def requires(self):
                return Packed()

            def run(self):
                with self.input().open() as file:
                    self.put(file.read().decode())
        """
    )
    project.raw("abc")
    assert project.run("--audit", "strict").ran == ["Packed", "Root"]
    project.raw("axy")
    assert project.run("--audit", "strict").outcomes == {
        "Raw(name=raw)": "local",
        "Packed": "executed",
        "Root": "reused",
    }


def test_namespaces(project: Project) -> None:
    """Two classes of one name in two namespaces are two tasks."""
    project.tasks(
        """
        class One(Text):
            task_namespace = "first"

            def run(self):
                self.put("first")


        First = One


        class One(Text):
            task_namespace = "second"

            def run(self):
                self.put("second")


        class Root(Text):
            def requires(self):
                return [First(), One()]

            def run(self):
                self.put(self.taken())
        """
    )
    assert sorted(project.run().ran) == ["Root", "first.One", "second.One"]
    assert project.text("Root") == "firstsecond"
    project.edit('self.put("second")', 'self.put("2nd")')
    project.run()
    assert project.text("Root") == "first2nd"


BATCH = """
    class Part(Text):
        number = luigi.IntParameter(batch_method=max)
        max_batch_size = 10

        def run(self):
            for number in range(1, self.number + 1):
                Part(number).put(f"part {number};")


    class Root(Text):
        def requires(self):
            return [Part(number) for number in range(1, 5)]

        def run(self):
            self.put(self.taken())
"""


def test_batches(project: Project) -> None:
    """One run() makes the outputs of a whole batch: each is kept under its own task, none is executed again."""
    project.tasks(BATCH)
    assert project.run().ran == ["Part(number=4)", "Root"]
    assert project.text("Root") == "part 1;part 2;part 3;part 4;"
    before = project.outputs()
    assert project.run().ran == []
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before
    project.edit("part {number};", "teil {number};")
    assert project.run().ran == ["Part(number=4)", "Root"]
    assert project.text("Root") == "teil 1;teil 2;teil 3;teil 4;"


def test_a_batch_of_which_some_are_there(project: Project) -> None:
    """Only what is missing is handed out."""
    project.tasks(BATCH)
    project.run("Part", "--number", "2")
    ran = project.run().ran
    assert ran == ["Part(number=4)", "Root"]
    assert project.text("Root") == "part 1;part 2;part 3;part 4;"
    assert project.run().ran == []


def test_priorities(project: Project) -> None:
    """What is more important runs first."""
    project.tasks(
        """
        class Part(Text):
            number = luigi.IntParameter()

            @property
            def priority(self):
                return self.number

            def run(self):
                self.put(str(self.number))


        class Root(Text):
            def requires(self):
                return [Part(number) for number in (2, 1, 3)]

            def run(self):
                self.put(self.taken())
        """
    )
    assert project.run().ran == ["Part(number=3)", "Part(number=2)", "Part(number=1)", "Root"]


def test_resources(project: Project) -> None:
    """Two tasks that need the only piece of a resource never run at once."""
    project.tasks(
        """
        class Part(Text):
            number = luigi.IntParameter()
            resources = {"piece": 1}

            def run(self):
                import time
                trail.note("begin")
                time.sleep(0.1)
                trail.note("end")
                self.put(str(self.number))


        class Root(Text):
            def requires(self):
                return [Part(number) for number in (1, 2, 3)]

            def run(self):
                self.put(self.taken())
        """
    )
    ran = project.run("--workers", "3").ran
    assert [line for line in ran if line in ("begin", "end")] == ["begin", "end"] * 3


def test_task_process_context(project: Project) -> None:
    """``[worker] task_process_context`` is entered round each task."""
    project.write(
        "around",
        """
        import trail


        class Context:
            def __init__(self, process):
                self.process = process

            def __enter__(self):
                trail.note(f"enter {self.process.task.task_family}")

            def __exit__(self, *_):
                trail.note("exit")
        """,
    )
    (project.code / "luigi.cfg").write_text("[worker]\ntask_process_context=around.Context\n")
    project.tasks('class Root(Text):\n    def run(self):\n        self.put("root")')
    assert project.cold().ran == ["enter Root", "Root", "exit"]
    assert project.text("Root") == "root"


def test_a_disabled_task_is_not_run(project: Project) -> None:
    """``disabled = True``: what needs it waits, and the run is no success."""
    project.tasks(
        """
        class Off(Text):
            disabled = True

            def run(self):
                self.put("off")


        class Root(Text):
            def requires(self):
                return Off()

            def run(self):
                self.put(self.taken())
        """
    )
    run = project.run(expected=1)
    assert run.ran == []


def test_luigi_s_temporary_path(project: Project) -> None:
    """``with self.output().temporary_path()``: files are moved into place, nothing is left beside, cutoff works."""
    project.tasks(
        """
        class Upstream(Text):
            def requires(self):
                return Raw()

            def run(self):
                with self.output().temporary_path() as path:
                    Path(path).write_text(self.taken()[:1])


        class Root(Text):
            def requires(self):
                return Upstream()

            def run(self):
                with self.output().temporary_path() as path:
                    Path(path).write_text(self.taken())
        """
    )
    project.raw("abc")
    first = project.run()
    assert "side_outputs" not in first.stderr
    project.raw("axy")
    assert project.run().ran == ["Upstream"]


def test_an_output_written_in_on_success(project: Project) -> None:
    """on_success() belongs to the task: what it writes is kept."""
    project.tasks(
        """
        class Root(Text):
            def run(self):
                pass

            def on_success(self):
                self.put("late")
        """
    )
    assert project.run().ran == ["Root"]
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Root") == "late"


def test_a_task_that_pickles_itself(project: Project) -> None:
    """As Luigi's Spark tasks do in run()."""
    project.tasks(
        """
        import pickle


        class Root(Text):
            def requires(self):
                return Raw()

            def run(self):
                again = pickle.loads(pickle.dumps(self))
                self.put(again.taken() + str(again == self))
        """
    )
    project.raw("raw")
    project.run()
    assert project.text("Root") == "rawTrue"


SCRIPT = """
    import luigi, luisy
    from base import Raw, Text


    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " up")


    class Root(Text):
        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken() + " root")


    if __name__ == "__main__":
        import trail

        built = luisy.build(Root(), workers=WORKERS)
        assert built.status.value == "success", built.report
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_tasks_of_a_script(project: Project, workers: str) -> None:
    """Tasks in ``__main__``, run by ``luisy.build``: executed, kept, restored, and executed when they change."""
    project.raw("raw")
    script = SCRIPT.replace("WORKERS", workers)
    assert project.python(script).ran == ["Upstream", "Root"]
    assert project.python(script).ran == []
    before = project.outputs()
    project.remove_outputs()
    assert project.python(script).ran == []
    assert project.outputs() == before
    assert project.python(script.replace('" root"', '" ROOT"')).ran == ["Root"]
    assert project.text("Root") == "raw up ROOT"


def test_several_builds_in_one_process(project: Project) -> None:
    """Each ``luisy.build`` sees what has changed since the one before."""
    project.raw("a")
    project.tasks(
        """
        class Root(Text):
            def requires(self):
                return Raw()

            def run(self):
                self.put(self.taken() + " root")
        """
    )
    done = project.python(
        """
        import luisy, pipe

        counts = []
        for text in ("a", "a", "b", "a"):
            pipe.Path(pipe.Raw().output().path).write_text(text)
            counts.append(luisy.build(pipe.Root()).counts["executed"])
            assert open(pipe.Root().output().path).read() == text + " root"
        print(counts)
        """
    )
    assert done.stdout == "[1, 0, 1, 0]\n"


def test_outside_a_luisy_run_tasks_are_luigi_s(project: Project) -> None:
    """Plain ``luigi.build`` keys and keeps nothing."""
    project.tasks('class Root(Text):\n    def run(self):\n        self.put("root")')
    project.python("import luigi, pipe; assert luigi.build([pipe.Root()], local_scheduler=True)")
    assert project.text("Root") == "root"
    assert not project.store.exists()


def test_a_range_of_luigi_tools(project: Project) -> None:
    """RangeDaily over dated tasks: the second run executes nothing, changed code executes all of them."""
    project.tasks(
        """
        from luigi.tools.range import RangeDaily


        class Daily(Text):
            date = luigi.DateParameter()

            def run(self):
                self.put(str(self.date))


        class Root(luigi.WrapperTask):
            def requires(self):
                import datetime
                return RangeDaily(
                    of=Daily, start=datetime.date(2020, 1, 1), stop=datetime.date(2020, 1, 4), reverse=False,
                    days_back=100000,
                )
        """
    )
    days = [f"Daily(date=2020-01-0{day})" for day in (1, 2, 3)]
    assert sorted(project.run().ran) == days
    assert project.run().ran == []
    project.edit("self.put(str(self.date))", 'self.put("day " + str(self.date))')
    assert sorted(project.run().ran) == days

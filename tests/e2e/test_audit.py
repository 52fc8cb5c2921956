"""What ``run()`` reads that is in neither key nor inputs is told, kept with the action, and not kept if so wished."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project, Run

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])

CARELESS = """
    class Part(Text):
        number = luigi.IntParameter()

        def run(self):
            rate = (Path(__file__).parent / "rate.txt").read_text()
            mode = os.environ.get("MODE", "")
            self.put(rate + mode)


    class Root(Text):
        def requires(self):
            return [Part(number=1), Part(number=2)]

        def run(self):
            self.put(self.taken())
"""


def line_of(project: Project, text: str) -> int:
    lines = (project.code / "pipe.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def reads_kept(project: Project, run: Run) -> dict[str, str]:
    """What the action of the first part says of reads."""
    shown = project.luisy("cas", "show", "--json", run.task("Part(number=1)")["key"]).document
    return {name: place for name, place in shown["provenance"].items() if name.startswith("read ")}


@WORKERS
def test_undeclared_reads_are_told_once_for_each_class(project: Project, workers: str) -> None:
    """File and variable are named with the lines of project code that read them, once for all tasks of the class."""
    project.tasks(CARELESS)
    (project.code / "rate.txt").write_text("1")
    told = re.findall("undeclared-read: .*", project.run("--workers", workers).stderr)
    expected = (
        f"undeclared-read: Part reads env MODE (pipe.py:{line_of(project, 'MODE')}), file rate.txt "
        f"(pipe.py:{line_of(project, 'rate.txt')}), which its key does not hold, so a change there is not noticed; "
        "declare it (luisy.declares), or require it as an external task"
    )
    assert told == [expected]


def test_the_action_keeps_them(project: Project) -> None:
    """What was read stands in the provenance of the action."""
    project.tasks(CARELESS)
    (project.code / "rate.txt").write_text("1")
    run = project.run()
    assert reads_kept(project, run) == {
        "read env MODE": f"pipe.py:{line_of(project, 'MODE')}",
        "read file rate.txt": f"pipe.py:{line_of(project, 'rate.txt')}",
    }


def test_nothing_is_told_of_what_is_declared(project: Project) -> None:
    """A declared file or variable, and a constant that was read at import, is in the key."""
    project.tasks(CARELESS)
    project.edit("class Part(Text):", '@luisy.declares(files="rate.txt", env="MODE")\nclass Part(Text):')
    (project.code / "rate.txt").write_text("1")
    assert "undeclared-read" not in project.run().stderr


def test_off_tells_nothing(project: Project) -> None:
    """With ``audit = off`` nobody looks."""
    project.tasks(CARELESS)
    (project.code / "rate.txt").write_text("1")
    run = project.run("--audit", "off")
    assert "undeclared-read" not in run.stderr
    assert reads_kept(project, run) == {}


@WORKERS
def test_strict_does_not_keep(project: Project, workers: str) -> None:
    """With ``audit = strict`` a result that rests on undeclared reads is not kept, and the exit code is 5."""
    project.tasks(CARELESS)
    (project.code / "rate.txt").write_text("1")
    run = project.run("--audit", "strict", "--workers", workers, expected=5)
    assert "not kept: Part(number=1): it read env MODE (pipe.py:" in run.stderr
    (project.code / "rate.txt").write_text("2")
    assert set(project.run("--audit", "strict", "--workers", workers, expected=5).ran) >= {"Part(number=1)"}
    assert project.text("Root") == "22"


@WORKERS
@pytest.mark.parametrize(
    "start", ["subprocess.run(['true'])", "os.system('true')", "os.popen('true').close()"]
)
def test_strict_refuses_processes(project: Project, start: str, workers: str) -> None:
    """With ``audit = strict`` a task that starts a process fails where it does, with the line."""
    project.tasks(
        f"""
        class Root(Text):
            def run(self):
                {start}
                self.put("root")
        """
    )
    run = project.run("--audit", "strict", "--workers", workers, expected=1)
    place = rf"pipe\.py:{line_of(project, start)}\), and luisy cannot see what that reads"
    assert re.search(place, run.task("Root")["reason"]["text"])
    assert project.run("--workers", workers).ran == ["Root"]


def test_strict_leaves_what_is_not_cacheable_alone(project: Project) -> None:
    """A task that declares that it is not cacheable may start processes: there is nothing to keep."""
    project.tasks(
        """
        @luisy.declares(uncacheable="it calls a tool")
        class Root(Text):
            def run(self):
                subprocess.run(["true"])
                self.put("root")
        """
    )
    assert project.run("--audit", "strict").outcomes == {"Root": "executed"}


@pytest.mark.parametrize(("outer", "inner"), [("1", "1"), ("2", "1"), ("1", "2")])
def test_builds_inside_are_no_processes_of_the_task(project: Project, outer: str, inner: str) -> None:
    """Strict or not, luisy may fork for a build inside ``run()``; and what is read in it is the inner task's."""
    project.tasks(
        f"""
        class Inner(Text):
            def run(self):
                self.put((Path(__file__).parent / "rate.txt").read_text())


        class Root(Text):
            def run(self):
                luigi.build([Inner()], workers={inner}, local_scheduler=True)
                self.put("root")
        """
    )
    (project.code / "rate.txt").write_text("1")
    stderr = project.run("--workers", outer).stderr
    assert re.findall("undeclared-read: [A-Za-z]+", stderr) == ["undeclared-read: Inner"]


def test_a_thread_of_the_task_reads_for_it(project: Project) -> None:
    """What a thread reads that ``run()`` started is the task's."""
    project.tasks(
        """
        from concurrent.futures import ThreadPoolExecutor


        def read(name):
            return (Path(__file__).parent / name).read_text()


        class Root(Text):
            def run(self):
                with ThreadPoolExecutor(2) as pool:
                    self.put("".join(pool.map(read, ["rate.txt"])))
        """
    )
    (project.code / "rate.txt").write_text("1")
    place = f"file rate.txt (pipe.py:{line_of(project, '/ name')})"
    assert place in project.run().stderr


def test_modules_that_come_late_are_told(project: Project) -> None:
    """A project module that only ``run()`` knows by name is told with the line that imports it."""
    project.tasks(
        """
        import importlib


        class Root(Text):
            name = luigi.Parameter(default="plug")

            def run(self):
                self.put(importlib.import_module(f"{self.name}in").TEXT)
        """
    )
    project.write("plugin", "TEXT = 'plugin'\n")
    assert f"module plugin (pipe.py:{line_of(project, 'self.name}')})" in project.run().stderr


def test_an_ordinary_pipeline_is_quiet(project: Project) -> None:
    """Data frames, temporary files, logging, time zones, thread pools and imports inside ``run()`` tell nothing."""
    project.tasks(
        """
        import logging
        import tempfile


        @luisy.parquet_output
        class Table(luisy.Task):
            def requires(self):
                return Raw()

            def run(self):
                import importlib.metadata
                import ssl
                import zoneinfo
                from concurrent.futures import ThreadPoolExecutor

                import pandas as pd
                import requests

                logging.getLogger(__name__).warning("a word")
                logging.getLogger().addHandler(logging.FileHandler(DATA / "run.log"))
                table = pd.read_csv(self.input().path)
                with tempfile.TemporaryDirectory() as folder:
                    table.to_parquet(Path(folder) / "a.parquet")
                    table.to_excel(Path(folder) / "a.xlsx")
                    table.to_pickle(Path(folder) / "a.pkl")
                    for name in sorted(os.listdir(folder)):
                        (Path(folder) / name).read_bytes()
                    pd.read_excel(Path(folder) / "a.xlsx")
                with ThreadPoolExecutor(2) as pool:
                    list(pool.map(pd.Timestamp, ["2020-01-01"]))
                zoneinfo.ZoneInfo("Europe/Berlin")
                pd.Timestamp("2020-01-01", tz="America/New_York")
                ssl.create_default_context()
                requests.Session().get_adapter("https://localhost")
                importlib.metadata.version("pandas")
                os.path.expanduser("~")
                self.write(table)


        class Root(luisy.Task):
            def requires(self):
                return Table()

            def run(self):
                table = self.input().read()
                Path(self.output().path).parent.mkdir(parents=True, exist_ok=True)
                draft = Path(self.output().path + ".draft")
                draft.write_text(os.environ["DATA"])
                draft.read_text()
                draft.unlink()
                self.write(table.describe())
        """
    )
    project.raw("a,b\n1,2\n")
    for task in ("Table", "Root"):
        run = project.run(task)
        assert "undeclared-read" not in run.stderr

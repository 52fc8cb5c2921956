"""Random pipelines through random histories: never a stale hit, and nothing executes for nothing.

A pipeline of up to six tasks of different kinds (plain, cutting off, wrappers, yielding, not cacheable, reading
what they did not declare) over two raw files goes through edits of code, parameters, raw data and outputs. After
each step ``luisy run`` must leave what an execution from scratch would: the model below computes it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.e2e.projects import Project

if TYPE_CHECKING:
    from tests.e2e.projects import Run, Warm

RAWS = ("x", "y")
KINDS = ("plain", "first letter", "wrapper", "yielding", "own complete", "curious", "process", "building")

BODIES = {
    "plain": 'self.put(f"{self.words}({self.taken()})")',
    "first letter": "self.put(self.taken()[:1])",
    "yielding": """wanted = Raw(name="x") if self.words < "c" else Raw(name="y")
        target = yield wanted
        self.put(f"{self.words}[{open(target.path).read()}]{self.taken()}")""",
    "own complete": 'self.put(f"{self.words}<{self.taken()}>")',
    "curious": "self.put(f\"{self.words}{(DATA / 'raw' / 'y.txt').read_text()}{self.taken()}\")",
    "process": 'self.put(self.words + subprocess.check_output(["echo", "-n", self.taken()], text=True))',
    "building": """inner = Inner()
        assert luigi.build([inner], local_scheduler=True, log_level="ERROR")
        self.put(f"{self.words}!{open(inner.output().path).read()}!{self.taken()}")""",
}

HEAD = """
    class Far(Text):
        def requires(self):
            return Raw(name="y")

        def run(self):
            self.put(self.taken()[:1])


    class Inner(Text):
        words = {inner!r}

        def requires(self):
            return Raw(name="x")

        def run(self):
            self.put(self.words + self.taken()[:2])
"""

TASK = """
    class T{number}(Text):
        words = {words!r}
        level = luigi.IntParameter(default={level})

        def requires(self):
            return {requires}
{more}
        def run(self):
            {body}
"""

WRAPPER = """
    class T{number}(luigi.WrapperTask):
        def requires(self):
            return {requires}
"""

COMPLETE = """
        def complete(self):
            return False
"""


@dataclass
class Spec:
    """One task of the pipeline."""

    kind: str
    inputs: tuple[int, ...]
    raws: tuple[str, ...]
    words: str = "a"
    level: int = 0


@dataclass
class Pipeline:
    """A pipeline and the raw data below it, with what an execution from scratch makes of them."""

    tasks: list[Spec]
    raws: dict[str, str] = field(default_factory=lambda: {"x": "xx1", "y": "yy1"})
    inner: str = "i"

    def source(self) -> str:
        """The module."""
        parts = [HEAD.format(inner=self.inner)]
        for number, task in enumerate(self.tasks):
            calls = [
                f"T{i}({'' if self.tasks[i].kind == 'wrapper' else f'level={self.tasks[i].level}'})"
                for i in task.inputs
            ]
            calls += [f"Raw(name={raw!r})" for raw in task.raws]
            if (
                task.kind == "curious"
            ):  # what it reads besides stands behind an input, and may change when that does not
                calls.append("Far()")
            requires = f"[{', '.join(calls)}]"
            if task.kind == "wrapper":
                parts.append(WRAPPER.format(number=number, requires=requires))
                continue
            more = COMPLETE if task.kind == "own complete" else ""
            parts.append(
                TASK.format(
                    number=number,
                    words=task.words,
                    level=task.level,
                    requires=requires,
                    body=BODIES[task.kind].replace("\n", "\n    "),
                    more=more,
                )
            )
        last = len(self.tasks) - 1
        level = "" if self.tasks[last].kind == "wrapper" else f"level={self.tasks[last].level}"
        parts.append(
            f"""
    class Root(Text):
        def requires(self):
            return T{last}({level})

        def run(self):
            self.put("root:" + self.taken())
"""
        )
        return "".join(parts)

    def contents(self, number: int) -> list[str]:
        """What consumers of a task read of it: its text, or for a wrapper nothing at all."""
        return [] if self.tasks[number].kind == "wrapper" else [self.text(number)]

    def text(self, number: int) -> str:
        """What a task writes."""
        task = self.tasks[number]
        taken = "".join(text for i in task.inputs for text in self.contents(i))
        taken += "".join(self.raws[raw] for raw in task.raws)
        yielded = self.raws["x" if task.words < "c" else "y"]
        inner = self.inner + self.raws["x"][:2]
        return {
            "plain": f"{task.words}({taken})",
            "first letter": taken[:1],
            "yielding": f"{task.words}[{yielded}]{taken}",
            "own complete": f"{task.words}<{taken}>",
            "curious": f"{task.words}{self.raws['y']}{taken}{self.raws['y'][:1]}",
            "process": f"{task.words}{taken}",
            "building": f"{task.words}!{inner}!{taken}",
        }[task.kind]

    def root(self) -> str:
        """What the root writes."""
        return "root:" + "".join(self.contents(len(self.tasks) - 1))


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    """Up to six tasks; each requires some of those before it and some raw files."""
    tasks = []
    for number in range(draw(st.integers(1, 6))):
        before = st.lists(st.integers(0, number - 1), max_size=3, unique=True) if number else st.just([])
        inputs = tuple(draw(before))
        if number and not inputs and draw(st.booleans()):
            inputs = (number - 1,)
        raws = tuple(draw(st.lists(st.sampled_from(RAWS), max_size=2, unique=True)))
        tasks.append(Spec(draw(st.sampled_from(KINDS)), inputs, raws))
    return Pipeline(tasks)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["code", "back", "level", "raw", "raw tail", "inner", "remove", "lose", "edit", "touch"]
        ),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)


def change(pipeline: Pipeline, project: Project, step: tuple[str, int, int]) -> None:
    """One thing that happens between two runs: to the code, to parameters, to raw data, or to files."""
    what, which, how = step
    task = pipeline.tasks[which % len(pipeline.tasks)]
    raw = RAWS[which % 2]
    match what:
        case "code":
            task.words = "abcd"[how]
        case "back":
            task.words = "a"
        case "level":
            task.level = how
        case "raw":
            pipeline.raws[raw] = f"{raw}{'xy'[how % 2]}{how}"
        case "raw tail":
            pipeline.raws[raw] = pipeline.raws[raw][:1] + str(how)
        case "inner":
            pipeline.inner = "ij"[how % 2]
        case _:
            disturb(project, what, which)


def disturb(project: Project, what: str, which: int) -> None:
    """Something happens to the outputs in the workspace."""
    files = sorted((project.data / "pipe").glob("*.txt"))
    path = files[which % len(files)]
    match what:
        case "remove":
            project.remove_outputs()
            (project.data / "pipe").mkdir()
        case "lose":
            path.unlink()
        case "edit":
            path.write_text("by hand")
        case "touch":
            os.utime(path)


def settle(pipeline: Pipeline, project: Project) -> None:
    """Bring code and raw data of the model to the disk."""
    project.tasks(pipeline.source())
    for name, text in pipeline.raws.items():
        path = project.data / "raw" / f"{name}.txt"
        if not path.exists() or path.read_text() != text:
            project.raw(text, name)


def deterministic(pipeline: Pipeline) -> bool:
    """Whether a second run has nothing to do: no task that says of itself that it is never complete."""
    return all(task.kind != "own complete" for task in pipeline.tasks)


def agrees(plan: Run, run: Run) -> bool:
    """Whether what a plan had decided is what happened."""
    done = run.outcomes
    return all(
        done[name] == outcome
        for name, outcome in plan.outcomes.items()
        if outcome not in ("undecided", "not_needed")
    )


def live_through(
    pipeline: Pipeline, steps: list[tuple[str, int, int]], project: Project, workers: str
) -> None:
    """Run after each step, and hold plan, bytes and executions against the model."""
    for step in [None, *steps]:
        if step is not None:
            change(pipeline, project, step)
        settle(pipeline, project)
        plan = project.plan()
        run = project.run("--workers", workers)
        assert project.text("Root") == pipeline.root(), (step, run.outcomes)
        assert agrees(plan, run), (step, plan.outcomes, run.outcomes)
        if deterministic(pipeline):
            again = project.run()
            assert again.ran == [], (step, again.outcomes)
            for number, task in enumerate(pipeline.tasks):
                if task.kind != "wrapper" and f"T{number}(level={task.level})" in again.outcomes:
                    (path,) = (project.data / "pipe").glob(f"T{number}_{task.level}_*.txt")
                    assert path.read_text() == pipeline.text(number)


BUILDS_OVER_ONE_WITHOUT_A_KEY = Pipeline(
    tasks=[
        Spec(kind="own complete", inputs=(), raws=(), words="a", level=0),
        Spec(kind="building", inputs=(0,), raws=(), words="a", level=0),
    ],
    raws={"x": "xx1", "y": "yy1"},
    inner="i",
)


@given(pipeline=pipelines(), steps=STEPS, workers=st.sampled_from(["1", "2"]))
@example(pipeline=BUILDS_OVER_ONE_WITHOUT_A_KEY, steps=[("raw", 0, 0)], workers="1")
@settings(max_examples=settings().max_examples // 12, deadline=None, database=None)
def test_no_history_leads_to_a_stale_result(
    warm: Warm, pipeline: Pipeline, steps: list[tuple[str, int, int]], workers: str
) -> None:
    """After each step the bytes are those of an execution from scratch, as planned, and nothing runs twice.

    ``pytest tests/e2e/test_histories.py --hypothesis-profile soak`` tries hundreds of them.
    """
    with TemporaryDirectory() as folder:
        live_through(pipeline, steps, Project(Path(folder), warm), workers)

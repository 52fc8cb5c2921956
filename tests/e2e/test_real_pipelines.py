"""What real pipelines do and no manual shows: the bytes are right, or it is said that a task is not cacheable.

Each pipeline is a text with the word ``one`` in the code of a task upstream and a raw file; what its root writes in
the end tells which word and which raw file it was made from.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.projects import PRELUDE

if TYPE_CHECKING:
    from tests.e2e.projects import Project

UPSTREAM = """
    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " one")
"""


@dataclass(frozen=True, slots=True)
class Odd:
    """One pipeline.

    :param code: its tasks; ``Root`` writes ``{raw} {word} root``.
    :param uncacheable: families that say so, with a part of the reason.
    :param upstream: whether ``Upstream`` from above comes first.
    """

    code: str
    uncacheable: tuple[tuple[str, str], ...] = ()
    upstream: bool = True


ODD = {
    "a task in an attribute": Odd(
        """
    class Root(Text):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.upstream = Upstream()

        def requires(self):
            return self.upstream

        def run(self):
            with self.upstream.output().open() as file:
                self.put(file.read() + " root")
"""
    ),
    "a task in a class attribute": Odd(
        """
    class Root(Text):
        upstream = Upstream()

        def requires(self):
            return {"first": [self.upstream]}

        def run(self):
            self.put(open(self.input()["first"][0].path).read() + " root")
"""
    ),
    "a class in a TaskParameter": Odd(
        """
    class Middle(Text):
        kind = luigi.TaskParameter()

        def requires(self):
            return self.kind()

        def run(self):
            self.put(self.taken())


    class Root(Text):
        def requires(self):
            return Middle(kind=Upstream)

        def run(self):
            self.put(self.taken() + " root")
"""
    ),
    "a task in a TaskParameter": Odd(
        """
    class Instance(luigi.TaskParameter):
        def serialize(self, value):
            return value.task_id


    class Middle(Text):
        upstream = Instance()

        def requires(self):
            return self.upstream

        def run(self):
            self.put(self.taken())


    class Root(Text):
        def requires(self):
            return Middle(upstream=Upstream())

        def run(self):
            self.put(self.taken() + " root")
"""
    ),
    "classes made by type()": Odd(
        """
    def run(self):
        self.put(self.taken() + " root")


    Root = type("Root", (Text,), {
        "requires": lambda self: Upstream(), "run": run, "__module__": __name__,
    })
"""
    ),
    "a constructor with side effects": Odd(
        """
    REGISTRY = []


    class Root(Text):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            REGISTRY.append(self)
            (DATA.parent / "constructed").touch()
            self.number = len(REGISTRY)

        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken() + " root")
"""
    ),
    "an output path from the input's": Odd(
        """
    class Root(Text):
        def requires(self):
            return Upstream()

        def output(self):
            return luigi.LocalTarget(self.input().path.replace("Upstream", "Root"))

        def run(self):
            self.put(self.taken() + " root")
"""
    ),
    "writes in a loop": Odd(
        """
    class Root(Text):
        def requires(self):
            return Upstream()

        def run(self):
            os.makedirs(os.path.dirname(self.output().path), exist_ok=True)
            for word in (self.taken() + " root").split():
                with open(self.output().path, "a") as file:
                    file.write((" " if file.tell() else "") + word)
"""
    ),
    "a target that is a mock": Odd(
        """
    from luigi.mock import MockTarget


    class Middle(luigi.Task):
        def requires(self):
            return Upstream()

        def output(self):
            return MockTarget("middle")

        def run(self):
            with self.output().open("w") as file:
                file.write(open(self.input().path).read())


    class Root(Text):
        def requires(self):
            return Middle()

        def complete(self):
            return False

        def run(self):
            with self.input().open() as file:
                self.put(file.read() + " root")
""",
        (("Middle", "MockTarget"), ("Root", "complete()")),
    ),
    "empty outputs": Odd(
        """
    class Flag(Text):
        def requires(self):
            return Upstream()

        def run(self):
            self.output().open("w").close()


    class Root(Text):
        def requires(self):
            return [Flag(), Upstream()]

        def run(self):
            assert os.path.getsize(self.input()[0].path) == 0
            self.put(open(self.input()[1].path).read() + " root")
"""
    ),
    "a pickle that lists paths": Odd(
        """
    import pickle


    class Parts(luigi.Task):
        def requires(self):
            return Upstream()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "parts.pickle")

        def run(self):
            paths = []
            for number, word in enumerate(open(self.input().path).read().split()):
                paths.append(str(DATA / "pipe" / f"part-{number}"))
                Path(paths[-1]).write_text(word)
            Path(self.output().path).write_bytes(pickle.dumps(paths))


    class Root(Text):
        def requires(self):
            return Parts()

        def run(self):
            paths = pickle.loads(Path(self.input().path).read_bytes())
            self.put(" ".join(Path(path).read_text() for path in paths) + " root")
"""
    ),
    "several outputs with one in another format": Odd(
        """
    import luigi.format


    class Both(luigi.Task):
        def requires(self):
            return Upstream()

        def output(self):
            folder = DATA / "pipe"
            return {
                "text": luigi.LocalTarget(folder / "text.txt"),
                "packed": [luigi.LocalTarget(folder / "packed.gz", format=luigi.format.Gzip)],
            }

        def run(self):
            text = open(self.input().path).read()
            with self.output()["text"].open("w") as file:
                file.write(text.split()[0])
            with self.output()["packed"][0].open("w") as file:
                file.write(text.split()[1].encode())


    class Root(Text):
        def requires(self):
            return Both()

        def run(self):
            with self.input()["text"].open() as text, self.input()["packed"][0].open() as packed:
                self.put(f"{text.read()} {packed.read().decode()}" + " root")
"""
    ),
    "inherited and decorated": Odd(
        """
    from luigi.util import copies, inherits, requires


    class Named(Text):
        name = luigi.Parameter(default="n")

        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken())


    @requires(Named)
    class Second(Text):
        def run(self):
            self.put(self.taken())


    @inherits(Named)
    class Third(Text):
        def requires(self):
            return self.clone(Second)

        def run(self):
            self.put(self.taken())


    @copies(Third)
    class Fourth(Text):
        pass


    class Root(Text):
        def requires(self):
            return Fourth(name="m")

        def run(self):
            self.put(self.taken() + " root")
"""
    ),
    "an external program": Odd(
        """
    from luigi.contrib.external_program import ExternalProgramTask


    class Copy(ExternalProgramTask):
        def requires(self):
            return Upstream()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "copy.txt")

        def program_args(self):
            return ["cp", self.input().path, self.output().path]


    class Root(Text):
        def requires(self):
            return Copy()

        def run(self):
            self.put(self.taken() + " root")
"""
    ),
    "a task that clones another in run()": Odd(
        """
    class Other(Upstream):
        pass


    class Root(Text):
        def run(self):
            targets = yield [Other(), [Upstream()]]
            yield luigi.DynamicRequirements([self.clone(Other)])
            self.put(open(targets[0].path).read() + " root")
"""
    ),
}


def tasks(project: Project, odd: Odd) -> None:
    """Write the pipeline."""
    project.tasks((UPSTREAM if odd.upstream else "") + "\n" + odd.code)


def root_text(project: Project) -> str:
    """What the root wrote."""
    return project.text("Root")


@pytest.mark.parametrize("name", ODD)
def test_an_odd_pipeline(project: Project, name: str) -> None:
    """Cold, warm, restored, after edits of code and of raw data, and back: right bytes, and no more runs than needed."""
    odd = ODD[name]
    uncacheable = dict(odd.uncacheable)
    tasks(project, odd)
    project.raw("a")
    cold = project.run()
    assert root_text(project) == "a one root"
    for task in cold.document["tasks"]:
        assert task["cacheable"] == (task["family"] not in uncacheable), task
        assert uncacheable.get(task["family"], "") in task["reason"]["text"]

    def again() -> set[str]:
        return {line.split("(")[0] for line in project.run().ran} - set(uncacheable)

    assert again() == set()
    assert root_text(project) == "a one root"
    project.remove_outputs()
    restored = again()
    assert root_text(project) == "a one root"
    assert restored == set()
    project.edit('" one"', '" two"')
    assert "Upstream" in again()
    assert root_text(project) == "a two root"
    project.raw("b")
    assert "Upstream" in again()
    assert root_text(project) == "b two root"
    project.edit('" root"', '" root" + ""')
    project.remove_outputs()
    assert "Upstream" not in again()
    assert root_text(project) == "b two root"
    project.raw("a")
    project.edit('" two"', '" one"')
    again()
    assert root_text(project) == "a one root"


DATED = """
    import datetime

    from days import TODAY


    class Daily(Text):
        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / TODAY.strftime("PATH"))

        def run(self):
            self.put(str(TODAY))


    class Root(Text):
        def requires(self):
            return Daily()

        def run(self):
            self.put(self.taken() + " root")
"""

# The day of the test, and one that is as good as tomorrow: the clock itself is not to be set.
DAYS = """
    import datetime, os

    TODAY = datetime.date.today() - datetime.timedelta(int(os.environ.get("AGO", "0")))
"""


@pytest.mark.parametrize(
    "path", ["report-%Y-%m-%d.txt", "%Y/%m/%d/report.txt", "%d%m%Y.txt", "%Y_%m_%d/deep/report.txt"]
)
def test_an_output_path_with_today_s_date(project: Project, path: str) -> None:
    """Once a day, as under Luigi: on another day neither its bytes nor those made of them are taken for that day's."""
    project.write("days", DAYS)
    project.tasks(DATED.replace("PATH", path))
    yesterday = {"AGO": "1"}
    assert project.cold(environment=yesterday).ran == ["Daily", "Root"]
    assert project.cold(environment=yesterday).ran == []
    before = project.text("Root")
    assert project.cold().ran == ["Daily", "Root"]
    assert project.text("Root") != before
    project.remove_outputs()
    assert project.cold().ran == []
    assert project.text("Root") != before


def test_an_output_path_with_the_date_of_a_parameter(project: Project) -> None:
    """Whose value is in the key anyway: the path's folder may be any."""
    project.tasks(
        """
        class Root(Text):
            date = luigi.DateParameter()

            def output(self):
                return luigi.LocalTarget(DATA / os.environ.get("FOLDER", "pipe") / f"{self.date:%Y%m%d}" / "root.txt")

            def run(self):
                self.put("root")
        """
    )
    day = dt.datetime.now().astimezone().date().isoformat()
    assert len(project.cold("Root", "--date", day).ran) == 1
    assert project.cold("Root", "--date", day, environment={"FOLDER": "other"}).ran == []
    parts = project.luisy("key", "--json", "--module", "pipe", "Root", "--date", day).document["parts"]
    assert not [name for name in parts if name.startswith("observed path")]


def test_an_output_path_relative_to_the_current_directory(project: Project) -> None:
    """From another folder the results are put there; nothing executes."""
    project.tasks(
        """
        class Root(luigi.Task):
            def output(self):
                return luigi.LocalTarget("made/root.txt")

            def run(self):
                with self.output().open("w") as file:
                    file.write("root")
        """
    )
    project.cold()
    assert (project.code / "made" / "root.txt").read_text() == "root"
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    done = project.python(
        f"""
        import os, luisy, pipe
        os.chdir({str(elsewhere)!r})
        print(luisy.build(pipe.Root()).counts["local"])
        """
    )
    assert done.stdout == "1\n"
    assert (elsewhere / "made" / "root.txt").read_text() == "root"


def test_a_module_name_with_a_hyphen(project: Project) -> None:
    """Luigi imports it by its name, and so does luisy; its code counts."""
    project.write(
        "my-pipe",
        PRELUDE + "\n\nclass Root(Text):\n    def run(self):\n        self.put('one')\n",
    )
    words = ("run", "--json", "--module", "my-pipe", "Root")
    assert project.luisy(*words).ran == ["Root"]
    assert project.luisy(*words).ran == []
    project.remove_outputs()
    assert project.luisy(*words).ran == []
    project.edit("'one'", "'two'", module="my-pipe")
    assert project.luisy(*words).ran == ["Root"]
    assert project.text("Root") == "two"


def test_a_loop_of_writes_that_broke_off(project: Project) -> None:
    """Lines appended before a failure are not there when the task starts again, and never in its result."""
    project.tasks(
        """
        class Root(Text):
            def run(self):
                for number in range(3):
                    with open(self.output().path, "a") as file:
                        file.write(str(number))
                    assert number != LAST
        """.replace("LAST", "1")
    )
    project.run(expected=1)
    project.run(expected=1)
    project.edit("number != 1", "number != 7")
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "012"

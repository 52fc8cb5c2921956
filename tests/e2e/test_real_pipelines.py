"""What real pipelines do and no manual shows: the bytes are right, or it is said that a task is not cacheable.

Each pipeline is a text with the word ``one`` in the code of a task upstream and a raw file; what its root writes in
the end tells which word and which raw file it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

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

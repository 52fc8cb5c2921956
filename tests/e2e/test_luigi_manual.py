"""What Luigi's manual shows: the same files as under Luigi, by as many runs; again and restored by none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

PART = """
    class Part(Text):
        number = luigi.IntParameter(default=0)

        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + str(self.number))
"""

SHOWN = {
    "requires() yields": """
    class Root(Text):
        def requires(self):
            yield Part(1)
            for number in (2, 3):
                yield Part(number)

        def run(self):
            self.put(self.taken() + str(len(self.input())))
""",
    "requirements in every structure": """
    class Root(Text):
        def requires(self):
            return {"one": Part(1), "more": [Part(2), (Part(3), {"deep": Part(4)})], "set": frozenset([Part(5)])}

        def run(self):
            first = self.input()["more"][1][1]["deep"].path
            (last,) = self.input()["set"]
            self.put(open(first).read() + open(last.path).read() + str(sorted(self.input())))
""",
    "a generator of requirements as a value": """
    class Root(Text):
        def requires(self):
            return (Part(number) for number in range(3))

        def run(self):
            self.put(self.taken())
""",
    "several yields, nested ones and what they return": """
    class Middle(Text):
        number = luigi.IntParameter()

        def run(self):
            target = yield Part(self.number)
            both = yield {"a": Part(self.number + 1), "b": [Part(self.number + 2)]}
            self.put(open(target.path).read() + open(both["b"][0].path).read())


    class Root(Text):
        def run(self):
            first = yield Middle(1)
            rest = yield [Middle(2), Middle(3)]
            for number in range(len(open(first.path).read()) % 3):
                yield Middle(10 + number)
            self.put("".join(open(target.path).read() for target in (first, *rest)))
""",
    "a list of yields in one batch": """
    class Root(Text):
        def requires(self):
            return Part(0)

        def run(self):
            targets = yield [Part(number) for number in range(4)]
            self.put("".join(open(target.path).read() for target in targets))
""",
    "dynamic requirements with a complete() of their own": """
    class Root(Text):
        def run(self):
            parts = [Part(number) for number in range(3)]

            def all_there(complete):
                return all(complete(part) for part in parts)

            yield luigi.DynamicRequirements(parts, all_there)
            self.put("".join(open(part.output().path).read() for part in parts))
""",
    "an externalized task": """
    class Made(Part):
        def output(self):
            return luigi.LocalTarget(DATA / "raw" / "made.txt")


    (DATA / "raw" / "made.txt").write_text("made elsewhere")


    class Root(Text):
        def requires(self):
            return luigi.task.externalize(Made(1))

        def run(self):
            self.put(self.taken())
""",
    "every format": """
    import luigi.format as formats

    KINDS = {
        "gzip": formats.Gzip,
        "bzip2": formats.Bzip2,
        "utf8": formats.UTF8,
        "nop": formats.Nop,
        "lines": formats.TextFormat(newline="\\r\\n"),
        "text-gzip": formats.UTF8 >> formats.Gzip,
        "latin": formats.TextFormat(encoding="latin-1"),
    }
    BINARY = ("gzip", "bzip2", "nop")


    class Kind(luigi.Task):
        name = luigi.Parameter()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / f"kind.{self.name}", format=KINDS[self.name])

        def run(self):
            with self.output().open("w") as file:
                file.write("first\\nsecond \\xe9\\n".encode() if self.name in BINARY else "first\\nsecond \\xe9\\n")


    class Root(Text):
        def requires(self):
            return [Kind(name) for name in KINDS]

        def run(self):
            parts = []
            for name, target in zip(KINDS, self.input()):
                with target.open() as file:
                    content = file.read()
                parts.append(content.decode() if name in BINARY else content)
            self.put(repr(parts))
""",
    "folders and several outputs": """
    class Folder(luigi.Task):
        def requires(self):
            return Raw()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "folder")

        def run(self):
            for name in ("a", "b/c", "b/d/e"):
                path = Path(self.output().path, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(open(self.input().path).read() + name)
            Path(self.output().path, "empty").mkdir()


    class Several(luigi.Task):
        def requires(self):
            return Folder()

        def output(self):
            return {"count": luigi.LocalTarget(DATA / "pipe" / "count"), "names": [luigi.LocalTarget(DATA / "pipe" / "names")]}

        def run(self):
            names = sorted(str(path) for path in Path(self.input().path).rglob("*"))
            for target, text in ((self.output()["count"], len(names)), (self.output()["names"][0], names)):
                with target.open("w") as file:
                    file.write(str(text))


    class Root(Text):
        def requires(self):
            return Several()

        def run(self):
            self.put(open(self.input()["count"].path).read())
""",
    "temporary paths": """
    class Root(Text):
        def requires(self):
            return Part()

        def run(self):
            with self.output().temporary_path() as path:
                Path(path).write_text(self.taken())
""",
    "atomic writes by open, move and copy": """
    class Copied(Text):
        def requires(self):
            return Part()

        def run(self):
            self.input().copy(self.output().path)


    class Root(Text):
        def requires(self):
            return Copied()

        def run(self):
            other = luigi.LocalTarget(DATA.parent / "made-before")
            with other.open("w") as file:
                file.write(self.taken())
            other.move(self.output().path)
""",
    "messages, progress and a tracking URL": """
    class Root(Text):
        accepts_messages = True

        def requires(self):
            return Part()

        def run(self):
            self.set_status_message("half way")
            self.set_progress_percentage(50)
            self.set_tracking_url("http://localhost/")
            self.put(self.taken())
""",
    "decorators of luigi.util": """
    from luigi.util import common_params, copies, delegates, inherits, requires


    class Settings(luigi.Config):
        unit = luigi.Parameter(default="m")


    @inherits(Settings)
    class First(Text):
        number = luigi.IntParameter(default=3)

        def run(self):
            self.put(self.unit * self.number)


    @requires(First)
    class Second(Text):
        def run(self):
            self.put(self.taken() + str(sorted(common_params(self, First))))


    @copies(Second)
    class Third(Text):
        def run(self):
            self.put(self.taken())


    class Powers(luigi.Task):
        base = luigi.IntParameter()

        def power(self, exponent):
            return self.base**exponent


    @delegates
    class Fourth(Text):
        def subtasks(self):
            return Powers(5)

        def requires(self):
            return Third()

        def run(self):
            self.put(self.taken() + str(self.subtasks().power(2)))


    @inherits(First, Settings)
    class Root(Text):
        def requires(self):
            return [Fourth(), *self.my_parents(), self.clone(Part, number=7)]

        def my_parents(self):
            return [self.clone(First), self.clone(Second)]

        def run(self):
            self.put(self.taken())
""",
    "an external program and an external Python program": """
    from luigi.contrib.external_program import ExternalProgramTask, ExternalPythonProgramTask


    class Program(ExternalProgramTask):
        capture_output = True

        def requires(self):
            return Part()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "program.txt")

        def program_args(self):
            return ["sh", "-c", 'tr a b < "$0" > "$1"', self.input().path, self.output().path]

        def program_environment(self):
            return {**os.environ, "LC_ALL": "C"}


    class Snake(ExternalPythonProgramTask):
        def requires(self):
            return Program()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "snake.txt")

        def program_args(self):
            code = f"open({str(self.output().path)!r}, 'w').write(open({str(self.input().path)!r}).read() * 2)"
            return ["python3", "-c", code]


    class Root(Text):
        def requires(self):
            return Snake()

        def run(self):
            self.put(self.taken())
""",
    "namespaces": """
    luigi.namespace("outer")


    class First(Text):
        def run(self):
            self.put("first")


    luigi.namespace()
    luigi.auto_namespace(scope=__name__)


    class Second(Text):
        def requires(self):
            return First()

        def run(self):
            self.put(self.taken() + self.get_task_namespace())


    luigi.namespace("", scope=__name__)


    class Root(Text):
        task_namespace = ""

        def requires(self):
            return Second()

        def run(self):
            self.put(self.taken() + self.requires().task_family)
""",
    "wrappers in wrappers": """
    class Inner(luigi.WrapperTask):
        low = luigi.IntParameter()

        def requires(self):
            return [Part(self.low), Part(self.low + 1)]


    class Outer(luigi.WrapperTask):
        def requires(self):
            yield Inner(1)
            yield Inner(2)


    class Root(Text):
        def requires(self):
            return Outer()

        def run(self):
            self.put(str([len(parts) for parts in self.input()]))
""",
    "abstract bases and mixins": """
    import abc


    class Shape(Text, metaclass=type(Text)):
        size = luigi.FloatParameter(default=2.0)

        @property
        @abc.abstractmethod
        def corners(self):
            ...

        def run(self):
            self.put(f"{type(self).__name__} {self.corners} {self.size}")


    class Loud:
        def put(self, text):
            super().put(text.upper())


    class Square(Loud, Shape):
        corners = 4


    class Root(Text):
        def requires(self):
            return Square(size=3.5)

        def run(self):
            self.put(self.taken())
""",
    "an owner, retries and resources that nobody needs": """
    class Root(Text):
        owner_email = ["a@example.org"]
        retry_count = 3
        resources = {"database": 1}
        priority = 7
        worker_timeout = 60
        disable_window = 60
        disable_hard_timeout = 600

        def requires(self):
            return Part()

        def run(self):
            self.put(self.taken())
""",
    "a range of hours with bulk_complete": """
    import datetime
    from luigi.task import MixinNaiveBulkComplete
    from luigi.tools.range import RangeHourly


    class Hour(MixinNaiveBulkComplete, Text):
        date_hour = luigi.DateHourParameter()

        def run(self):
            self.put(str(self.date_hour))


    class Root(Text):
        def requires(self):
            return RangeHourly(
                of=Hour, start=datetime.datetime(2020, 1, 1, 1), stop=datetime.datetime(2020, 1, 1, 4), reverse=True,
                hours_back=1000000, param_name="date_hour",
            )

        def run(self):
            self.put("done")
""",
    "task_id, str and to_str_params in an output path": """
    class Root(luigi.Task):
        day = luigi.DateParameter(default=luigi.DateParameter().parse("2020-02-03"))
        tags = luigi.ListParameter(default=["a", "b"])

        def requires(self):
            return Part()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / self.day.strftime("%Y/%m") / f"{self.task_id}.txt")

        def run(self):
            with self.output().open("w") as file:
                file.write(f"{self} {self.to_str_params()} {self.task_family} {self.param_kwargs}")
""",
}

BUILD = """
    import luigi, pipe
    assert luigi.build([pipe.Root()], local_scheduler=True, no_lock=True, log_level="ERROR")
"""


@pytest.mark.parametrize("name", SHOWN)
def test_what_the_manual_shows(project: Project, name: str) -> None:
    """Luigi's files byte for byte; then nothing executes, neither with the files there nor when they were removed."""
    project.tasks(PART + SHOWN[name])
    project.raw("raw")
    under_luigi = project.python(BUILD).ran
    made = project.outputs()
    project.remove_outputs()
    assert sorted(project.run().ran) == sorted(under_luigi)
    assert project.outputs() == made
    again = project.run()
    assert (again.ran, project.outputs()) == ([], made)
    project.remove_outputs()
    restored = project.run("--workers", "2")
    assert (restored.ran, project.outputs()) == ([], made)
    assert all(task["cacheable"] for task in restored.document["tasks"])

"""Tables stay where they are: the store remembers who wrote each last, and anything but that runs.

The tables here are folders of the test's own, with a version of their own: what luisy does is the same for Spark's, which
tests/system/test_spark.py has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.projects import Project

TABLES = """
    import json
    import os
    import uuid

    import luisy
    from luisy.targets import TableTarget


    class Folder(TableTarget):
        def __init__(self, outdir=None, name=""):
            super().__init__(outdir)
            self.file = os.path.join(os.path.dirname(os.environ["DATA"]), name)

        @property
        def location(self):
            return self.file

        def _content(self):
            if not os.path.exists(self.file):
                return [None, None]
            with open(self.file) as file:
                return json.load(file)

        def exists(self):
            return os.path.exists(self.file)

        def version(self):
            if "DOWN" in os.environ:
                raise ConnectionError("no such cluster")
            return self._content()[0]

        def read(self):
            return self._content()[1]

        def write(self, obj):
            with open(self.file, "w") as file:
                json.dump([uuid.uuid4().hex, obj], file)


    class TableTask(luisy.Task):
        target_cls = Folder
        target_kwargs = {"name": "table"}
"""

PIPELINE = """
    from tables import Folder, TableTask


    class Start(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken()[:1])


    class Table(TableTask):
        word = luigi.Parameter(default="a")

        def requires(self):
            return Start()

        def run(self):
            with self.input().open() as file:
                self.write(file.read() + self.word)


    class Root(Text):
        word = luigi.Parameter(default="a")

        def requires(self):
            return Table(word=self.word)

        def run(self):
            self.put(self.input().read() + " root")
"""


@pytest.fixture
def tables(project: Project) -> Project:
    """A pipeline with a table in its middle."""
    project.write("tables", TABLES)
    project.tasks(PIPELINE)
    project.raw("1")
    return project


def table_of(project: Project) -> Path:
    """The file that is the table."""
    return project.folder / "table"


def test_a_table_that_nobody_changed(tables: Project) -> None:
    """Cold, everything is executed; warm, nothing: the table is found complete, what is made of it is in the store."""
    assert tables.run().ran == ["Start", "Table(word=a)", "Root(word=a)"]
    again = tables.run()
    assert again.counts == {"local": 3, "complete": 1}
    assert again.reason("Table(word=a)") == "table"
    assert not again.task("Table(word=a)")["cacheable"]


def test_another_key_over_it_and_back(tables: Project) -> None:
    """Key A, then B over it, then A again: A runs, since the table is B's."""
    for word in ("a", "b", "a"):
        assert tables.run("Table", "--word", word).ran[-1] == f"Table(word={word})"
    assert tables.run("Table", "--word", "a").ran == []


def test_the_consumers_of_two_keys(tables: Project) -> None:
    """What was made of A's table is not taken for what B's makes, and goes when A's table is B's."""
    tables.run("Root", "--word", "a")
    tables.run("Root", "--word", "b")
    assert tables.run("Root", "--word", "a").ran == ["Table(word=a)", "Root(word=a)"]
    assert root_text(tables, "a") == "1a root"


def root_text(project: Project, word: str) -> str:
    """What the root of that word has written."""
    (path,) = (project.data / "pipe").glob(f"Root_{word}_*.txt")
    return path.read_text(encoding="utf-8")


def test_a_table_that_somebody_else_changed(tables: Project) -> None:
    """The table's task runs again, and so does what is made of the table; the plan says so."""
    tables.run()
    table_of(tables).write_text('["other", "x"]')
    plan = tables.plan()
    assert plan.outcomes["Table(word=a)"] == "executed"
    assert plan.reason("Table(word=a)") == "table-changed"
    assert tables.run().ran == ["Table(word=a)", "Root(word=a)"]


def test_a_table_that_was_dropped(tables: Project) -> None:
    """Without the table, its task runs, whatever was noted."""
    tables.run()
    table_of(tables).unlink()
    assert tables.run("Table").ran == ["Table(word=a)"]


def test_a_table_from_before_luisy(tables: Project) -> None:
    """Nobody knows who wrote it, so it is not adopted."""
    table_of(tables).write_text('["early", "x"]')
    run = tables.run("Table")
    assert run.ran == ["Start", "Table(word=a)"]
    assert run.reason("Table(word=a)") == "table-unknown"


def test_changed_code(tables: Project) -> None:
    """Another fingerprint is another key: the table is written anew."""
    tables.run()
    tables.edit("self.write(file.read() + self.word)", "self.write(file.read() + self.word * 2)")
    run = tables.run()
    assert run.ran == ["Table(word=a)", "Root(word=a)"]
    assert run.reason("Table(word=a)") == "table-rewritten"


def test_an_input_that_changed(tables: Project) -> None:
    """Another content of an input is another key, also where that input is found again by early cutoff."""
    tables.run()
    tables.raw("2")
    assert tables.run().ran == ["Start", "Table(word=a)", "Root(word=a)"]


def test_an_input_that_was_forced_to_other_bytes(tables: Project) -> None:
    """The key is the same, but the table was made of bytes that gave way: it does not count."""
    tables.write("chance", "VALUE = 1\n")
    tables.edit("self.put(self.taken()[:1])", "self.put((DATA.parent / 'dice').read_text())")
    (tables.folder / "dice").write_text("1")
    tables.run()
    (tables.folder / "dice").write_text("2")
    tables.run("Start", "--force")
    run = tables.run()
    assert run.ran == ["Table(word=a)", "Root(word=a)"]
    assert run.reason("Table(word=a)") == "input-superseded"


def test_force(tables: Project) -> None:
    """``--force`` writes the table though it is as it was left."""
    tables.run("Table")
    assert tables.run("Table", "--force").ran == ["Table(word=a)"]


def test_in_children(tables: Project) -> None:
    """With several workers the parent knows what its children wrote."""
    assert tables.run("--workers", "2").ran == ["Start", "Table(word=a)", "Root(word=a)"]
    assert tables.run("--workers", "2").ran == []


def test_a_failed_write(tables: Project) -> None:
    """A run that fails in the middle of writing leaves nothing that counts."""
    tables.run("Table")
    tables.edit("self.write(file.read() + self.word)", "self.write('half')\n        1 / 0")
    tables.run("Table", expected=1)
    tables.edit("self.write('half')\n        1 / 0", "self.write(file.read() + self.word)")
    assert tables.run("Table").ran == ["Table(word=a)"]


def test_a_table_whose_version_cannot_be_told(tables: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that cannot be asked fails its task with the reason, and nothing is written over it."""
    tables.run("Table")
    monkeypatch.setenv("DOWN", "1")
    run = tables.run("Table", expected=1)
    assert run.ran == []
    assert "no such cluster" in run.task("Table(word=a)")["reason"]["text"]


def test_no_table_is_asked_without_need(tables: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store's word decides alone, the plan asks no table."""
    monkeypatch.setenv("DOWN", "1")
    assert tables.plan().outcomes["Table(word=a)"] == "executed"


def test_an_external_table(tables: Project) -> None:
    """A table that somebody else makes counts by its version."""
    tables.tasks(
        """
        from tables import Folder


        class Source(luisy.ExternalTask):
            target_cls = Folder
            target_kwargs = {"name": "table"}


        class Root(Text):
            def requires(self):
                return Source()

            def run(self):
                self.put(self.input().read())
        """
    )
    assert tables.run(expected=1).outcomes == {"Source": "missing", "Root": "blocked"}
    table_of(tables).write_text('["one", "x"]')
    assert tables.run().ran == ["Root"]
    assert tables.run().ran == []
    table_of(tables).write_text('["two", "y"]')
    assert tables.run().ran == ["Root"]
    assert tables.text("Root") == "y"


INPUT = """
    from tables import Folder, TableTask


    class Root(Text):
        table_input = Folder(name="table")

        def input(self):
            return self.table_input

        def run(self):
            self.put(self.input().read())
"""


def test_a_table_as_input(tables: Project) -> None:
    """What stands in no requirement, but is a task's ``input()``, counts by its version; ``why`` names it."""
    tables.tasks(INPUT)
    table_of(tables).write_text('["one", "x"]')
    assert tables.run().ran == ["Root"]
    assert tables.run().counts == {"local": 1}
    table_of(tables).write_text('["two", "y"]')
    why = tables.luisy("why", "--json", "--module", "pipe", "Root").document
    assert [change["part"] for change in why["changes"]] == ["declared"]
    assert tables.run().ran == ["Root"]


def test_a_table_as_input_that_the_inputs_write(tables: Project) -> None:
    """A table that a required task writes counts as that task, once: the second run has nothing to do."""
    tables.tasks(
        INPUT.replace(
            "class Root",
            "class Made(TableTask):\n        def run(self):\n            self.write('m')\n\n\n    class Root",
        )
        + "\n        def requires(self):\n            return Made()\n"
    )
    assert tables.run().ran == ["Made", "Root"]
    assert tables.run().ran == []


def test_a_table_that_changes_while_its_consumer_runs(tables: Project) -> None:
    """What was made of the table meanwhile is not kept."""
    tables.edit(
        'self.put(self.input().read() + " root")',
        "self.put(self.input().read())\n        self.input().write('somebody')",
    )
    run = tables.run(expected=5)
    assert "its input Table(word=a) changed while it ran" in run.stderr


def test_a_table_task_that_yields(tables: Project) -> None:
    """What it yields stands in no key, so it runs each time."""
    tables.edit(
        "with self.input().open() as file:", "yield Start()\n        with self.input().open() as file:"
    )
    tables.run("Table")
    assert "Table(word=a)" in tables.run("Table").ran


def test_user_code_that_asks(tables: Project) -> None:
    """``complete()`` of a table's task is answered by key: no, where another key wrote the table."""
    tables.tasks(
        PIPELINE.replace("class Root", "class Old")
        + """

    class Root(Text):
        def requires(self):
            return Start()

        def run(self):
            self.put(str(Table(word="a").complete()))
    """
    )
    tables.run("Table", "--word", "a")
    tables.run("Table", "--word", "b")
    tables.run("Root", expected=5)  # what it was told is in no key
    assert tables.text("Root") == "False"


def test_a_time_to_live(tables: Project) -> None:
    """A table that is older than its task declares is written anew."""
    tables.edit("class Table(TableTask):", "@luisy.declares(time_to_live=1e-9)\nclass Table(TableTask):")
    tables.run("Table")
    run = tables.run("Table")
    assert run.ran == ["Table(word=a)"]
    assert run.reason("Table(word=a)") == "expired"


def test_two_at_once(tables: Project) -> None:
    """Two runs of one task at the same time: one of them writes the table, the other one finds it."""
    tables.edit("with self.input()", "import time\n        time.sleep(1)\n        with self.input()")
    tables.run("Start")
    both = [tables.start("Table"), tables.start("Table")]
    assert [process.wait() for process in both] == [0, 0]
    assert tables.trail().count("Table(word=a)") == 1
    for process in both:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()

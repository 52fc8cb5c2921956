"""What a class declares with ``luisy.declares``, as it shows in whole runs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

DECLARING = """
    HERE = Path(__file__).parent


    @luisy.declares(files="rates.yml", env=["MODE"])
    class Rated(Text):
        def run(self):
            path = HERE / "rates.yml"
            self.put((path.read_text() if path.exists() else "none") + os.environ.get("MODE", ""))


    class Other(Text):
        def run(self):
            self.put("other")


    class Root(Text):
        def requires(self):
            return [Rated(), Other()]

        def run(self):
            self.put(self.taken())
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_declared_file_counts_by_its_content(project: Project, workers: str) -> None:
    """Another content of a declared file executes its task and what depends on it, and nothing else."""
    project.tasks(DECLARING)
    (project.code / "rates.yml").write_text("1")
    project.run("--workers", workers)
    (project.code / "rates.yml").write_text("2")
    assert sorted(project.run("--workers", workers).ran) == ["Rated", "Root"]
    assert project.text("Root") == "2other"
    (project.code / "rates.yml").write_text("1")
    assert project.run("--workers", workers).ran == []
    assert project.text("Root") == "1other"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_declared_variable_counts_by_its_value(
    project: Project, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another value of a declared variable executes its task; that it is not set is one of its values."""
    project.tasks(DECLARING)
    project.run("--workers", workers)
    monkeypatch.setenv("MODE", "fast")
    assert sorted(project.run("--workers", workers).ran) == ["Rated", "Root"]
    assert project.text("Root") == "nonefastother"
    monkeypatch.setenv("MODE", "")
    assert "Rated" in project.run("--workers", workers).ran


def test_an_absent_file_is_a_state_of_its_own(project: Project) -> None:
    """A declared file that is not there is told, and its coming executes the task."""
    project.tasks(DECLARING)
    assert "declared-absent: Rated declares rates.yml" in project.run().stderr
    assert project.run().ran == []
    (project.code / "rates.yml").write_text("")
    run = project.run()
    assert sorted(run.ran) == ["Rated", "Root"]
    assert "declared-absent" not in run.stderr


def test_the_key_shows_what_is_declared(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of a key name declared files and variables; of a variable's value nothing can be guessed."""
    monkeypatch.setenv("MODE", "hunter2")
    project.tasks(DECLARING.replace('env=["MODE"]', 'env=["MODE", "NONE"], version=3'))
    parts = project.luisy("key", "--json", "--module", "pipe", "Rated").document["parts"]
    declared = {name: value for name, value in parts.items() if name.startswith("declared ")}
    assert declared.pop("declared env MODE").startswith("hidden ")
    assert declared == {
        "declared version": "3",
        "declared env NONE": "absent",
        "declared file rates.yml": "absent",
    }


def test_no_value_of_a_variable_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither store nor output of the commands has the value of a declared or observed variable, or a plain digest."""
    monkeypatch.setenv("MODE", "a-secret-mode")
    monkeypatch.setenv("SEEN", "a-seen-secret")
    project.tasks(
        '    SEEN = os.environ["SEEN"]\n' + DECLARING.replace('self.put("other")', "self.put(SEEN[:1])")
    )
    project.edit(' + os.environ.get("MODE", "")', ' + os.environ.get("MODE", "")[:1]')
    said = project.run()
    shown = project.luisy("key", "--all", "--json", "--module", "pipe", "Root")
    kept = b"".join(path.read_bytes() for path in project.store.rglob("*") if path.is_file())
    for secret in ("a-secret-mode", "a-seen-secret"):
        assert secret not in said.stdout + said.stderr + shown.stdout
        assert secret.encode() not in kept


def test_what_changes_while_the_task_runs_is_not_kept(project: Project) -> None:
    """If a declared file changes while its task runs, nobody knows what it read, and the result is not kept."""
    project.tasks(
        """
        @luisy.declares(files="rates.yml")
        class Root(Text):
            def run(self):
                path = Path(__file__).parent / "rates.yml"
                self.put(path.read_text())
                path.write_text(path.read_text() + "1")
        """
    )
    (project.code / "rates.yml").write_text("1")
    assert "file rates.yml, which it declares, changed while it ran" in project.run(expected=5).stderr


def test_a_glob_counts_what_comes_and_goes(project: Project) -> None:
    """A file that joins or leaves what a declared glob matches executes the task."""
    project.tasks(
        """
        @luisy.declares(files="conf/*.yml")
        class Root(Text):
            def run(self):
                self.put("".join(p.read_text() for p in sorted((Path(__file__).parent / "conf").glob("*.yml"))))
        """
    )
    (project.code / "conf").mkdir()
    (project.code / "conf" / "a.yml").write_text("a")
    project.run()
    (project.code / "conf" / "b.yml").write_text("b")
    assert project.run().ran == ["Root"]
    (project.code / "conf" / "notes.txt").write_text("no")
    assert project.run().ran == []
    (project.code / "conf" / "a.yml").unlink()
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "b"


def test_another_version_is_another_result(project: Project) -> None:
    """A declared version executes its task when it changes, and its old result comes back with the old version."""
    project.tasks(
        """
        @luisy.declares(version="1")
        class Root(Text):
            def run(self):
                self.put("root")
        """
    )
    project.run()
    project.edit('"1"', '"2"')
    assert project.run().ran == ["Root"]
    project.edit('"2"', '"1"')
    assert project.run().ran == []


def test_ignored_names_do_not_count(project: Project) -> None:
    """A name that a class declares to ignore changes its key no more, and that of other classes still."""
    project.tasks(
        """
        import tracing

        LABEL = "a"


        @luisy.declares(ignore=["LABEL", "tracing.trace"])
        class Ignoring(Text):
            def run(self):
                self.put(str(tracing.trace(LABEL)))


        class Root(Text):
            def requires(self):
                return Ignoring()

            def run(self):
                self.put(str(tracing.trace(LABEL)))
        """
    )
    project.write("tracing", "def trace(x):\n    return 1\n")
    project.run()
    project.edit('LABEL = "a"', 'LABEL = "b"')
    project.write("tracing", "def trace(x):\n    return 2\n")
    assert project.run().ran == ["Root"]


def test_an_ignored_name_that_is_not_there_is_told(project: Project) -> None:
    """A misspelled name to ignore makes the task not cacheable, and the reason names it."""
    project.tasks(
        """
        @luisy.declares(ignore="LABLE")
        class Root(Text):
            def run(self):
                self.put("root")
        """
    )
    assert "declares to ignore LABLE" in project.run().task("Root")["reason"]["text"]


def test_what_is_declared_is_no_code(project: Project) -> None:
    """To declare a time to live, or a file that counts already, executes nothing."""
    project.tasks(
        """
        class Root(Text):
            def run(self):
                self.put("root")
        """
    )
    project.run()
    project.edit("class Root(Text):", "@luisy.declares(time_to_live=10**9)\nclass Root(Text):")
    assert project.run().ran == []


EXPIRING = """
    @luisy.declares(time_to_live=1000)
    class Fresh(Text):
        def run(self):
            self.put(Path(os.environ["DATA"], "source").read_text())


    class Root(Text):
        def requires(self):
            return Fresh()

        def run(self):
            self.put(self.taken() + " root")
"""


def age(project: Project, seconds: float) -> None:
    """Make all results older: the actions' files are edited as ``cas`` writes them, and the index made anew."""
    script = f"""
        import dataclasses, os, sys
        from pathlib import Path
        from luisy.cas import Store
        store = Store.open({str(project.store)!r})
        for listed in store.list_actions():
            action = store.action(listed.key)
            store.record(dataclasses.replace(action, created=action.created - {seconds}), superseding=True)
        store.close()
    """
    project.python(script)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_result_that_is_too_old_counts_as_none(project: Project, workers: str) -> None:
    """After its time to live a task executes again; its consumers do if its content is another one."""
    project.tasks(EXPIRING)
    (project.data / "source").write_text("1")
    project.run("--workers", workers, "--audit", "off")
    assert project.run("--workers", workers).ran == []
    age(project, 2000)
    run = project.run("--workers", workers, "--audit", "off")
    assert run.ran == ["Fresh"]
    assert run.reason("Fresh") == "expired"
    age(project, 2000)
    (project.data / "source").write_text("2")
    assert sorted(project.run("--workers", workers, "--audit", "off").ran) == ["Fresh", "Root"]
    assert project.text("Root") == "2 root"
    assert project.run("--workers", workers).ran == []


def test_a_task_may_be_uncacheable_by_declaration(project: Project) -> None:
    """A task that declares that it is not cacheable runs as under Luigi, with its reason; its consumers are cached."""
    project.tasks(
        """
        @luisy.declares(uncacheable="it asks a web page")
        class Page(Text):
            def run(self):
                self.put("page")


        class Root(Text):
            def requires(self):
                return Page()

            def run(self):
                self.put(self.taken() + " root")
        """
    )
    run = project.run()
    assert run.task("Page")["cacheable"] is False
    assert run.task("Page")["reason"]["text"] == "not cacheable: it asks a web page"
    assert project.run().ran == []
    project.output("Root").unlink()
    assert project.run().ran == []  # its result is in the store
    project.remove_outputs()
    assert project.run().ran == ["Page"]


TABLE = """
    class Row(luigi.Target):
        def exists(self):
            return os.path.exists(os.environ["DATA"] + "/row")


    @luisy.declares(version="1")
    class Table(luigi.Task):
        def output(self):
            return Row()

        def run(self):
            open(os.environ["DATA"] + "/row", "w").close()


    class Root(Text):
        def requires(self):
            return Table()

        def run(self):
            self.put("root")
"""


@pytest.mark.parametrize("external", [False, True])
def test_a_version_stands_for_what_has_no_files(project: Project, *, external: bool) -> None:
    """The consumer of a task whose outputs are no files is cached if that one declares a version, and counts it."""
    project.tasks(
        TABLE.replace("class Table(luigi.Task)", "class Table(luigi.ExternalTask)") if external else TABLE
    )
    if external:
        project.edit('    def run(self):\n        open(os.environ["DATA"] + "/row", "w").close()\n', "")
        (project.data / "row").touch()
    run = project.run()
    assert run.task("Root")["cacheable"] is True
    assert project.run().ran == []
    project.edit('version="1"', 'version="2"')
    assert project.run().ran == ["Root"]


def test_without_a_version_the_consumer_is_not_cacheable(project: Project) -> None:
    """Nothing says what was read of a task without files, so its consumer is not cacheable and says why."""
    project.tasks(TABLE.replace('    @luisy.declares(version="1")\n', ""))
    task = project.run().task("Root")
    assert task["cacheable"] is False
    assert "neither files to count by content nor a declared version" in task["reason"]["text"]


def test_another_checkout_has_the_same_key(project: Project) -> None:
    """Keys with declared and observed files are the same wherever the code lies."""
    project.tasks("    TEXT = (Path(__file__).parent / 'text').read_text()\n" + DECLARING)
    project.edit('self.put("other")', "self.put(TEXT)")
    for name in ("rates.yml", "text"):
        (project.code / name).write_text(name)
    first = project.luisy("key", "--all", "--json", "--module", "pipe", "Root").document
    other = project.folder / "elsewhere" / "deep"
    other.parent.mkdir()
    os.rename(project.code, other)
    project.code = other
    second = project.luisy("key", "--all", "--json", "--module", "pipe", "Root").document
    assert json.dumps(first) == json.dumps(second)

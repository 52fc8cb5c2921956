"""What depends on a changed input executes again, and nothing else: raw data, early cutoff, wrappers, force."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.projects import Project

TWO_SIDES = """
    class Left(Text):
        def requires(self):
            return Raw(name="left")

        def run(self):
            self.put(self.taken() + " L")


    class Right(Text):
        def requires(self):
            return Raw(name="right")

        def run(self):
            self.put(self.taken() + " R")


    class Root(Text):
        def requires(self):
            return [Left(), Right()]

        def run(self):
            self.put(self.taken() + " root")
"""


def test_changed_raw_data_reruns_what_depends_on_it(project: Project) -> None:
    """One of two raw files changed: its side and the root execute, the other side does not."""
    project.tasks(TWO_SIDES)
    project.raw("l", "left")
    project.raw("r", "right")
    project.run()
    project.raw("other", "left")
    assert project.run().ran == ["Left", "Root"]
    assert project.text("Root") == "other Lr R root"


def test_a_touched_but_equal_raw_file_reruns_nothing(project: Project) -> None:
    """The content counts, not the time of the last change."""
    project.tasks(TWO_SIDES)
    project.raw("l", "left")
    project.raw("r", "right")
    project.run()
    os.utime(project.raw("l", "left"), (2_000_000_000, 2_000_000_000))
    assert project.run().ran == []


def test_raw_data_changed_and_changed_back_reruns_nothing(project: Project) -> None:
    """The results for the first content are still there."""
    project.tasks(TWO_SIDES)
    project.raw("l", "left")
    project.raw("r", "right")
    project.run()
    project.raw("other", "left")
    project.run()
    project.raw("l", "left")
    assert project.run().ran == []
    assert project.text("Root") == "l Lr R root"


def test_raw_data_of_equal_size_and_time_is_hashed_again(project: Project) -> None:
    """A file whose size and mtime were forged still has another ctime."""
    project.tasks(TWO_SIDES)
    path = project.raw("l", "left")
    project.raw("r", "right")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    project.run()
    project.raw("k", "left")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert project.run().ran == ["Left", "Root"]


CUTOFF = """
    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken()[:1])


    class Middle(Text):
        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken() + " middle")


    class Root(Text):
        def requires(self):
            return Middle()

        def run(self):
            self.put(self.taken() + " root")
"""


def test_equal_bytes_end_the_execution(project: Project) -> None:
    """Changed code that makes the same bytes: that task executes, what is below is reused."""
    project.tasks(CUTOFF)
    project.raw("abc")
    project.run()
    project.edit("self.taken()[:1]", "self.taken()[0:1]")
    second = project.run()
    assert second.ran == ["Upstream"]
    assert second.outcomes == {
        "Raw(name=raw)": "local",
        "Upstream": "executed",
        "Middle": "reused",
        "Root": "reused",
    }
    third = project.run()
    assert third.ran == []
    assert third.counts == {"local": 4}


def test_equal_bytes_from_changed_raw_data_end_the_execution(project: Project) -> None:
    """The same where raw data changed."""
    project.tasks(CUTOFF)
    project.raw("abc")
    project.run()
    project.raw("axy")
    assert project.run().ran == ["Upstream"]
    project.raw("bxy")
    assert project.run().ran == ["Upstream", "Middle", "Root"]
    assert project.text("Root") == "b middle root"


def test_a_reused_result_is_put_in_its_place(project: Project) -> None:
    """Early cutoff after the outputs were removed brings them back."""
    project.tasks(CUTOFF)
    project.raw("abc")
    project.run()
    before = project.outputs()
    project.remove_outputs()
    project.edit("self.taken()[:1]", "self.taken()[0:1]")
    assert project.run().ran == ["Upstream"]
    assert project.outputs() == before


def test_who_read_an_undeclared_file_is_not_reused(project: Project) -> None:
    """A run() that opened another file of the workspace may depend on it: no early cutoff."""
    project.tasks(CUTOFF)
    project.raw("abc")
    (project.data / "notes.txt").write_text("notes")
    project.edit('self.taken() + " middle"', 'self.taken() + open(DATA / "notes.txt").read()')
    assert project.run().ran == ["Upstream", "Middle", "Root"]
    project.edit("self.taken()[:1]", "self.taken()[0:1]")
    assert project.run().ran == ["Upstream", "Middle"]


def test_who_read_the_output_of_an_input_s_input_is_not_reused(project: Project) -> None:
    """Only direct inputs are keyed by content; a file further up is not among them."""
    project.tasks(CUTOFF)
    project.raw("abc")
    project.edit('self.taken() + " middle"', "self.taken() + open(Raw().output().path).read()")
    project.run()
    project.raw("axy")
    assert project.run().ran == ["Upstream", "Middle", "Root"]
    assert project.text("Root") == "aaxy root"


def test_who_looked_for_a_file_that_is_not_there_is_not_reused(project: Project) -> None:
    """The absence of a file is known by trying to open it."""
    project.tasks(CUTOFF)
    project.raw("abc")
    project.edit(
        'self.put(self.taken() + " middle")',
        """try:
            more = open(DATA / "notes.txt").read()
        except FileNotFoundError:
            more = " none"
        self.put(self.taken() + more)""",
    )
    project.run()
    (project.data / "notes.txt").write_text("notes")
    project.raw("axy")
    assert project.run().ran == ["Upstream", "Middle", "Root"]
    assert project.text("Root") == "anotes root"


def test_who_listed_a_folder_of_the_workspace_is_not_reused(project: Project) -> None:
    """What lies in a folder is an input, too."""
    project.tasks(CUTOFF)
    project.raw("abc")
    (project.data / "many").mkdir()
    project.edit('self.taken() + " middle"', 'self.taken() + str(len(os.listdir(DATA / "many")))')
    project.run()
    (project.data / "many" / "one").touch()
    project.raw("axy")
    assert project.run().ran == ["Upstream", "Middle", "Root"]
    assert project.text("Root") == "a1 root"


def test_who_started_a_process_is_not_reused(project: Project) -> None:
    """What another process read was not seen."""
    project.tasks(CUTOFF)
    project.raw("abc")
    project.edit(
        'self.taken() + " middle"', 'self.taken() + subprocess.check_output(["echo", "x"], text=True)'
    )
    project.run()
    project.edit("self.taken()[:1]", "self.taken()[0:1]")
    assert project.run().ran == ["Upstream", "Middle"]


def test_a_folder_as_input_may_be_read_wholly(project: Project) -> None:
    """The files inside a direct input that is a folder are that input."""
    project.tasks(
        """
        class Upstream(luigi.Task):
            def requires(self):
                return Raw()

            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "tree")

            def run(self):
                Path(self.output().path).mkdir(parents=True)
                (Path(self.output().path) / "a").write_text(open(self.input().path).read()[:1])


        class Root(Text):
            def requires(self):
                return Upstream()

            def run(self):
                tree = Path(self.input().path)
                self.put("".join(path.name + path.read_text() for path in tree.iterdir()))
        """
    )
    project.raw("abc")
    assert project.run().ran == ["Upstream", "Root"]
    project.raw("axy")
    assert project.run().ran == ["Upstream"]
    project.raw("bxy")
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Root") == "ab"


WRAPPED = """
    class Left(Text):
        def requires(self):
            return Raw(name="left")

        def run(self):
            self.put(self.taken()[:1])


    class Right(Text):
        def run(self):
            self.put("R")


    class Inner(luigi.WrapperTask):
        def requires(self):
            return [Left()]


    class Both(luigi.WrapperTask):
        def requires(self):
            return {"inner": Inner(), "right": Right()}


    class Root(Text):
        def requires(self):
            return Both()

        def run(self):
            self.put(open(Left().output().path).read() + open(Right().output().path).read())
"""


def test_a_change_behind_a_wrapper_reaches_the_consumer(project: Project) -> None:
    """A wrapper without run() is transparent for keys, wrapped twice or not."""
    project.tasks(WRAPPED)
    project.raw("abc", "left")
    assert sorted(project.run().ran) == ["Left", "Right", "Root"]
    project.edit('self.put("R")', 'self.put("S")')
    assert project.run().ran == ["Right", "Root"]
    assert project.text("Root") == "aS"
    project.raw("bcd", "left")
    assert project.run().ran == ["Left", "Root"]
    assert project.text("Root") == "bS"


def test_equal_bytes_behind_a_wrapper_end_the_execution(project: Project) -> None:
    """In a shallow key a wrapper stands for its inputs' contents, so what is behind it may be read."""
    project.tasks(WRAPPED)
    project.raw("abc", "left")
    project.run()
    project.raw("axy", "left")
    second = project.run()
    assert second.ran == ["Left"]
    assert second.outcomes["Root"] == "reused"
    assert second.outcomes["Both"] == "local"


def test_a_wrapper_is_never_executed(project: Project) -> None:
    """A wrapper as root: its inputs are looked after, it itself is ``local``."""
    project.tasks(WRAPPED)
    project.raw("abc", "left")
    assert project.run("Both").outcomes["Both"] == "local"
    project.remove_outputs()
    again = project.run("Both")
    assert again.ran == []
    assert again.outcomes["Both"] == "local"
    assert project.text("Left") == "a"


def test_a_change_in_the_body_of_a_wrapper_executes_nothing(project: Project) -> None:
    """Its key is made of its inputs' keys, not of its code."""
    project.tasks(WRAPPED)
    project.raw("abc", "left")
    project.run()
    project.edit("class Inner(luigi.WrapperTask):", "class Inner(luigi.WrapperTask):\n    more = 1\n")
    assert project.run().ran == []


def test_who_swaps_its_inputs_executes(project: Project) -> None:
    """The order of requires() is part of the key, deep and shallow."""
    project.tasks(TWO_SIDES)
    project.raw("l", "left")
    project.raw("r", "right")
    project.run()
    project.edit("[Left(), Right()]", "[Right(), Left()]")
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "r Rl L root"


def test_the_inputs_choice_by_a_config_counts(project: Project) -> None:
    """requires() that follows an option of luigi.cfg: equal code, other inputs, other result."""
    project.tasks(
        """
        class which(luigi.Config):
            name = luigi.Parameter(default="left")


        class Root(Text):
            def requires(self):
                return Raw(name=which().name)

            def run(self):
                self.put(self.taken())
        """
    )
    project.raw("l", "left")
    project.raw("r", "right")
    project.cold()
    (project.code / "luigi.cfg").write_text("[which]\nname=right\n")
    assert project.cold().ran == ["Root"]
    assert project.text("Root") == "r"


# --- force

# Upstream counts how often it ran: its content changes with each execution.
COUNTING = """
    class Upstream(Text):
        def run(self):
            counter = DATA.parent / "counter"
            counter.write_text(str(int(counter.read_text()) + 1))
            self.put(counter.read_text())


    class Middle(Text):
        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken() + " middle")


    class Root(Text):
        def requires(self):
            return Middle()

        def run(self):
            self.put(self.taken() + " root")
"""


def counting(project: Project) -> Project:
    """A pipeline whose first task writes another number each time."""
    project.tasks(COUNTING)
    (project.folder / "counter").write_text("0")
    project.run()
    return project


def test_a_forced_upstream_is_not_hidden_by_deep_keys(project: Project) -> None:
    """After the upstream task was forced and wrote something else, its consumers execute, transitively."""
    counting(project)
    assert project.run("Upstream", "--force").ran == ["Upstream"]
    assert project.run().ran == ["Middle", "Root"]
    assert project.text("Root") == "2 middle root"
    assert project.run().ran == []


def test_a_forced_upstream_counts_though_its_consumer_s_result_is_asked_alone(project: Project) -> None:
    """The root's deep key hits, its input has a newer result: the chain between decides."""
    counting(project)
    project.run("Upstream", "--force")
    project.remove_outputs()
    assert project.run().ran == ["Middle", "Root"]
    assert project.text("Root") == "2 middle root"


def test_a_forced_task_that_writes_the_same_changes_nothing(project: Project) -> None:
    """The forced result has the old digest: what was made from it still counts."""
    counting(project)
    project.edit("str(int(counter.read_text()) + 1)", '"7"')
    project.run()
    assert project.run("Upstream", "--force").ran == ["Upstream"]
    assert project.run().ran == []


def test_force_in_the_middle_of_a_chain(project: Project) -> None:
    """``--force`` executes the root alone; what is upstream stays."""
    counting(project)
    assert project.run("--force").ran == ["Root"]
    assert project.run("Middle", "--force").ran == ["Middle"]
    assert project.run().ran == []


def test_force_all_executes_everything(project: Project) -> None:
    """``--force-all`` executes each task once and everything is consistent afterwards."""
    counting(project)
    assert project.run("--force-all").ran == ["Upstream", "Middle", "Root"]
    assert project.text("Root") == "2 middle root"
    assert project.run().ran == []


def test_a_gap_whose_inputs_are_unchanged_is_no_reason_to_execute_the_root(project: Project) -> None:
    """Middle's result is gone but the root's deep key hits, and nothing upstream was superseded."""
    counting(project)
    forget(project, "Middle")
    assert project.run().ran == []


def forget(project: Project, family: str) -> None:
    """Take the actions of *family* out of the store, as gc will."""
    project.python(
        f"""
        import os, sqlite3
        from pathlib import Path

        store = Path(os.environ["WORKING_DIR"]) / ".luisy"
        index = sqlite3.connect(store / "index.db")
        rows = index.execute(
            "select a.id, a.key from actions a join tasks t on t.id = a.task where t.family = {family!r}"
        ).fetchall()
        assert rows
        for id_, key in rows:
            name = key.hex()
            (store / "actions" / name[:2] / name[2:]).unlink()
            index.execute("delete from actions where id = ?", (id_,))
            index.execute("delete from aliases where action_key = ?", (key,))
        index.commit()
        """
    )


def test_who_read_a_parquet_file_besides_is_not_reused(project: Project) -> None:
    """Pyarrow opens files in C; luisy's own targets report what they read."""
    project.tasks(CUTOFF)
    project.edit(
        "class Middle(Text):",
        """@luisy.parquet_output
@luisy.interim
class Table(luisy.Task):
    def requires(self):
        return Raw()

    def run(self):
        import pandas

        self.write(pandas.DataFrame({"text": [open(self.input().path).read()]}))


class Far(Text):
    def requires(self):
        return Table()

    def run(self):
        self.put("far")


class Middle(Text):""",
    )
    project.edit("return Upstream()", "return [Upstream(), Far()]")
    project.edit('self.taken() + " middle"', 'self.taken() + Table().read()["text"][0]')
    project.raw("abc")
    project.run()
    project.raw("axy")
    assert "Middle" in project.run().ran
    assert project.text("Root") == "afaraxy root"


def test_a_plan_touches_nothing(project: Project) -> None:
    """Neither a new workspace nor a used one: no file appears, none goes."""
    project.tasks(CUTOFF)
    project.raw("abc")
    before = everything(project)
    assert project.plan().counts == {"local": 1, "executed": 3}
    assert everything(project) == before
    project.run()
    project.edit('" root"', '" ROOT"')
    project.place("Upstream").write_text("edited")
    outputs = project.outputs()
    assert project.plan().outcomes["Root"] == "executed"
    assert project.outputs() == outputs


def everything(project: Project) -> set[str]:
    """All paths below the working dir."""
    return {str(path) for path in project.data.rglob("*")}


def test_a_forced_upstream_below_a_dynamic_task(project: Project) -> None:
    """A yielded task was forced and wrote something else: what yielded it executes again."""
    project.tasks(
        COUNTING.replace(
            "class Root(Text):\n        def requires(self):\n            return Middle()\n",
            "class Root(Text):",
        )
    )
    project.edit(
        'self.put(self.taken() + " root")',
        'target = yield Middle()\n        self.put(open(target.path).read() + " root")',
    )
    (project.folder / "counter").write_text("0")
    project.run()
    assert project.text("Root") == "1 middle root"
    project.run("Upstream", "--force")
    assert set(project.run().ran) == {"Middle", "Root"}
    assert project.text("Root") == "2 middle root"
    assert project.run().ran == []


def test_a_forced_upstream_behind_a_wrapper(project: Project) -> None:
    """The content of what a wrapper stands for counts, too."""
    project.tasks(
        COUNTING.replace(
            "class Middle(Text):",
            "class Between(luigi.WrapperTask):\n        def requires(self):\n            return Upstream()\n\n\n    class Middle(Text):",
        )
    )
    project.edit("return Upstream()\n\n    def run(self):", "return Between()\n\n    def run(self):")
    project.edit('self.taken() + " middle"', 'open(Upstream().output().path).read() + " middle"')
    (project.folder / "counter").write_text("0")
    project.run()
    project.run("Upstream", "--force")
    assert project.run().ran == ["Middle", "Root"]
    assert project.text("Root") == "2 middle root"

"""What was executed once is not executed again: second runs, lost outputs, code switched forth and back."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.projects import Project

CHAIN = """
    class First(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " first")


    class Second(Text):
        def requires(self):
            return First()

        def run(self):
            self.put(self.taken() + " second")


    class Root(Text):
        def requires(self):
            return {"a": Second(), "raw": Raw()}

        def run(self):
            self.put(self.taken() + " root")
"""


def chain(project: Project) -> Project:
    """Three tasks over one raw file."""
    project.tasks(CHAIN)
    project.raw("raw")
    return project


def test_a_second_run_executes_nothing(project: Project) -> None:
    """An unchanged pipeline is served as it is."""
    assert chain(project).run().ran == ["First", "Second", "Root"]
    before = project.outputs()
    second = project.run()
    assert second.ran == []
    assert second.counts == {"local": 4}
    assert project.outputs() == before


def test_lost_outputs_come_back_without_execution(project: Project) -> None:
    """After ``rm -rf`` of the outputs every file of the whole pipeline is back, byte for byte."""
    chain(project).run()
    before = project.outputs()
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before


def test_a_fresh_workspace_on_the_same_store_is_filled(project: Project) -> None:
    """The store serves another working dir: keys know no path."""
    chain(project).run()
    before = project.outputs()
    shutil.copytree(project.store, project.folder / "store")
    shutil.rmtree(project.data)
    (project.data / "pipe").mkdir(parents=True)
    (project.data / "raw").mkdir()
    project.raw("raw")
    again = project.run("--store", str(project.folder / "store"))
    assert again.ran == []
    assert project.outputs() == before


OUTPUTS = """
    class Root(luigi.Task):
        def output(self):
            return {
                "several": [luigi.LocalTarget(DATA / "pipe" / "a.txt"), luigi.LocalTarget(DATA / "pipe" / "b.bin")],
                "folder": luigi.LocalTarget(DATA / "pipe" / "tree"),
            }

        def run(self):
            several = self.output()["several"]
            Path(several[0].path).write_text("a")
            Path(several[1].path).write_bytes(bytes(range(256)))
            tree = Path(self.output()["folder"].path)
            (tree / "deep" / "empty").mkdir(parents=True)
            (tree / "empty").mkdir()
            (tree / "program").write_text("#!/bin/sh\\n")
            (tree / "program").chmod(0o755)
            (tree / "deep" / "link").symlink_to("../program")
            (tree / "dangling").symlink_to("nowhere")
            (tree / "link-to-folder").symlink_to("deep")
            (tree / "name with \\udcff byte").write_text("x")
            (tree / "nothing").write_text("")
"""


def test_every_kind_of_output_comes_back(project: Project) -> None:
    """Several outputs, folders with empty ones, links, execute bits, odd names: all as they were."""
    project.tasks(OUTPUTS)
    assert project.run().ran == ["Root"]
    before = project.outputs()
    assert len(before) == 13
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before


def test_one_lost_file_of_a_folder_comes_back(project: Project) -> None:
    """A folder that lacks a file, or has one too many, is not in place."""
    project.tasks(OUTPUTS)
    project.run()
    before = project.outputs()
    (project.data / "pipe" / "tree" / "nothing").unlink()
    (project.data / "pipe" / "tree" / "deep" / "more").write_text("more")
    assert project.run().ran == []
    assert project.outputs() == before


def test_a_lost_execute_bit_comes_back(project: Project) -> None:
    """Whether a file can be executed is part of the result."""
    project.tasks(OUTPUTS)
    project.run()
    before = project.outputs()
    (project.data / "pipe" / "tree" / "program").chmod(0o644)
    assert project.run().ran == []
    assert project.outputs() == before


def test_side_outputs_come_back(project: Project) -> None:
    """What ``side_outputs`` declares is kept and restored like the output itself."""
    project.tasks(
        """
        @luisy.json_output
        @luisy.final
        class Root(luisy.Task):
            side_outputs = ("{name}.log",)

            def run(self):
                self.write({"a": 1})
                (Path(self.get_outdir()) / "Root.log").write_text("log")
        """
    )
    assert project.run().ran == ["Root"]
    before = project.outputs()
    assert before[os.path.join("pipe", "final", "Root.log")] == (b"log", False)
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before


def test_code_switched_forth_and_back_executes_nothing(project: Project) -> None:
    """Results of the first code are still there when it comes back, and so are those of the second."""
    chain(project).run()
    first = project.outputs()
    project.edit('" second"', '" zweites"')
    assert project.run().ran == ["Second", "Root"]
    second = project.outputs()
    assert second != first
    project.edit('" zweites"', '" second"')
    assert project.run().ran == []
    assert project.outputs() == first
    project.edit('" second"', '" zweites"')
    assert project.run().ran == []
    assert project.outputs() == second


def test_a_changed_comment_executes_nothing(project: Project) -> None:
    """What does not change the code does not change the key."""
    chain(project).run()
    project.edit("class Second(Text):", "class Second(Text):  # noted")
    assert project.run().ran == []


def test_a_changed_function_in_another_module_executes_its_users(project: Project) -> None:
    """The base module's ``put`` is part of every task's code."""
    chain(project).run()
    project.edit("file.write(text)", 'file.write(text + ".")', module="base")
    assert project.run().ran == ["First", "Second", "Root"]
    assert project.text("Root") == "raw first. second.raw root."

"""A result is filed only under the inputs, code and requirements it really had; else it stays, and the run says why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project, Run

SIMPLE = """
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
"""


def simple(project: Project, upstream: str = "", root: str = "") -> Project:
    """Two tasks over a raw file, with more lines at the beginning of their ``run()``."""
    project.tasks(SIMPLE)
    if upstream:
        project.edit('self.put(self.taken() + " up")', f'{upstream}\n        self.put(self.taken() + " up")')
    if root:
        project.edit('self.put(self.taken() + " root")', f'{root}\n        self.put(self.taken() + " root")')
    project.raw("raw")
    return project


def not_kept(run: Run, family: str, why: str) -> bool:
    """Whether the run says with the words *why* that an executed task's result was not kept."""
    told = [line for line in run.stderr.splitlines() if f"not kept: {family}()" in line]
    return run.outcomes[family] == "executed" and len(told) == 1 and why in told[0]


def once(line: str) -> str:
    """*line*, but in the first run only."""
    return f"""flag = DATA.parent / "once"
        if not flag.exists():
            flag.touch()
            {line}"""


def test_an_input_that_changes_during_run_is_noticed(project: Project) -> None:
    """Raw data rewritten while its reader runs: nothing is kept, exit code 5, the next run makes it right."""
    simple(project, upstream=once('(DATA / "raw" / "raw.txt").write_text("new")'))
    first = project.run(expected=5)
    assert not_kept(first, "Upstream", "its input")
    assert project.run().ran == ["Upstream"]
    assert project.text("Root") == "new up root"
    assert project.run().ran == []


def test_an_input_changed_by_its_consumer_is_noticed(project: Project) -> None:
    """A consumer that appends to its input spoils only itself; the input comes back as it was."""
    simple(project, root=once('open(self.input().path, "a").write("!")'))
    first = project.run(expected=5)
    assert not_kept(first, "Root", "its input")
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "raw up root"


def test_what_was_not_kept_is_no_wrong_input(project: Project) -> None:
    """A consumer of a result that was not kept is filed under what it really read, or not at all."""
    simple(project, upstream=once('(DATA / "raw" / "raw.txt").write_text("new")'))
    project.run(expected=5)
    project.raw("raw")
    project.run()
    assert project.text("Root") == "raw up root"


def test_code_that_changes_during_run_is_noticed(project: Project) -> None:
    """A task whose module is rewritten while it runs is filed under neither version."""
    simple(
        project,
        upstream=once(
            "source = Path(__file__); source.write_text(source.read_text().replace('\" ' + 'up\"', '\" UP\"'))"
        ),
    )
    first = project.run(expected=5)
    assert not_kept(first, "Upstream", "its source changed")
    again = project.run()
    assert again.ran == ["Upstream", "Root"]
    assert project.text("Root") == "raw UP root"
    project.edit('self.taken() + " UP"', 'self.taken() + " up"')
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Root") == "raw up root"


def test_code_of_a_helper_that_changes_during_run_is_noticed(project: Project) -> None:
    """The same for another module of the project that the task uses."""
    project.write("words", 'UP = " up"\n')
    simple(project, upstream=once('(Path(__file__).parent / "words.py").write_text(\'UP = " UP"\\n\')'))
    project.edit("import trail\n", "import trail\nimport words\n")
    project.edit('self.taken() + " up"', "self.taken() + words.UP")
    first = project.run(expected=5)
    assert not_kept(first, "Upstream", "its source changed")
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Root") == "raw UP root"


def test_code_that_changed_between_import_and_run_is_noticed(project: Project) -> None:
    """An upstream task that rewrites the module: the tasks after it run old code and are not filed under new."""
    simple(
        project,
        upstream=once(
            'source = Path(__file__); source.write_text(source.read_text().replace("ro" + "ot\\")", "R\\")"))'
        ),
    )
    project.run(expected=5)
    assert project.run().ran
    assert project.text("Root") == "raw upR" or project.text("Root") == "raw up R"


def test_code_that_changed_after_its_import_is_not_keyed(project: Project) -> None:
    """A module rewritten while the pipeline is imported: what is run is not what lies on disk."""
    simple(project)
    project.write(
        "entry",
        """
        from pathlib import Path

        import pipe

        path = Path(pipe.__file__)
        if '" root"' in path.read_text():
            path.write_text(path.read_text().replace('" root"', '" ROOT"'))
        from pipe import *
        """,
    )
    arguments = [word if word != "pipe" else "entry" for word in project.arguments("run")]
    first = project.luisy(*arguments)
    assert not first.task("Root")["cacheable"]
    assert project.text("Root") == "raw up root"
    project.run()
    assert project.text("Root") == "raw up ROOT"


CHANGING = """
    class A(Text):
        def run(self):
            self.put("a")


    class B(Text):
        def run(self):
            self.put("b")


    class Root(Text):
        def requires(self):
            calls = DATA.parent / "calls"
            number = int(calls.read_text()) if calls.exists() else 0
            calls.write_text(str(number + 1))
            return A() if number % 2 == 0 else B()

        def run(self):
            self.put(self.taken())
"""


def test_requires_that_differs_from_what_was_keyed(project: Project) -> None:
    """The second call of requires() names another task: what run() read is not what was keyed."""
    project.tasks(CHANGING)
    project.run("B")
    first = project.run(expected=5)
    assert not_kept(first, "Root", "requires()")


RUNNING = """
    import pickle


    class A(Text):
        def run(self):
            self.put("a")


    class B(Text):
        def run(self):
            self.put("b")


    class Both(luigi.WrapperTask):
        def requires(self):
            return CHOSEN


    class Root(Text):
        def requires(self):
            return REQUIRED

        def run(self):
            (DATA.parent / "running").touch()
            self.put(READ)
"""
PICKLED = "str(pickle.loads(pickle.dumps(self)).deps() == self.deps())"
ONE = 'B() if (DATA.parent / "running").exists() else A()'


def while_running(
    project: Project, required: str, read: str = "self.taken()", chosen: str = "[A(), B()]"
) -> Project:
    """A task that leaves a trace as soon as it runs, and requirements that may look for it."""
    project.tasks(RUNNING.replace("REQUIRED", required).replace("READ", read).replace("CHOSEN", chosen))
    project.run("B")
    return project


@pytest.mark.parametrize(
    ("required", "read"),
    [
        (ONE, "self.taken()"),
        (f"({ONE} for _ in range(1))", "self.input()[0].open().read()"),
        (f"[({ONE} for _ in range(1))]", "next(iter(self.requires()[0])).output().open().read()"),
        (ONE, "self.deps()[0].output().open().read()"),
    ],
)
def test_requires_that_differs_only_inside_run(project: Project, required: str, read: str) -> None:
    """What ``input()``, ``requires()`` and ``deps()`` say in ``run()`` is not filed under what was keyed."""
    while_running(project, required, read)
    assert not_kept(project.run(expected=5), "Root", "requires()")
    assert project.text("Root") == "b"
    (project.folder / "running").unlink()
    project.edit('(DATA.parent / "running").touch()', "pass")
    project.run()
    assert project.text("Root") == "a"


def test_labels_that_change_places_inside_run(project: Project) -> None:
    """The same tasks under other labels are other requirements."""
    first, second = (f'("{a}" if (DATA.parent / "running").exists() else "{b}")' for a, b in ("yx", "xy"))
    while_running(project, f"{{{first}: A(), {second}: B()}}", 'self.input()["x"].open().read()')
    assert not_kept(project.run(expected=5), "Root", "requires()")


def test_a_wrapper_that_requires_others_inside_run(project: Project) -> None:
    """A wrapper stands for its inputs: what it says while its consumer runs counts, too."""
    while_running(project, "Both()", "self.requires().requires().output().open().read()", chosen=ONE)
    assert not_kept(project.run(expected=5), "Root", "requires() of Both()")


@pytest.mark.parametrize(
    "required",
    ["(task for task in [A(), B()])", "{A(), B()}", '{"a": A(), "b": (x for x in [B()])}', "Both()"],
)
def test_requires_that_says_the_same_each_time_is_kept(project: Project, required: str) -> None:
    """Generators, sets and nesting are compared by what is in them; a pickle of the task holds nothing of luisy's."""
    while_running(project, required, PICKLED)
    project.run()
    assert project.text("Root") == "True"
    assert project.run().ran == []


def test_undeclared_side_files_are_told_and_hold_the_result_back(project: Project) -> None:
    """A file beside the outputs is named; the result is kept here, marked as not to be uploaded."""
    simple(project, root='(DATA / "beside.txt").write_text("x")')
    first = project.run()
    assert "beside.txt" in first.stderr
    assert "side_outputs" in first.stderr
    assert held_back(project) == {"Root": True, "Upstream": False}


def held_back(project: Project) -> dict[str, bool]:
    """For each family in the store whether its action is held back."""
    found = project.python(
        """
        import json, os, sqlite3

        index = sqlite3.connect(os.path.join(os.environ["WORKING_DIR"], ".luisy", "index.db"))
        rows = index.execute("select t.family, a.held_back from actions a join tasks t on t.id = a.task")
        print(json.dumps({family: bool(why) for family, why in rows}))
        """
    )
    told: dict[str, bool] = found.document
    return told


def test_a_temporary_file_that_is_removed_again_holds_nothing_back(project: Project) -> None:
    """Only what is left behind counts."""
    simple(project, root='(DATA / "beside.txt").write_text("x"); (DATA / "beside.txt").unlink()')
    first = project.run()
    assert "beside.txt" not in first.stderr
    assert held_back(project) == {"Root": False, "Upstream": False}


def test_files_outside_the_workspace_are_nobody_s_business(project: Project) -> None:
    """A log elsewhere holds nothing back."""
    simple(project, root='(DATA.parent / "log").write_text("x")')
    project.run()
    assert held_back(project) == {"Root": False, "Upstream": False}


# --- workspace files


def test_a_hand_edited_output_is_rescued_and_replaced(project: Project) -> None:
    """The user is told how to get the edit back; the result is in its place again; nothing executes."""
    simple(project).run()
    project.output("Root").write_text("edited")
    again = project.run()
    assert again.ran == []
    assert project.text("Root") == "raw up root"
    assert "luisy get" in again.stderr
    command = again.stderr.split("luisy get", 1)[1].split()
    digest = command[command.index("--at") + 1]
    project.luisy("get", "--module", "pipe", "Root", "--at", digest, "--to", str(project.folder / "back"))
    assert (project.folder / "back").read_text() == "edited"


def test_a_rescued_file_keeps_its_executable_bit(project: Project) -> None:
    """A script that somebody put in a result's place comes back as a script."""
    simple(project).run()
    project.output("Root").write_text("#!/bin/sh")
    project.output("Root").chmod(0o755)
    again = project.run()
    assert not os.access(project.output("Root"), os.X_OK)
    command = again.stderr.split("luisy get", 1)[1].split()
    digest = command[command.index("--at") + 1]
    back = project.folder / "back"
    project.luisy("get", "--module", "pipe", "Root", "--at", digest, "--to", str(back))
    assert (back.read_text(), os.access(back, os.X_OK)) == ("#!/bin/sh", True)


def test_a_hand_edited_folder_is_rescued_whole(project: Project) -> None:
    """The same for a folder: the edited tree can be had again."""
    project.tasks(
        """
        class Root(luigi.Task):
            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "tree")

            def run(self):
                Path(self.output().path).mkdir(parents=True)
                (Path(self.output().path) / "a").write_text("a")
        """
    )
    project.run()
    before = project.outputs()
    tree = project.data / "pipe" / "tree"
    (tree / "a").write_text("edited")
    (tree / "b").write_text("more")
    again = project.run()
    assert again.ran == []
    assert project.outputs() == before
    command = again.stderr.split("luisy get", 1)[1].split()
    digest = command[command.index("--at") + 1]
    project.luisy("get", "--module", "pipe", "Root", "--at", digest, "--to", str(project.folder / "back"))
    back = project.folder / "back"
    assert {path.name: path.read_text() for path in back.iterdir()} == {"a": "edited", "b": "more"}


def test_a_hand_edited_input_is_replaced_before_its_consumer_executes(project: Project) -> None:
    """The consumer's code changed and its input was edited: it reads the result, not the edit."""
    simple(project).run()
    project.output("Upstream").write_text("edited")
    project.edit('" root"', '" new root"')
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "raw up new root"


def test_a_hand_edited_output_whose_code_changed_is_rescued(project: Project) -> None:
    """A stale file that was edited is no less worth than a current one."""
    simple(project).run()
    project.output("Root").write_text("edited")
    project.edit('" root"', '" new root"')
    again = project.run()
    assert again.ran == ["Root"]
    assert "luisy get" in again.stderr


def test_a_stale_output_is_no_edit(project: Project) -> None:
    """What luisy itself wrote is replaced without a word."""
    simple(project).run()
    project.edit('" root"', '" new root"')
    assert "luisy get" not in project.run().stderr


def test_a_folder_where_a_file_should_be_is_rescued(project: Project) -> None:
    """Whatever lies at an output's place makes way."""
    simple(project).run()
    path = project.output("Root")
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("x")
    assert project.run().ran == []
    assert project.text("Root") == "raw up root"


def test_a_link_where_a_file_should_be_is_replaced_not_followed(project: Project) -> None:
    """The result is not written through a symbolic link into somebody's file."""
    simple(project).run()
    path = project.output("Root")
    path.unlink()
    (project.folder / "precious").write_text("precious")
    path.symlink_to(project.folder / "precious")
    assert project.run().ran == []
    assert project.text("Root") == "raw up root"
    assert not path.is_symlink()
    assert (project.folder / "precious").read_text() == "precious"


LONG = """
    class A(Text):
        def run(self):
            self.put("a")


    class B(Text):
        def requires(self):
            return A()

        def run(self):
            self.put(self.taken() + "b")


    class C(Text):
        def requires(self):
            return B()

        def run(self):
            self.put(self.taken() + "c")


    class Root(Text):
        def requires(self):
            return C()

        def run(self):
            self.put(self.taken() + "d")
"""


def test_results_for_the_whole_pipeline_are_materialised(project: Project) -> None:
    """A root hit brings the files of all tasks, as Luigi would have left them."""
    project.tasks(LONG)
    project.run()
    project.remove_outputs()
    project.run()
    assert {path.name.split("_")[0] for path in (project.data / "pipe").iterdir()} == {"A", "B", "C", "Root"}


def test_needed_materialises_only_the_root(project: Project) -> None:
    """``--materialise needed``: what the caller asked for, and nothing upstream of it."""
    project.tasks(LONG)
    project.run()
    project.remove_outputs()
    project.run("--materialise", "needed")
    assert {path.name.split("_")[0] for path in (project.data / "pipe").iterdir()} == {"Root"}


def test_needed_materialises_the_inputs_of_what_executes(project: Project) -> None:
    """A task that executes finds its inputs."""
    project.tasks(LONG)
    project.run()
    project.remove_outputs()
    project.edit('"d"', '"e"')
    assert project.run("--materialise", "needed").ran == ["Root"]
    assert project.text("Root") == "abce"


def test_stale_files_are_replaced_by_results_that_are_there(project: Project) -> None:
    """After switching the code back, the files of the other code give way to the results of this one."""
    project.tasks(LONG)
    project.run()
    first = project.outputs()
    project.edit('"b"', '"B"')
    project.run()
    project.edit('"B"', '"b"')
    assert project.run().ran == []
    assert project.outputs() == first


@pytest.mark.parametrize("workers", ["1", "2"])
def test_stale_files_upstream_of_a_hit_are_removed_when_something_executes(
    project: Project, workers: str
) -> None:
    """C has a result, B of this code has none: a stale file of B must not be there when the root executes."""
    project.tasks(LONG)
    project.run()
    project.edit('"a"', '"A"')
    project.run()
    project.edit('"A"', '"a"')
    forget_all_but(project, "C", "Root")
    project.edit(
        'self.put(self.taken() + "d")', "self.put(self.taken() + str(os.path.exists(B().output().path)))"
    )
    ran = project.run("--workers", workers)
    assert ran.ran == ["Root"]
    assert ran.outcomes["B"] == "not_needed"
    assert project.text("Root") == "abcFalse"


def forget_all_but(project: Project, *families: str) -> None:
    """Take the actions of all other families out of the store, as gc will."""
    project.python(
        f"""
        import os, sqlite3
        from pathlib import Path

        store = Path(os.environ["WORKING_DIR"]) / ".luisy"
        index = sqlite3.connect(store / "index.db")
        rows = index.execute("select a.id, a.key, t.family from actions a join tasks t on t.id = a.task").fetchall()
        for id_, key, family in rows:
            if family in {families!r}:
                continue
            name = key.hex()
            (store / "actions" / name[:2] / name[2:]).unlink()
            index.execute("delete from actions where id = ?", (id_,))
            index.execute("delete from aliases where action_key = ?", (key,))
        index.commit()
        """
    )


def test_a_result_whose_object_is_damaged_executes_again(project: Project) -> None:
    """Flipped bits in the store: the object is quarantined, the task executes, the bytes are right."""
    simple(project).run()
    project.remove_outputs()
    damaged = 0
    for path in (project.store / "objects").rglob("*"):
        if path.is_file() and path.read_bytes() == b"raw up root":
            path.chmod(0o644)
            path.write_bytes(b"raw UP root")
            damaged += 1
    assert damaged == 1
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "raw up root"
    assert project.run().ran == []


def test_a_result_whose_object_is_gone_executes_again(project: Project) -> None:
    """A missing object is a miss, for an inner task too."""
    simple(project).run()
    project.remove_outputs()
    for path in (project.store / "objects").rglob("*"):
        if path.is_file() and path.read_bytes() == b"raw up":
            path.unlink()
    project.edit('" root"', '" new root"')
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Root") == "raw up new root"


def test_the_index_is_lost(project: Project) -> None:
    """Without its index the store is told to be rebuilt or rebuilds itself; in no case are wrong bytes served."""
    simple(project).run()
    before = project.outputs()
    for path in project.store.glob("index.db*"):
        path.unlink()
    project.run()
    assert project.outputs() == before

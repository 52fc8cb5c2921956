"""Bad input gets a clear error: what is wrong, what to do, the exit code that scripts rely on; nothing is lost."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project

TEXT = """
class Text(luisy.Task):
    def output(self):
        return luigi.LocalTarget(f"data/{self.task_id}.txt")

    def run(self):
        Path(self.output().path).write_text("text")
"""

# Each bad argument list with the slug of its error; the snapshot has both lines.
BAD_ARGUMENTS = {
    "no-such-module": ("run", "Both", "--module", "pipe.taks"),
    "no-such-task": ("run", "Cuont"),
    "no-task": ("run",),
    "bad-parameter-unknown": ("run", "Count", "--leter", "C"),
    "bad-parameter-value": ("run", "Count", "--letter", "C", "--at-least", "many"),
    "bad-parameter-value-by-family": ("run", "Count", "--Count-at-least", "many"),
    "bad-parameter-without-value": ("run", "Count", "--at-least"),
    "bad-setting": ("run", "Both", "--workers", "0"),
    "usage-unknown-command": ("rum", "Both"),
    "usage-bad-choice": ("run", "Both", "--materialise", "some"),
    "secret-on-command-line": ("run", "Both", "--azure-storage-key", "s3cret"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments_are_usage_errors(
    finished: Project, case: str, snapshot: Callable[[str, str], None]
) -> None:
    """Arguments that do not fit end with exit code 2, nothing on stdout, one line of error and one of hint."""
    done = finished.luisy(*BAD_ARGUMENTS[case])
    snapshot(f"error-{case}", done.err)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 2)
    assert case.startswith(done.slug)


def test_a_missing_module_setting_lists_the_four_places(
    finished: Project, snapshot: Callable[[str, str], None]
) -> None:
    """Without a module the error says flag, variable, pyproject.toml and luigi.cfg."""
    done = finished.luisy("run", "Both", LUISY_MODULE="")
    snapshot("error-no-module", done.err)
    assert (done.code, done.slug) == (2, "no-module")
    for place in ("--module", "LUISY_MODULE", "pyproject.toml", "luigi.cfg"):
        assert place in done.err


def test_a_missing_working_dir_says_where_to_set_it(
    finished: Project, snapshot: Callable[[str, str], None]
) -> None:
    """Without a working dir a pipeline of luisy's own targets cannot say where its files lie."""
    done = finished.luisy("run", "Both", WORKING_DIR="")
    snapshot("error-no-working-dir", done.err)
    assert (done.code, done.slug) == (2, "no-working-dir")


@pytest.mark.parametrize("code", ["1 / 0", "import nothing_of_this_name", "def f(:", "raise SystemExit(3)"])
def test_a_module_that_raises_is_told_with_file_and_line(project: Project, code: str) -> None:
    """An import that fails is exit code 1 and names the user's file and line, whatever it raises."""
    project.write(f"# first line\n{code}\n")
    done = project.luisy("run", "Both")
    assert (done.code, done.slug) == (1, "import-failed")
    assert f"{project.folder}/pipe/tasks.py, line 2" in done.err


def test_a_module_that_raises_shows_its_traceback_with_v(project: Project) -> None:
    """``-v`` shows the traceback that is else left out."""
    project.write("1 / 0")
    assert "Traceback" not in project.luisy("run", "Both").err
    assert "Traceback" in project.luisy("run", "Both", "-v").err


def test_a_missing_parameter_is_named(project: Project) -> None:
    """All parameters that lack a value are named, and the others listed."""
    project.odd(TEXT + "class Two(Text):\n    one = luigi.Parameter()\n    two_b = luigi.Parameter()\n")
    done = project.luisy("run", "Two")
    assert (done.code, done.slug) == (2, "bad-parameter")
    assert "--one, --two-b must be given" in done.err


@pytest.mark.parametrize("flag", ["--pin", "--Locked-pin", "--unknown-pin"])
def test_a_bad_value_of_a_private_parameter_is_not_repeated(project: Project, flag: str) -> None:
    """The value of a parameter that is not public is in no error, even with -v."""
    project.odd(
        TEXT + "class Locked(Text):\n"
        "    pin = luigi.IntParameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE)\n"
    )
    done = project.luisy("run", "Locked", f"{flag}=hush-hush", "-v")
    assert done.slug == "bad-parameter"
    assert flag.removeprefix("--Locked").lstrip("-") in done.err
    assert "hush" not in done.err


def test_a_missing_raw_file_is_named_and_the_rest_is_kept(
    project: Project, snapshot: Callable[[str, str], None]
) -> None:
    """The run says which task lacks which file, exits with 1, and keeps what does not need it."""
    project.odd(
        TEXT + "class Gone(luisy.ExternalTask):\n"
        "    def output(self):\n        return luigi.LocalTarget('data/gone.csv')\n"
        "class Other(Text): pass\n"
        "class Top(Text):\n    def requires(self):\n        return [Gone(), Other()]\n"
    )
    done = project.luisy("run", "Top")
    snapshot("run-missing-file", done.out)
    assert done.code == 1
    assert f"Gone(): not there: {project.data}/gone.csv" in done.out
    kept = project.luisy("cas", "ls", "--json").document["actions"]
    assert [action["family"] for action in kept] == ["Other"]


def test_a_run_that_writes_no_output_is_told_with_the_path(project: Project) -> None:
    """``run()`` without output fails the task, names the path, and nothing is kept."""
    project.odd(TEXT + "class Idle(Text):\n    def run(self):\n        pass\n")
    done = project.luisy("run", "Idle")
    assert done.code == 1
    assert f"Idle(): Idle() ran through but did not write {project.data}/Idle" in done.out
    assert project.luisy("cas", "ls", "--json").document == {"actions": []}


def test_a_failed_task_keeps_nothing_and_blocks_what_needs_it(project: Project) -> None:
    """A task that raises is `failed`, what needs it `blocked`, the rest is done; exit code 1."""
    project.odd(
        TEXT
        + "class Bad(Text):\n    def run(self):\n        Path(self.output().path).write_text('half'); 1 / 0\n"
        "class Good(Text): pass\n"
        "class Top(Text):\n    def requires(self):\n        return [Bad(), Good()]\n"
    )
    done = project.luisy("run", "Top", "--json")
    assert done.code == 1
    outcomes = {task["family"]: task["outcome"] for task in done.document["tasks"]}
    assert outcomes == {"Bad": "failed", "Good": "executed", "Top": "blocked"}
    kept = project.luisy("cas", "ls", "--json").document["actions"]
    assert [action["family"] for action in kept] == ["Good"]


def test_a_cycle_names_the_circle(project: Project, snapshot: Callable[[str, str], None]) -> None:
    """Tasks that require each other are exit code 2, with all of them in order."""
    project.odd(
        TEXT + "class Hen(Text):\n    def requires(self):\n        return Egg()\n"
        "class Egg(Text):\n    def requires(self):\n        return Hen()\n"
    )
    done = project.luisy("run", "Hen")
    snapshot("error-cycle", done.err)
    assert (done.code, done.slug) == (2, "cycle")
    assert "Hen() -> Egg() -> Hen()" in done.err


def test_equal_task_ids_are_refused(project: Project) -> None:
    """Two tasks that Luigi takes for one though their values differ are exit code 2."""
    project.odd(
        TEXT + "class Twin(Text):\n    value = luigi.Parameter()\n"
        "class Pair(luisy.WrapperTask):\n    def requires(self):\n        return [Twin(value=1.0), Twin(value='1.0')]\n"
    )
    done = project.luisy("run", "Pair")
    assert (done.code, done.slug) == (2, "equal-task-id")
    assert "Twin_1_0" in done.err


def test_a_working_dir_below_a_file_is_refused(project: Project) -> None:
    """A working dir that cannot be made is exit code 2 and names the path."""
    below = project.folder / "file" / "data"
    below.parent.write_text("a file")
    done = project.luisy("run", "Both", "--working-dir", str(below))
    assert (done.code, done.slug) == (2, "store-unwritable")
    assert str(below) in done.err


def test_a_working_dir_that_is_read_only_is_refused(project: Project) -> None:
    """A working dir that may not be written is exit code 2, and is as it was."""
    project.data.chmod(0o555)
    done = project.obeying_modes("run", "Both")
    project.data.chmod(0o755)
    assert (done.code, done.slug) == (2, "store-unwritable")
    assert sorted(path.name for path in project.data.iterdir()) == ["pipe"]


def test_a_newer_index_is_refused(project: Project) -> None:
    """An index that a newer luisy wrote is exit code 2 and stays as it is."""
    project.luisy("run", "Upper")
    index = project.store / "index.db"
    with sqlite3.connect(index) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    for command in (("run", "Both"), ("plan", "Both"), ("cas", "status")):
        done = project.luisy(*command)
        assert (done.code, done.slug) == (2, "newer-index")


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("colour = 'red'", "unknown-setting"),
        ("azure_storage_key = 's3cret'", "secret-in-file"),
        ("=", "bad-config"),
    ],
)
def test_a_bad_pyproject_is_refused(project: Project, line: str, slug: str) -> None:
    """What [tool.luisy] may not hold is exit code 2, names the file, and no secret is repeated."""
    (project.folder / "pyproject.toml").write_text(f"[tool.luisy]\n{line}\n")
    done = project.luisy("run", "Both")
    assert (done.code, done.slug) == (2, slug)
    assert f"{project.folder}/pyproject.toml" in done.err
    assert "s3cret" not in done.err


def test_a_secret_on_the_command_line_names_the_variable(finished: Project) -> None:
    """``--azure-storage-key`` is refused in both spellings; the key is not repeated."""
    for arguments in (("--azure-storage-key", "s3cret"), ("--azure-storage-key=s3cret",)):
        done = finished.luisy("run", "Both", *arguments)
        assert (done.code, done.slug) == (2, "secret-on-command-line")
        assert "LUISY_AZURE_STORAGE_KEY" in done.err
        assert "s3cret" not in done.err


def test_bad_input_makes_no_store(project: Project) -> None:
    """What ends before a run began leaves no store behind."""
    for arguments in (("run", "Cuont"), ("run",), ("run", "Count", "--at-least", "x")):
        project.luisy(*arguments)
    assert not project.store.exists()

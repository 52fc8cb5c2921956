"""Git: what actions record of it, ``luisy log``, and results of an old revision by ``luisy get --at``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_plan import stats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.project import Project


def git(project: Project, *arguments: str) -> str:
    """What git says in the project's folder."""
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=project.folder,
        env={**environment, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(project: Project, message: str) -> str:
    """Commit everything; returns the revision."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", message)
    return git(project, "rev-parse", "HEAD")


def edit(project: Project, old: str, new: str) -> None:
    """Change the code of the tasks; *old* must be there."""
    path = project.folder / "pipe/tasks.py"
    text = path.read_text()
    assert old in text
    project.write(text.replace(old, new))


@pytest.fixture
def cloned(project: Project) -> Project:
    """A pipeline in a git repository, its data ignored, with one commit."""
    git(project, "init", "--quiet", "--initial-branch=main")
    (project.folder / ".gitignore").write_text("data/\n")
    commit(project, "first")
    return project


def entry(project: Project, *task: str) -> Any:
    """The newest action that ``luisy log`` tells of a task."""
    return project.luisy("log", *task, "-n", "1", "--json").document["actions"][0]


def upper(project: Project) -> Any:
    """What the output of ``Upper`` is now."""
    return json.loads(project.output("interim/Upper.json").read_text())


def test_an_action_records_revision_and_changes(cloned: Project) -> None:
    """A clean checkout, one with an edit that is not committed, and one that uses a file that git does not know."""
    head = git(cloned, "rev-parse", "HEAD")
    cloned.luisy("run", "Upper")
    clean = entry(cloned, "Upper")
    assert (clean["git_commit"], clean["git_dirty"], clean["here"]) == (head, False, True)
    edit(cloned, "word.upper()", "word.title()")
    cloned.luisy("run", "Upper")
    dirty = entry(cloned, "Upper")
    assert (dirty["git_commit"], dirty["git_dirty"]) == (head, True)
    git(cloned, "checkout", "--quiet", ".")
    cloned.write("def low(word):\n    return word.lower()\n", "unknown")
    cloned.luisy("run", "Both")
    assert entry(cloned, "Count")["git_dirty"] is False
    edit(cloned, "word.upper()", "low(word)")
    edit(cloned, "import luisy\n", "import luisy\nfrom .unknown import low\n")
    git(cloned, "add", "pipe/tasks.py")
    git(cloned, "commit", "--quiet", "--message", "half")
    cloned.luisy("run", "Upper")
    assert entry(cloned, "Upper")["git_dirty"] is True


def test_all_tasks_of_a_run_record_it_with_workers_too(cloned: Project) -> None:
    """Each forked worker files what the parent found out."""
    assert cloned.luisy("run", "Both", "--workers", "2").code == 0
    actions = cloned.luisy("log", "--json").document["actions"]
    assert [item["git_commit"] for item in actions] == [git(cloned, "rev-parse", "HEAD")] * 3


def test_no_repository_no_commit_and_no_git_are_fine(project: Project) -> None:
    """Without a repository, in one without a commit, and without git, tasks run and the revision is not known."""
    assert project.luisy("run", "Upper").code == 0
    git(project, "init", "--quiet")
    assert project.luisy("run", "Count").code == 0
    assert project.luisy("run", "Count", "--letter", "B", PATH="/nowhere").code == 0
    for item in project.luisy("log", "--json").document["actions"]:
        assert (item["git_commit"], item["git_dirty"]) == (None, None)
        assert item["python"]


def test_git_is_asked_only_where_something_executes(cloned: Project, tmp_path: Path) -> None:
    """A run of which all is there starts no git; one that executes starts two, whatever the number of tasks."""
    asked = tmp_path / "asked"
    (tmp_path / "bin").mkdir()
    spy = tmp_path / "bin" / "git"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nPATH=${{PATH#*:}} exec git "$@"\n')
    spy.chmod(0o755)
    path = f"{spy.parent}:{os.environ['PATH']}"
    assert cloned.luisy("run", "Both", PATH=path).code == 0
    assert len(asked.read_text().splitlines()) == 2
    assert cloned.luisy("run", "Both", PATH=path).code == 0
    assert len(asked.read_text().splitlines()) == 2


def test_nothing_recorded_names_machine_user_or_path(cloned: Project) -> None:
    """Provenance goes to remotes: it has versions, a platform, a pseudonym and a revision, and nothing else."""
    cloned.luisy("run", "Upper")
    document = cloned.luisy("cas", "show", "Upper", "--json").document
    assert set(document["provenance"]) == {"luisy", "python", "platform", "store", "git_commit", "git_dirty"}
    text = json.dumps(document["provenance"])
    assert os.uname().nodename not in text
    assert str(cloned.folder) not in text


def test_what_log_says(cloned: Project, snapshot: Callable[[str, str], None]) -> None:
    """Newest first: key, time, place, revision, duration, size; nothing of a store that is not there."""
    nothing = cloned.luisy("log")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "no actions\n")
    cloned.luisy("run", "Count")
    edit(cloned, "sum(", "0 + sum(")
    cloned.luisy("run", "Count")
    said = [f"--- all\n{cloned.luisy('log').out}", f"--- one task\n{cloned.luisy('log', 'Upper').out}"]
    last = cloned.luisy("log", "Count", "--letter", "A", "-n", "1", "-v")
    assert last.err == "there are more: -n 0 shows all\n"
    snapshot("log", "\n".join([*said, f"--- the last\n{last.out}"]))


def test_log_imports_no_module(cloned: Project) -> None:
    """Earlier actions are listed though the pipeline cannot be imported any more."""
    cloned.luisy("run", "Upper")
    cloned.write("raise RuntimeError")
    assert entry(cloned, "Upper")["family"] == "Upper"
    assert cloned.luisy("log", "Upper", "--json", "--letter", "A").document == {"actions": []}


def test_a_recorded_revision_gives_its_result_without_a_work_tree(cloned: Project) -> None:
    """The result of an earlier commit comes by its name, though the code of that commit can no longer be imported."""
    cloned.luisy("run", "Upper")
    first = upper(cloned)
    edit(cloned, "word.upper()", "word.title()")
    commit(cloned, "second")
    cloned.luisy("run", "Upper")
    assert upper(cloned) != first
    done = cloned.luisy("get", "Upper", "--at", "HEAD~1", "--json")
    assert upper(cloned) == first
    assert [note["slug"] for note in done.document["notes"]] == ["old-result"]
    assert cloned.luisy("run", "Upper").code == 0
    assert upper(cloned) != first


def test_a_revision_without_a_record_is_keyed_in_a_work_tree(cloned: Project) -> None:
    """A commit at which nothing ran has the result of another one with the same code; checkout and repository stay."""
    cloned.luisy("run", "Both")
    first = upper(cloned)
    edit(cloned, "import luisy\n", "import luisy\n# a comment\n")
    (cloned.folder / "luisy").mkdir()
    (cloned.folder / "luisy" / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    commit(cloned, "a comment, and a folder that is called luisy")
    (cloned.folder / "luisy" / "__init__.py").unlink()
    edit(cloned, "word.upper()", "word.title()")
    commit(cloned, "other code")
    cloned.luisy("run", "Both")
    before = stats(cloned.folder / "pipe")
    assert cloned.luisy("get", "Upper", "--at", "HEAD~1").code == 0
    assert upper(cloned) == first
    assert cloned.luisy("get", "Both", "--at", "HEAD~1", "--to", "old/").code == 0
    assert len(list((cloned.folder / "old").iterdir())) == 2
    assert stats(cloned.folder / "pipe") == before
    assert len(git(cloned, "worktree", "list").splitlines()) == 1


def test_what_was_made_with_changes_is_taken_by_key_only(cloned: Project) -> None:
    """A result of a changed checkout is not passed off as that of its commit; the error names its key."""
    edit(cloned, "word.upper()", "word.title()")
    cloned.luisy("run", "Upper")
    key = entry(cloned, "Upper")["key"]
    done = cloned.luisy("get", "Upper", "--at", "HEAD")
    assert (done.code, done.slug) == (1, "no-such-result")
    assert key[:12] in done.err


@pytest.mark.parametrize("name", ["nope", "-x", "HEAD:pipe", "ffffff"])
def test_what_is_neither_key_nor_revision_is_told(cloned: Project, name: str) -> None:
    """A name that means nothing, or no commit, is exit code 1, and never an option of git."""
    cloned.luisy("run", "Upper")
    done = cloned.luisy("get", "Upper", f"--at={name}")
    assert (done.code, done.slug) == (1, "no-such-result")


def test_a_revision_that_cannot_be_imported_is_told(cloned: Project) -> None:
    """What is wrong with the old code is named, without the place of the temporary work tree."""
    cloned.luisy("run", "Upper")
    edit(cloned, "import luisy\n", "import luisy; 1 / 0\n")
    commit(cloned, "broken")
    edit(cloned, "import luisy; 1 / 0\n", "import luisy\n")
    done = cloned.luisy("get", "Upper", "--at", "HEAD")
    assert (done.code, done.slug) == (1, "no-such-result")
    assert "ZeroDivisionError" in done.err
    assert "(pipe/tasks.py, line 1)" in done.err


def test_a_killed_get_leaves_a_work_tree_that_the_next_one_removes(cloned: Project, tmp_path: Path) -> None:
    """SIGINT removes the temporary work tree, SIGKILL does not; the next `get --at` of the repository does."""
    cloned.luisy("run", "Upper")
    slow = tmp_path / "slow"
    edit(
        cloned,
        "import luisy\n",
        f"import luisy, os, time\nif os.path.exists({str(slow)!r}): time.sleep(60)\n",
    )
    commit(cloned, "slow")
    edit(cloned, "time.sleep(60)", "pass")
    slow.touch()
    places = {"TMPDIR": str(tmp_path)}
    for number, left in ((signal.SIGINT, 1), (signal.SIGKILL, 2)):
        process = cloned.start("get", "Upper", "--at", "HEAD", **places)
        until(lambda: len(git(cloned, "worktree", "list").splitlines()) == 2)
        until(lambda: any(tmp_path.glob("luisy-worktree-*/tree/pipe/tasks.py")))
        os.killpg(process.pid, number)
        process.communicate()
        assert len(git(cloned, "worktree", "list").splitlines()) == left
    slow.unlink()
    assert cloned.luisy("get", "Upper", "--at", "HEAD", **places).code == 0
    assert len(git(cloned, "worktree", "list").splitlines()) == 1
    assert list(tmp_path.glob("luisy-worktree-*")) == []


def until(holds: Callable[[], bool]) -> None:
    """Return when *holds*; fails after a minute."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError

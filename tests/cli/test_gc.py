"""``luisy cas gc``: what it says, when it asks, and what a run finds afterwards."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project

ALL = ("--older-than", "0")


def forced(project: Project) -> None:
    """Two runs of different code: the results of the first are old, those of the second the newest complete run."""
    project.luisy("run", "Both")
    tasks = project.folder / "pipe" / "tasks.py"
    project.write(tasks.read_text(encoding="utf-8").replace("word.upper()", "word.upper() + '!'"))
    project.luisy("run", "Both")


def families(document: Any) -> list[str]:
    """The tasks of the results in a document, sorted."""
    return sorted(item["family"] for item in document["results"])


def test_from_a_plan_to_what_is_left(project: Project, snapshot: Callable[[str, str], None]) -> None:
    """A dry run, a refusal where nobody can be asked, the deed, and nothing left to do."""
    forced(project)
    said = []
    for code, words in (
        (0, ()),
        (0, (*ALL, "--dry-run")),
        (2, ALL),
        (0, (*ALL, "--yes")),
        (0, (*ALL, "--yes")),
    ):
        done = project.luisy("cas", "gc", *words)
        said.append(f"--- cas gc {' '.join(words)}\n{done.out}{done.err}")
        assert done.code == code
    snapshot("gc", "\n".join(said))


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 6), (b"\n", 6), (b"y\n", 3)])
def test_on_a_terminal_it_asks(project: Project, answer: bytes, left: int) -> None:
    """Nothing is deleted without a yes, and no is no failure."""
    forced(project)
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        done = subprocess.run(
            [sys.executable, "-m", "luisy", "cas", "gc", *ALL],
            cwd=project.folder,
            env=project.environment(),
            stdin=theirs,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Delete 3 results?" in done.stderr
    assert len(project.luisy("cas", "ls", "--json").document["actions"]) == left


def test_the_newest_complete_run_is_served_and_the_store_sound(project: Project) -> None:
    """What went executes again when its code comes back; nothing else does."""
    forced(project)
    document = project.luisy("cas", "gc", *ALL, "--yes", "--json").document
    assert families(document) == ["Count", "Count", "Upper"]
    assert all(item["only_copy"] for item in document["results"])
    assert project.luisy("cas", "verify").code == 0
    for path in (*project.output("final").iterdir(), project.output("interim/Upper.json")):
        path.unlink()
    assert project.luisy("run", "Both", "--json").document["counts"]["executed"] == 0


def test_pinned_results_stay(project: Project) -> None:
    """By name, until they are unpinned."""
    forced(project)
    old = project.luisy("cas", "ls", "Upper", "--json").document["actions"][-1]["key"]
    project.luisy("cas", "pin", "name", old)
    assert families(project.luisy("cas", "gc", *ALL, "--yes", "--json").document) == ["Count", "Count"]
    project.luisy("cas", "unpin", "name")
    assert families(project.luisy("cas", "gc", *ALL, "--yes", "--json").document) == ["Upper"]


@pytest.mark.parametrize("words", [("--keep-last", "2"), ("--older-than", "1w"), ("--max-size", "1GiB")])
def test_what_a_policy_keeps(project: Project, words: tuple[str, ...]) -> None:
    """The last of each task, what is younger, and everything while it fits."""
    forced(project)
    rest = ALL if words[0] == "--keep-last" else ()
    assert families(project.luisy("cas", "gc", *rest, *words, "--yes", "--json").document) == []


def test_the_settings_are_the_policy(project: Project) -> None:
    """Without flags."""
    forced(project)
    document = project.luisy("cas", "gc", "--dry-run", "--json", LUISY_MAX_SIZE="0").document
    assert {item["reason"] for item in document["results"]} == {"max-size"}
    document = project.luisy("cas", "gc", "--dry-run", "--json", LUISY_OLDER_THAN="0s").document
    assert {item["reason"] for item in document["results"]} == {"unused"}


@pytest.mark.parametrize("words", [("--max-size", "big"), ("--older-than", "-1"), ("--keep-last", "x")])
def test_a_policy_that_is_none_is_refused(project: Project, words: tuple[str, ...]) -> None:
    """Exit code 2, before anything is looked at."""
    done = project.luisy("cas", "gc", *words)
    assert (done.code, done.slug) == (2, "bad-setting")


def test_without_a_store_there_is_nothing_to_do(project: Project) -> None:
    """And none is made."""
    assert project.luisy("cas", "gc", "--json").document["results"] == []
    assert not project.store.exists()


def test_a_run_that_is_under_way_keeps_its_results(project: Project) -> None:
    """A gc of everything beside a run: the run is served what it resolved, and keeps what it makes."""
    project.luisy("run", "Upper")
    tasks = project.folder / "pipe" / "tasks.py"
    code = tasks.read_text(encoding="utf-8")
    project.write(
        code.replace('        print("Count runs")\n', "        import time\n        time.sleep(2)\n")
    )
    run = project.start("run", "Count", "--json")
    while not (project.store / "tmp").is_dir() or not list((project.store / "tmp").glob("*.lock")):
        time.sleep(0.02)
        assert run.poll() is None
    document = project.luisy("cas", "gc", *ALL, "--max-size", "0", "--yes", "--json").document
    assert (document["running"], document["results"]) == (True, [])
    run.communicate()
    assert run.returncode == 0
    assert project.luisy("cas", "verify").code == 0
    listed = project.luisy("cas", "ls", "--json").document["actions"]
    assert [item["family"] for item in listed] == ["Count", "Upper"]

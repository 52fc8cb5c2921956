"""Commands that only look touch nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.project import Project

LOOKING = (("plan", "Both"), ("graph", "Both"), ("plan", "Count", "--letter", "Z"), ("why", "Both"), ("key", "Both", "--all"), ("run", "Both", "--dry-run"),
           ("cas", "status"), ("cas", "ls"), ("log", "Upper"), ("cas", "show", "Upper"), ("cas", "path", "Upper"))  # fmt: skip


def stats(folder: Path) -> dict[str, tuple[int, ...]]:
    """Everything below *folder* with inode, mode, size and times of change; the index by its size alone.

    SQLite makes its files for the WAL anew when an index is opened; that is no change to a store.
    """
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        if path.name.startswith("index.db"):
            continue
        status = path.lstat()
        at = () if path.name == ".luisy" else (status.st_mtime_ns, status.st_ctime_ns)
        found[str(path.relative_to(folder))] = (status.st_ino, status.st_mode, status.st_size, *at)
    return found


@pytest.mark.parametrize("command", [*LOOKING, ("accept", "Both", "--dry-run")])
def test_looking_touches_nothing(finished: Project, command: tuple[str, ...]) -> None:
    """No file of project, workspace and store is made, removed, changed or touched."""
    before = stats(finished.folder)
    assert finished.luisy(*command).code == 0
    assert stats(finished.folder) == before


def test_a_plan_of_changed_code_touches_nothing(project: Project) -> None:
    """A plan to execute removes no stale file and restores none that is gone."""
    project.luisy("run", "Both")
    project.output("final/Count_at_least=0_letter=B.json").unlink()
    project.output("final/Count_at_least=0_letter=A.json").write_text("by hand")
    project.write((project.folder / "pipe/tasks.py").read_text().replace(".upper()", ".title()"))
    before = stats(project.folder)
    assert "1 to execute" in project.luisy("plan", "Both").out
    assert stats(project.folder) == before


@pytest.mark.parametrize("command", [*LOOKING, ("get", "Upper")])
def test_looking_makes_no_store(project: Project, command: tuple[str, ...]) -> None:
    """Where nothing has run, nothing is made, and only what was asked for by name is missed."""
    before = stats(project.folder)
    named = {"show", "path", "get"} & set(command)
    assert project.luisy(*command).code == (1 if named else 0)
    assert stats(project.folder) == before

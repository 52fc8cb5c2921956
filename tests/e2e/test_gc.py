"""What runs tell gc, and what a gc in the middle of one costs: nothing."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from luisy.cas import Store
from luisy.runner.results.room import make_room
from luisy.settings import Settings

if TYPE_CHECKING:
    import pytest

    from tests.e2e.projects import Project

PIPELINE = """
    class First(Text):
        def run(self):
            self.put("first")


    class Root(Text):
        def requires(self):
            return First()

        def run(self):
            self.put(self.taken() + " root")
"""


def unused(project: Project) -> list[str]:
    """The tasks whose results a gc would take."""
    done = project.luisy("cas", "gc", "--dry-run", "--json")
    return [item["family"] for item in done.document["results"]]


def in_index(project: Project, *statements: str) -> None:
    """Change the index behind luisy's back."""
    index = sqlite3.connect(project.store / "index.db")
    for statement in statements:
        index.execute(statement)
    index.commit()
    index.close()


def test_a_run_uses_what_it_finds(project: Project) -> None:
    """Results of long ago that a run has found complete are not old, all the way up the pipeline."""
    project.tasks(PIPELINE)
    project.run()
    in_index(project, "UPDATE actions SET created = 1", "DELETE FROM uses", "DELETE FROM complete_runs")
    assert unused(project) == ["First", "Root"]
    assert project.run().ran == []
    in_index(project, "DELETE FROM complete_runs")
    assert unused(project) == []


def test_a_failed_run_is_no_complete_run(project: Project) -> None:
    """What the last good one used stays; what the failed one made is as old as it is."""
    project.tasks(PIPELINE)
    project.run()
    project.edit('self.put("first")', 'self.put("other")')
    project.edit('self.put(self.taken() + " root")', "raise RuntimeError")
    project.run(expected=1)
    in_index(project, "UPDATE actions SET created = id", "DELETE FROM uses")
    assert unused(project) == ["First"]


def test_a_gc_between_storing_and_recording_costs_nothing(project: Project) -> None:
    """It takes what the run has just stored, as if it had lain there unused; the run stores it once more."""
    project.tasks(PIPELINE)
    project.python(
        """
        import time

        import luisy
        import pipe
        from luisy.cas import Store
        from luisy.cas.collecting import Collector
        from luisy.cas.gc import Policy

        look, collected = Store._complete, []

        def looked_then_collected(store, digest):
            found = look(store, digest)
            if not collected:
                with Store.open(store.path) as other:
                    collector = Collector(other, Policy(0.0), now=time.time() + 5 * 86400)
                    collected.append(collector.collect(collector.plan()))
            return found

        Store._complete = looked_then_collected
        counts = luisy.build(pipe.Root()).counts
        assert counts["executed"] == 2, counts
        assert collected[0].objects > 0
        assert collected[0].running
        """
    )
    project.remove_outputs()
    assert project.run().ran == []
    assert project.luisy("cas", "verify").code == 0


# --- by itself, where the store has passed max_size


def twice(project: Project) -> None:
    """A run, and one of other code: two results are not of the newest complete run."""
    project.tasks(PIPELINE)
    project.run()
    project.edit('self.put("first")', 'self.put("other")')
    project.run()


def stored(project: Project) -> int:
    """How many results the store has."""
    return len(project.luisy("cas", "ls", "--json").document["actions"])


def limited(project: Project, size: int, expected: int = 0) -> str:
    """A run with max_size set to *size* bytes; what it says of the store."""
    settings = project.code / "pyproject.toml"
    settings.write_text(f"[tool.luisy]\nmax_size = {size}\n", encoding="utf-8")
    done = project.run(expected=expected)
    settings.unlink()
    return "\n".join(line for line in done.stderr.splitlines() if "max_size" in line)


def test_a_run_makes_room(project: Project) -> None:
    """Beyond max_size a run deletes what is least worth once it has ended, and says so in one line."""
    twice(project)
    size = project.luisy("cas", "status", "--json").document["object_bytes"]
    assert (limited(project, size), stored(project)) == ("", 4)
    assert "room-made: 1 results that were least worth were deleted" in limited(project, size - 1)
    assert stored(project) == 3
    assert project.run().ran == []


def test_what_the_newest_complete_run_needs_stays(project: Project) -> None:
    """A store that cannot be made smaller without asking is told of, and the run serves what it served."""
    twice(project)
    assert "above-max-size: the store holds" in limited(project, 1)
    assert stored(project) == 2
    assert project.run().ran == []


def test_a_run_makes_no_room_under_another_run(project: Project) -> None:
    """While any run uses the store nothing goes, nor is anything said; the next run alone does it."""
    twice(project)
    with Store.open(project.store) as store, store.running():
        assert (limited(project, 1), stored(project)) == ("", 4)
    assert limited(project, 1)


def test_a_failed_run_makes_no_room(project: Project) -> None:
    """What it made is protected by no complete run, and somebody may want to look at it."""
    twice(project)
    project.edit('self.put(self.taken() + " root")', "raise RuntimeError")
    assert (limited(project, 1, expected=1), stored(project)) == ("", 4)


def test_making_room_that_fails_fails_no_run(project: Project) -> None:
    """The run has ended well whatever becomes of the store then."""
    twice(project)
    name = next((project.store / "actions").glob("*/*"))
    name.chmod(0o644)
    name.write_text("rubbish")
    in_index(project, "UPDATE actions SET needs = NULL")
    assert "no-room-made" in limited(project, 1)


def test_one_query_tells_that_there_is_room(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing has to go, the store is not walked, however large it is."""
    twice(project)
    with Store.open(project.store) as store:
        asked: list[str] = []
        store.database.connection.set_trace_callback(asked.append)
        monkeypatch.setattr(os, "listdir", None)
        monkeypatch.setattr(os, "scandir", None)
        assert make_room(store, Settings(max_size=10**12)) is None
        assert len(asked) == 1
        assert make_room(store, Settings()) is None
        assert len(asked) == 1

"""What runs tell gc, and what a gc in the middle of one costs: nothing."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

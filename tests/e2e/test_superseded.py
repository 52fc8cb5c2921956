"""Results that gave way to others: what was made from the old ones counts no more, also where a link is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from luisy.cas import Store
from tests.e2e.projects import Project

if TYPE_CHECKING:
    from tests.e2e.projects import Warm

# Upstream writes what the world says at the time: nothing that its key could tell.
CHAIN = """
    class Upstream(Text):
        def run(self):
            self.put((DATA.parent / "world").read_text())


    class Middle(Text):
        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken() + " middle")


    class Next(Text):
        def requires(self):
            return Middle()

        def run(self):
            self.put(self.taken() + " next")


    class Root(Text):
        def requires(self):
            return Next()

        def run(self):
            self.put(self.taken() + " root")
"""


@pytest.fixture
def chain(project: Project) -> Project:
    """The chain, made while the world said ``a``."""
    project.tasks(CHAIN)
    says(project, "a")
    project.run()
    return project


def says(project: Project, text: str) -> None:
    """Let the world say *text* from now on."""
    (project.folder / "world").write_text(text)


def forced(project: Project, text: str) -> None:
    """Make Upstream anew while the world says *text*."""
    says(project, text)
    assert project.run("Upstream", "--force").ran == ["Upstream"]


def forget(project: Project, *families: str) -> None:
    """Take the actions of *families* out of the store, as gc will."""
    with closing(sqlite3.connect(project.store / "index.db")) as index, index:
        for family in families:
            wanted = "t.id = a.task AND t.family = ?"
            rows = index.execute(f"SELECT a.key FROM actions a, tasks t WHERE {wanted}", (family,)).fetchall()
            for (key,) in rows:
                name = key.hex()
                (project.store / "actions" / name[:2] / name[2:]).unlink()
                index.execute("DELETE FROM actions WHERE key = ?", (key,))


# --- a link is lost


@pytest.mark.parametrize("lost", [("Middle",), ("Next",), ("Middle", "Next")], ids="+".join)
def test_a_forced_task_supersedes_through_tasks_whose_results_are_gone(
    chain: Project, lost: tuple[str, ...]
) -> None:
    """However much of what lies between is gone: the root is not served from its deep key."""
    forced(chain, "b")
    forget(chain, *lost)
    assert chain.run().ran == ["Middle", "Next", "Root"]
    assert chain.text("Root") == "b middle next root"
    assert chain.run().ran == []


def test_a_task_that_is_made_anew_after_its_result_was_lost_supersedes_likewise(chain: Project) -> None:
    """Nobody forced anything: gc took two results, and one of them came back with other bytes."""
    forget(chain, "Upstream", "Middle", "Next")
    says(chain, "b")
    assert chain.run("Upstream").ran == ["Upstream"]
    assert chain.run().ran == ["Middle", "Next", "Root"]
    assert chain.text("Root") == "b middle next root"


@pytest.mark.parametrize("rebuilt", [False, True], ids=["as it is", "index rebuilt"])
def test_what_superseded_may_be_gone_as_well(chain: Project, *, rebuilt: bool) -> None:
    """A record in the store remembers that Upstream's result gave way, though no result of it is left."""
    forced(chain, "b")
    forget(chain, "Upstream", "Middle", "Next")
    if rebuilt:
        Store.rebuild_at(chain.store)
    assert chain.run().ran == ["Upstream", "Middle", "Next", "Root"]
    assert chain.text("Root") == "b middle next root"


def test_a_forced_task_supersedes_through_a_result_whose_bytes_are_gone(chain: Project) -> None:
    """The action between is there, its object is not."""
    forced(chain, "b")
    for path in (chain.store / "objects").rglob("*"):
        if path.is_file() and path.read_bytes() == b"a middle":
            path.unlink()
    chain.remove_outputs()
    assert chain.run().ran == ["Middle", "Next", "Root"]
    assert chain.text("Root") == "b middle next root"


def test_a_lost_link_that_turns_out_as_it_was_executes_alone(chain: Project) -> None:
    """The root is left open in the plan; once Middle gives the old bytes, its result counts again."""
    chain.edit('self.put(self.taken() + " middle")', 'self.put("middle")')
    chain.run()
    forced(chain, "b")
    forget(chain, "Middle")
    plan = chain.plan()
    assert (plan.outcomes["Root"], plan.reason("Root")) == ("undecided", "inputs-open")
    assert chain.run().ran == ["Middle"]


@pytest.mark.parametrize(
    "lost", [("Middle",), ("Middle", "Next"), ("Upstream", "Middle", "Next")], ids="+".join
)
def test_lost_links_are_no_reason_to_execute_while_nothing_upstream_is_new(
    chain: Project, lost: tuple[str, ...]
) -> None:
    """The root's deep key hits, and nothing below the gap is younger than it."""
    forget(chain, *lost)
    chain.remove_outputs()
    assert chain.run().ran == []
    assert chain.text("Root") == "a middle next root"


# --- a result comes back


def test_a_forced_task_that_writes_its_first_bytes_again_brings_the_first_results_back(
    chain: Project,
) -> None:
    """Results that gave way to others because an input changed are found by their shallow keys."""
    forced(chain, "b")
    assert chain.run().ran == ["Middle", "Next", "Root"]
    for text in ("a", "b", "a"):
        forced(chain, text)
        run = chain.run()
        assert run.ran == []
        assert run.counts == {"local": 1, "reused": 3}
        assert chain.text("Root") == f"{text} middle next root"
        assert chain.run().counts == {"local": 4}


def test_a_forced_consumer_replaces_its_result_for_these_inputs(chain: Project) -> None:
    """Other inputs and back: what counts is what the forced execution made, not the result before it."""
    chain.edit('" root"', '" root" + (DATA.parent / "more").read_text()')
    (chain.folder / "more").write_text("1")
    chain.run()
    (chain.folder / "more").write_text("2")
    assert chain.run("--force").ran == ["Root"]
    forced(chain, "b")
    chain.run()
    forced(chain, "a")
    assert chain.run().ran == []
    assert chain.text("Root") == "a middle next root2"


def test_a_result_that_came_back_survives_a_rebuild(chain: Project) -> None:
    """Actions filed under their shallow keys have files like all others."""
    forced(chain, "b")
    chain.run()
    forced(chain, "a")
    chain.run()
    Store.rebuild_at(chain.store)
    chain.remove_outputs()
    assert chain.run().ran == []
    assert chain.text("Root") == "a middle next root"
    forced(chain, "b")
    assert chain.run().ran == []


# --- any history

NET = """
    class Source(Text):
        def run(self):
            text = (DATA.parent / "world").read_text()
            (DATA.parent / type(self).__name__).write_text(text)
            self.put(text)


    class S1(Source):
        pass


    class S2(Source):
        pass


    class Joined(Text):
        needs = ()

        def requires(self):
            return [task() for task in self.needs]

        def run(self):
            self.put("(" + self.taken() + ")")


    class M1(Joined):
        needs = (S1,)


    class M2(Joined):
        needs = (S1, S2)


    class First(Joined):
        needs = (S2,)

        def run(self):
            self.put(self.taken()[:1])


    class N(Joined):
        needs = (M1, M2, First)


    class Root(Joined):
        needs = (N,)
"""
FAMILIES = ("S1", "S2", "M1", "M2", "First", "N", "Root")
WORLD = ("a1", "a2", "b1")
HISTORY = st.lists(
    st.one_of(
        st.tuples(st.just("force"), st.sampled_from(("S1", "S2")), st.sampled_from(WORLD)),
        st.tuples(st.just("run"), st.sampled_from(FAMILIES), st.sampled_from(WORLD)),
        st.tuples(st.just("forget"), st.sets(st.sampled_from(FAMILIES), min_size=1), st.just("")),
    ),
    min_size=1,
    max_size=8,
)


@given(history=HISTORY)
@example(history=[("force", "S1", "a2"), ("forget", {"M1", "M2"}, "")])
@example(history=[("forget", {"S2", "M2", "First"}, ""), ("run", "S2", "b1")])
@example(history=[("force", "S2", "a2"), ("forget", {"S1"}, "")])
@settings(max_examples=settings().max_examples // 12, deadline=None, database=None)
def test_no_loss_and_no_force_leads_to_a_stale_root(warm: Warm, history: list[tuple[str, Any, str]]) -> None:
    """Whatever was forced and lost, the root is what the sources gave when they were made last, and stays so."""
    with TemporaryDirectory() as folder:
        project = Project(Path(folder), warm)
        project.tasks(NET)
        says(project, "a1")
        project.run()
        for what, which, world in history:
            if what == "forget":
                forget(project, *which)
                continue
            says(project, world)
            project.run(which, *(["--force"] if what == "force" else []))
        says(project, "b2")
        project.run()
        one, two = ((project.folder / name).read_text() for name in ("S1", "S2"))
        assert project.text("Root") == f"((({one})({one}{two}){two[:1]}))"
        assert project.run().ran == []

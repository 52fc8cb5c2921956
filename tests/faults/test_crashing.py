"""Killed at every step: what was promised is kept, nothing else is promised, and the next run goes on."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from luisy.cas import migrations
from tests.faults.points import spread
from tests.faults.victims import KILLED, Victim

if TYPE_CHECKING:
    from collections.abc import Callable


IN_CI = 5
"""Steps of each operation at which ``make test`` kills it; ``make soak`` takes all."""

_DAYS = 5 * 86400.0


def _nothing(victim: Victim) -> None:
    """A pipeline that never ran."""


def _ran(victim: Victim) -> None:
    """A pipeline with all its results."""
    victim.complete()


def _outputs_lost(victim: Victim) -> None:
    """The results are in the store only."""
    victim.complete()
    victim.remove_outputs()


def _edited(victim: Victim) -> None:
    """Somebody has written over an output, and changed a file of a folder."""
    victim.complete()
    victim.output("Root").write_text("by hand")
    (victim.data / "pipe" / "tree" / "program").write_text("by hand")


def _other_content(victim: Victim) -> None:
    """What is forced makes another result at its key."""
    victim.complete()
    victim.aside("2")


def _content_came_back(victim: Victim) -> None:
    """A result is again what it was, and its consumer's old one is found by early cutoff."""
    victim.complete()
    victim.aside("2")
    victim.run("--force-all")
    victim.aside("1")
    victim.run("Aside", "--force")


def _pushed(victim: Victim) -> None:
    """The results are in the remote, and there alone."""
    victim.complete()
    victim.luisy("cas", "push")
    victim.remove_outputs()
    shutil.rmtree(victim.store)


def _garbage(victim: Victim) -> None:
    """Results of other code, an alias to one, a pin and an accepted result."""
    _content_came_back(victim)
    victim.run()
    victim.edit('"root of "', '"other root of "')
    victim.run()
    victim.edit('"other root of "', '"root of "')
    victim.run()


def _pinned(victim: Victim) -> None:
    """A result with a name that keeps it."""
    victim.complete()
    first = victim.luisy("cas", "ls", "--json").document["actions"][0]
    victim.luisy("cas", "pin", "good", first["key"])


def _accepted(victim: Victim) -> None:
    """Changed code that counts as equivalent."""
    victim.complete()
    victim.edit('"root of "', '"root" + " of "')
    victim.luisy("accept", "--module", "pipe", "Root")


def _damaged(victim: Victim) -> None:
    """An object is not what its name says."""
    victim.complete()
    (path,) = [
        one for one in (victim.store / "objects").rglob("*") if one.is_file() and one.stat().st_size == 1
    ]
    path.chmod(0o644)
    path.write_text("x")


def _old_index(victim: Victim) -> None:
    """An index of the first schema."""
    victim.complete()
    later = [script for number, _, script in migrations.scripts() if number > 1]
    with closing(sqlite3.connect(victim.store / "index.db", isolation_level=None)) as index:
        for script in later:
            for table in re.findall(r"^CREATE TABLE (\w+)", script, re.MULTILINE):
                index.execute(f"DROP TABLE {table}")
        index.execute("DELETE FROM _sqlite_migrations WHERE name NOT LIKE '0001%'")
        index.execute("PRAGMA user_version = 1")
        index.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _index_lost(victim: Victim) -> None:
    """Nothing but the files."""
    victim.complete()
    for path in victim.store.glob("index.db*"):
        path.unlink()


@dataclass(frozen=True)
class Operation:
    """What is killed.

    :param before: makes the state in which it begins.
    :param words: of the command.
    :param deletes: it may take results away.
    :param damaged: there is something wrong until it is done.
    :param again: what it ends with where it was done before it was killed.
    :param ahead: seconds by which its clock is fast: gc leaves alone what is younger than a day.
    """

    before: Callable[[Victim], None]
    words: tuple[str, ...]
    deletes: bool = False
    damaged: bool = False
    again: int = 0
    ahead: float = 0.0
    aside: str = field(default="1")


RUN = ("run", "--json", "--module", "pipe", "Root")
OPERATIONS = {
    "keep": Operation(_nothing, RUN),
    "keep by two workers": Operation(_nothing, (*RUN, "--workers", "2")),
    "materialise": Operation(_outputs_lost, RUN),
    "rescue": Operation(_edited, RUN),
    "supersede": Operation(_other_content, (*RUN, "--force-all"), deletes=True, aside="2"),
    "alias": Operation(_content_came_back, RUN),
    "push": Operation(_ran, ("cas", "push")),
    "pull": Operation(_pushed, ("cas", "pull", "--all")),
    "run from the remote": Operation(_pushed, (*RUN, "--download")),
    "gc": Operation(_garbage, ("cas", "gc", "--older-than", "0", "--yes"), deletes=True, ahead=_DAYS),
    "unpin": Operation(_pinned, ("cas", "unpin", "good"), again=1),
    "accept": Operation(_ran, ("accept", "--module", "pipe", "Root")),
    "undo an acceptance": Operation(_accepted, ("accept", "--module", "pipe", "Root", "--undo"), again=1),
    "migrate": Operation(_old_index, ("cas", "status")),
    "rebuild": Operation(_ran, ("cas", "verify", "--rebuild")),
    "make a lost index again": Operation(_index_lost, ("cas", "status")),
    "repair": Operation(_damaged, ("cas", "verify", "--repair"), deletes=True, damaged=True),
}
"""Whatever writes to a store or a remote. What comes new (as gc of a remote) belongs here."""


def kill_at_each(victim: Victim, operation: Operation, most: int) -> None:
    """Kill *operation* at up to *most* of its steps, and look after each."""
    operation.before(victim)
    victim.remember()
    promised = set() if operation.deletes else victim.results()
    victim.restore()
    assert victim.kill(operation.words, 0, ahead=operation.ahead).code == 0
    steps = victim.steps()
    done = victim.results()
    wrong = []
    for at in spread(len(steps), most):
        victim.restore()
        killed = victim.kill(operation.words, at, ahead=operation.ahead)
        if killed.code != KILLED:  # threads and processes: not each time as many steps
            assert at > len(steps) // 2
            continue
        killed_at = victim.steps()[-1]
        try:
            look_after(victim, operation, promised, done)
        except AssertionError as error:
            wrong.append(f"killed at {at} of {len(steps)}, {killed_at}: {error}")
    assert not wrong, "\n".join(wrong)


def look_after(victim: Victim, operation: Operation, promised: set[str], done: set[str]) -> None:
    """What must be true of a store and a workspace after a kill."""
    if not operation.damaged:
        victim.assert_sound()
    assert victim.results() >= promised
    again = victim.kill(operation.words, 0, ahead=operation.ahead)
    assert again.code in (0, operation.again), again.stderr
    assert "Traceback" not in again.stderr
    assert victim.results() >= done
    victim.complete(operation.aside)
    victim.assert_sound()


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_kill_at_any_step_costs_nothing_but_the_work(victim: Victim, operation: Operation) -> None:
    """``verify`` is clean, no result is lost, and the same command and the next run complete with the right bytes."""
    kill_at_each(victim, operation, IN_CI)


@pytest.mark.soak
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_kill_at_every_step_costs_nothing_but_the_work(victim: Victim, operation: Operation) -> None:
    """The same, at every single step."""
    kill_at_each(victim, operation, 1 << 30)

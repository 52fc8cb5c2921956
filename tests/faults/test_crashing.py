"""Killed at every step: what was promised is kept, nothing else is promised, and the next run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING

import pytest

from tests.faults import states
from tests.faults.points import spread
from tests.faults.victims import KILLED, Victim

if TYPE_CHECKING:
    from collections.abc import Callable


IN_CI = 5
"""Steps of each operation at which ``make test`` kills it; ``make soak`` takes all."""

_DAYS = 5 * 86400.0


class In(Flag):
    """Where results are."""

    NEITHER = 0
    STORE = auto()
    REMOTE = auto()


@dataclass(frozen=True)
class Operation:
    """What is killed.

    :param before: makes the state in which it begins.
    :param words: of the command.
    :param deletes: where it may take results away.
    :param damaged: where there is something wrong until it is done.
    :param runs: how often it is run until all is done.
    :param again: what it ends with where it was done before it was killed.
    :param ahead: seconds by which its clock is fast: gc leaves alone what is younger than a day.
    :param later: seconds after the kill, by the remote's clock, at which it is run again: gc leaves alone what is
        younger than a day there, too.
    """

    before: Callable[[Victim], None]
    words: tuple[str, ...]
    deletes: In = In.NEITHER
    damaged: In = In.NEITHER
    runs: int = 1
    again: int = 0
    ahead: float = 0.0
    later: float = 0.0
    aside: str = "1"


RUN = ("run", "--json", "--module", "pipe", "Root")
REPAIR_REMOTE = ("cas", "verify", "--remote", "--repair")
OPERATIONS = {
    "keep": Operation(states.never_ran, RUN),
    "keep by two workers": Operation(states.never_ran, (*RUN, "--workers", "2")),
    "materialise": Operation(states.outputs_lost, RUN),
    "rescue": Operation(states.edited, RUN),
    "supersede": Operation(states.other_content, (*RUN, "--force-all"), deletes=In.STORE, aside="2"),
    "alias": Operation(states.content_came_back, RUN),
    "push": Operation(states.ran, ("cas", "push")),
    "pull": Operation(states.pushed, ("cas", "pull", "--all")),
    "run from the remote": Operation(states.pushed, (*RUN, "--download")),
    "gc": Operation(
        states.garbage, ("cas", "gc", "--older-than", "0", "--yes"), deletes=In.STORE, ahead=_DAYS
    ),
    "gc of a remote": Operation(
        states.garbage_pushed, states.GC_REMOTE, deletes=In.REMOTE, runs=5, later=_DAYS
    ),
    "gc of a remote that deletes": Operation(
        states.tombstoned, states.GC_REMOTE, deletes=In.REMOTE, runs=4, later=_DAYS
    ),
    "unpin": Operation(states.pinned, ("cas", "unpin", "good"), again=1),
    "accept": Operation(states.ran, ("accept", "--module", "pipe", "Root")),
    "undo an acceptance": Operation(
        states.accepted, ("accept", "--module", "pipe", "Root", "--undo"), again=1
    ),
    "migrate": Operation(states.old_index, ("cas", "status")),
    "rebuild": Operation(states.ran, ("cas", "verify", "--rebuild")),
    "make a lost index again": Operation(states.index_lost, ("cas", "status")),
    "repair": Operation(states.damaged, ("cas", "verify", "--repair"), deletes=In.STORE, damaged=In.STORE),
    "repair of a remote from the store": Operation(
        states.blobs_damaged, REPAIR_REMOTE, damaged=In.REMOTE, aside="1" * (1 << 20)
    ),
    "repair of a remote that has the only copy": Operation(
        states.blobs_lost, REPAIR_REMOTE, deletes=In.REMOTE, damaged=In.REMOTE
    ),
    "export": Operation(states.ran, ("cas", "export", "--all", "-o", states.EXPORTED)),
    "import": Operation(states.exported, ("cas", "import", states.EXPORTED)),
}
"""Whatever writes to a store or a remote. What comes new belongs here."""


@dataclass(frozen=True)
class There:
    """The results in the store, those in the remote, and what the remote holds in all."""

    store: set[str]
    remote: set[str]
    held: dict[str, int]


def there(victim: Victim) -> There:
    """What there is."""
    return There(victim.results(), victim.remote_results(), victim.remote_holds())


def kill_at_each(victim: Victim, operation: Operation, most: int) -> None:
    """Kill *operation* at up to *most* of its steps, and look after each."""
    operation.before(victim)
    victim.remember()
    before = there(victim)
    victim.restore()
    assert victim.kill(operation.words, 0, ahead=operation.ahead).code == 0
    steps = victim.steps()
    finish(victim, operation, operation.runs - 1)
    done = there(victim)
    wrong = []
    for at in spread(len(steps), most):
        victim.restore()
        killed = victim.kill(operation.words, at, ahead=operation.ahead)
        if killed.code != KILLED:  # threads and processes: not each time as many steps
            assert at > len(steps) // 2
            continue
        killed_at = victim.steps()[-1]
        try:
            look_after(victim, operation, before, done)
        except AssertionError as error:
            wrong.append(f"killed at {at} of {len(steps)}, {killed_at}: {error}")
    assert not wrong, "\n".join(wrong)


def finish(victim: Victim, operation: Operation, runs: int) -> None:
    """Let it do what it has left."""
    victim.pass_time_in_remote(operation.later)
    for _ in range(runs):
        again = victim.kill(operation.words, 0, ahead=operation.ahead)
        assert again.code in (0, operation.again), again.stderr
        assert "Traceback" not in again.stderr


def look_after(victim: Victim, operation: Operation, before: There, done: There) -> None:
    """What must be true of a store, a remote and a workspace after a kill."""
    if In.STORE not in operation.damaged:
        victim.assert_sound()
    if In.REMOTE not in operation.damaged:
        victim.assert_remote_sound()
    if In.STORE not in operation.deletes:
        assert victim.results() >= before.store
    assert victim.remote_results() >= (done if In.REMOTE in operation.deletes else before).remote
    finish(victim, operation, operation.runs)
    assert victim.results() >= done.store
    assert victim.remote_results() == done.remote
    if operation.later:  # what the kill left behind is old enough to go
        assert victim.remote_holds() == done.held
    victim.assert_remote_gives(done.remote)
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


def test_what_a_kill_leaves_beside_outputs_goes_with_a_gc(victim: Victim) -> None:
    """Killed between writing and renaming: the next run makes the outputs, and a gc a day later leaves nothing but them."""
    states.outputs_lost(victim)
    victim.remember()
    victim.restore()
    victim.kill(RUN, 0)
    outputs = victim.outputs()
    renames = [
        number
        for number, step in enumerate(victim.steps(), 1)
        if step.startswith("os.rename") and "/.luisy-" in step
    ]
    victim.restore()
    assert victim.kill(RUN, renames[0]).code == KILLED
    assert victim.left_behind()
    victim.complete()
    assert victim.kill(("cas", "gc", "--yes"), 0, ahead=_DAYS).code == 0
    assert victim.left_behind() == []
    assert victim.outputs() == outputs

"""Clocks that are a day apart: the two machines agree on what is there, and nothing young is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.victims import Victim

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.projects import Run, Warm

_DAY = 86400.0
_GC = ("cas", "gc", "--remote", "--json", "--yes", "--older-than", "12h")
"""Half of what the clocks are apart: who took his own clock for the remote's would find everything old."""


@pytest.fixture
def other(victim: Victim, tmp_path: Path, warm: Warm) -> Victim:
    """A second machine with the same remote and the same pipeline."""
    (tmp_path / "other").mkdir()
    other = Victim(tmp_path / "other", warm)
    other.remote.rmdir()
    other.remote = victim.remote
    return other


def _by_clock(machine: Victim, ahead: float, *words: str) -> Run:
    done = machine.prepared("set_clock", *words, ahead=ahead)
    assert done.code == 0, done.stderr
    return done


@pytest.mark.parametrize("ahead", [_DAY, -_DAY], ids=["fast", "slow"])
def test_clocks_a_day_apart_agree_and_delete_nothing_young(
    victim: Victim, other: Victim, ahead: float
) -> None:
    """What either pushes the other pulls, and gc runs by either clock leave all of it in the remote."""
    run = ("run", "--json", "--module", "pipe", "Root")
    _by_clock(victim, ahead, *run)
    _by_clock(victim, ahead, "cas", "push")
    _by_clock(other, 0.0, "cas", "pull", "--all")
    assert other.results() == victim.results()
    other.aside("2")
    _by_clock(other, 0.0, *run, "--force-all")
    other.raw("raw 2")
    _by_clock(other, 0.0, *run)
    _by_clock(other, 0.0, "cas", "push")
    _by_clock(victim, ahead, "cas", "pull", "--all")
    listed = [
        _by_clock(machine, clock, "cas", "ls", "--remote", "--json").document["actions"]
        for machine, clock in ((victim, ahead), (other, 0.0))
    ]
    assert _keys(listed[0]) == _keys(listed[1]) != set()
    for machine, clock in ((victim, ahead), (other, 0.0)) * 2:
        _by_clock(machine, clock, *_GC)
    after = _by_clock(other, 0.0, "cas", "ls", "--remote", "--json").document["actions"]
    assert _keys(after) == _keys(listed[0])


def _keys(actions: list[dict[str, str]]) -> set[str]:
    return {action["key"] for action in actions}

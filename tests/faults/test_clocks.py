"""Clocks that are a day apart: the two machines agree on what is there, and nothing young is deleted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.e2e.machines import settings_of
from tests.faults.proxy import running
from tests.faults.victims import Victim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.azurite import Azurite
    from tests.e2e.projects import Run, Warm
    from tests.faults.proxy import Proxy

_DAY = 86400.0
_LONG_AGO = 1_700_000_000
_GC = ("cas", "gc", "--remote", "--json", "--yes", "--older-than", "12h")
"""Half of what the clocks are apart: who took his own clock for the remote's would find everything old."""

_RUN = ("run", "--json", "--module", "pipe", "Root")
_FAST_OR_SLOW = pytest.mark.parametrize("ahead", [_DAY, -_DAY], ids=["fast", "slow"])


@pytest.fixture
def other(victim: Victim, tmp_path: Path, warm: Warm) -> Victim:
    """A second machine with the same remote and the same pipeline."""
    (tmp_path / "other").mkdir()
    other = Victim(tmp_path / "other", warm)
    other.settings = victim.settings
    return other


@pytest.fixture
def dated(azurite: Azurite) -> Iterator[Proxy]:
    """An Azurite that looks at the dates of requests, as Azure does."""
    with running(azurite) as proxy:
        proxy.most_off = 15 * 60.0
        yield proxy


def _by_clock(machine: Victim, ahead: float, *words: str, expected: int = 0) -> Run:
    for path in machine.code.glob("*.py"):  # code that seems to be from tomorrow may not be what was loaded
        os.utime(path, (_LONG_AGO, _LONG_AGO))
    done = machine.prepared("set_clock", *words, ahead=ahead)
    assert done.code == expected, done.stderr
    return done


def _shared(azurite: Azurite, credentials: str) -> Mapping[str, str]:
    """The settings of a container that is opened by an account key, or by a token."""
    container = azurite.new_container()
    return settings_of(
        container, azurite.sas(container, "rcwld") if credentials == "SAS" else azurite.credentials
    )


def agree(victim: Victim, other: Victim, ahead: float) -> None:
    """What either pushes the other pulls, and gc runs by either clock leave all of it in the remote."""
    _by_clock(victim, ahead, *_RUN)
    _by_clock(victim, ahead, "cas", "push")
    _by_clock(other, 0.0, "cas", "pull", "--all")
    assert other.results() == victim.results() != set()
    other.aside("2")
    _by_clock(other, 0.0, *_RUN, "--force-all")
    other.raw("raw 2")
    _by_clock(other, 0.0, *_RUN)
    _by_clock(other, 0.0, "cas", "push")
    _by_clock(victim, ahead, "cas", "pull", "--all")
    listed = [
        _by_clock(machine, clock, "cas", "ls", "--remote", "--json").document["actions"]
        for machine, clock in ((victim, ahead), (other, 0.0))
    ]
    assert _keys(listed[0]) == _keys(listed[1]) != set()
    for machine, clock in ((victim, ahead), (victim, ahead), (other, 0.0), (other, 0.0)):  # two runs delete
        _by_clock(machine, clock, *_GC)
    after = _by_clock(other, 0.0, "cas", "ls", "--remote", "--json").document["actions"]
    assert _keys(after) == _keys(listed[0])


def _keys(actions: list[dict[str, str]]) -> set[str]:
    return {action["key"] for action in actions}


@_FAST_OR_SLOW
def test_clocks_a_day_apart_agree_and_delete_nothing_young(
    victim: Victim, other: Victim, ahead: float
) -> None:
    """In a folder, whose clock is that of the file system."""
    agree(victim, other, ahead)


@pytest.mark.parametrize(("ahead", "credentials"), [(_DAY, "account key"), (-_DAY, "SAS")])
def test_clocks_a_day_apart_agree_in_azurite(
    victim: Victim, other: Victim, azurite: Azurite, ahead: float, credentials: str
) -> None:
    """In a container, whose clock is the server's."""
    victim.settings = other.settings = _shared(azurite, credentials)
    agree(victim, other, ahead)


@_FAST_OR_SLOW
def test_a_clock_that_azure_refuses_fails_no_run(victim: Victim, dated: Proxy, ahead: float) -> None:
    """The run goes on without the remote and says once what is wrong with the clock; a push says it, too."""
    victim.settings = settings_of(dated.azurite.new_container(), dated.credentials)
    _by_clock(victim, 0.0, *_RUN, "--upload")
    victim.raw("raw 2")
    told = f"this machine's clock, which is 1440 minutes {'fast' if ahead > 0 else 'slow'}"
    done = _by_clock(victim, ahead, *_RUN, "--download")
    assert done.stderr.count(told) == 1
    assert "azure_storage_key" not in done.stderr
    assert done.outcomes["Tree"] == "executed"
    pushed = _by_clock(victim, ahead, "cas", "push", expected=3)
    assert "error[wrong-clock]" in pushed.stderr
    assert told in pushed.stderr


def test_a_clock_that_azure_refuses_fails_who_requires_the_remote(victim: Victim, dated: Proxy) -> None:
    """Before any task is run."""
    victim.settings = settings_of(dated.azurite.new_container(), dated.credentials)
    done = _by_clock(victim, _DAY, *_RUN, "--download", "--require-remote", expected=3)
    assert done.document["error"]["slug"] == "wrong-clock"
    assert victim.trail() == []


@pytest.mark.parametrize(
    ("ahead", "hours", "told"), [(_DAY, 1.0, "does not let us"), (-_DAY, -1.0, "expired on")]
)
def test_whether_a_token_expired_is_told_by_the_clock_of_azure(
    victim: Victim, azurite: Azurite, ahead: float, hours: float, told: str
) -> None:
    """One that lacks a right is not told to have expired, and one that expired is."""
    container = azurite.new_container()
    victim.settings = settings_of(container, azurite.sas(container, "rl", hours=hours))
    _by_clock(victim, ahead, *_RUN)
    assert told in _by_clock(victim, ahead, "cas", "push", expected=3).stderr

"""The protocol of pushers and gc runs holds, and each of its rules is needed."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.model.explorer import explore
from tests.model.protocol import Protocol, Rules, is_safe, start

ONE = {"pushers": 1, "collectors": 1}
PUSHERS = {"pushers": 2, "collectors": 1}
COLLECTORS = {"pushers": 1, "collectors": 2}


@pytest.mark.parametrize("orphan", [False, True], ids=["old", "orphan"])
@pytest.mark.parametrize(
    ("actors", "protocol"),
    [
        (ONE, Protocol(Rules())),
        (PUSHERS, Protocol(Rules(), tries=1)),
        (PUSHERS, Protocol(Rules(), folding=True, tries=1)),
        (PUSHERS, Protocol(Rules(), folding=True, needing=False, tries=1)),
        (COLLECTORS, Protocol(Rules(), tries=1)),
    ],
    ids=["one of each", "two pushers", "two folding pushers", "folding beside it", "two gc runs"],
)
def test_no_order_of_steps_and_crashes_loses_bytes(
    actors: dict[str, int], protocol: Protocol, *, orphan: bool
) -> None:
    """In no state is anything promised that is not there, or that nothing locates."""
    found = explore(start(**actors, orphan=orphan), protocol.steps, is_safe)
    assert found.trace is None
    assert found.states > 500


@pytest.mark.soak
@pytest.mark.parametrize("orphan", [False, True], ids=["old", "orphan"])
@pytest.mark.parametrize("folding", [False, True], ids=["plain", "folding"])
@pytest.mark.parametrize("pinning", [False, True], ids=["one policy", "two policies"])
def test_nor_among_two_pushers_and_two_gc_runs(*, orphan: bool, folding: bool, pinning: bool) -> None:
    """The same with more of everything: minutes."""
    protocol = Protocol(Rules(), folding=folding, pinning=pinning, tries=1)
    found = explore(start(pushers=2, collectors=2, orphan=orphan), protocol.steps, is_safe)
    assert found.trace is None


# Which actors it takes to show what a rule is for, where one pusher and one gc run do not.
_NEEDED = {
    "touch_on_withdrawal": (COLLECTORS, {"pinning": True, "tries": 1}),
    "fold_leaves_doomed": (ONE, {"folding": True, "needing": False}),
}


@pytest.mark.parametrize("rule", [one.name for one in fields(Rules)])
def test_without_any_one_of_its_rules_the_protocol_loses_bytes(rule: str) -> None:
    """Each rule earns its place: left out, a few steps lead to a promise of missing bytes."""
    actors, options = _NEEDED.get(rule, (ONE, {}))
    protocol = Protocol(Rules().without(rule), **options)  # type: ignore[arg-type]
    found = explore(start(**actors, orphan=False), protocol.steps, is_safe)
    assert found.trace is not None

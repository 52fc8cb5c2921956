"""The protocol of pushers and gc runs holds, and each of its rules is needed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from tests.model.explorer import explore
from tests.model.protocol import Protocol
from tests.model.world import Rules, is_safe, start

ONE = {"pushers": 1, "collectors": 1}
PUSHERS = {"pushers": 2, "collectors": 1}
COLLECTORS = {"pushers": 1, "collectors": 2}
READER = {"pushers": 0, "collectors": 1, "readers": 1, "kept": True}


@pytest.mark.parametrize("orphan", [False, True], ids=["old", "orphan"])
@pytest.mark.parametrize(
    ("actors", "options"),
    [
        (ONE, {}),
        (PUSHERS, {"tries": 1}),
        (PUSHERS, {"tries": 1, "folding": True}),
        (PUSHERS, {"tries": 1, "folding": True, "needing": False}),
        (COLLECTORS, {"tries": 1, "pinning": True, "runs": (2, 1)}),
        ({"pushers": 0, "collectors": 2}, {"pinning": True}),
        ({**ONE, "wrong": 1}, {"tries": 1}),
        ({**ONE, "kept": True}, {"tries": 1, "repacking": True, "runs": (4,)}),
        ({**ONE, "kept": True}, {"tries": 1, "large": True, "folding": True}),
    ],
    ids=[
        "one of each",
        "two pushers",
        "two folding pushers",
        "folding beside it",
        "two gc runs with other pins",
        "two gc runs alone",
        "a wrong listing",
        "packed anew",
        "a large index",
    ],
)
def test_no_order_of_steps_and_crashes_loses_bytes(
    actors: dict[str, Any], options: dict[str, Any], *, orphan: bool
) -> None:
    """In no state is anything promised that is not there, or that nothing locates."""
    protocol = Protocol(Rules(), **options)
    found = explore(start(**actors, orphan=orphan), protocol.steps, is_safe)
    assert found.trace is None
    assert found.states > 400


@pytest.mark.parametrize(
    ("actors", "options"),
    [
        (READER, {"repacking": True}),
        (READER, {"large": True}),
        ({**READER, "pushers": 1}, {"large": True, "folding": True, "tries": 1, "runs": (1,)}),
    ],
    ids=["one segment", "two segments", "beside a folding pusher"],
)
def test_no_paged_listing_misses_what_was_there_all_the_time(
    actors: dict[str, Any], options: dict[str, Any]
) -> None:
    """Whatever moves between its pages."""
    found = explore(start(**actors), Protocol(Rules(), **options).steps, is_safe)
    assert found.trace is None
    assert found.states > 400


@pytest.mark.soak
@pytest.mark.parametrize(
    ("actors", "options"),
    [
        ({"pushers": 2, "collectors": 2, "tombstoned": True}, {"runs": (1, 1)}),
        ({"pushers": 1, "collectors": 2, "tombstoned": True}, {"runs": (1, 1), "pinning": True, "tries": 2}),
        ({"pushers": 1, "collectors": 2}, {"runs": (2, 1), "pinning": True, "folding": True}),
        ({"pushers": 0, "collectors": 2, "kept": True}, {"runs": (3, 2), "repacking": True}),
        ({"pushers": 1, "collectors": 2, "kept": True}, {"runs": (2, 1), "repacking": True}),
        (
            {"pushers": 2, "collectors": 1, "kept": True, "readers": 1},
            {"runs": (1,), "large": True, "folding": True},
        ),
    ],
    ids=["two of each", "pins", "folding and pins", "packed anew twice", "packed anew", "a reader"],
)
def test_nor_among_more_of_everything(actors: dict[str, Any], options: dict[str, Any]) -> None:
    """The same with two of each, or with more runs: minutes."""
    protocol = Protocol(Rules(), **{"tries": 1, **options})
    assert explore(start(**actors), protocol.steps, is_safe).trace is None


# Which actors it takes to show what a rule is for, where one pusher and one gc run do not.
_NEEDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "touch_on_withdrawal": (COLLECTORS, {"pinning": True, "tries": 1, "runs": (2, 1)}),
    "fold_leaves_doomed": (ONE, {"folding": True, "needing": False}),
    "agree": ({**ONE, "wrong": 1}, {"tries": 1}),
    "either": ({**ONE, "wrong": 1}, {"tries": 1}),
    "higher_level": (READER, {"repacking": True}),
    "parts_above": (READER, {"large": True}),
    "parts_first": (READER, {"large": True}),
}


@pytest.mark.parametrize("rule", [one.name for one in fields(Rules)])
def test_without_any_one_of_its_rules_the_protocol_loses_something(rule: str) -> None:
    """Each rule earns its place: left out, a few steps lead to a promise of missing bytes, or a listing that misses."""
    actors, options = _NEEDED.get(rule, (ONE, {}))
    protocol = Protocol(Rules().without(rule), **options)
    assert explore(start(**actors), protocol.steps, is_safe).trace is not None

"""A commit in a folder is one, and each rule of the adapter is needed for that."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.model.explorer import explore
from tests.model.folder import COMMITTED, SLOT, Adapter, Folder, Rules, start


def after_a_crash() -> Folder:
    """A commit died between its rename and the unlink of the slot: both versions are there."""
    return start()._replace(files=frozenset({SLOT, COMMITTED}), seen=COMMITTED)


CASES = [(start(), SLOT), (after_a_crash(), SLOT), (after_a_crash(), COMMITTED)]


@pytest.mark.parametrize(("begin", "breaks"), CASES, ids=["slot", "after a crash", "sweep after a crash"])
def test_no_order_of_calls_and_crashes_makes_half_a_commit(begin: Folder, breaks: int) -> None:
    """Of a commit and a break one happens, nothing that was replaced comes back, and nothing is lost."""
    adapter = Adapter(Rules(), breaks=breaks)
    found = explore(begin, adapter.steps, adapter.is_safe)
    assert found.trace is None
    assert found.states > 10


@pytest.mark.parametrize("rule", [one.name for one in fields(Rules)])
def test_without_any_one_of_its_rules_a_commit_may_be_lost(rule: str) -> None:
    """Each rule earns its place: left out, one of the cases goes wrong."""
    traces = []
    for begin, breaks in CASES:
        adapter = Adapter(Rules().without(rule), breaks=breaks)
        traces.append(explore(begin, adapter.steps, adapter.is_safe).trace)
    assert any(trace is not None for trace in traces)

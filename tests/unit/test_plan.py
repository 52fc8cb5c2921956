"""The rules: what becomes of a task, and why."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.model import Key, Outcome, Reason
from luisy.plan import (
    Found,
    History,
    Kind,
    Report,
    Root,
    Situation,
    Status,
    Table,
    TaskReport,
    decide,
    needed,
)

SITUATIONS = st.builds(
    Situation,
    kind=st.sampled_from(Kind),
    problem=st.sampled_from(["", "requires() raised"]),
    uncacheable=st.sampled_from(["", "it has no output"]),
    complete=st.booleans(),
    missing=st.sampled_from([(), ("/data/raw.csv",)]),
    table=st.one_of(st.none(), st.sampled_from(Table)),
    forced=st.booleans(),
    adopted=st.booleans(),
    found=st.sampled_from(Found),
    equal_inputs=st.booleans(),
    settled=st.booleans(),
    cutoff_possible=st.booleans(),
    history=st.sampled_from(History),
    inputs=st.lists(st.sampled_from(Outcome), max_size=3).map(tuple),
)


def table_of(state: Table, **more: Any) -> Situation:
    """A task whose output is a table of which that is known."""
    return Situation(uncacheable="a table", table=state, **more)


STOPPED = (Outcome.FAILED, Outcome.MISSING, Outcome.BLOCKED)


@pytest.mark.parametrize(
    ("situation", "outcome", "slug"),
    [
        (Situation(), Outcome.EXECUTED, "no-result"),
        (Situation(history=History.OTHER_CODE), Outcome.EXECUTED, "code-changed"),
        (Situation(history=History.SAME_CODE), Outcome.EXECUTED, "input-changed"),
        (Situation(found=Found.SOUND), Outcome.LOCAL, "stored"),
        (Situation(found=Found.SOUND, accepted="abc"), Outcome.LOCAL, "accepted"),
        (Situation(found=Found.SOUND, accepted="abc", remote=True), Outcome.REMOTE, "accepted"),
        (Situation(found=Found.SOUND, accepted="abc", adopted=True), Outcome.LOCAL, "accepted"),
        (Situation(found=Found.SOUND, accepted="abc", forced=True), Outcome.EXECUTED, "forced"),
        (Situation(accepted="abc"), Outcome.EXECUTED, "no-result"),
        (Situation(found=Found.SOUND, forced=True), Outcome.EXECUTED, "forced"),
        (Situation(found=Found.GONE), Outcome.EXECUTED, "result-gone"),
        (Situation(found=Found.SUPERSEDED), Outcome.EXECUTED, "input-superseded"),
        (Situation(found=Found.UNPROVEN), Outcome.EXECUTED, "input-renewed"),
        (Situation(found=Found.SUPERSEDED, equal_inputs=True), Outcome.REUSED, "equal-inputs"),
        (Situation(adopted=True), Outcome.LOCAL, "adopted"),
        (Situation(uncacheable="x", complete=True), Outcome.COMPLETE, "complete"),
        (Situation(uncacheable="x"), Outcome.EXECUTED, "uncacheable"),
        (table_of(Table.HELD, found=Found.SOUND), Outcome.COMPLETE, "table"),
        (table_of(Table.HELD, found=Found.SOUND, forced=True), Outcome.EXECUTED, "forced"),
        (table_of(Table.HELD, found=Found.EXPIRED), Outcome.EXECUTED, "expired"),
        (table_of(Table.HELD, found=Found.SUPERSEDED), Outcome.EXECUTED, "input-superseded"),
        (table_of(Table.HELD, found=Found.UNPROVEN, settled=False), Outcome.UNDECIDED, "inputs-open"),
        (table_of(Table.OPEN, settled=False), Outcome.UNDECIDED, "inputs-open"),
        (table_of(Table.CHANGED), Outcome.EXECUTED, "table-changed"),
        (table_of(Table.OTHER), Outcome.EXECUTED, "table-rewritten"),
        (table_of(Table.UNKNOWN), Outcome.EXECUTED, "table-unknown"),
        (table_of(Table.HELD, found=Found.SUPERSEDED, inputs=(Outcome.FAILED,)), Outcome.BLOCKED, "blocked"),
        (Situation(kind=Kind.EXTERNAL), Outcome.LOCAL, "external"),
        (Situation(kind=Kind.EXTERNAL, missing=("/raw.csv",)), Outcome.MISSING, "missing-file"),
        (Situation(problem="output() raised"), Outcome.FAILED, "broken"),
        (Situation(inputs=(Outcome.LOCAL, Outcome.FAILED)), Outcome.BLOCKED, "blocked"),
        (Situation(settled=False, cutoff_possible=True), Outcome.UNDECIDED, "inputs-open"),
        (Situation(settled=False), Outcome.EXECUTED, "no-result"),
    ],
)
def test_rule(situation: Situation, outcome: Outcome, slug: str) -> None:
    """Each situation has its outcome and its reason."""
    decision = decide(situation)
    assert (decision.outcome, decision.reason.slug) == (outcome, slug)


@pytest.mark.parametrize(
    ("inputs", "outcome"),
    [
        ((), Outcome.LOCAL),
        ((Outcome.LOCAL, Outcome.EXECUTED, Outcome.REUSED), Outcome.LOCAL),
        ((Outcome.LOCAL, Outcome.UNDECIDED), Outcome.UNDECIDED),
        ((Outcome.MISSING, Outcome.BLOCKED), Outcome.MISSING),
        ((Outcome.FAILED, Outcome.MISSING), Outcome.FAILED),
    ],
)
def test_wrapper_is_as_good_as_its_worst_input(inputs: tuple[Outcome, ...], outcome: Outcome) -> None:
    """A wrapper is never executed; it stands for what it wraps."""
    assert decide(Situation(kind=Kind.WRAPPER, inputs=inputs)).outcome is outcome


@given(SITUATIONS)
def test_every_situation_has_one_decision(situation: Situation) -> None:
    """No situation falls through, and the same situation gives the same decision."""
    assert decide(situation) == decide(dataclasses.replace(situation))
    assert decide(situation).reason.text


@given(SITUATIONS)
def test_forced_is_never_served(situation: Situation) -> None:
    """What was asked to execute is not answered from the store."""
    decision = decide(dataclasses.replace(situation, kind=Kind.TASK, forced=True))
    assert decision.outcome not in (Outcome.LOCAL, Outcome.REUSED, Outcome.UNDECIDED)


@given(SITUATIONS)
def test_nothing_executes_below_what_stopped(situation: Situation) -> None:
    """A task whose input failed or is missing does not run."""
    inputs = (*situation.inputs, Outcome.FAILED)
    assert (
        decide(dataclasses.replace(situation, kind=Kind.TASK, inputs=inputs)).outcome is not Outcome.EXECUTED
    )


@given(SITUATIONS)
def test_served_only_with_a_result(situation: Situation) -> None:
    """A task is local only where a sound result, or files to adopt, are there."""
    plain = dataclasses.replace(situation, kind=Kind.TASK)
    if decide(plain).outcome is Outcome.LOCAL:
        assert plain.found is Found.SOUND or plain.adopted


def test_needed_stops_at_what_is_served() -> None:
    """Nothing upstream of a result that is there is looked after."""
    inputs = {"root": ["a", "b"], "a": ["deep"], "b": ["deep"], "deep": []}
    assert needed(["root"], inputs.__getitem__, lambda name: name in "ab") == {"root", "a", "b"}
    assert needed(["root"], inputs.__getitem__, lambda name: name == "a") == {"root", "a", "b", "deep"}


def test_counts_sum_to_the_tasks() -> None:
    """Every task is counted once, and all outcomes are named."""
    task = TaskReport(
        family="A",
        params={},
        key=Key("0" * 64),
        outcome=Outcome.LOCAL,
        cacheable=True,
        adopted=False,
        reason=Reason("stored", "text"),
        seconds=0.0,
        bytes=3,
        outputs=("/data/a",),
    )
    report = Report(
        Status.SUCCESS, Root("A", None), (task, dataclasses.replace(task, outcome=Outcome.FAILED)), 0.5
    )
    assert sum(report.counts.values()) == 2
    assert set(report.counts) == {outcome.value for outcome in Outcome}
    assert report.as_json()["tasks"][0]["reason"] == {"slug": "stored", "text": "text"}

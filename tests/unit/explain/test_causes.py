"""What is at the root of a change."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from luisy.explain import Cause, Change, Part, causes_of, input_change

CODE = Change(Part.CODE, "f.py:clean", "a", "b", diff="-x\n+y\n", what="clean() in f.py")
BYTES = Change(Part.INPUT, "Raw()", "a", "b", what="its bytes changed")


def test_own_changes_come_before_those_of_inputs() -> None:
    """What changed in a task itself is told first."""
    upstream = causes_of("Up()", [CODE], [])
    own = Change(Part.PARAMETER, "x", "1", "2")
    assert [cause.change for cause in causes_of("Root()", [own], [upstream])] == [own, CODE]


def test_a_cause_far_upstream_is_told_with_the_way_to_it() -> None:
    """The task that changed is named, and through which inputs that reaches the one that is asked for."""
    causes = causes_of("A()", [CODE], [])
    for task in ("B()", "C()"):
        causes = causes_of(task, [], [causes])
    (cause,) = causes
    assert cause.told("C()") == "A(): code changed: clean() in f.py (by way of B())"


def test_a_long_way_is_shortened() -> None:
    """Of twenty tasks on the way the nearest and the farthest are named."""
    causes = causes_of("A()", [CODE], [])
    for number in range(20):
        causes = causes_of(f"T{number}()", [], [causes])
    assert causes[0].told("T19()") == "A(): code changed: clean() in f.py (by way of T18(), ..., T0())"


def test_the_same_change_is_told_once() -> None:
    """Two inputs of one class have one changed function: it is one cause, in more tasks than one."""
    one, two = causes_of("A(x=1)", [CODE], []), causes_of("A(x=2)", [CODE], [])
    (cause,) = causes_of("Root()", [], [one, two])
    assert cause.told("Root()") == "A(x=1) and others: code changed: clean() in f.py"


def test_a_diamond_has_one_cause() -> None:
    """What reaches a task by two ways is one cause in one task."""
    top = causes_of("Top()", [CODE], [])
    left, right = causes_of("Left()", [], [top]), causes_of("Right()", [], [top])
    (cause,) = causes_of("Root()", [], [left, right])
    assert not cause.others


def test_the_text_of_an_input_has_each_cause_with_its_diff() -> None:
    """The change of an input tells its causes, one a line, each with its diff."""
    change = input_change("Up()", "k1", "k2", (Cause("Up()", CODE), Cause("Raw()", BYTES)))
    assert change.diff == "its code changed: clean() in f.py\n-x\n+y\n\nRaw(): its bytes changed\n"
    assert change.told() == "input Up(): its code changed: clean() in f.py, and 1 more"


def test_many_causes_are_cut() -> None:
    """The text of an input does not grow with a pipeline of a thousand tasks."""
    causes = [Cause(f"T{n}()", Change(Part.CODE, str(n), "a", "b")) for n in range(1000)]
    lines = input_change("Up()", "k1", "k2", causes).diff.split("\n\n")
    assert len(lines) == 21
    assert lines[-1] == "and 980 more changes\n"


@dataclass(frozen=True)
class Dag:
    """Tasks by number; each may require any with a smaller number; some have a change of their own."""

    inputs: list[set[int]]
    changed: list[bool]


@st.composite
def dags(draw: st.DrawFn) -> Dag:
    size = draw(st.integers(1, 12))
    inputs = [draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in range(size)]
    return Dag(inputs, draw(st.lists(st.booleans(), min_size=size, max_size=size)))


@settings(max_examples=200, deadline=None)
@given(dags())
def test_the_causes_are_exactly_the_changes_upstream(dag: Dag) -> None:
    """Whatever the DAG, a task's causes are the changes of all tasks that it depends on, each once."""
    causes: list[tuple[Cause, ...]] = []
    upstream: list[set[int]] = []
    for number, inputs in enumerate(dag.inputs):
        own = [Change(Part.CODE, str(number), "a", "b")] if dag.changed[number] else []
        causes.append(causes_of(str(number), own, [causes[one] for one in sorted(inputs)]))
        upstream.append({number}.union(*(upstream[one] for one in inputs)))
        names = [cause.change.name for cause in causes[number]]
        assert sorted(names) == sorted(str(one) for one in upstream[number] if dag.changed[one])

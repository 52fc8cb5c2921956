"""What a gc plans: pure, by policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from luisy.cas.gc import Holding, Listed, Occasion, Policy, Why, plan
from tests.unit.cas.values import digest, key

if TYPE_CHECKING:
    from luisy.model import Digest

DAY = 86400.0
NOW = 1000 * DAY
SIZES = {digest(number): 10 for number in range(1, 9)}


def holding(number: int, *, days: float = 0, objects: tuple[int, ...] = (), **changes: Any) -> Holding:
    """Action *number*, unused for *days*; it needs the object of its own number and *objects*."""
    used = NOW - days * DAY
    return Holding(
        **{
            "key": key(number),
            "project": "p",
            "family": "F",
            "params_text": "{}",
            "params_digest": digest(1),
            "created": used,
            "used": used,
            "seconds": 1.0,
            "size": 10,
            "only_copy": True,
            "objects": frozenset(digest(one) for one in (number, *objects)),
            **changes,
        }
    )


def went(holdings: list[Holding], policy: Policy, kept: frozenset[Digest] = frozenset()) -> dict[int, Why]:
    """The numbers of the results that are to go, and why."""
    return {
        int(one.holding.key, 16): one.why for one in plan(holdings, Listed(SIZES), kept, policy, NOW).results
    }


def test_what_was_not_used_for_so_long_goes() -> None:
    """To the day; what is protected stays."""
    held = [holding(1, days=89), holding(2, days=90), holding(3, days=400, protected=True)]
    assert went(held, Policy(90 * DAY)) == {2: Why.UNUSED}
    assert went(held, Policy(0)) == {1: Why.UNUSED, 2: Why.UNUSED}


def test_the_last_of_each_task_and_parameters_stay() -> None:
    """By use, each task and each parameters by themselves."""
    held = [
        *(holding(number, days=100 + number) for number in (1, 2, 3)),
        holding(4, days=200, params_digest=digest(2)),
        holding(5, days=200, family="G"),
    ]
    assert went(held, Policy(90 * DAY, keep_last=2)) == {3: Why.UNUSED}


def test_least_worth_goes_first_until_it_fits() -> None:
    """Seconds to recompute per byte, then how lately it was used; protected results stay, even if it does not fit."""
    held = [
        holding(1, days=1, seconds=5.0),
        holding(2, days=3, seconds=1.0),
        holding(3, days=2, seconds=1.0),
        holding(4, days=9, seconds=0.0, protected=True),
    ]
    assert went(held, Policy(90 * DAY, max_size=30)) == {2: Why.MAX_SIZE}
    assert went(held, Policy(90 * DAY, max_size=29)) == {2: Why.MAX_SIZE, 3: Why.MAX_SIZE}
    assert set(went(held, Policy(90 * DAY, max_size=0))) == {1, 2, 3}


def test_what_stays_anyway_makes_no_room() -> None:
    """An object that something else needs is not counted as free when a result that needs it goes."""
    held = [holding(1, days=3), holding(2, days=2)]
    sizes = {digest(1): 10, digest(2): 10}
    found = plan(held, Listed(sizes), {digest(1)}, Policy(90 * DAY, max_size=10), NOW)
    assert {one.holding.key for one in found.results} == {key(1), key(2)}
    assert (found.objects, found.bytes, found.bytes_left) == ({digest(2)}, 10, 10)


def test_objects_go_when_nothing_that_stays_needs_them() -> None:
    """Shared ones stay with the last that needs them; unreferenced ones go, but what is kept otherwise."""
    held = [holding(1, days=100, objects=(5,)), holding(2, objects=(5,))]
    found = plan(held, Listed(SIZES), frozenset([digest(8)]), Policy(90 * DAY), NOW)
    assert set(found.objects) == {digest(number) for number in (1, 3, 4, 6, 7)}
    assert (found.bytes, found.bytes_left) == (50, 30)


@given(
    st.lists(
        st.tuples(st.sampled_from(range(0, 200, 10)), st.sets(st.integers(1, 8)), st.booleans()), max_size=8
    ),
    st.integers(0, 3),
    st.none() | st.integers(0, 90),
)
def test_no_plan_takes_what_stays_needs(
    given_: list[tuple[int, set[int], bool]], keep_last: int, max_size: int | None
) -> None:
    """Whatever the policy: protected results and their objects stay, and what is left fits unless they do not."""
    held = [
        holding(number, days=days, objects=tuple(objects), protected=protected)
        for number, (days, objects, protected) in enumerate(given_, start=1)
    ]
    found = plan(held, Listed(SIZES), frozenset(), Policy(90 * DAY, keep_last, max_size), NOW)
    gone = {one.holding.key for one in found.results}
    staying = [one for one in held if one.key not in gone]
    assert all(one.key not in gone for one in held if one.protected)
    assert not any(set(one.objects) & set(found.objects) for one in staying)
    assert found.bytes + found.bytes_left == sum(SIZES.values())
    if max_size is not None and found.bytes_left > max_size:
        assert all(one.protected for one in staying)


def test_a_run_takes_nothing_for_its_age() -> None:
    """Beside a run only the size counts, and only as far as it must."""
    held = [holding(1, days=400), holding(2, days=300), holding(3, days=200)]
    assert went(held, Policy(0, occasion=Occasion.RUN)) == {}
    assert went(held, Policy(0, max_size=10, occasion=Occasion.RUN)) == {1: Why.MAX_SIZE, 2: Why.MAX_SIZE}


def test_a_run_takes_no_costly_only_copy() -> None:
    """What took a minute and is nowhere else has to be said first, and a run asks nobody."""
    held = [
        holding(1, seconds=59.0, size=100),
        holding(2, seconds=60.0, size=1000),
        holding(3, seconds=60.0, size=1000, only_copy=False),
    ]
    assert went(held, Policy(0, max_size=0, occasion=Occasion.RUN)) == {1: Why.MAX_SIZE, 3: Why.MAX_SIZE}
    assert set(went(held, Policy(1e9, max_size=0))) == {1, 2, 3}

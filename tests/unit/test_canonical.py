"""Canonical bytes of values: equal values alike, different ones never."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import os
import pathlib
import subprocess
import sys
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.canonical import NotCanonicalError, canonical


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: object = None


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.sampled_from(Color),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner), st.frozensets(SCALARS)
    ),
    max_leaves=12,
)


def typed(value: Any) -> Any:
    """*value* with its types spelled out, so that ``==`` tells 1, 1.0 and True apart, and -0.0 from 0.0."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [typed(item) for item in value]
    if isinstance(value, frozenset):
        return "frozenset", sorted(repr(typed(item)) for item in value)
    if isinstance(value, dict):
        return "dict", [(typed(k), typed(v)) for k, v in value.items()]
    return type(value).__name__, repr(value)


@given(VALUES, VALUES)
def test_injective(first: object, second: object) -> None:
    """Two values have the same bytes exactly if they are the same value of the same types."""
    assert (canonical(first) == canonical(second)) == (typed(first) == typed(second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (None, "None"),
        (1, "1"),
        (1, True),
        (1, 1.0),
        ([1], ["1"]),
        ((1,), [1]),
        ("1_q=2", ("1", "q=2")),
        ("a/b", "a_b"),
        (["ab", "c"], ["a", "bc"]),
        ([["a"], "b"], [["a", "b"]]),
        (dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)),  # noqa: DTZ001 - a naive time is the case
        (Color.RED, Color.BLUE),
        (Level.ONE, 1),
        (Point(1), (1, None)),
        (Point(1), Point(2)),
        ({"a": 1}, OrderedDict(a=1)),
        (pathlib.PurePosixPath("a"), "a"),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (0.0, -0.0),
    ],
)
def test_values_that_print_or_compare_alike_differ(first: object, second: object) -> None:
    """Values that a reader may take for one another have different bytes."""
    assert canonical(first) != canonical(second)


def test_order_of_a_mapping_counts() -> None:
    """A mapping can show its order, so its order is part of it."""
    assert canonical({"a": 1, "b": 2}) != canonical({"b": 2, "a": 1})


def test_order_of_a_set_does_not_count() -> None:
    """A set's order is an accident of the process."""
    words = [str(number) for number in range(100)]
    assert canonical(set(words)) == canonical(dict.fromkeys(reversed(words)).keys() | set())


def test_same_in_every_process() -> None:
    """Neither hash seed nor memory addresses reach the bytes."""
    code = "from luisy.canonical import canonical; print(canonical([{'b', 'a'}, frozenset('xyz'), None, 1.5]).hex())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_golden() -> None:
    """The bytes are frozen: a change of them is a new key version."""
    assert canonical((1, "x", None)).hex() == (
        "74000000000000001d6900000000000000013173000000000000000178300000000000000000"
    )


def test_unknown_type_is_refused() -> None:
    """A value whose type says nothing stable is not guessed at."""
    with pytest.raises(NotCanonicalError, match="object"):
        canonical([object()])


def test_unknown_type_goes_to_the_fallback() -> None:
    """The caller may know more types, at any depth."""
    assert canonical([object()], lambda _: b"known") != canonical([object()], lambda _: b"other")

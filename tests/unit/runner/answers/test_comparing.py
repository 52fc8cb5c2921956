"""Values of two executions: equal, or where they first differ."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from luisy.runner.answers.comparing import difference


class Model:
    """Without an ``__eq__`` of its own."""

    def __init__(self, **weights: Any) -> None:
        self.weights = weights


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, math.nan], "b": ["x", None]} | columns)


def endless(value: Any) -> list[Any]:
    made = [value]
    made.append(made)
    return made


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": [1, 2.5], "b": None}, {"b": None, "a": [1, 2.5]}),
        ((math.nan, {1, 2}), (math.nan, {2, 1})),
        (frame(), frame()),
        (frame()["a"], frame()["a"]),
        (np.array([[1.0, math.nan]]), np.array([[1.0, math.nan]])),
        (np.float64(1.5), np.float64(1.5)),
        (Model(a=np.arange(3)), Model(a=np.arange(3))),
        (endless(1), endless(1)),
        (object, object),
        ({"t": frame()}, {"t": frame()}),
    ],
)
def test_equal_values(old: Any, new: Any) -> None:
    """Nested, with missing numbers, of pandas and numpy, of own classes, in circles."""
    assert difference(old, new) == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, "value['a'][1]: 2 -> 3"),
        ({"a": 1}, {"b": 1}, "value['a']: gone"),
        ({"a": 1}, {"a": 1, "b": 1}, "value['b']: new"),
        ([1], [1, 2], "value: 1 -> 2 items"),
        (1, True, "value: int -> bool"),
        ("x" * 100, "y", f"value: '{'x' * 59}... -> 'y'"),
        (frame(), frame(a=[1.0, 2.0]), "value: 1 of 4 cells differ"),
        (frame(), frame(c=[1, 2]), "value: 2 x 2 -> 2 x 3"),
        (frame(a=[1, 2]), frame(a=[1.0, 2.0]), "value: other types of columns"),
        (frame(), frame().rename(columns={"a": "c"}), "value: other column labels"),
        (frame(), frame().set_axis([5, 6]), "value: other row labels"),
        (frame()["a"], frame(a=[2.0, math.nan])["a"], "value: 1 of 2 cells differ"),
        (np.arange(3), np.arange(3.0), "value: int64 (3,) -> float64 (3,)"),
        (Model(a=1), Model(a=2), "value (Model)['weights']['a']: 1 -> 2"),
        (endless(1), endless(2), "value[0]: 1 -> 2"),
    ],
)
def test_the_first_difference_is_told(old: Any, new: Any, told: str) -> None:
    """With its place."""
    assert difference(old, new) == told

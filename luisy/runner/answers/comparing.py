"""Values that two executions made: whether they are equal, and if not, where they first differ."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

_SHOWN_CHARACTERS = 60


_Pairs = AbstractSet[tuple[int, int]]


def difference(old: Any, new: Any) -> str:
    """Where *new* first differs from *old*, and how; empty if they are equal.

    Types count, except that a missing number equals another one. Objects without an ``__eq__`` of their own are
    equal if what they are made of is.
    """
    try:
        return _difference(old, new, "value", frozenset())
    except RecursionError:
        return "they are nested too deeply to be compared"


def _difference(old: Any, new: Any, at: str, above: _Pairs) -> str:
    if old is new or (id(old), id(new)) in above:  # a cycle: whether they differ is seen further up
        return ""
    if type(old) is not type(new):
        return f"{at}: {type(old).__name__} -> {type(new).__name__}"
    compare = next(compare for holds, compare in _COMPARED if holds(old))
    return compare(old, new, at, above | {(id(old), id(new))})


def _of_arrays(old: Any, new: Any, at: str, above: _Pairs) -> str:
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return f"{at}: {old.dtype} {old.shape} -> {new.dtype} {new.shape}"
    return _difference(old.tolist(), new.tolist(), at, above)


def _of_equals(old: Any, new: Any, at: str, _above: _Pairs) -> str:
    missing = old != old and new != new  # noqa: PLR0124 - NaN
    return "" if missing or bool(old == new) else f"{at}: {_shown(old)} -> {_shown(new)}"


def _of_attributes(old: Any, new: Any, at: str, above: _Pairs) -> str:
    return _difference(vars(old), vars(new), f"{at} ({type(old).__name__})", above)


def _of_pickles(old: Any, new: Any, at: str, _above: _Pairs) -> str:
    return "" if pickle.dumps(old) == pickle.dumps(new) else f"{at}: {_shown(old)} -> {_shown(new)}"


def _of_mappings(old: Mapping[Any, Any], new: Mapping[Any, Any], at: str, above: _Pairs) -> str:
    for key in (*old, *new):
        if key not in new:
            return f"{at}[{key!r}]: gone"
        if key not in old:
            return f"{at}[{key!r}]: new"
    found = (_difference(old[key], new[key], f"{at}[{key!r}]", above) for key in old)
    return next(filter(None, found), "")


def _of_sequences(old: Any, new: Any, at: str, above: _Pairs) -> str:
    if len(old) != len(new):
        return f"{at}: {len(old)} -> {len(new)} items"
    found = (
        _difference(one, other, f"{at}[{place}]", above)
        for place, (one, other) in enumerate(zip(old, new, strict=True))
    )
    return next(filter(None, found), "")


def _is_frame(value: Any) -> bool:
    return type(value).__module__.split(".")[0] == "pandas" and hasattr(value, "equals")


def _of_frames(old: Any, new: Any, at: str, _above: _Pairs) -> str:
    """Data frames, series and indexes: values, labels and types."""
    if old.shape != new.shape:
        return f"{at}: {_extent(old)} -> {_extent(new)}"
    for axis, (labels, others) in enumerate(
        zip(getattr(old, "axes", ()), getattr(new, "axes", ()), strict=True)
    ):
        if not labels.equals(others):
            return f"{at}: other {'column' if axis else 'row'} labels"
    if str(getattr(old, "dtypes", "")) != str(getattr(new, "dtypes", "")):
        return f"{at}: other types of columns"
    if old.equals(new):
        return ""
    differs = ~((old == new) | (old.isna() & new.isna()))
    count = int(differs.to_numpy().sum()) if hasattr(differs, "to_numpy") else int(differs.sum())
    return f"{at}: {count} of {old.size} cells differ"


def _extent(frame: Any) -> str:
    return " x ".join(str(length) for length in frame.shape)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _is_array(value: Any) -> bool:
    """Whether *value* is one of numpy's arrays or scalars."""
    return hasattr(value, "dtype") and hasattr(value, "tolist")


def _has_equality(value: Any) -> bool:
    return isinstance(value, AbstractSet) or "__eq__" in _names_below_object(type(value))


def _names_below_object(kind: type) -> set[str]:
    return {name for base in kind.__mro__[:-1] for name in vars(base)}


_COMPARED: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any, str, _Pairs], str]], ...] = (
    (_is_frame, _of_frames),
    (_is_array, _of_arrays),
    (lambda value: isinstance(value, Mapping), _of_mappings),
    (lambda value: isinstance(value, (list, tuple)), _of_sequences),
    (_has_equality, _of_equals),
    (lambda value: hasattr(value, "__dict__"), _of_attributes),
    (lambda _: True, _of_pickles),
)

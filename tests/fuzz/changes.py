"""Bad input that is nearly good: valid samples with small changes, and values of the wrong kind in the right places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ODD_NUMBERS = (0, 1, 2, 127, 128, 255, 256, (1 << 15) - 1, (1 << 16) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63,
               (1 << 64) - 1)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """One of *samples* with one to three changes: bits, cuts, splices, repeated parts, numbers where lengths may stand."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 3))):
        change = draw(st.sampled_from(_CHANGES))
        data = change(draw, data, samples)
    return bytes(data)


def _place(draw: st.DrawFn, data: bytearray) -> int:
    return draw(st.integers(0, max(len(data) - 1, 0)))


def _flip(draw: st.DrawFn, data: bytearray, _: Sequence[bytes]) -> bytearray:
    if data:
        data[_place(draw, data)] ^= 1 << draw(st.integers(0, 7))
    return data


def _cut(draw: st.DrawFn, data: bytearray, _: Sequence[bytes]) -> bytearray:
    return data[: _place(draw, data)]


def _remove(draw: st.DrawFn, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start = _place(draw, data)
    del data[start : start + draw(st.integers(1, 64))]
    return data


def _repeat(draw: st.DrawFn, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start = _place(draw, data)
    part = data[start : start + draw(st.integers(1, 64))]
    return data[:start] + part * draw(st.integers(2, 50)) + data[start:]


def _splice(draw: st.DrawFn, data: bytearray, samples: Sequence[bytes]) -> bytearray:
    other = draw(st.sampled_from(samples))
    return data[: _place(draw, data)] + other[_place(draw, bytearray(other)) :]


def _insert(draw: st.DrawFn, data: bytearray, _: Sequence[bytes]) -> bytearray:
    start = _place(draw, data)
    return data[:start] + draw(st.binary(min_size=1, max_size=16)) + data[start:]


def _number(draw: st.DrawFn, data: bytearray, _: Sequence[bytes]) -> bytearray:
    """Put a number that is often mistaken where a length or count may stand."""
    size = draw(st.sampled_from((1, 2, 4, 8)))
    number = draw(st.sampled_from(ODD_NUMBERS)) % (1 << 8 * size)
    start = _place(draw, data)
    data[start : start + size] = number.to_bytes(size, draw(st.sampled_from(("big", "little"))))
    return data


_CHANGES: tuple[Callable[[st.DrawFn, bytearray, Sequence[bytes]], bytearray], ...] = (
    *(_flip, _cut, _remove, _repeat, _splice, _insert),
    *(_number, _number),
)

NASTY_TEXTS = (
    *(
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "a/",
        "C:\\x",
        "C:/x",
        "..\\x",
        "\\\\host\\share",
    ),
    *(
        "nul\0",
        "CON",
        "x" * 5000,
        "\ud800",
        "caf\udce9",
        "é",
        "e\u0301",
        "\ufb00",
        "A",
        "a",
        "\u202e",
        "\x1b[31m",
        "\n",
        "%2e%2e",
    ),
)

texts = st.sampled_from(NASTY_TEXTS) | st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
numbers = st.sampled_from((*ODD_NUMBERS, -1, 10**400, -(10**400))) | st.integers()
scalars = (
    st.none()
    | st.booleans()
    | numbers
    | st.floats()
    | st.sampled_from((1e308, -1e308, float("nan"), float("inf")))
    | texts
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""Anything that JSON can say, and some that it cannot."""

packable: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.binary(max_size=40)
    | st.sampled_from((bytes(16), bytes(32), b"\xff" * 32))
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=12,
)
"""Anything that MessagePack can say."""


@st.composite
def with_one_changed(draw: st.DrawFn, value: Any, other: st.SearchStrategy[Any]) -> Any:
    """A tree of lists and mappings with one thing in it replaced by something of *other*, removed, or given twice."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: draw(with_one_changed(value[name], other))}
    if isinstance(value, (list, tuple)) and value and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(value) - 1))
        kind = draw(st.sampled_from(("change", "change", "remove", "repeat")))
        middle = {
            "remove": [],
            "repeat": [value[place]] * 2,
            "change": [draw(with_one_changed(value[place], other))] if kind == "change" else [],
        }[kind]
        return [*value[:place], *middle, *value[place + 1 :]]
    return draw(other)

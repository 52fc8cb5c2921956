"""Live values as bytes: alike for alike values, and else not."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import re
import threading
import types
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from luisy.fingerprint.values import Canon, NotCanonical

if TYPE_CHECKING:
    from collections.abc import Callable


class Colour(enum.Enum):
    RED = 1
    BLUE = 2
    CRIMSON = 1  # another name of RED  # noqa: PIE796


class Shade(enum.Enum):
    RED = 2


class Point:
    def __init__(self, x: object) -> None:
        self.x = x

    def go(self) -> object:
        return self.x


class Slotted:
    __slots__ = ("__hidden", "unset", "x")

    def __init__(self, x: object, hidden: object = 0) -> None:
        self.x = x
        self.__hidden = hidden


class OneSlot:
    __slots__ = "x"  # noqa: PLC0205  # Python takes a string as well

    def __init__(self, x: object) -> None:
        self.x = x


class Whole(int):
    pass


class Real(float):
    pass


class Text(str):  # noqa: SLOT000  # a text with state
    pass


class Raw(bytes):  # likewise
    pass


class Rows(list[int]):  # a list with state
    pass


def _noted(value: Any, note: object) -> Any:
    value.note = note
    return value


def _adder(n: object) -> Callable[..., Any]:
    def add() -> object:
        return n

    return add


def _with_default(n: object) -> Callable[..., object]:
    def add(m: object = n) -> object:
        return m

    return add


def _with_keyword(n: object) -> Callable[..., object]:
    def add(*, m: object = n) -> object:
        return m

    return add


def _namesake(module: str) -> object:
    """An instance of a class ``Point`` of *module*."""
    return types.new_class("Point", exec_body=lambda names: names.update(__module__=module))()


def _written(value: object) -> bytes:
    return Canon(lambda _: None).write(value)


_DIFFERENT: dict[str, tuple[object, object]] = {
    "numbers": (1, 2),
    "types of numbers": (1, True),
    "texts": ("a", "b"),
    "lists": ([1], [2]),
    "list and tuple": ([1], (1,)),
    "keys": ({1: 2}, {3: 2}),
    "items": ({1: 2}, {1: 3}),
    "sets": ({1}, {2}),
    "enum names": (Colour.RED, Colour.BLUE),
    "enums": (Colour.BLUE, Shade.RED),
    "patterns": (re.compile("a"), re.compile("b")),
    "flags of patterns": (re.compile("a"), re.compile("a", re.IGNORECASE)),
    "dates": (dt.date(2026, 1, 1), dt.date(2026, 1, 2)),
    "decimals": (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    "fractions": (fractions.Fraction(1, 2), fractions.Fraction(1, 3)),
    "paths": (pathlib.PurePosixPath("a"), pathlib.PurePosixPath("b")),
    "uuids": (uuid.UUID(int=1), uuid.UUID(int=2)),
    "ranges": (range(3), range(4)),
    "objects": (Point(1), Point(2)),
    "objects with slots": (Slotted(1), Slotted(2)),
    "objects with a private slot": (Slotted(1, 2), Slotted(1, 3)),
    "objects with one slot": (OneSlot(1), OneSlot(2)),
    "whole numbers of a class": (Whole(1), Whole(2)),
    "floats of a class": (Real(1.5), Real(2.5)),
    "texts of a class": (Text("a"), Text("b")),
    "bytes of a class": (Raw(b"a"), Raw(b"b")),
    "state of a number": (_noted(Whole(1), 1), _noted(Whole(1), 2)),
    "state of a list": (_noted(Rows([1]), 1), _noted(Rows([1]), 2)),
    "cells": (_adder(1), _adder(2)),
    "cells with the text __class__": (_adder("__class__"), _adder("other")),
    "defaults": (_with_default(1), _with_default(2)),
    "defaults of keywords": (_with_keyword(1), _with_keyword(2)),
    "static methods": (staticmethod(_adder(1)), staticmethod(_adder(2))),
    "static and class method": (staticmethod(_adder(1)), classmethod(_adder(1))),
    "getters": (property(_adder(1)), property(_adder(2))),
    "setters": (property(_adder(1), _adder(1)), property(_adder(1), _adder(2))),
    "arguments of partials": (functools.partial(_adder, 1), functools.partial(_adder, 2)),
    "keywords of partials": (functools.partial(_adder, n=1), functools.partial(_adder, n=2)),
    "objects of bound methods": (Point(1).go, Point(2).go),
    "built-in functions": (len, max),
    "modules": (re, uuid),
    "classes": (Point, Slotted),
    "modules of classes": (_namesake("one"), _namesake("other")),
}


@pytest.mark.parametrize(("one", "other"), _DIFFERENT.values(), ids=list(_DIFFERENT))
def test_different_values_are_written_differently(one: object, other: object) -> None:
    """No two values that a program could tell apart have the same bytes."""
    assert _written(one) != _written(other)


_ALIKE: dict[str, tuple[object, object]] = {
    "names of one member of an enum": (Colour.RED, Colour.CRIMSON),
    "sets": ({"a", "b", "c"}, {"c", "b", "a"}),
    "objects": (Point(1), Point(1)),
    "objects with slots": (Slotted(1), Slotted(1)),
    "objects filled in another order": (_noted(Point(1), 2), _noted(_noted(Point(1), 3), 2)),
    "floats of a class": (Real(0.1), Real(0.1)),
    "functions": (_adder(1), _adder(1)),
}


@pytest.mark.parametrize(("one", "other"), _ALIKE.values(), ids=list(_ALIKE))
def test_alike_values_are_written_alike(one: object, other: object) -> None:
    """Where a value lies in memory, and how it came about, is not in its bytes."""
    assert _written(one) == _written(other)


def test_value_that_holds_itself_is_written() -> None:
    """A circle is written as the number of steps back."""
    short: list[object] = []
    short.append(short)
    long: list[object] = [[]]
    long[0].append(long)  # type: ignore[attr-defined]  # it is the list in the list
    assert _written(short) != _written(long)


@pytest.mark.parametrize(
    "value",
    [object(), threading.Lock(), iter([1]), (n for n in [1])],
    ids=["object", "lock", "iterator", "generator"],
)
def test_value_without_a_state_to_read_is_refused(value: object) -> None:
    """What Python keeps hidden cannot be written down."""
    with pytest.raises(NotCanonical):
        _written([value])


class Base:
    def go(self) -> object:
        return 1


class Derived(Base):
    def go(self) -> object:
        return super().go()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (Point, [Point]),
        ([Point(Slotted(1))], [Point, Slotted]),
        (Colour.RED, [Colour]),
        (Derived.go, [Derived.go]),
        ({"a": [1]}, []),
    ],
    ids=["class", "objects", "member of an enum", "method that asks super", "plain values"],
)
def test_code_behind_a_value_is_told(value: object, code: list[object]) -> None:
    """Classes and functions that a value holds are told, those of Python itself and the class round a method are not."""
    told: list[object] = []
    Canon(told.append).write(value)
    assert told == code

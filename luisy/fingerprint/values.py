"""Live values as canonical bytes: what class factories leave in closure cells and class attributes."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import re
import types
import uuid
from typing import TYPE_CHECKING

from luisy.fingerprint.normal import constant, frame, text_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TEXTUAL = (
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    fractions.Fraction,
    pathlib.PurePath,
    uuid.UUID,
    range,
)
_UNSTABLE_ATTRIBUTES = frozenset({"_counter", "__weakref__", "__dict__", "__doc__", "__module__"})
_MAX_DEPTH = 40


class NotCanonical(Exception):  # it is no error: the caller notes a blind spot
    """A value whose state cannot be written down."""


class Canon:
    """Writes values, and collects the classes and functions that they refer to.

    :param on_code: told each class and function that a value holds; its code counts elsewhere.
    """

    def __init__(self, on_code: Callable[[object], None]) -> None:
        self._on_code = on_code
        self._open: dict[int, int] = {}

    def write(self, value: object) -> bytes:
        """The canonical bytes of *value*.

        :raises NotCanonical: it, or something in it, has state that cannot be written down.
        """
        if value is None or value is Ellipsis or type(value) in (bool, int, float, complex, str, bytes):
            return constant(value)
        if id(value) in self._open:
            return b"^%d" % (len(self._open) - self._open[id(value)])
        if len(self._open) > _MAX_DEPTH:
            raise NotCanonical(type(value).__qualname__)
        self._open[id(value)] = len(self._open)
        try:
            return b"(" + frame(_name(type(value))) + self._content(value) + b")"
        finally:
            del self._open[id(value)]

    def _content(self, value: object) -> bytes:  # noqa: C901, PLR0911  # one return per kind of value
        if isinstance(value, type):
            self._on_code(value)
            return frame(_name(value))
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, (types.BuiltinFunctionType, types.ModuleType)):
            return frame(text_bytes(f"{getattr(value, '__module__', '')}:{value.__name__}"))
        if isinstance(value, (classmethod, staticmethod)):
            return self.write(value.__func__)
        if isinstance(value, types.MethodType):
            return self.write(value.__func__) + self.write(value.__self__)
        if isinstance(value, property):
            return self._all((value.fget, value.fset, value.fdel))
        if isinstance(value, functools.partial):
            return self._all((value.func, value.args, value.keywords))
        if isinstance(value, enum.Enum):
            self._on_code(type(value))
            return self.write(value.name) + self.write(value.value)
        if isinstance(value, re.Pattern):
            return self.write(value.pattern) + self.write(value.flags)
        if isinstance(value, _TEXTUAL):
            return frame(text_bytes(str(value)))
        return self._container(value)

    def _container(self, value: object) -> bytes:
        if isinstance(value, dict):
            pairs = [(self.write(key), self.write(item)) for key, item in value.items()]
            return b"".join(frame(key) + frame(item) for key, item in pairs) + self._state(value)
        if isinstance(value, (set, frozenset)):
            return b"".join(frame(item) for item in sorted(self.write(item) for item in value))
        if isinstance(value, (list, tuple)):
            return self._all(value) + self._state(value)
        if isinstance(value, (int, float, str, bytes)):
            return constant(_plain(value)) + self._state(value)
        if _module(type(value)) == "builtins":
            raise NotCanonical(type(value).__qualname__)
        if not hasattr(value, "__dict__") and not hasattr(type(value), "__slots__"):
            raise NotCanonical(type(value).__qualname__)
        return self._state(value)

    def _state(self, value: object) -> bytes:
        if _module(type(value)) != "builtins":
            self._on_code(type(value))
        state = dict(getattr(value, "__dict__", {}))
        for cls in type(value).__mro__:
            slots = cls.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                name = _private(cls, slot)
                if hasattr(value, name):
                    state[name] = getattr(value, name)
        kept = sorted((name, item) for name, item in state.items() if name not in _UNSTABLE_ATTRIBUTES)
        return b"".join(self.write(name) + self.write(item) for name, item in kept)

    def _function(self, value: types.FunctionType) -> bytes:
        self._on_code(value)
        name = frame(text_bytes(f"{value.__module__}:{value.__qualname__}"))
        cells = [_cell(cell) for cell in value.__closure__ or ()]
        names = value.__code__.co_freevars
        defaults = self.write(value.__defaults__) + self.write(value.__kwdefaults__)
        return (
            name
            + defaults
            + self._all(
                item for pair in zip(names, cells, strict=False) if pair[0] != "__class__" for item in pair
            )
        )

    def _all(self, values: Iterable[object]) -> bytes:
        return b"".join(frame(self.write(value)) for value in values)


def _plain(value: float | str | bytes) -> object:
    """The value of the built-in type that *value*'s class derives from."""
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__add__(value, 0.0)
    return str.__str__(value) if isinstance(value, str) else bytes.__getitem__(value, slice(None))


def _cell(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _private(cls: type, name: str) -> str:
    """How Python calls ``__name`` of *cls* outside of it."""
    if name.startswith("__") and not name.endswith("__"):
        return f"_{cls.__name__.lstrip('_')}{name}"
    return name


def _module(cls: type) -> str:
    module = getattr(cls, "__module__", "")
    return module if isinstance(module, str) else ""


def _name(cls: type) -> bytes:
    return text_bytes(f"{_module(cls)}:{cls.__qualname__}")

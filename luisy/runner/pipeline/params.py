"""A memo of ``luigi.Task.get_params`` for the time of a run.

Luigi asks a class for its parameters four times for each task that is made, and each time goes through
``dir(cls)`` (some hundred attributes). Within ``memoised_params`` it does so once for each class, and again
when anything in that class or in one of its bases was set, replaced or deleted.

That is noticed by comparing the namespaces of the class and all its bases, attribute by attribute and by
identity, at each call. It needs no hook on classes, so it holds for mixins that know nothing of Luigi and for
``type.__setattr__`` alike. A class whose attributes can answer differently without being changed (a metaclass
of its own, a descriptor that is not one of Python's plain ones) is never memoised.

Where a parameter is left to its default, Luigi looks for it in the configuration, four times for each task,
by way of two exceptions each if there is no section for the task. There the section is looked for first.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partialmethod
from operator import is_
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

import luigi
from luigi.configuration import LuigiConfigParser, get_config
from luigi.parameter import _no_value
from luigi.task_register import Register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Params = list[tuple[str, luigi.Parameter]]

_PLAIN_DESCRIPTORS = {
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
    cached_property,
    type(lru_cache(len)),
    partialmethod,
    property,
    staticmethod,
}
"""Read from a class, these give themselves, what they hold, or something callable."""


@dataclass(frozen=True, slots=True)
class _Namespace:
    """The attributes of one class as they were. Holding the values keeps their identities from being reused."""

    live: MappingProxyType[str, Any]
    names: tuple[str, ...]
    values: tuple[Any, ...]

    def is_current(self) -> bool:
        # Values by identity, since what compares equal need not be the same parameter.
        return tuple(self.live) == self.names and all(map(is_, tuple(self.live.values()), self.values))


@dataclass(frozen=True, slots=True)
class _Known:
    """What ``get_params`` answered for a class, and what that rests on."""

    params: _Params
    bases: tuple[type, ...]
    namespaces: tuple[_Namespace, ...]

    def is_current(self, cls: type) -> bool:
        if cls.__mro__ is not self.bases:
            return False
        for namespace in self.namespaces:  # noqa: SIM110 - a generator would cost a third more, four times a task
            if not namespace.is_current():
                return False
        return True


@contextmanager
def memoised_params() -> Iterator[None]:
    """Make tasks faster in the block; what somebody else replaced in Luigi is left as it is."""
    with (
        replaced(luigi.Task, "get_params", "luigi.task", _memo_of),
        replaced(luigi.Parameter, "_get_value_from_config", "luigi.parameter", _shortcut_of),
    ):
        yield


@contextmanager
def replaced(owner: object, name: str, module: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Replace the function that *owner* (a class, a module) has from *module*, for the block, by what *make* makes."""
    original = owner.__dict__.get(name)
    if getattr(original, "__module__", "") != module:
        yield
        return
    ours = make(original)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        if owner.__dict__.get(name) is ours:
            setattr(owner, name, original)


def _shortcut_of(original: Any) -> Any:
    """Ask the configuration for a default only if it has the task's section: else Luigi raises and catches twice."""

    def get_value_from_config(self: luigi.Parameter, section: str, name: str) -> Any:
        config = get_config()
        if (
            type(config) is LuigiConfigParser
            and section != config.default_section
            and not config.has_section(section)
        ):
            return _no_value
        return original(self, section, name)

    return get_value_from_config


def _memo_of(original: Any) -> Any:
    known: dict[type, _Known] = {}

    def get_params(cls: Any) -> _Params:
        found = known.get(cls)
        if found is not None and found.is_current(cls):
            return found.params.copy()
        # Taken before Luigi looks: a change in between makes the entry stale, not wrong.
        bases, namespaces = cls.__mro__, tuple(_namespace(base) for base in cls.__mro__ if base is not object)
        params: _Params = original.__get__(None, cls)()
        if type(cls) is Register and all(_is_fixed(value) for space in namespaces for value in space.values):
            known[cls] = _Known(params.copy(), bases, namespaces)
        else:
            known.pop(cls, None)
        return params

    return classmethod(get_params)


def _namespace(cls: type) -> _Namespace:
    live = cls.__dict__
    return _Namespace(live, tuple(live), tuple(live.values()))


def _is_fixed(value: Any) -> bool:
    """True if an attribute with this value gives the same answer each time that it is read from a class."""
    kind = type(value)
    if kind is classmethod:  # it binds what it wraps, and that may be a property
        return type(value.__func__) is FunctionType
    get = getattr(kind, "__get__", None)
    return get is None or kind in _PLAIN_DESCRIPTORS or get is getattr(luigi.Parameter, "__get__", None)

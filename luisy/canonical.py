"""Python values as canonical bytes: equal values give equal bytes, different ones never do.

Every value is a type tag, the length of its body and the body, so no two sequences of values can run into
each other. Used for parameters and closure cells; a change of these bytes changes keys (ADR 0001).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import struct
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import cast


class NotCanonicalError(TypeError):
    """A value has no canonical bytes: its type says nothing that is the same in every process."""


def tagged(tag: bytes, *bodies: bytes) -> bytes:
    """*tag*, then the length of all *bodies* together as eight bytes, then the bodies."""
    body = b"".join(bodies)
    return tag + len(body).to_bytes(8, "big") + body


def text(value: str) -> bytes:
    """A string; lone surrogates (names that are not UTF-8) survive."""
    body = value.encode("utf-8", "surrogatepass")
    return b"s" + len(body).to_bytes(8, "big") + body  # as ``tagged`` does, which is called too often here


def type_name(kind: type) -> str:
    """Module and qualified name of a class, which hold for every process."""
    return f"{kind.__module__}.{kind.__qualname__}"


def canonical(value: object, fallback: Callable[[object], bytes] | None = None) -> bytes:
    """The canonical bytes of *value*.

    :param fallback: asked for values of a type that this module does not know (tasks, classes, functions).
    :raises NotCanonicalError: for such a value where no *fallback* is given.
    :raises RecursionError: for a value that holds itself.
    """
    encode = _ENCODERS.get(type(value))
    if encode is not None:
        return encode(value, fallback)
    for kind, encode in _BY_BASE:
        if isinstance(value, kind):
            return tagged(b"S", text(type_name(type(value))), encode(value, fallback))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return tagged(b"D", text(type_name(type(value))), _mapping(named, fallback))
    if fallback is not None:
        return fallback(value)
    raise NotCanonicalError(f"a value of type {type_name(type(value))} has no canonical form")


_Fallback = Callable[[object], bytes] | None


def _sequence(value: object, fallback: _Fallback) -> bytes:
    assert isinstance(value, (list, tuple))
    return tagged(b"t", *(canonical(item, fallback) for item in value))


def _list(value: object, fallback: _Fallback) -> bytes:
    assert isinstance(value, list)
    return tagged(b"l", *(canonical(item, fallback) for item in value))


def _set(value: object, fallback: _Fallback) -> bytes:
    assert isinstance(value, AbstractSet)
    return tagged(b"u", *sorted(canonical(item, fallback) for item in value))


def _mapping(value: object, fallback: _Fallback) -> bytes:
    """Key order is kept: it can be seen by whoever reads the mapping."""
    assert isinstance(value, Mapping)
    return tagged(b"m", *(canonical(k, fallback) + canonical(v, fallback) for k, v in value.items()))


def _enum(value: object, _: _Fallback) -> bytes:
    assert isinstance(value, enum.Enum)
    return tagged(b"e", text(type_name(type(value))), text(value.name or str(value.value)))


def _timedelta(value: object, _: _Fallback) -> bytes:
    assert isinstance(value, dt.timedelta)
    return tagged(b"h", f"{value.days},{value.seconds},{value.microseconds}".encode())


def _plain(tag: bytes) -> Callable[[object, _Fallback], bytes]:
    return lambda value, _: tagged(tag, str(value).encode())


def _isoformat(tag: bytes) -> Callable[[object, _Fallback], bytes]:
    def encode(value: object, _: _Fallback) -> bytes:
        assert isinstance(value, (dt.date, dt.time))
        return tagged(tag, value.isoformat().encode())

    return encode


_ENCODERS: dict[type, Callable[[object, _Fallback], bytes]] = {
    type(None): lambda _value, _: tagged(b"0"),
    bool: lambda value, _: tagged(b"?", b"1" if value else b"0"),
    int: _plain(b"i"),
    float: lambda value, _: tagged(b"f", struct.pack(">d", value)),
    complex: lambda value, _: tagged(b"j", struct.pack(">dd", value.real, value.imag)),  # type: ignore[attr-defined]
    str: lambda value, _: text(str(value)),
    bytes: lambda value, _: tagged(b"b", value),  # type: ignore[arg-type]
    tuple: _sequence,
    list: _list,
    set: _set,
    frozenset: _set,
    dict: _mapping,
    dt.datetime: _isoformat(b"T"),
    dt.date: _isoformat(b"d"),
    dt.time: _isoformat(b"c"),
    dt.timedelta: _timedelta,
    decimal.Decimal: _plain(b"n"),
}

# Subclasses carry their class's name: an OrderedDict is not a dict, a numpy float64 is not a float.
_BY_BASE: tuple[tuple[type, Callable[[object, _Fallback], bytes]], ...] = (
    (enum.Enum, _enum),
    (pathlib.PurePath, lambda value, _: text(str(value))),
    (str, lambda value, _: text(str.__str__(cast("str", value)))),
    (bytes, lambda value, _: tagged(b"b", bytes(cast("bytes", value)))),
    (int, lambda value, _: tagged(b"i", str(int(cast("int", value))).encode())),
    (float, lambda value, _: tagged(b"f", struct.pack(">d", float(cast("float", value))))),
    (dt.datetime, _isoformat(b"T")),
    (dt.date, _isoformat(b"d")),
    (list, _list),
    (tuple, _sequence),
    (Mapping, _mapping),
    (AbstractSet, _set),
)

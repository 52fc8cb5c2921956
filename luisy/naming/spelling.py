"""How the value of one parameter is spelled; the grammar stands in the package's docstring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from numbers import Integral
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import luigi
from luigi.date_interval import Custom, Date, DateInterval, Month, Week, Year

from luisy.naming.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Natural = tuple[type, ...]
"""The types whose values a parameter is expected to hold; empty where any may come."""

_NUMBERS: Natural = (Integral, float)
_NATURAL: tuple[tuple[type, Natural], ...] = (
    (luigi.BoolParameter, (bool,)),
    (luigi.IntParameter, _NUMBERS),
    (luigi.FloatParameter, _NUMBERS),
    (luigi.NumericalParameter, _NUMBERS),
    (luigi.DateParameter, (dt.date,)),
    (luigi.DateSecondParameter, (dt.datetime,)),
    (luigi.DateMinuteParameter, (dt.datetime,)),
    (luigi.DateHourParameter, (dt.datetime,)),
    (luigi.TimeDeltaParameter, (dt.timedelta,)),
    (luigi.DateIntervalParameter, (DateInterval,)),
    (luigi.EnumListParameter, (Enum,)),
    (luigi.EnumParameter, (Enum,)),
    (luigi.TaskParameter, (type,)),
    (luigi.PathParameter, (PurePath,)),
    (luigi.DictParameter, ()),
    (luigi.ListParameter, ()),
)
_LISTS = (luigi.ListParameter, luigi.ChoiceListParameter, luigi.EnumListParameter)

_LONGEST_SPAN = 21  # days; luisy 1.x listed every day of an interval, and longer ones were no file names


def spelling(value: Any, parameter: luigi.Parameter[Any]) -> str:
    """How *value* of *parameter* is spelled in a name."""
    if value is None:
        return "None"
    natural = _natural(parameter)
    if isinstance(parameter, luigi.DictParameter) and isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(parameter, _LISTS) and isinstance(value, (list, tuple)):
        text = _list(value, natural)
        return "%-" + text if text == "None" and value[0] is None else text
    if isinstance(parameter, _LISTS):
        return _tagged(value)
    return _scalar(value, natural)


def _natural(parameter: luigi.Parameter[Any]) -> Natural:
    declared = getattr(parameter, "_var_type", None)  # of choices and numbers
    if isinstance(declared, type):
        return _NUMBERS if issubclass(declared, (int, float)) and declared is not bool else (declared,)
    return next((natural for kind, natural in _NATURAL if isinstance(parameter, kind)), (str,))


def _scalar(value: Any, natural: Natural) -> str:
    """A value that stands by itself; ``None`` among text is told from the word."""
    if not isinstance(value, natural) or (isinstance(value, bool) and natural not in ((bool,), _NUMBERS)):
        return _tagged(value)
    if isinstance(value, str) and natural != (Enum,):
        return _word(value)
    return _plain(value)


def _word(text: str) -> str:
    return "%4Eone" if text == "None" else escaped(text)


def _plain(value: Any) -> str:
    """A value of the expected type, spelled as luisy 1.x did: no two values of the type are spelled alike."""
    return next((spell(value) for kind, spell in _SPELLINGS if isinstance(value, kind)), "") or _tagged(value)


def _member(value: Enum) -> str:
    """A member as ``str`` has it from Python 3.11 on (before, it told integer members by name)."""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, str) and type(value).__str__ is str.__str__:
        return _word(value)
    name = value.name if value.name is not None else str(value.value)  # composed flags, 3.10
    return escaped(f"{type(value).__name__}.{name}")


def _interval(value: Any) -> str:
    days = value.dates()
    if isinstance(value, (Month, Year)) or len(days) > _LONGEST_SPAN:
        return str(value)
    if isinstance(value, Custom) and _has_other_owner(days):
        return _tagged(value)
    return "_".join(map(str, days))


def _has_other_owner(days: Sequence[dt.date]) -> bool:
    """Whether *days* are what a ``Date`` or a ``Week`` is spelled as."""
    owners: tuple[Any, ...] = (Date, Week)
    return not days or any(owner.from_date(days[0]).dates() == days for owner in owners)


def _with_underscores(value: object) -> str:
    return escaped(str(value).replace(" ", "_"))


_SPELLINGS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, str),
    (Enum, _member),
    (Integral, lambda value: str(int(value))),
    (float, lambda value: repr(float(value))),
    (DateInterval, _interval),
    (PurePath, lambda value: escaped(str(value))),
    (dt.date, _with_underscores),  # datetimes too
    (dt.timedelta, _with_underscores),
    (type, _with_underscores),
)


def _tagged(value: Any) -> str:
    """A value of a type that was not to be expected: the type comes first."""
    if isinstance(value, Mapping):
        text = _mapping(value)
    elif isinstance(value, (list, tuple)):
        text = _list(value, ())
    elif isinstance(value, AbstractSet):
        text = "_".join(sorted(_item(member, ()) for member in value))
    else:
        text = escaped(str(value.name if isinstance(value, Enum) else value))
    return f"%{type(value).__name__}:{text}"


def _list(values: Sequence[Any], natural: Natural) -> str:
    text = "_".join(_item(value, natural) for value in values)
    return "%-" if not text and values else text


def _mapping(values: Mapping[Any, Any]) -> str:
    """In the order of the mapping: Luigi takes two orders for two tasks."""
    return "_".join(f"{_item(key, ())}%:{_item(value, ())}" for key, value in values.items())


def _item(value: Any, natural: Natural) -> str:
    """One item of a list or mapping."""
    if isinstance(value, Mapping):
        return "%{" + _mapping(value) + "%}"
    if isinstance(value, tuple):
        return "%(" + _list(value, ()) + "%)"
    if isinstance(value, list):
        return "%[" + _list(value, ()) + "%]"
    if isinstance(value, Enum):
        text = _member(value) if natural == (Enum,) else _tagged(value)
        return text if text.startswith(f"{type(value).__name__}.") else text.replace("_", "%5F")
    return _atom(value, natural)


def _atom(value: Any, natural: Natural) -> str:
    """Text that reads as a number, a truth value or None is not spelled as it stands."""
    if value is None:
        return "None"
    if isinstance(value, str) and natural in ((), (str,)):
        text = escaped(value).replace("_", "%5F")
        return f"%{ord(text[0]):02X}{text[1:]}" if _reads_as_other(text, natural) else text
    if isinstance(value, (bool, Integral, float)) and natural in ((), _NUMBERS, (bool,)):
        return _plain(value)
    return _tagged(value).replace("_", "%5F")


def _reads_as_other(text: str, natural: Natural) -> bool:
    if text == "None":
        return True
    return not natural and (text in ("True", "False") or _is_spelled(int, text) or _is_spelled(float, text))


def _is_spelled(kind: type, text: str) -> bool:
    try:
        return repr(kind(text)) == text
    except ValueError:
        return False

"""The values of ``luigi.cfg`` options that a task's code reads: they belong to its key.

Shown is only what is public: the public parameters of a ``luigi.Config``. Of an option that is asked for by
``get_config()`` nobody has said that.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from luigi.configuration import get_config
from luigi.parameter import ParameterVisibility

from luisy.canonical import canonical, type_name
from luisy.keys import Parameter
from luisy.runner.pipeline.describe import described_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    import luigi

    from luisy.fingerprint import Fingerprint, Option


class OptionValues:
    """The options of many fingerprints, read once where they are the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[type, ...], tuple[Option, ...]], tuple[Parameter, ...]] = {}

    def of(self, fingerprint: Fingerprint) -> tuple[Parameter, ...]:
        """All options that this code reads."""
        read = fingerprint.options, fingerprint.read_options
        if read not in self._known:
            self._known[read] = (*_of_classes(read[0]), *_by_name(read[1]))
        return self._known[read]


def _of_classes(classes: Iterable[type]) -> Iterable[Parameter]:
    """The values of ``luigi.Config`` classes, by ``class.option``; without one where the reader has to give it."""
    for kind in sorted(classes, key=type_name):
        for name, param in kind.get_params():  # type: ignore[attr-defined]  # a luigi.Config
            value = _attempt(partial(_value_of, param, kind, name))
            if value is not None:
                public = param.visibility == ParameterVisibility.PUBLIC
                encoded = canonical(value, described_object)
                yield Parameter(f"{type_name(kind)}.{name}", _serialised(param, value), encoded, public)


def _value_of(param: luigi.Parameter[Any], kind: Any, name: str) -> object:
    family = kind.get_task_family()
    return param.task_value(family, name) if param.has_task_value(family, name) else None


def _serialised(param: luigi.Parameter[Any], value: object) -> str:
    return str(_attempt(partial(param.serialize, value)))


def _by_name(options: Iterable[Option]) -> Iterable[Parameter]:
    """What the configuration says for *options*, by ``section.option``."""
    config: Any = get_config()
    for section, name in options:
        for one in [name] if name else _attempt(lambda section=section: sorted(config[section])) or ():
            value = _attempt(partial(config.get, section, one, None))
            if value is not None:
                encoded = canonical(value, described_object)
                yield Parameter(f"{section}.{one}", str(value), encoded, public=False)


def _attempt(read: Any) -> Any:
    """What *read* returns; what cannot be read is the same for the task, which will say so."""
    try:
        return read()
    except KeyError:
        return None
    except Exception as error:  # noqa: BLE001 - user's parsers raise what they like
        return f"unreadable: {type(error).__name__}"

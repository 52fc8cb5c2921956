"""The tasks of a class whose outputs lie in the workspace: the name of an output, read backwards.

A task that is no real one, with a mark in place of each parameter's value, says what the paths look like. Whatever
fits is read back into values, and counts only if the task with these values names that very path.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import luigi

from luisy.errors import UsageError
from luisy.tasks.port import naming_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_flatten: Any = luigi.task.flatten  # not annotated


class M(str):
    """A mark in place of a value: one character of the private use area, so that no name with it is too long.

    The name of the class is short because names tell the type of a value where another was to be expected.
    """

    __slots__ = ()


_FIRST_MARK = 0xE000
_TAG, _MARK = re.compile("%M:"), re.compile("[\ue000-\uf8ff]")


def related_instances(task_cls: Any, placeholder: str) -> list[Any]:
    """The tasks of *task_cls* whose (first) output is there, sorted by its path.

    Values that no name spells so that they can be read back, such as nested lists, are left out.

    :param placeholder: what the spelling of a value looks like, as a regular expression.
    :raises UsageError: slug ``no-file-pattern``.
    """
    with naming_only():
        parameters = dict(task_cls.get_params())
        marks = {name: M(chr(_FIRST_MARK + number)) for number, name in enumerate(parameters)}
        path = _path_with(task_cls, marks)
        fitting = _pattern(path, marks, placeholder)
        _refuse_untold(task_cls, [name for name in parameters if name not in fitting.groupindex])
        root = os.path.dirname(_MARK.split(path)[0])
        found = (
            _instance(task_cls, parameters, match.groupdict(), match.string)
            for place in _places(root)
            if (match := fitting.fullmatch(place))
        )
        return [task for task in found if task is not None]


def _path_with(task_cls: Any, marks: Mapping[str, str]) -> str:
    """Where a task with *marks* as values would have its output."""
    task = object.__new__(task_cls)
    vars(task).update(marks, param_kwargs=dict(marks), param_args=tuple(marks.values()))
    try:
        return os.path.abspath(str(_flatten(task.output())[0].path))
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"the outputs of {task_cls.__name__} cannot be found by their names: {type(error).__name__}: {error}",
            slug="no-file-pattern",
            hint="let its get_file_name(), get_sub_dir() and get_outdir() use parameters as they are, or name the "
            "tasks one by one",
        ) from error


def _refuse_untold(task_cls: Any, names: list[str]) -> None:
    family = task_cls.get_task_family()
    for name, parameter in task_cls.get_params():
        if name in names and not parameter.has_task_value(family, name):
            raise UsageError(
                f"the file names of {family} do not tell {name}, which has no default",
                slug="no-file-pattern",
                hint="give the parameter a default, or let the file name tell it",
            )


def _pattern(path: str, marks: Mapping[str, str], placeholder: str) -> re.Pattern[str]:
    """*path* as a regular expression with one named group for each parameter that it tells."""
    text, told = _TAG.sub("", path), set()
    names = {mark: name for name, mark in marks.items()}

    def group(mark: str) -> str:
        name = names[mark]
        if name in told:
            return f"(?P={name})"
        told.add(name)
        return f"(?P<{name}>{placeholder})"

    return re.compile("".join(group(c) if c in names else re.escape(c) for c in text))


def _places(root: str) -> Iterator[str]:
    """All files and folders below *root*, sorted; not those of a store."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".luisy"))
        yield from (os.path.join(folder, name) for name in sorted((*folders, *files)))


def _instance(
    task_cls: Any, parameters: Mapping[str, luigi.Parameter[Any]], texts: Mapping[str, str], path: str
) -> Any:
    """The task whose output is at *path*, or None."""
    readings = [_readings(parameters[name], text) for name, text in texts.items()]
    tasks = (
        _task_at(path, task_cls, dict(zip(texts, values, strict=True)))
        for values in itertools.product(*readings)
    )
    return next((task for task in tasks if task is not None), None)


def _task_at(path: str, task_cls: Any, values: Mapping[str, Any]) -> Any:
    try:
        task = task_cls(**values)
        return task if os.path.abspath(_flatten(task.output())[0].path) == path else None
    except Exception:  # noqa: BLE001 - values that the task does not take are not the ones
        return None


def _readings(parameter: Any, text: str) -> Iterator[Any]:
    """The values of *parameter* that *text* may be the spelling of, the likely ones first."""
    text = text.removesuffix("%,")
    for kinds, read in _READERS:
        if isinstance(parameter, kinds):
            with contextlib.suppress(Exception):  # parameters may raise whatever they like
                yield parameter.normalize(read(text, parameter))


def _moment(text: str, _: object) -> dt.date:
    moment = dt.datetime.fromisoformat(text.replace("_", " "))
    return moment if ":" in text else moment.date()


def _none(text: str, _: object) -> None:
    if text != "None":
        raise ValueError(text)


def _items(text: str, _: object) -> tuple[Any, ...]:
    words: dict[str, Any] = {"None": None, "True": True, "False": False}
    return tuple(words[word] if word in words else _item(word) for word in text.split("_") if text)


def _item(word: str) -> Any:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(word)
    return unquote(word)


_DATES = (
    luigi.DateParameter,
    luigi.DateHourParameter,
    luigi.DateMinuteParameter,
    luigi.DateSecondParameter,
)
_READERS: tuple[tuple[Any, Callable[[str, Any], Any]], ...] = (
    (luigi.EnumParameter, lambda text, parameter: parameter.parse(text.rpartition(".")[2])),
    (luigi.Parameter, lambda text, parameter: parameter.parse(unquote(text))),
    (_DATES, _moment),
    (luigi.ListParameter, _items),
    (luigi.Parameter, _none),
)
"""How the texts of which parameters are read."""

"""Who did it: the stack of the thread in which an event is raised, from the inside out."""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from luisy.places import interpreter_folders, is_installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FrameType

_TOP_LEVEL = "<module>"
_OBSERVERS = ("luisy.observe.", "luisy.loading")
_ACCESS = frozenset({"os", "_collections_abc", "collections.abc"})
_SOURCE_READERS = frozenset(
    {"_frozen_importlib_external", "importlib._bootstrap_external", "zipimport", "linecache", "tokenize"}
)
_METADATA = "importlib.metadata"
_CODE_ENDINGS = (".py", ".pyc", ".pyd", ".so")
_CODE_READERS = ("importlib", "pkgutil", "zipimport", "linecache", "tokenize", "_frozen_importlib")
_FRAMEWORK = frozenset({"luigi", "luisy"})
_ON_BEHALF = (
    *("luisy.tasks", "luisy.targets", "luisy.formats", "luisy.decorators"),
    *("luigi.target", "luigi.local_target", "luigi.format", "luigi.file", "luigi.task", "luigi.parameter"),
)
"""Modules of the framework in which a task works; in all others, luisy and Luigi work for themselves."""


def module_of(frame: FrameType) -> str:
    """The name of the module that the code of *frame* belongs to."""
    return str(frame.f_globals.get("__name__", ""))


def callers() -> Iterator[FrameType]:
    """The frames of this thread, innermost first, without the observers'."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's frame
    while frame is not None:
        if not module_of(frame).startswith(_OBSERVERS):
            yield frame
        frame = frame.f_back


def is_access(frame: FrameType) -> bool:
    """Whether the code of *frame* only hands through who reads a variable (``os.getenv``, ``os.environ.get``)."""
    return module_of(frame) in _ACCESS


def reads_code(path: str) -> bool:
    """Whether Python looks for code, reads it, or asks what is installed: *path* is no data then."""
    stack = callers()
    frame = next(stack, None)
    if frame is None or module_of(frame) not in _SOURCE_READERS:
        return any(module_of(f).startswith(_METADATA) for f in takewhile(is_standard, stack))
    return path.endswith(_CODE_ENDINGS) or ".pyc." in path or "__pycache__" in path or os.path.isdir(path)


def asks_for(variable: str | None) -> bool:
    """Whether project code reads *variable*, itself or by naming it to what is installed; None stands for all."""
    direct = True
    for frame in callers():
        if direct and is_access(frame):
            continue
        if not is_foreign(frame) and (direct or (variable and names(frame.f_code, variable))):
            return True
        if variable is None or works_for_itself(frame) or is_top_level(frame):
            return False
        direct = False
    return False


def is_top_level(frame: FrameType) -> bool:
    """Whether *frame* executes the top level of a module that has a file."""
    return frame.f_code.co_name == _TOP_LEVEL and not frame.f_code.co_filename.startswith("<")


def is_task_method(frame: FrameType) -> bool:
    """Whether *frame* executes a method of a Luigi task."""
    code, luigi = frame.f_code, sys.modules.get("luigi.task")
    if luigi is None or not code.co_argcount or code.co_varnames[0] != "self":
        return False
    return isinstance(frame.f_locals.get("self"), luigi.Task)


def is_code_reader(frame: FrameType) -> bool:
    """Whether the code of *frame* looks for or reads the program's own code."""
    return module_of(frame).startswith(_CODE_READERS)


def is_standard(frame: FrameType) -> bool:
    """Whether the code of *frame* is the standard library's."""
    file = frame.f_code.co_filename
    if file.startswith("<frozen "):
        return True
    return (
        file.startswith(interpreter_folders())
        and "/site-packages/" not in file
        and "/dist-packages/" not in file
    )


def is_framework(frame: FrameType) -> bool:
    """Whether the code of *frame* is Luigi's or luisy's."""
    return module_of(frame).partition(".")[0] in _FRAMEWORK


def works_for_itself(frame: FrameType) -> bool:
    """Whether the code of *frame* is a part of Luigi or luisy that does nothing in a task's name."""
    return is_framework(frame) and not module_of(frame).startswith(_ON_BEHALF)


def is_foreign(frame: FrameType) -> bool:
    """Whether the code of *frame* is no project code: installed, generated, or the framework's."""
    file = frame.f_code.co_filename
    return file.startswith("<") or is_installed(file) or is_framework(frame)


def lists_for_itself(frames: Iterable[FrameType]) -> bool:
    """Whether a folder is listed by the import system or by what is installed, and not by project code itself."""
    for frame in frames:
        if is_code_reader(frame):
            return True
        if not is_standard(frame):
            return is_foreign(frame)
    return True


def names(code: CodeType, word: str) -> bool:
    """Whether a text in *code* names *word*."""
    return any(_word(word).search(text) for text in _texts(code))


@lru_cache
def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


@lru_cache
def _texts(code: CodeType) -> tuple[str, ...]:
    found: list[str] = []
    todo: list[object] = list(code.co_consts)
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, (tuple, frozenset)):
            todo.extend(value)
    return tuple(found)

"""What a format is, how its options find the function they belong to, and what is raised if a library is missing."""

from __future__ import annotations

import difflib
import importlib
import inspect
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from luisy.errors import TaskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType


class Format(Protocol):
    """Reads and writes one kind of file. Instances hold no state; the path is the caller's concern.

    ``write`` makes a new file (or folder) at *path*, whose parent exists; on an exception it may leave rubbish
    there, which the caller removes. Both raise ``Missing`` if a library is not installed, ``UsageError`` for an
    option that neither function knows, and whatever the library raises.
    """

    name: ClassVar[str]

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write *obj* to *path*."""

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read what ``write`` wrote."""


class Missing(TaskError):
    """A library that a format needs is not installed."""

    slug = "missing-extra"


class UnreadableFile(TaskError, ValueError):
    """A file is there, but is not what its format says (a ``ValueError``, as in luisy 1.x for folders of parquet)."""

    slug = "unreadable-file"


def load(module: str, format_name: str) -> ModuleType:
    """The library *module*, imported now.

    :raises Missing: if it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(
            f"{format_name} files need {module}, which cannot be imported: {error}",
            hint='pip install "luisy[dataframe]"',
        ) from error


@dataclass(frozen=True, slots=True)
class Options:
    """Keyword options of an output decorator, each with the function that takes it; some go to both.

    :param format_name: the format, as errors call it.
    :param given: the options as the user wrote them.
    :param writers: the functions whose keywords the writer takes.
    :param readers: likewise for the reader.
    :param kept: keywords that the format fills itself.
    """

    format_name: str
    given: Mapping[str, Any]
    writers: tuple[Callable[..., Any], ...]
    readers: tuple[Callable[..., Any], ...]
    kept: frozenset[str] = field(default=frozenset())

    def of_writer(self) -> dict[str, Any]:
        """The options for writing; raises ``UsageError`` (slug ``unknown-option``) for one that nobody takes."""
        return self._taken_by(self.writers)

    def of_reader(self) -> dict[str, Any]:
        """The options for reading; raises as ``of_writer``."""
        return self._taken_by(self.readers)

    def _taken_by(self, functions: tuple[Callable[..., Any], ...]) -> dict[str, Any]:
        known = (_keywords(self.writers) | _keywords(self.readers)) - self.kept
        for name in self.given:
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=3)
                raise UsageError(
                    f"neither writing nor reading {self.format_name} files takes an option {name!r}",
                    slug="unknown-option",
                    hint=f"did you mean {' or '.join(near)}?"
                    if near
                    else f"known: {', '.join(sorted(known))}",
                )
        return {name: value for name, value in self.given.items() if name in _keywords(functions)}


@cache
def _keywords(functions: tuple[Callable[..., Any], ...]) -> frozenset[str]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = (p for function in functions for p in inspect.signature(function).parameters.values())
    return frozenset(p.name for p in parameters if p.kind in named and p.name != "self")

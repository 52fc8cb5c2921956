"""What a task class declares of itself that its code does not show, by ``luisy.declares``.

Each class holds what stands at it; what holds for a class is put together along its bases, so that a subclass adds
files and variables, and its own version, time to live and reason take the place of inherited ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luisy.errors import UsageError

ATTRIBUTE = "luisy_declaration"
"""The attribute of a class that holds what stands at it."""


class DecoratorError(UsageError, ValueError):
    """A decorator does not fit the class that it stands at (a ``ValueError``, as in luisy 1.x)."""

    slug = "bad-decorator"


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """One path or glob.

    :param pattern: as it was written.
    :param module: the module of the class at which it stands: relative paths start at its folder.
    """

    pattern: str
    module: str


@dataclass(frozen=True, slots=True)
class IgnoredName:
    """A name that is left out of the fingerprint: ``NAME`` of *module*, or ``package.module.NAME``."""

    name: str
    module: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared.

    :param env: names of environment variables.
    :param version: empty where none is declared.
    :param time_to_live: seconds after which a result counts as none; None for ever.
    :param uncacheable: why results cannot be kept; empty if they can.
    """

    files: tuple[DeclaredFile, ...] = ()
    env: tuple[str, ...] = ()
    version: str = ""
    ignore: tuple[IgnoredName, ...] = ()
    time_to_live: float | None = None
    uncacheable: str = ""

    def over(self, base: Declaration) -> Declaration:
        """Both together; where only one can hold, this one does."""
        return Declaration(
            tuple(dict.fromkeys(base.files + self.files)),
            tuple(dict.fromkeys(base.env + self.env)),
            self.version or base.version,
            tuple(dict.fromkeys(base.ignore + self.ignore)),
            base.time_to_live if self.time_to_live is None else self.time_to_live,
            self.uncacheable or base.uncacheable,
        )


NOTHING = Declaration()


def declare(cls: Any, declaration: Declaration) -> None:
    """Let *declaration* hold for *cls*, over what stands at it already."""
    setattr(cls, ATTRIBUTE, declaration.over(cls.__dict__.get(ATTRIBUTE, NOTHING)))


def declaration_of(cls: type) -> Declaration:
    """What holds for *cls*: its own declaration over those of its bases."""
    found = NOTHING
    for base in reversed(cls.__mro__):
        own = base.__dict__.get(ATTRIBUTE)
        if own is not None:
            found = own.over(found)
    return found

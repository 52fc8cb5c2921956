"""What dotted names stand for: names of project modules, and modules that are no project code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from luisy.fingerprint.project import Origin, attribute

if TYPE_CHECKING:
    from luisy.fingerprint.scopes import Chain


class Node(NamedTuple):
    """A name of a project module."""

    module: str
    name: str

    @property
    def label(self) -> str:
        """How it is called in the parts of a fingerprint."""
        return f"code {self.module}:{self.name}" if self.module else f"state {self.name}"


class External(NamedTuple):
    """A module that is no project code, and what of it."""

    module: str
    rest: Chain
    origin: Origin

    @property
    def state(self) -> Node:
        """What changes the library that it belongs to."""
        return Node("", self.module.partition(".")[0])

    def value(self) -> object:
        """The live object, None if it is not loaded."""
        value: object = sys.modules.get(self.module)
        for name in self.rest:
            value = attribute(value, name)
        return value


Target: TypeAlias = Node | External

"""What counts of the history of a notebook or interactive session, where cells are tried, mended and run again.

In a module, any call of project code between two definitions of a name may have looked at the first one, which then
counts. In cells that would be each trial of a function and each ``luigi.build``: tasks would run again for nothing but
that their cells were run twice. So only those statements look that left something that is still there.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Protocol

from luisy.fingerprint.nodes import Node
from luisy.fingerprint.uses import How

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.fingerprint.changes import Changes
    from luisy.fingerprint.modules import Module, Unit
    from luisy.fingerprint.nodes import Target
    from luisy.fingerprint.scopes import Chain


class Names(Protocol):
    """What the history needs to know of names; the resolver knows it."""

    changes: Changes

    def resolve(self, module: str, chain: Chain) -> tuple[Target, ...]: ...  # noqa: D102  # as the resolver says
    def binders(self, node: Node) -> list[Unit]: ...  # noqa: D102


class History:
    """The statements of all cells, in the order in which they ran."""

    def __init__(self, cells: Module, names: Names) -> None:
        self._cells = cells
        self._names = names
        self._seen: dict[Unit, frozenset[Node]] = {}
        self._lasting: set[Unit] = set()
        for unit in reversed(cells.units):  # what looks at a name stands below what binds it
            if any(self._lasts(node, unit) for node in self._left_by(unit)):
                self._lasting.add(unit)

    def is_looked_at(self, name: str, between: Iterable[Unit]) -> bool:
        """True if one of the statements *between* may have looked at *name* and left something that is still there."""
        return any(self._looks_at(unit, Node(self._cells.name, name)) for unit in between)

    def _left_by(self, unit: Unit) -> set[Node]:
        return {Node(unit.module, name) for name in unit.uses.binds} | self._names.changes.by(unit)

    def _lasts(self, node: Node, unit: Unit) -> bool:
        """True if what *unit* made of *node* is still its value, or went into what is still there."""
        for later in self._cells.units[unit.order + 1 :]:
            if self._looks_at(later, node):
                return True
            if node.module == later.module and _surely_binds(later, node.name):
                return False
        return True

    def _looks_at(self, unit: Unit, node: Node) -> bool:
        return unit in self._lasting and (unit.uses.needs_module or node in self._seen_by(unit))

    def _seen_by(self, unit: Unit) -> frozenset[Node]:
        """The names that *unit* may look at while it runs, through whatever it calls."""
        if unit not in self._seen:
            found: set[Node] = set()
            todo = [(unit.module, chain) for chain, how in unit.uses.reads.items() if how & How.NOW]
            while todo:
                module, chain = todo.pop()
                new = {t for t in self._names.resolve(module, chain) if isinstance(t, Node)} - found
                found |= new
                todo += [
                    (u.module, c) for node in new for u in self._names.binders(node) for c in u.uses.reads
                ]
            self._seen[unit] = frozenset(found)
        return self._seen[unit]


def _surely_binds(unit: Unit, name: str) -> bool:
    if unit.always_binds:
        return name in unit.uses.binds
    # A loop that is run again, though it may be over nothing then: nobody builds on its variable.
    target = unit.statement.target if isinstance(unit.statement, (ast.For, ast.AsyncFor)) else None
    return isinstance(target, ast.Name) and target.id == name and not unit.guards

"""Which statements of any module change what a name stands for: the index of side effects at import."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from luisy.fingerprint.nodes import External, Node
from luisy.fingerprint.project import Origin
from luisy.fingerprint.scopes import DEFINITIONS, WHOLE
from luisy.fingerprint.uses import HARMLESS, MUTATORS, How

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeGuard

    from luisy.fingerprint.modules import Module, Unit
    from luisy.fingerprint.nodes import Target
    from luisy.fingerprint.project import Locator
    from luisy.fingerprint.scopes import Chain
    from luisy.fingerprint.uses import Argument

_QUIET = frozenset(
    [
        "logging",
        "warnings",
        "sys",
        "atexit",
        "signal",
        "faulthandler",
        "threading",
        "gc",
        "time",
        "site",
        "typing",
    ]
)
"""Standard modules whose state does not reach the output of a task."""


_CALLERS = frozenset({"map", "filter", "sorted", "min", "max"})
"""Built-in functions that call what they are given."""
_CALLING_MODULES = frozenset(
    {"functools", "itertools", "asyncio", "threading", "concurrent.futures", "contextlib"}
)
"""Standard modules whose functions do."""


class Names(Protocol):
    """What the index needs to know of names; the resolver knows it."""

    @property
    def locator(self) -> Locator: ...  # noqa: D102  # as the resolver says
    def module(self, name: str) -> Module | None: ...  # noqa: D102
    def resolve(self, module: str, chain: Chain) -> tuple[Target, ...]: ...  # noqa: D102
    def units(self, node: Node) -> tuple[Unit, ...]: ...  # noqa: D102
    def binders(self, node: Node) -> list[Unit]: ...  # noqa: D102
    def calls_project(self, unit: Unit) -> bool: ...  # noqa: D102
    def forget(self) -> None: ...  # noqa: D102


@dataclass(slots=True)
class _Table:
    """What the statements of some modules do, and what calls of functions do as long as these are all."""

    modules: set[str] = field(default_factory=set)
    changers: dict[Node, dict[Unit, None]] = field(default_factory=dict)
    aliases: dict[Node, set[Node]] = field(default_factory=dict)
    subclasses: dict[Node, set[Node]] = field(default_factory=dict)
    effects: dict[Node, frozenset[Node]] = field(default_factory=dict)


class Changes:
    """Grows with what is loaded. What a name stands for is the resolver's business.

    What a class will load only when it runs is beside that, and counts for this class alone: else the fingerprint of another
    one would depend on which came first.

    :param generation: grows whenever an earlier answer may be another one now.
    """

    def __init__(self, resolver: Names) -> None:
        self._resolver = resolver
        self._loaded, self._late = _Table(), _Table()
        self._seen_loaded = 0
        self.generation = 0

    def forget_late(self) -> None:
        """Another class is next: what the one before would load is not there."""
        if self._late.modules:
            self._late = _Table()
            self.generation += 1
            self._resolver.forget()

    @property
    def _tables(self) -> tuple[_Table, _Table]:
        return self._loaded, self._late

    def of(self, node: Node) -> dict[Unit, None]:
        """The statements that change *node* under this name."""
        found, late = self._loaded.changers.get(node, {}), self._late.changers.get(node)
        return {**found, **late} if late else found

    def by(self, unit: Unit) -> set[Node]:
        """What *unit* changes."""
        return {node for table in self._tables for node, units in table.changers.items() if unit in units}

    def under_any_name(self, node: Node) -> dict[Unit, None]:
        """The statements that change *node*, or what is known under other names too."""
        found = {**self.of(node), **self.of(Node(node.module, WHOLE))}
        for alias in self._all_aliases(node):
            found.update(self.of(alias))
        return found

    def subclasses(self, base: Node) -> set[Node]:
        """The classes in loaded project modules that derive from *base*."""
        found: set[Node] = set()
        todo = [base]
        while todo:
            node = todo.pop()
            new = {one for table in self._tables for one in table.subclasses.get(node, ())} - found
            found |= new
            todo += new
        return found

    def _all_aliases(self, node: Node) -> list[Node]:
        found: dict[Node, None] = {}
        todo = [node]
        while todo:
            name = todo.pop()
            for alias in (one for table in self._tables for one in table.aliases.get(name, ())):
                if alias not in found and alias != node:
                    found[alias] = None
                    todo.append(alias)
        return list(found)

    def index_loaded(self) -> None:
        """Look at the project modules loaded since the last time for statements that change others' names."""
        if len(sys.modules) == self._seen_loaded:
            return
        for name in sorted(sys.modules):
            top = self._resolver.locator.locate(name.partition(".")[0])
            if name not in self._loaded.modules and (top.origin is Origin.PROJECT or top.path is None):
                self._index(self._resolver.module(name), self._loaded)
        self._seen_loaded = len(sys.modules)

    def index(self, name: str) -> None:
        """Look at one module, loaded or not; if it is not, also at those that its import will load."""
        todo = [name]
        while todo:
            name = todo.pop()
            known = any(name in table.modules for table in self._tables)
            module = None if known else self._resolver.module(name)
            self._index(module, self._late)
            if module is not None and name not in sys.modules:
                todo.append(name.rpartition(".")[0])
                todo += (
                    name for unit in module.units if unit.uses.imports for name in sorted(unit.uses.loads)
                )

    def _index(self, module: Module | None, table: _Table) -> None:
        """Look at the statements of *module*."""
        if module is None:
            return
        table.modules.add(module.name)
        self.generation += 1
        for unit in module.units:
            if isinstance(unit.statement, ast.ClassDef):
                for base in self._nodes(module.name, unit.uses.bases):
                    table.subclasses.setdefault(base, set()).add(Node(module.name, unit.statement.name))
            for node in self._changed_by(unit):
                table.changers.setdefault(node, {})[unit] = None
            for name, chains in unit.uses.aliases.items():
                alias = Node(module.name, name)
                for target in self._nodes(module.name, chains):
                    if target != alias:
                        table.aliases.setdefault(target, set()).add(alias)
            self.generation += 1  # what this statement asked was answered without itself
        self._resolver.forget()  # what it binds or changes may be what others' names stand for

    def _nodes(self, module: str, chains: Iterable[Chain]) -> Iterator[Node]:
        for chain in chains:
            yield from (t for t in self._resolver.resolve(module, chain) if isinstance(t, Node))

    def _changed_by(self, unit: Unit) -> set[Node]:  # noqa: C901  # one loop per way to change a name
        uses = unit.uses
        changed: set[Node] = set()
        for chain, how in uses.changes.items():
            if how & How.NOW:
                changed |= self._changed(unit.module, chain, how)
        for chain, how in uses.calls.items():
            for target in self._resolver.resolve(unit.module, chain) if how & How.NOW else ():
                if isinstance(target, Node):
                    changed |= self.effects(target)
        changed |= self._commanded(unit, How.NOW)
        for argument in uses.arguments:
            if argument.now:
                changed |= self._changed_argument(unit, argument) | self._done_by_argument(unit, argument)
        for chain in uses.bases:
            for target in self._resolver.resolve(unit.module, chain):
                if isinstance(target, Node):
                    changed |= self._changed_bases(target)
        return changed

    def _changed(self, module: str, chain: Chain, how: How) -> set[Node]:
        found: set[Node] = set()
        if chain[-1] == "__dict__":
            chain = (*chain[:-1], WHOLE)
        targets = self._resolver.resolve(module, chain)
        if len(chain) > 1:  # `module.name = value`, whatever that name stood for
            holders = self._resolver.resolve(module, chain[:-1])
            found.update(
                Node(t.module, chain[-1]) for t in holders if isinstance(t, Node) and t.name == WHOLE
            )
        for target in targets:
            if isinstance(target, Node) and target.name != WHOLE:
                found.add(target)
            elif isinstance(target, External) and not how & How.SOFT and self._has_state(target):
                found.add(target.state)
        return found

    def _commanded(self, unit: Unit, when: How) -> set[Node]:
        """What changes by calls that are made for their effect: an object (`@registry`), the state of a library."""
        changed: set[Node] = set()
        for chain, how in unit.uses.commands.items():
            for target in self._resolver.resolve(unit.module, chain) if how & when else ():
                if self._is_object(target):
                    changed.add(target)
                elif isinstance(target, External) and _is_order(unit, chain) and self._has_state(target):
                    changed.add(target.state)
        return changed

    def _has_state(self, target: External) -> bool:
        if target.origin is Origin.FRAMEWORK:
            return (
                len(target.rest) > 1
            )  # an attribute of a class: `Task.rate = 5`, but not `Task.event_handler(...)`
        return target.module.partition(".")[0] not in _QUIET

    def _changed_argument(self, unit: Unit, argument: Argument) -> set[Node]:
        callee = argument.callee
        targets = self._resolver.resolve(unit.module, callee) if callee else ()
        nodes = [target for target in targets if isinstance(target, Node)]
        if nodes:
            changes = any(u.uses.changes_params for node in nodes for u in self._resolver.units(node))
        elif targets:
            changes = argument.discarded and all(
                self._has_state(t) for t in targets if isinstance(t, External)
            )
        else:
            changes = argument.discarded and not (callee and callee[-1] in HARMLESS)
        if not changes:
            return set()
        given = self._resolver.resolve(unit.module, argument.given) if nodes else ()
        modules = {t for t in given if isinstance(t, Node) and t.name == WHOLE}  # `configure(settings)`
        return self._changed(unit.module, argument.given, How.NOW) | modules

    def _done_by_argument(self, unit: Unit, argument: Argument) -> set[Node]:
        """What a function changes that is given to one that calls it: `sorted(rows, key=function)`."""
        callee = argument.callee
        targets = self._resolver.resolve(unit.module, callee) if callee else ()
        calls = bool(callee and not targets and callee[-1] in _CALLERS) or any(
            t.module in _CALLING_MODULES
            if isinstance(t, External)
            else any(u.uses.calls_params or _is_value(u) for u in self._resolver.binders(t))
            for t in targets
        )
        given = self._resolver.resolve(unit.module, argument.given) if calls else ()
        return {node for target in given if isinstance(target, Node) for node in self.effects(target)}

    def _changed_bases(self, base: Node) -> set[Node]:
        """The project base classes (or metaclasses) that a new subclass changes, by ``__init_subclass__``."""
        changed: set[Node] = set()
        todo, seen = [base], {base}
        while todo:
            node = todo.pop()
            for unit in self._resolver.binders(node):
                if unit.uses.changes_subclasses and _has_class_hook(unit):
                    changed.add(node)
                for chain in unit.uses.bases:
                    for target in self._resolver.resolve(unit.module, chain):
                        if isinstance(target, Node) and target not in seen:
                            seen.add(target)
                            todo.append(target)
        if changed:
            changed.add(base)
        return changed

    def _is_object(self, target: Target) -> TypeGuard[Node]:
        """True for a name that is assigned what a call of project code gave, or a method that changes its object."""
        return isinstance(target, Node) and any(
            isinstance(unit.statement, (ast.Assign, ast.AnnAssign))
            and (
                (isinstance(unit.statement.value, ast.Call) and self._resolver.calls_project(unit))
                or getattr(unit.statement.value, "attr", "") in MUTATORS
            )
            for unit in self._resolver.binders(target)
        )

    def effects(self, start: Node) -> frozenset[Node]:  # noqa: C901  # one worklist, read top to bottom
        """The names that a call of *start* may change, through whatever it calls."""
        known = (self._late if self._late.modules else self._loaded).effects
        if start not in known:
            changed: set[Node] = set()
            todo, seen = [start], {start}
            while todo:
                node = todo.pop()
                for unit in self._resolver.binders(node):
                    for chain, how in unit.uses.changes.items():
                        if how & How.LATER and not how & How.SOFT:
                            changed |= self._changed(unit.module, chain, how)
                    changed |= self._commanded(unit, How.LATER)
                    for argument in unit.uses.arguments:
                        if not argument.now:
                            changed |= self._changed_argument(unit, argument)
                    # Base classes count as called: their __init__ and their metaclass run with the subclass's.
                    called = [chain for chain, how in unit.uses.calls.items() if how & How.LATER]
                    if isinstance(unit.statement, ast.Assign):  # `go = Class.method`
                        called += unit.uses.aliases.get(node.name, ())
                    for chain in (*called, *unit.uses.bases):
                        for target in self._resolver.resolve(unit.module, chain):
                            if isinstance(target, Node) and target not in seen:
                                seen.add(target)
                                todo.append(target)
            known[start] = frozenset(changed)
        return known[start]


def _is_order(unit: Unit, chain: Chain) -> bool:
    """True for ``set_option(...)``; a decorator rather makes something of what it decorates, but for ``@register_...``."""
    return chain not in unit.uses.decorators or "register" in chain[-1]


def _is_value(unit: Unit) -> bool:
    """True if a name is bound to what an expression gave: nobody knows what its methods call."""
    return not isinstance(unit.statement, DEFINITIONS)


def _has_class_hook(unit: Unit) -> bool:
    hooks = {"__init_subclass__", "__new__", "__init__", "__prepare__", "__set_name__"}
    body = getattr(unit.statement, "body", ())
    names = {getattr(statement, "name", "") for statement in body if isinstance(body, list)}
    is_meta = any(chain[-1] == "type" or chain[-1].endswith("Meta") for chain in unit.uses.bases)
    return "__init_subclass__" in names or (is_meta and bool(names & hooks))

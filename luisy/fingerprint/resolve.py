"""What a dotted name of one module stands for, and which statements of any module change it."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

from luisy.fingerprint import modules as parsed
from luisy.fingerprint.cells import History
from luisy.fingerprint.changes import Changes
from luisy.fingerprint.nodes import External, Node
from luisy.fingerprint.project import Located, Locator, Origin, attribute, namespace
from luisy.fingerprint.scopes import WHOLE
from luisy.fingerprint.uses import How

if TYPE_CHECKING:
    from luisy.fingerprint.modules import Module, Unit
    from luisy.fingerprint.nodes import Target
    from luisy.fingerprint.scopes import Chain

_MODULE_ATTRIBUTES = frozenset(
    [
        "__name__",
        "__file__",
        "__doc__",
        "__package__",
        "__loader__",
        "__spec__",
        "__path__",
        "__builtins__",
        "__cached__",
        "__dict__",
        "__annotations__",
        "__all__",
        "__class__",
    ]
)


_OWN = ":__name__"
"""How a chain begins that starts at ``sys.modules[__name__]``."""
_BUILTINS = Node("", "builtins")
"""What changes the built-in names."""


class Resolver:
    """Follows names through the modules of a project. Grows with what is loaded; answers are kept."""

    def __init__(self) -> None:
        self.locator: Locator = Locator()
        self._modules: dict[str, Module | None] = {}
        self._targets: dict[tuple[str, Chain], tuple[Target, ...]] = {}
        self._missing: set[Node] = set()
        self._units: dict[Node, tuple[Unit, ...]] = {}
        self._histories: dict[str, History] = {}
        self._units_as_of = 0
        self.changes = Changes(self)

    def module(self, name: str) -> Module | None:
        """The parsed project module of that name, None if it is no project code."""
        if name not in self._modules:
            located = self.locator.locate(name)
            if located.origin is Origin.ABSENT:  # it may be there later
                return None
            own = located.origin is Origin.PROJECT
            self._modules[name] = parsed.load(located) if own else None
        return self._modules[name]

    def file_of(self, module: str) -> str:
        """The file of a project module, or its name where there is none."""
        parsed = self.module(module)
        return parsed.file.path if parsed is not None and parsed.file is not None else module

    def forget(self) -> None:
        """Drop what names stand for: it may have changed."""
        self._targets.clear()

    # -- names

    def resolve(self, module: str, chain: Chain) -> tuple[Target, ...]:
        """What *chain* stands for in *module*: nothing for built-in names, several where it may be either."""
        key = (module, chain)
        if key not in self._targets:
            self._missing.clear()
            self._targets[key] = tuple(dict.fromkeys(self._follow(module, chain, frozenset())))
        return self._targets[key]

    def _follow(self, module: str, chain: Chain, seen: frozenset[Node]) -> list[Target]:  # noqa: PLR0911  # one return per kind of chain
        if chain[0] == _OWN:
            chain = chain[1:]
            return (self._name(module, chain[0], chain[1:], seen) if chain else []) or [Node(module, WHOLE)]
        module, chain, seen = self._past_imports(module, chain, seen)
        if not chain[0].startswith(":"):
            return self._name(module, chain[0], chain[1:], seen)
        located = self.locator.locate(chain[0][1:])
        if located.origin is not Origin.PROJECT:
            return [self._external(located, chain[1:])]
        if len(chain) == 1:
            return [Node(located.name, WHOLE)]
        if chain[1] in {"__dict__", "__annotations__"}:
            return [Node(located.name, WHOLE)]
        if chain[1] in _MODULE_ATTRIBUTES and not self._binds(located.name, chain[1]):
            return []
        found = self._name(located.name, chain[1], chain[2:], seen)
        if not found and Node(located.name, chain[1]) not in seen:
            return [Node(located.name, WHOLE)]
        return found

    def _past_imports(
        self, module: str, chain: Chain, seen: frozenset[Node]
    ) -> tuple[str, Chain, frozenset[Node]]:
        """Where plain imports lead, one after the other. A loop: there may be hundreds in a row."""
        while True:
            home, path = module, chain
            if chain[0].startswith(":"):
                home, path = chain[0][1:], chain[1:]
                if not path or self.locator.locate(home).origin is not Origin.PROJECT:
                    return module, chain, seen
            node = Node(home, path[0])
            unit = self._only_import(node)
            if unit is None or node in seen:
                return module, chain, seen
            seen |= {node}
            module, chain = home, (*unit.uses.imports[node.name][0], *path[1:])

    def _only_import(self, node: Node) -> Unit | None:
        """The one import that always binds *node*, if that is all there is to it."""
        owner = self.module(node.module)
        units = owner.binders.get(node.name, []) if owner is not None else []
        if owner is None or len(units) != 1 or not units[0].is_import or self.changes.of(node):
            return None
        hidden = any(star.unit.order > units[0].order for star in owner.stars)
        return None if hidden or len(units[0].uses.imports.get(node.name, ())) != 1 else units[0]

    def _binds(self, module: str, name: str) -> bool:
        owner = self.module(module)
        return owner is not None and name in owner.binders

    def _external(self, located: Located, rest: Chain) -> External:
        # `from google.cloud import storage`: the module that matters is the innermost one.
        name = located.name
        while rest and located.search is not None:
            inner = self.locator.locate(f"{name}.{rest[0]}") if f"{name}.{rest[0]}" in sys.modules else None
            if inner is None or inner.origin is Origin.ABSENT:
                break
            located, name, rest = inner, inner.name, rest[1:]
        return External(name, rest, located.origin)

    def _name(self, module: str, name: str, rest: Chain, seen: frozenset[Node]) -> list[Target]:  # noqa: PLR0911  # one return per kind of name
        node = Node(module, name)
        owner = self.module(module)
        if owner is None:
            return []
        if node in seen:
            # `from . import leaf` in a package: the name is the submodule.
            inner = f"{module}.{name}"
            is_inner = owner.package == module and self.locator.locate(inner).origin is not Origin.ABSENT
            return self._follow(module, (":" + inner, *rest), seen) if is_inner else []
        seen |= {node}
        if owner.binary or owner.broken:
            return [Node(module, WHOLE)]
        units = owner.binders.get(name, [])
        found, surely = self._through_stars(owner, units, node, rest, seen)
        if found:
            return found if surely else found + self._bound(owner, units, node, rest, seen)
        if units:
            return self._bound(owner, units, node, rest, seen)
        if self.locator.locate(f"{module}.{name}").origin is not Origin.ABSENT and owner.package == module:
            return self._follow(module, (f":{module}.{name}", *rest), seen)
        return self._unbound(owner, node) or self._lazy(owner, node, rest, seen)

    def _bound(
        self, owner: Module, units: list[Unit], node: Node, rest: Chain, seen: frozenset[Node]
    ) -> list[Target]:
        found: list[Target] = []
        if (chain := self._alias_of_module(node, units, seen)) is not None:
            return self._follow(node.module, (*chain, *rest), seen)
        importing = [unit for unit in units if node.name in unit.uses.imports]
        if len(importing) < len(units) or any(not unit.is_import for unit in units) or self.changes.of(node):
            found.append(node)
        elif not any(
            # What is called may look at it, too.
            how & How.NOW and (chain[0] == node.name or chain in unit.uses.calls)
            for unit in owner.units[units[0].order : units[-1].order]
            for chain, how in unit.uses.reads.items()
        ):
            importing = importing[-1:]
        for unit in importing:
            for chain in unit.uses.imports[node.name]:
                found.extend(self._follow(node.module, (*chain, *rest), seen))
        return found

    def _alias_of_module(self, node: Node, units: list[Unit], seen: frozenset[Node]) -> Chain | None:
        """The chain in ``short = pkg.module``: then `short.f` is `pkg.module.f`."""
        statement = units[0].statement
        plain = isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.Name, ast.Attribute))
        if not plain or len(units) > 1 or units[0].guards or self.changes.of(node):
            return None
        chain = next(iter(units[0].uses.reads), None)
        targets = self._follow(node.module, chain, seen) if chain else []
        whole = bool(targets) and all(isinstance(t, Node) and t.name == WHOLE for t in targets)
        return chain if whole else None

    def _through_stars(
        self, owner: Module, units: list[Unit], node: Node, rest: Chain, seen: frozenset[Node]
    ) -> tuple[list[Target], bool]:
        """What the last ``from module import *`` after the *units* brings, and whether it is sure to win."""
        # `TABLE |= {...}` changes what the star brought, in its place.
        last = max((u.order for u in units if not isinstance(u.statement, ast.AugAssign)), default=-1)
        for star in reversed(owner.stars):
            sought = Node(star.module, node.name)
            if star.unit.order < last or sought in self._missing:
                continue
            found = self._starred(star.module, node.name, rest, seen)
            if found:
                later = any(unit.order > star.unit.order for unit in units)
                return found, not (units and (star.unit.guards or later))
            self._missing.add(sought)  # stars may be as diamonds: no module is asked twice
        return [], True

    def _starred(self, star: str, name: str, rest: Chain, seen: frozenset[Node]) -> list[Target]:
        located = self.locator.locate(star)
        if located.origin is Origin.PROJECT:
            module = self.module(star)
            # An __all__ that is computed may hold any name.
            computed = module is not None and module.exports is None and "__all__" in module.binders
            known = module is not None and (computed or module.exported(name))
            return self._name(star, name, rest, seen) if known else []
        if attribute(sys.modules.get(star), name) is not None:
            return [self._external(located, (name, *rest))]
        return []

    def _unbound(self, owner: Module, node: Node) -> list[Target]:
        if node.name in _MODULE_ATTRIBUTES:
            return []
        if self.changes.of(node):
            return [node]
        if self.changes.of(_BUILTINS) and node.name not in namespace(owner.name):
            return [_BUILTINS]
        if hasattr(builtins, node.name):
            return []
        changed = any((node.name,) in unit.uses.changes for unit in owner.units)
        is_live = node.name in namespace(owner.name) and "__getattr__" not in owner.binders
        return [node] if changed or is_live else []

    def _lazy(self, owner: Module, node: Node, rest: Chain, seen: frozenset[Node]) -> list[Target]:
        """What the ``__getattr__`` of a module gives; it is asked, as the task will ask it."""
        if "__getattr__" not in owner.binders or node.name in _MODULE_ATTRIBUTES | {"__getattr__"}:
            return []
        found: list[Target] = [Node(owner.name, "__getattr__")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = attribute(sys.modules.get(owner.name), node.name)
        if isinstance(value, ModuleType):
            return found + self._follow(owner.name, (":" + value.__name__, *rest), seen)
        module, name = attribute(value, "__module__"), attribute(value, "__qualname__")
        if isinstance(module, str) and isinstance(name, str):
            top = name.partition(".")[0]
            if Node(module, top) not in seen and self._binds(module, top):
                found.append(Node(module, top))
        return found

    # -- statements

    def units(self, node: Node) -> tuple[Unit, ...]:
        """The statements that define or change *node*, in order; without definitions that never count."""
        if self._units_as_of != self.changes.generation:
            self._units_as_of = self.changes.generation
            self._units.clear()
            self._histories.clear()
        if node not in self._units:
            self._units[node] = self._find_units(node)
        return self._units[node]

    def _find_units(self, node: Node) -> tuple[Unit, ...]:
        owner = self.module(node.module)
        own = list(owner.binders.get(node.name, [])) if owner else []
        changing = self.changes.under_any_name(node)
        every = dict.fromkeys([*own, *(unit for unit in changing if unit.module == node.module)])
        here = sorted(every, key=lambda unit: unit.order)
        if owner is not None and own:
            here = self._alive(owner, node.name, here)
        elif owner is not None and node.name != WHOLE:
            # Nothing binds it by name: what writes into globals() may.
            here = here or [unit for unit in owner.units if unit.uses.needs_module]
        there = [unit for unit in changing if unit.module != node.module]
        return (*here, *sorted(there, key=lambda unit: (unit.module, unit.order)))

    def _alive(self, owner: Module, name: str, units: list[Unit]) -> list[Unit]:
        """*units* without those that a later definition makes void before anybody looked."""
        for index in range(len(units) - 1, 0, -1):
            kill = units[index]
            if not (kill.always_binds and name in kill.uses.binds):
                continue
            between = owner.units[units[0].order + 1 : kill.order + 1]
            if owner.is_cells:
                looked_at = self._history(owner).is_looked_at(name, between)
            else:
                looked_at = any(self._looks_at(unit, name) for unit in between)
            if not looked_at:
                return units[index:]
        return units

    def _history(self, cells: Module) -> History:
        if cells.name not in self._histories:
            self._histories[cells.name] = History(cells, self)
        return self._histories[cells.name]

    def _looks_at(self, unit: Unit, name: str) -> bool:
        """True if *unit* reads *name* while it is imported, or calls project code, which may."""
        if any(chain[0] == name and how & How.NOW for chain, how in unit.uses.reads.items()):
            return True
        return self.calls_project(unit)

    def calls_project(self, unit: Unit) -> bool:
        """True if *unit* calls project code (or it is unknown what) while it is imported."""
        return any(
            isinstance(target, Node)
            for chain, how in unit.uses.calls.items()
            if how & How.NOW
            for target in self.resolve(unit.module, chain)
        )

    def binders(self, node: Node) -> list[Unit]:
        """The statements of its own module that bind *node*."""
        owner = self.module(node.module)
        return owner.binders.get(node.name, []) if owner else []

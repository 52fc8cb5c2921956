"""What a dotted name of one module stands for, and which statements of any module change it."""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from luisy.fingerprint import modules as parsed
from luisy.fingerprint.project import Located, Locator, Origin, attribute, namespace
from luisy.fingerprint.scopes import WHOLE
from luisy.fingerprint.uses import HARMLESS, How

if TYPE_CHECKING:
    from luisy.fingerprint.modules import Module, Unit
    from luisy.fingerprint.scopes import Chain
    from luisy.fingerprint.uses import Argument

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

    def value(self) -> object:
        """The live object, None if it is not loaded."""
        value: object = sys.modules.get(self.module)
        for name in self.rest:
            value = attribute(value, name)
        return value


Target: TypeAlias = Node | External


class Resolver:
    """Follows names through the modules of a project. Grows with what is loaded; answers are kept."""

    def __init__(self) -> None:
        self.locator = Locator()
        self._modules: dict[str, Module | None] = {}
        self._targets: dict[tuple[str, Chain], tuple[Target, ...]] = {}
        self._effects: dict[Node, frozenset[Node]] = {}
        self._changers: dict[Node, dict[Unit, None]] = {}
        self._aliases: dict[Node, set[Node]] = {}
        self._indexed: set[str] = set()
        self._seen_loaded = 0
        self.generation = 0

    def module(self, name: str) -> Module | None:
        """The parsed project module of that name, None if it is no project code."""
        if name not in self._modules:
            located = self.locator.locate(name)
            own = located.origin is Origin.PROJECT
            self._modules[name] = parsed.load(located) if own else None
        return self._modules[name]

    def adopt(self, module: Module) -> None:
        """Take *module* for the one of its name (its text was found another way)."""
        self._modules[module.name] = module
        self._targets.clear()
        self._index(module)

    # -- names

    def resolve(self, module: str, chain: Chain) -> tuple[Target, ...]:
        """What *chain* stands for in *module*: nothing for built-in names, several where it may be either."""
        key = (module, chain)
        if key not in self._targets:
            self._targets[key] = tuple(dict.fromkeys(self._follow(module, chain, frozenset())))
        return self._targets[key]

    def _follow(self, module: str, chain: Chain, seen: frozenset[Node]) -> list[Target]:
        if not chain[0].startswith(":"):
            return self._name(module, chain[0], chain[1:], seen)
        located = self.locator.locate(chain[0][1:])
        if located.origin is not Origin.PROJECT:
            return [self._external(located, chain[1:])]
        if len(chain) == 1:
            return [Node(located.name, WHOLE)]
        if chain[1] in _MODULE_ATTRIBUTES:
            return []
        found = self._name(located.name, chain[1], chain[2:], seen)
        if not found and Node(located.name, chain[1]) not in seen:
            return [Node(located.name, WHOLE)]
        return found

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
        if units:
            return self._bound(owner, units, node, rest, seen)
        for star in reversed(owner.stars):
            found = self._starred(star, name, rest, seen)
            if found:
                return found
        if self.locator.locate(f"{module}.{name}").origin is not Origin.ABSENT and owner.package == module:
            return self._follow(module, (f":{module}.{name}", *rest), seen)
        return self._unbound(owner, node)

    def _bound(
        self, owner: Module, units: list[Unit], node: Node, rest: Chain, seen: frozenset[Node]
    ) -> list[Target]:
        found: list[Target] = []
        importing = [unit for unit in units if node.name in unit.uses.imports]
        if len(importing) < len(units) or any(not unit.is_import for unit in units):
            found.append(node)
        elif not any(
            (node.name,) in unit.uses.reads and unit.uses.reads[(node.name,)] & How.NOW
            for unit in owner.units[units[0].order : units[-1].order]
        ):
            importing = importing[-1:]
        for unit in importing:
            for chain in unit.uses.imports[node.name]:
                found.extend(self._follow(node.module, (*chain, *rest), seen))
        return found

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
        if any((node.name,) in unit.uses.changes for unit in owner.units) or self._changers.get(node):
            return [node]
        if hasattr(builtins, node.name):
            return []
        if "__getattr__" in owner.binders:
            return [Node(owner.name, "__getattr__")]
        return [node] if node.name in namespace(owner.name) else []

    # -- statements

    def units(self, node: Node) -> list[Unit]:
        """The statements that define or change *node*, in order; without definitions that never count."""
        owner = self.module(node.module)
        own = list(owner.binders.get(node.name, [])) if owner else []
        changing = {**self._changers.get(node, {}), **self._changers.get(Node(node.module, WHOLE), {})}
        for alias in self._all_aliases(node):
            changing.update(self._changers.get(alias, {}))
        every = dict.fromkeys([*own, *(unit for unit in changing if unit.module == node.module)])
        here = sorted(every, key=lambda unit: unit.order)
        if owner is not None and own:
            here = self._alive(owner, node.name, here)
        elif owner is not None and node.name != WHOLE:
            # Nothing binds it by name: what writes into globals() may.
            here = here or [unit for unit in owner.units if unit.uses.needs_module]
        there = [unit for unit in changing if unit.module != node.module]
        return here + sorted(there, key=lambda unit: (unit.module, unit.order))

    def _all_aliases(self, node: Node) -> list[Node]:
        found: dict[Node, None] = {}
        todo = [node]
        while todo:
            for alias in self._aliases.get(todo.pop(), ()):
                if alias not in found and alias != node:
                    found[alias] = None
                    todo.append(alias)
        return list(found)

    def _alive(self, owner: Module, name: str, units: list[Unit]) -> list[Unit]:
        """*units* without those that a later definition makes void before anybody looked."""
        for index in range(len(units) - 1, 0, -1):
            kill = units[index]
            if not (kill.always_binds and name in kill.uses.binds):
                continue
            between = owner.units[units[0].order + 1 : kill.order + 1]
            if owner.is_cells or not any(self._looks_at(unit, name) for unit in between):
                return units[index:]
        return units

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

    # -- changes

    def index_loaded(self) -> None:
        """Look at the project modules loaded since the last time for statements that change others' names."""
        if len(sys.modules) == self._seen_loaded:
            return
        for name in sorted(sys.modules):
            top = self.locator.locate(name.partition(".")[0])
            if name not in self._indexed and (top.origin is Origin.PROJECT or top.path is None):
                self._index(self.module(name))
        self._seen_loaded = len(sys.modules)

    def index(self, name: str) -> None:
        """Look at one module, loaded or not."""
        if name not in self._indexed:
            self._index(self.module(name))

    def _index(self, module: Module | None) -> None:
        if module is None:
            return
        self._indexed.add(module.name)
        self.generation += 1
        for unit in module.units:
            for node in self._changed_by(unit):
                self._changers.setdefault(node, {})[unit] = None
            for name, chains in unit.uses.aliases.items():
                alias = Node(module.name, name)
                for chain in chains:
                    for target in self.resolve(module.name, chain):
                        if isinstance(target, Node) and target != alias:
                            self._aliases.setdefault(target, set()).add(alias)

    def _changed_by(self, unit: Unit) -> set[Node]:  # noqa: C901  # one loop per way to change a name
        uses = unit.uses
        changed: set[Node] = set()
        for chain, how in uses.changes.items():
            if how & How.NOW:
                changed |= self._changed(unit.module, chain, how)
        for chain, how in uses.calls.items():
            for target in self.resolve(unit.module, chain) if how & How.NOW else ():
                if isinstance(target, Node):
                    changed |= self.effects(target)
        for argument in uses.arguments:
            if argument.now:
                changed |= self._changed_argument(unit, argument)
        for chain in uses.bases:
            for target in self.resolve(unit.module, chain):
                if isinstance(target, Node):
                    changed |= self._changed_bases(target)
        return changed

    def _changed(self, module: str, chain: Chain, how: How) -> set[Node]:
        found: set[Node] = set()
        if chain[-1] == "__dict__":
            chain = (*chain[:-1], WHOLE)
        targets = self.resolve(module, chain)
        if not targets and len(chain) > 1:
            holders = self.resolve(module, chain[:-1])
            targets = tuple(
                Node(t.module, chain[-1]) for t in holders if isinstance(t, Node) and t.name == WHOLE
            )
        for target in targets:
            if isinstance(target, Node):
                if target.name != WHOLE:
                    found.add(target)
                elif len(chain) > 1:
                    found.add(Node(target.module, chain[-1]))
            elif not how & How.SOFT and self._has_state(target):
                found.add(Node("", target.module.partition(".")[0]))
        return found

    def _has_state(self, target: External) -> bool:
        return target.origin is not Origin.FRAMEWORK and target.module.partition(".")[0] not in _QUIET

    def _changed_argument(self, unit: Unit, argument: Argument) -> set[Node]:
        callee = argument.callee
        targets = self.resolve(unit.module, callee) if callee else ()
        nodes = [target for target in targets if isinstance(target, Node)]
        if nodes:
            changes = any(u.uses.changes_params for node in nodes for u in self.units(node))
        elif targets:
            changes = argument.discarded and all(
                self._has_state(t) for t in targets if isinstance(t, External)
            )
        else:
            changes = argument.discarded and not (callee and callee[-1] in HARMLESS)
        return self._changed(unit.module, argument.given, How.NOW) if changes else set()

    def _changed_bases(self, base: Node) -> set[Node]:
        """The project base classes (or metaclasses) that a new subclass changes, by ``__init_subclass__``."""
        changed: set[Node] = set()
        todo, seen = [base], {base}
        while todo:
            node = todo.pop()
            for unit in self._binders(node):
                if unit.uses.changes_subclasses and _has_class_hook(unit):
                    changed.add(node)
                for chain in unit.uses.bases:
                    for target in self.resolve(unit.module, chain):
                        if isinstance(target, Node) and target not in seen:
                            seen.add(target)
                            todo.append(target)
        if changed:
            changed.add(base)
        return changed

    def _binders(self, node: Node) -> list[Unit]:
        owner = self.module(node.module)
        return owner.binders.get(node.name, []) if owner else []

    def effects(self, start: Node) -> frozenset[Node]:  # noqa: C901  # one worklist, read top to bottom
        """The names that a call of *start* may change, through whatever it calls."""
        if start not in self._effects:
            changed: set[Node] = set()
            todo, seen = [start], {start}
            while todo:
                node = todo.pop()
                for unit in self._binders(node):
                    for chain, how in unit.uses.changes.items():
                        if how & How.LATER and not how & How.SOFT:
                            changed |= self._changed(unit.module, chain, how)
                    for argument in unit.uses.arguments:
                        if not argument.now:
                            changed |= self._changed_argument(unit, argument)
                    # Base classes count as called: their __init__ and their metaclass run with the subclass's.
                    called = [chain for chain, how in unit.uses.calls.items() if how & How.LATER]
                    for chain in (*called, *unit.uses.bases):
                        for target in self.resolve(unit.module, chain):
                            if isinstance(target, Node) and target not in seen:
                                seen.add(target)
                                todo.append(target)
            self._effects[start] = frozenset(changed)
        return self._effects[start]


def _has_class_hook(unit: Unit) -> bool:
    hooks = {"__init_subclass__", "__new__", "__init__", "__prepare__", "__set_name__"}
    body = getattr(unit.statement, "body", ())
    names = {getattr(statement, "name", "") for statement in body if isinstance(body, list)}
    is_meta = any(chain[-1] == "type" or chain[-1].endswith("Meta") for chain in unit.uses.bases)
    return "__init_subclass__" in names or (is_meta and bool(names & hooks))

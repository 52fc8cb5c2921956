"""The closure of a class: every name of project code that it uses, found with a worklist."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import luigi

from luisy.fingerprint.annotations import Annotations
from luisy.fingerprint.blind import blind_spots
from luisy.fingerprint.nodes import External, Node
from luisy.fingerprint.normal import Keep, frame, text_bytes
from luisy.fingerprint.project import namespace
from luisy.fingerprint.result import digest_of
from luisy.fingerprint.scopes import WHOLE
from luisy.fingerprint.uses import How

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from luisy.fingerprint.modules import Module, Unit
    from luisy.fingerprint.nodes import Target
    from luisy.fingerprint.resolve import Resolver
    from luisy.fingerprint.result import BlindSpot
    from luisy.fingerprint.scopes import Chain

_CODE = How.FULL | How.REQUIRED
_DOC_WORDS = frozenset({"__doc__", "getdoc", "cleandoc"})


@dataclass(slots=True)
class Closure:
    """What a class uses.

    :param nodes: the names of project code, and whether only the requirements need them.
    :param externals: modules that are no project code.
    :param keep: what counts beside the code itself.
    """

    nodes: dict[Node, How] = field(default_factory=dict)
    externals: set[External] = field(default_factory=set)
    keep: Keep = Keep.CODE
    blind: set[BlindSpot] = field(default_factory=set)


@dataclass(slots=True)
class _Edges:
    """What one name leads to; the same for every class that reaches it."""

    targets: tuple[tuple[Target, How], ...]
    words: frozenset[str]
    asks_tasks: bool = False


class Follower:
    """Computes closures and the digests of their names; what classes share is done once."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._generation = -1
        self._edges: dict[tuple[Node, Keep], _Edges] = {}
        self._digests: dict[tuple[Node, Keep], str] = {}
        self._tasks: dict[Node, bool] = {}
        self._annotations = Annotations(resolver)

    def closure(self, roots: Iterable[Node], ignored: AbstractSet[Target] = frozenset()) -> Closure:
        """Everything that *roots* lead to, but for the names *ignored* and what only they lead to."""
        starts, changes = list(roots), self.resolver.changes
        changes.index_loaded()
        keep, asks = Keep.CODE, False
        while True:
            # A module that is not loaded yet may change what was passed before.
            before = (keep, asks, changes.generation)
            found = self._walk(starts, ignored, keep, asks_tasks=asks)
            keep = self._keep_for(found)
            asks = asks or any(self.edges(node, keep).asks_tasks for node in found.nodes)
            if (keep, asks, changes.generation) == before:
                break
        found.blind.update(blind_spots(found.nodes, self.resolver))
        return found

    def _walk(
        self, starts: list[Node], ignored: AbstractSet[Target], keep: Keep, *, asks_tasks: bool = False
    ) -> Closure:
        """The closure; where the code *asks* the tasks that it requires, their code is its own."""
        found = Closure(keep=keep)
        todo = [(node, How.FULL) for node in starts]
        roots = frozenset(starts)
        while todo:
            node, how = todo.pop()
            old = found.nodes.get(node)
            if old is How.FULL or old is how:
                continue
            if how is How.REQUIRED and node not in roots and self.is_task(node):
                continue
            found.nodes[node] = how
            edges = self.edges(node, keep)
            for target, colour in edges.targets:
                if target in ignored or (target.module, WHOLE) in ignored:
                    continue
                if isinstance(target, External):
                    found.externals.add(target)
                    if self.resolver.units(target.state):
                        todo.append((target.state, how))
                elif colour & How.FULL or (asks_tasks and node in roots):
                    todo.append((target, how))
                else:
                    todo.append((target, How.REQUIRED))
        return found

    def _keep_for(self, closure: Closure) -> Keep:
        words = {w for node in closure.nodes for w in self.edges(node, closure.keep).words}
        keep = closure.keep
        if words & _DOC_WORDS:
            keep |= Keep.DOCSTRINGS
        if words - _DOC_WORDS:
            keep |= Keep.ANNOTATIONS | Keep.CLASS_ANNOTATIONS
        return keep

    # -- one name

    def _fresh(self) -> None:
        if self._generation != self.resolver.changes.generation:
            self._generation = self.resolver.changes.generation
            for memo in (self._edges, self._digests):
                memo.clear()

    def edges(self, node: Node, keep: Keep) -> _Edges:
        """What *node* leads to."""
        self._fresh()
        key = (node, keep)
        if key not in self._edges:
            made = self._make_edges(node, keep)
            self._fresh()
            self._edges[key] = made
        return self._edges[key]

    def _make_edges(self, node: Node, keep: Keep) -> _Edges:
        changes = self.resolver.changes
        changes.index(node.module)
        for unit in self.resolver.units(node):
            for module in sorted(unit.uses.loads):
                changes.index(module)
        if node.name == WHOLE:
            return self._whole_edges(node)
        targets: dict[Target, How] = {}
        words: set[str] = set()
        asks = False
        for unit in self.resolver.units(node):
            words |= unit.uses.words
            asks |= unit.uses.asks_tasks
            for target, how in self._unit_edges(unit, keep):
                targets[target] = targets.get(target, How(0)) | how
        targets.pop(node, None)
        return _Edges(tuple(targets.items()), frozenset(words), asks)

    def _unit_edges(self, unit: Unit, keep: Keep) -> Iterator[tuple[Target, How]]:
        if unit.uses.needs_module:
            yield Node(unit.module, WHOLE), How.FULL
        for chain, how in self._counted(unit, keep):
            for target in self.resolver.resolve(unit.module, chain):
                yield target, how
        for chain in unit.uses.subclasses:
            for target in self.resolver.resolve(unit.module, chain):
                if isinstance(target, Node):
                    yield from ((made, How.FULL) for made in self.resolver.changes.subclasses(target))
        imported = [] if unit.is_import else [c for chains in unit.uses.imports.values() for c in chains]
        for chain in imported:
            for target in self.resolver.resolve(unit.module, chain) if chain[0][1:] else ():
                if isinstance(target, External):
                    yield target, How.FULL

    def _whole_edges(self, node: Node) -> _Edges:
        targets: dict[Target, How] = {}
        for chain in self._held(node.module):
            for target in self.resolver.resolve(node.module, chain):
                # A module that only passes through (`from . import x`) is not used by being there.
                if target != node and not (isinstance(target, Node) and target.name == WHOLE):
                    targets[target] = How.FULL
        return _Edges(tuple(targets.items()), frozenset())

    def _held(self, name: str) -> set[Chain]:
        """What the module of that *name* may hold: its names, those that stars may bring, and what is not the project's."""
        held: set[Chain] = set()
        todo, seen = [name], {name}
        while todo:
            module = self.resolver.module(name := todo.pop())
            if module is None:
                held.add((":" + name,))
                continue
            held |= {(bound,) for bound in module.binders.keys() - {"__doc__"}}
            starred = {star.module for star in module.stars} - seen
            seen |= starred
            todo += starred
        return held

    def _counted(self, unit: Unit, keep: Keep) -> Iterator[tuple[Chain, How]]:
        keep |= self._annotations.keep_for(unit)
        read = How.ANNOTATION if keep & Keep.ANNOTATIONS else How(0)
        read |= How.CLASS_ANNOTATION if keep & Keep.CLASS_ANNOTATIONS else How(0)
        for chain, how in unit.uses.reads.items():
            counts = how & _CODE
            if how & read:
                counts |= How.FULL
            if counts:
                yield chain, counts

    def digest(self, node: Node, keep: Keep) -> str:
        """The digest of *node*: its statements, and what the imported names in them stand for."""
        self._fresh()
        key = (node, keep)
        if key not in self._digests:
            self._digests[key] = digest_of(dict(self._content(node, keep)))
        return self._digests[key]

    def _content(self, node: Node, keep: Keep) -> Iterator[tuple[str, str]]:
        module = self.resolver.module(node.module) if node.module else None
        if node.name == WHOLE:
            content = (
                module.binary or (module.broken and module.file and module.file.digest) if module else ""
            )
            yield "bytes", content or ""
            return
        for index, unit in enumerate(self.resolver.units(node)):
            unit_keep = keep | self._annotations.keep_for(unit)
            place = f"{index:06d} {unit.module}"
            yield place, unit.normal(unit_keep).hex()
            yield place + " names", self._meanings(unit, unit_keep)

    def _meanings(self, unit: Unit, keep: Keep) -> str:
        meant = set()
        for chain, _ in self._counted(unit, keep):
            own = Node(unit.module, chain[0])
            targets = [t for t in self.resolver.resolve(unit.module, chain) if t != own and not _is_typing(t)]
            if targets:
                meant.add(".".join(chain) + "=" + ",".join(sorted(_spelled(t) for t in targets)))
        return b"".join(frame(text_bytes(text)) for text in sorted(meant)).hex()

    # -- what a class is

    def is_task(self, node: Node) -> bool:
        """True if *node* is a class of tasks (but not of options)."""
        if node not in self._tasks:
            self._tasks[node] = False
            live = namespace(node.module).get(node.name)
            self._tasks[node] = _is_task_class(live) or self._has_task_base(node)
        return self._tasks[node]

    def _has_task_base(self, node: Node) -> bool:
        for unit in self.resolver.units(node):
            if not isinstance(unit.statement, ast.ClassDef) or node.name not in unit.uses.binds:
                continue
            for chain in unit.uses.bases:
                for target in self.resolver.resolve(unit.module, chain):
                    if isinstance(target, External) and _is_task_class(target.value()):
                        return True
                    if isinstance(target, Node) and target.name != WHOLE and self.is_task(target):
                        return True
        return False


def _spelled(target: Target) -> str:
    if isinstance(target, Node):
        return f"{target.module}:{target.name}"
    return ".".join((target.module, *target.rest))


def _is_typing(target: Target) -> bool:
    return isinstance(target, External) and target.module in {"typing", "typing_extensions"}


def _is_task_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, luigi.Task) and not issubclass(value, luigi.Config)


def modules_of(closure: Closure, resolver: Resolver) -> list[Module]:
    """The parsed modules that a closure is made of, by name."""
    names = {node.module for node in closure.nodes}
    names |= {unit.module for node in closure.nodes for unit in resolver.units(node)}
    found = (resolver.module(name) for name in sorted(names) if name)
    return [module for module in found if module is not None]

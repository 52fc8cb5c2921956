"""What only the live class tells: where it was defined, its bases, what a factory put into it."""

from __future__ import annotations

import ast
import sys
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.declarations import ATTRIBUTE
from luisy.fingerprint.nodes import Node
from luisy.fingerprint.normal import frame
from luisy.fingerprint.project import Origin, attribute, namespace
from luisy.fingerprint.result import BlindSpot, FingerprintError, digest_of
from luisy.fingerprint.scopes import DEFINITIONS, WHOLE
from luisy.fingerprint.trees import subtree
from luisy.fingerprint.values import Canon, NotCanonical

if TYPE_CHECKING:
    from luisy.fingerprint.modules import Module
    from luisy.fingerprint.resolve import Resolver

_LOCALS = "<locals>"
_IGNORED = frozenset(
    [
        "__module__",
        "__qualname__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "__abstractmethods__",
        "_abc_impl",
        "__parameters__",
        "__orig_bases__",
        "__type_params__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__classcell__",
        "_namespace_at_class_time",
        "_unconsumed_params",
        ATTRIBUTE,  # what is declared counts in a part of the key of its own
        "__hash__",
    ]
)


@dataclass(slots=True)
class Roots:
    """Where a closure starts.

    :param parts: live values, by label.
    """

    nodes: dict[Node, None] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    blind: set[BlindSpot] = field(default_factory=set)
    installed: set[str] = field(default_factory=set)


def roots_of(cls: type, resolver: Resolver) -> Roots:
    """The names that define *cls* and its project base classes, and the values that no source tells.

    :raises FingerprintError: one of them has no source.
    """
    roots = Roots()
    finder = _Finder(resolver, roots)
    for base in cls.__mro__:
        finder.add(base)
    return roots


class _Finder:
    def __init__(self, resolver: Resolver, roots: Roots) -> None:
        self._resolver = resolver
        self._roots = roots
        self._seen: set[int] = set()

    def add(self, code: object) -> None:
        """Count a live class or function."""
        if id(code) in self._seen or not isinstance(code, (type, types.FunctionType)):
            return
        self._seen.add(id(code))
        name = code.__module__
        if not isinstance(name, str):
            return
        origin = self._resolver.locator.locate(name).origin
        if origin is Origin.STANDARD and isinstance(code, type) and not _is_where_it_says(code):
            self._add_nameless(code)
            return
        if origin is Origin.INSTALLED:
            self._roots.installed.add(name)
        module = self._resolver.module(name)
        if module is None:
            return
        nodes = self._nodes(code, module)
        if not nodes:
            if isinstance(code, types.FunctionType):
                self._note(name, code, f"{code.__qualname__} has no source")
                return
            raise FingerprintError(
                f"The source of {name}.{code.__qualname__} cannot be found.",
                hint="Define the class in a file, with a class statement at the top level of a module.",
            )
        self._roots.nodes.update(dict.fromkeys(nodes))
        if isinstance(code, type):
            self._values(code, nodes)

    def _add_nameless(self, cls: type) -> None:
        """Count a class made by a call of ``type``: its ``__module__`` is where the metaclass was written."""
        for name in sorted(sys.modules):
            module = self._resolver.module(name) if self._may_hold(name, cls) else None
            for bound, value in list(namespace(name).items()) if module is not None else ():
                if value is cls and module is not None and bound in module.binders:
                    targets = self._resolver.resolve(name, (bound,))
                    self._roots.nodes.update(dict.fromkeys(t for t in targets if isinstance(t, Node)))
                    return
        raise FingerprintError(
            f"The source of {cls.__qualname__} cannot be found: it was made by a call, not by a class statement.",
            hint="Define the class with a class statement at the top level of a module, or assign it to a name there.",
        )

    def _may_hold(self, name: str, cls: type) -> bool:
        top = self._resolver.locator.locate(name.partition(".")[0])
        return top.origin is Origin.PROJECT and any(v is cls for v in list(namespace(name).values()))

    def _nodes(self, code: type | types.FunctionType, module: Module) -> list[Node]:
        if module.broken and module.file is not None:
            return [Node(module.name, WHOLE)]
        first = code.__qualname__.split(".")[0]
        found = []
        if any(_defines(unit.statement, first) for unit in module.binders.get(first, ())):
            found.append(Node(module.name, first))
        for name in [name for name, value in list(namespace(module.name).items()) if value is code]:
            targets = self._resolver.resolve(module.name, (name,))
            bound = name in module.binders
            # What nothing here binds counts if a star brings it: else exec() may have made it.
            found += [t for t in targets if isinstance(t, Node) and (bound or t.module != module.name)]
        return found

    def _values(self, cls: type, nodes: list[Node]) -> None:
        """The live attributes that no statement explains, and the cells of methods of a factory's class."""
        made = _LOCALS in cls.__qualname__
        explained = frozenset() if made else self._explained(cls, nodes)
        for name, value in sorted(vars(cls).items()):
            if name in _IGNORED or (explained is not None and name in explained and not _cells(value)):
                continue
            if explained is None and not _cells(value):
                continue
            label = f"value {cls.__module__}:{cls.__qualname__}.{name}"
            canon = Canon(self.add)
            try:
                self._roots.parts[label] = digest_of({"value": frame(canon.write(value)).hex()})
            except NotCanonical as reason:
                text = f"{cls.__qualname__}.{name} holds a {reason}, whose value cannot be told"
                self._note(cls.__module__, cls, text)

    def _note(self, module: str, code: type | types.FunctionType, text: str) -> None:
        parsed = self._resolver.module(module)
        top = code.__qualname__.partition(".")[0]
        units = parsed.binders.get(top, ()) if parsed is not None else ()
        line = code.__code__.co_firstlineno if isinstance(code, types.FunctionType) else 0
        line = line or next((unit.line for unit in units), 0)
        self._roots.blind.add(BlindSpot(self._resolver.file_of(module), line, text))

    def _explained(self, cls: type, nodes: list[Node]) -> frozenset[str] | None:
        """The attributes that the source of *cls*, its *nodes*, sets; None where decorators or hooks may set any."""
        names: set[str] = set()
        own = cls.__qualname__.rpartition(".")[2]
        for unit in (unit for node in nodes for unit in self._resolver.units(node)):
            for node in subtree(unit.statement):
                if (
                    isinstance(node, ast.ClassDef)
                    and node.name == own
                    and (node.decorator_list or node.keywords)
                ):
                    return None
                names.update(_names(node))
        for base in cls.__mro__[1:]:
            project = self._resolver.locator.locate(base.__module__).origin is Origin.PROJECT
            if project and "__init_subclass__" in vars(base):
                return None
            if not project and base.__module__ not in {"builtins", "abc"} and not _is_framework(base):
                return None
        return frozenset(names)


def _is_where_it_says(cls: type) -> bool:
    value: object = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        value = attribute(value, name)
    return value is cls


def _is_framework(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in {"luigi", "luisy"}


def _defines(statement: ast.stmt, name: str) -> bool:
    """True if *statement* holds the definition of *name*: a class or function, perhaps in a block."""
    return any(isinstance(node, DEFINITIONS) and node.name == name for node in subtree(statement))


def _names(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if isinstance(node, ast.Attribute):
        return () if isinstance(node.ctx, ast.Load) else (node.attr,)
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else ()
    if isinstance(node, DEFINITIONS):
        return (node.name,)
    return ((node.asname or node.name).split(".")[0],) if isinstance(node, ast.alias) else ()


def _cells(value: object) -> bool:
    """True for a method that closes over more than its class."""
    function = getattr(value, "__func__", value)
    function = getattr(function, "fget", function)
    if not isinstance(function, types.FunctionType):
        return False
    if (function.__module__ or "").partition(".")[0] in {"luigi", "luisy"}:
        return False  # what a decorator of the framework left; the decorator stands in the source
    return bool(set(function.__code__.co_freevars) - {"__class__"}) and _LOCALS in function.__qualname__

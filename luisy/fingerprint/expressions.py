"""Expressions as dotted names: which name of the module, or local value, an expression goes back to."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from luisy.fingerprint.idioms import (
    IMPORTERS,
    constant_attrgetter,
    constant_getattr,
    constant_import,
    global_by_name,
    module_by_name,
    text_of,
    type_of,
    vars_of,
)

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from luisy.fingerprint.scopes import Chain, Scope

_MAX_ALIASES = 3


class Receiver(NamedTuple):
    """What an expression is rooted in.

    :param chain: a name of the module, None for a local one.
    :param local: the local name.
    :param inside: whether the expression is an attribute, an item or what a call gives, and not the root itself.
    """

    chain: Chain | None
    local: str
    inside: bool


class Reader:
    """Reads the expressions of one module.

    :param package: where relative imports start.
    :param importers: the names under which the module calls ``import_module`` and ``__import__``.
    """

    def __init__(self, package: str, importers: AbstractSet[str] = IMPORTERS) -> None:
        self._package = package
        self._importers = importers

    def chain(self, node: ast.AST, scope: Scope) -> Chain | None:
        """The chain that an expression is, from a name of the module through attributes; else None."""
        attributes: list[str] = []
        while True:
            if isinstance(node, ast.Attribute):
                attributes.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call) and (got := constant_getattr(node)):
                attributes.append(got[1])
                node = got[0]
            elif isinstance(node, ast.Call) and (of := vars_of(node)):
                attributes.append("__dict__")
                node = of
            elif isinstance(node, ast.Call) and (of := type_of(node)):
                node = of  # what is set on the class counts for the object
            elif isinstance(node, ast.Call) and (names := constant_attrgetter(node)):
                attributes.extend(reversed(names[1]))
                node = names[0]
            elif isinstance(node, ast.Subscript) and (of := _namespace_of(node)):
                attributes.append(text_of(node.slice) or "")
                node = of
            else:
                break
        root = self.root(node, scope)
        return (*root, *reversed(attributes)) if root else None

    def root(self, node: ast.AST, scope: Scope) -> Chain | None:
        """The chain that a name, or an expression that is one in disguise, stands for."""
        if isinstance(node, ast.Name):
            home = scope.find(node.id)
            if home is None:
                return (node.id,)
            return home.imports.get(node.id)
        if isinstance(node, ast.Call) and (module := self.imported(node)):
            return (":" + module,)
        if isinstance(node, ast.Subscript):
            if name := global_by_name(node, in_module=scope.is_module):
                return (name,)
            if module := module_by_name(node):
                return (":" + module,)
        return None

    def imported(self, node: ast.Call) -> str | None:
        """The module that a call imports by a literal name."""
        return constant_import(node, self._package, self._importers)

    def is_computed_import(self, node: ast.Call, name: str) -> bool:
        """True if a call of *name* imports a module whose name is computed."""
        return name in self._importers and not self.imported(node)

    def receivers(self, node: ast.AST, scope: Scope, depth: int = 0) -> list[Receiver]:
        """What an expression is rooted in; several things where it may be any of them."""
        inside = False
        while (chain := self.chain(node, scope)) is None:
            if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Await)):
                node, inside = node.value, True
            elif isinstance(node, ast.Call):
                node, inside = node.func, True
            else:
                break
        if chain is not None:
            return [Receiver(chain, "", inside)]
        inner = _alternatives(node)
        if inner:
            return [found for one in inner for found in self.receivers(one, scope, depth)]
        if not isinstance(node, ast.Name):
            return []
        found = [Receiver(None, node.id, inside)]
        home = scope.find(node.id)
        if home is not None and depth < _MAX_ALIASES:
            for value in home.aliases.get(node.id, ()):
                found.extend(self.receivers(value, home, depth + 1))
            if node.id in home.defaults and home.parent is not None:
                found.extend(self.receivers(home.defaults[node.id], home.parent, depth + 1))
        return found


def _namespace_of(node: ast.Subscript) -> ast.expr | None:
    """The object in ``vars(object)["name"]`` and ``object.__dict__["name"]``."""
    if text_of(node.slice) is None:
        return None
    if isinstance(node.value, ast.Attribute) and node.value.attr == "__dict__":
        return node.value.value
    return vars_of(node.value) if isinstance(node.value, ast.Call) else None


def _alternatives(node: ast.AST) -> list[ast.expr]:
    """The expressions one of which *node* is, or which it holds."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return node.elts
    if isinstance(node, (ast.Dict, ast.BoolOp)):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.NamedExpr):
        return [node.value]
    return []

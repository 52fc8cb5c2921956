"""What of a module is said to type checkers alone: ``typing.cast``'s type, ``@final``, ``@override``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

_SOURCES = frozenset({"typing", "typing_extensions"})
_NAMES = frozenset({"cast", "final", "override"})

TypingNames: TypeAlias = Mapping[str, str]
"""How a module spells them, and what they are: ``{"t.cast": "cast", "final": "final"}``."""


def typing_names(nodes: Iterable[ast.AST], imports: Iterable[ast.Import | ast.ImportFrom]) -> TypingNames:
    """The spellings in the module of these *nodes*; without names that anything but its *imports* binds too."""
    found: dict[str, str] = {}
    for node in imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in _SOURCES:
                    found.update({f"{alias.asname or alias.name}.{name}": name for name in _NAMES})
        elif node.module in _SOURCES and not node.level:
            found.update({a.asname or a.name: a.name for a in node.names if a.name in _NAMES})
    others = {name for node in nodes for name in _bound_otherwise(node)} if found else ()
    return {spelling: name for spelling, name in found.items() if spelling.partition(".")[0] not in others}


def _bound_otherwise(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if isinstance(node, ast.arg):
        return (node.arg,)
    return (node.name,) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else ()


def is_silent(decorator: ast.expr, names: TypingNames) -> bool:
    """True for ``@final`` and ``@override``."""
    return names.get(_spelling(decorator)) in {"final", "override"}


def is_cast(call: ast.Call, names: TypingNames) -> bool:
    """True for ``cast(type, value)``."""
    return bool(names) and names.get(_spelling(call.func)) == "cast" and len(call.args) == 2  # noqa: PLR2004  # type and value


def _spelling(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""

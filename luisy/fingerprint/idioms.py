"""Expressions that are names in disguise: ``getattr(x, "name")``, ``import_module("name")``, ``globals()["name"]``."""

from __future__ import annotations

import ast

IMPORTERS = frozenset({"import_module", "__import__"})


def is_bare(node: ast.expr) -> bool:
    """True for a name, or a display of names, as opposed to a computed value."""
    if isinstance(node, ast.Starred):
        node = node.value
    return isinstance(node, (ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Dict, ast.Set))


def constant_getattr(node: ast.Call) -> tuple[ast.expr, str] | None:
    """The object and the name in ``getattr(object, "name")``."""
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) >= 2:  # noqa: PLR2004  # object and name
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return node.args[0], name.value
    return None


def constant_import(node: ast.Call, package: str) -> str | None:
    """The absolute name of the module in ``import_module("name")`` and ``__import__("name")``."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in IMPORTERS or not node.args:
        return None
    module = node.args[0]
    if not (isinstance(module, ast.Constant) and isinstance(module.value, str)):
        return None
    level = len(module.value) - len(module.value.lstrip("."))
    if not level:
        return module.value.split(".")[0] if name == "__import__" and len(node.args) == 1 else module.value
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], module.value[level:]])


def global_by_name(node: ast.Subscript) -> str | None:
    """The name in ``globals()["name"]``."""
    value, key = node.value, node.slice
    is_globals = (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "globals"
    )
    return key.value if is_globals and isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def vars_of(node: ast.Call) -> ast.expr | None:
    """The object in ``vars(object)``."""
    is_vars = isinstance(node.func, ast.Name) and node.func.id == "vars" and len(node.args) == 1
    return node.args[0] if is_vars else None

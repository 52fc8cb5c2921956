"""Expressions that are names in disguise: ``getattr(x, "name")``, ``import_module("name")``, ``globals()["name"]``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

IMPORTERS = frozenset({"import_module", "__import__"})
_NAMESPACES = frozenset({"globals", "vars", "locals"})


def is_bare(node: ast.expr) -> bool:
    """True for a name, or a display of names, as opposed to a computed value."""
    if isinstance(node, ast.Starred):
        node = node.value
    return isinstance(node, (ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Dict, ast.Set))


def is_part(node: ast.expr) -> bool:
    """True for what an object holds or hands out: ``TABLE["a"]``, ``TABLE.get("a")``."""
    return isinstance(node, ast.Subscript) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )


def constant_getattr(node: ast.Call) -> tuple[ast.expr, str] | None:
    """The object and the name in ``getattr(object, "name")``."""
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) >= 2:  # noqa: PLR2004  # object and name
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return node.args[0], name.value
    return None


def constant_attrgetter(node: ast.Call) -> tuple[ast.expr, tuple[str, ...]] | None:
    """The object and the names in ``attrgetter("a.b")(object)``."""
    getter = node.func
    if not (isinstance(getter, ast.Call) and called_name(getter) == "attrgetter" and len(getter.args) == 1):
        return None
    names = text_of(getter.args[0])
    return (node.args[0], tuple(names.split("."))) if names and len(node.args) == 1 else None


def called_name(node: ast.Call) -> str:
    """The last name of what is called: ``f`` in ``f()`` and ``a.f()``."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def text_of(node: ast.expr) -> str | None:
    """The text of a literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def constant_import(node: ast.Call, package: str, importers: AbstractSet[str] = IMPORTERS) -> str | None:
    """The absolute name of the module in ``import_module("name")`` and ``__import__("name")``."""
    name = called_name(node)
    if name not in importers or not node.args:
        return None
    module = node.args[0]
    if not (isinstance(module, ast.Constant) and isinstance(module.value, str)):
        return None
    level = len(module.value) - len(module.value.lstrip("."))
    if not level:
        is_top = name == "__import__" and len(node.args) + len(node.keywords) == 1
        return module.value.split(".")[0] if is_top else module.value
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], module.value[level:]])


def global_by_name(node: ast.Subscript, *, in_module: bool) -> str | None:
    """The name in ``globals()["name"]``, *in_module* also in ``vars()["name"]`` and ``locals()["name"]``."""
    of = node.value
    if not (isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and not of.args):
        return None
    return (
        text_of(node.slice) if of.func.id == "globals" or (in_module and of.func.id in _NAMESPACES) else None
    )


def module_by_name(node: ast.Subscript) -> str | None:
    """The module in ``sys.modules["name"]``, and ``__name__`` in ``sys.modules[__name__]``."""
    if not (
        isinstance(node.value, ast.Attribute)
        and node.value.attr == "modules"
        and ast.unparse(node.value) == "sys.modules"
    ):
        return None
    is_own = isinstance(node.slice, ast.Name) and node.slice.id == "__name__"
    return "__name__" if is_own else text_of(node.slice)


def type_of(node: ast.Call) -> ast.expr | None:
    """The object in ``type(object)``."""
    return _only_argument(node, "type")


def vars_of(node: ast.Call) -> ast.expr | None:
    """The object in ``vars(object)``."""
    return _only_argument(node, "vars")


def _only_argument(node: ast.Call, function: str) -> ast.expr | None:
    is_it = isinstance(node.func, ast.Name) and node.func.id == function and len(node.args) == 1
    return node.args[0] if is_it else None

"""Which methods of a class may change places: the order of definitions does not count."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from luisy.fingerprint.scopes import FUNCTIONS, bound_names
from luisy.fingerprint.trees import subtree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PLACELESS = frozenset(
    [
        "staticmethod",
        "classmethod",
        "property",
        "abstractmethod",
        "cached_property",
        "cache",
        "lru_cache",
        "contextmanager",
        "asynccontextmanager",
        "override",
        "final",
        "wraps",
    ]
)
"""Decorators whose effect does not depend on what stands above."""


def in_order(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a class body, neighbouring methods by name where that makes no difference."""
    times = Counter(name for statement in body for name in _bound(statement))
    ordered: list[ast.stmt] = []
    run: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for statement in body:
        if (
            isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
            and times[statement.name] == 1
            and _is_placeless(statement, times)
        ):
            run.append(statement)
            continue
        ordered += [*_by_name(run), statement]
        run = []
    return ordered + _by_name(run)


def _by_name(run: Iterable[ast.FunctionDef | ast.AsyncFunctionDef]) -> list[ast.stmt]:
    return [method for _, method in sorted((method.name, method) for method in run)]


def _is_placeless(method: ast.FunctionDef | ast.AsyncFunctionDef, names: Counter[str]) -> bool:
    """True if nothing that runs when *method* is defined looks at the *names* of the class."""
    defaults = [*method.args.defaults, *(default for default in method.args.kw_defaults if default)]
    decorators = [d.func if isinstance(d, ast.Call) else d for d in method.decorator_list]
    if not all(getattr(d, "attr", getattr(d, "id", "")) in _PLACELESS for d in decorators):
        return False
    used = {n.id for d in (*defaults, *method.decorator_list) for n in subtree(d) if isinstance(n, ast.Name)}
    return not used & names.keys()


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a class body may bind (those inside its functions too: that is rare)."""
    for node in [statement] if isinstance(statement, FUNCTIONS) else subtree(statement):
        yield from bound_names(node)

"""Small changes of a module's code, each one mutant, and the statement that must run for it to make a difference."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

HARMLESS_KEYWORDS = {
    "slots": "a class with a __dict__ gives the same answers; it takes more memory",
    "strict": "zip is given sequences that are made side by side, of one length",
    "max_threads": "the same digest; the one thread is for forks (DESIGN 5)",
}
"""Keywords whose numbers and truth values are not changed, and why that is safe."""

HARMLESS_STATEMENTS = {
    "warnings.simplefilter": "what is left out is silence: the import has told these warnings already",
}
"""Calls that are not left out, and why that is safe."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    :param index: which of the changes that its source allows.
    :param place: the function or class that is changed.
    :param number: which of the same changes in *place*, from 0.
    :param lines: one of these must run for the change to make a difference; none where the import does it.
    """

    module: str
    index: int
    place: str
    line: int
    what: str
    number: int
    lines: frozenset[int]

    @property
    def name(self) -> str:
        """The mutant, whatever lines are added above it."""
        return f"{self.module}:{self.place}: {self.what}" + (f" #{self.number}" if self.number else "")

    def source(self) -> str:
        """The text of the changed module."""
        tree = _parsed(self.module)
        change = next(islice(_changes(tree), self.index, None))
        if change.at is None:
            setattr(change.node, change.field, change.new)
        else:
            getattr(change.node, change.field)[change.at] = change.new
        return ast.unparse(ast.fix_missing_locations(tree))


def path_of(module: str) -> Path:
    """The file of *module*, from the root of the project."""
    plain = Path(*module.split(".")).with_suffix(".py")
    return plain if (ROOT / plain).exists() else plain.with_suffix("") / "__init__.py"


def mutants_of(module: str) -> list[Mutant]:
    """All mutants of *module*: conditions turned round, operators swapped, numbers moved, statements left out."""
    times: Counter[tuple[str, str]] = Counter()
    found = []
    for index, change in enumerate(_changes(_parsed(module))):
        place = ".".join(change.within.names) or "(module)"
        number = times[place, change.what]
        times[place, change.what] += 1
        line = getattr(change.new, "lineno", getattr(change.node, "lineno", 0))
        found.append(Mutant(module, index, place, line, change.what, number, change.within.lines))
    return found


def _parsed(module: str) -> ast.Module:
    return ast.parse((ROOT / path_of(module)).read_text("utf-8"))


class _Within(NamedTuple):
    """Where a node stands: the definitions round it, and the lines of its statement."""

    names: tuple[str, ...] = ()
    in_function: bool = False
    lines: frozenset[int] = frozenset()

    def inside(self, node: ast.AST) -> _Within:
        """Where the children of *node* stand."""
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            function = isinstance(node, _FUNCTIONS)
            # A default argument is made at import, and makes a difference when the function runs.
            lines = range(node.body[0].lineno, (node.end_lineno or 0) + 1) if function else ()
            return _Within((*self.names, node.name), self.in_function or function, frozenset(lines))
        if not isinstance(node, ast.stmt) or not self.in_function:
            return self
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if isinstance(body, list) else node.end_lineno or node.lineno
        return self._replace(lines=frozenset(range(node.lineno, max(last, node.lineno) + 1)))


_OUTSIDE = _Within()


class _Change(NamedTuple):
    node: ast.AST
    field: str
    at: int | None
    new: ast.AST
    what: str
    within: _Within


def _changes(node: ast.AST, within: _Within = _OUTSIDE) -> Iterator[_Change]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.keyword) and node.arg in HARMLESS_KEYWORDS:
        return
    within = within.inside(node)
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns"}:
            continue
        for at, item in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(item, ast.AST):
                continue
            for new, what in _versions(item, name, node) if name != "decorator_list" else ():
                place = within.inside(item) if isinstance(item, ast.stmt) else within
                yield _Change(node, name, at if isinstance(value, list) else None, new, what, place)
            yield from _changes(item, within)


def _versions(node: ast.AST, field: str, parent: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        other = copy.copy(node)
        other.ops = [_COMPARISONS[type(node.ops[0])]()]
        yield ast.copy_location(other, node), f"{ast.unparse(node)} -> {ast.unparse(other)}"
    elif isinstance(node, ast.BoolOp):
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        other_op = ast.copy_location(ast.BoolOp(swapped, node.values), node)
        yield other_op, f"{ast.unparse(node)} -> {ast.unparse(other_op)}"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand, f"{ast.unparse(node)} -> {ast.unparse(node.operand)}"
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
        new = ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
        yield ast.copy_location(new, node), f"{node.value!r} -> {new.value!r} in {ast.unparse(parent)[:60]}"
    elif _may_be_left_out(node):
        yield ast.copy_location(ast.Pass(), node), f"{ast.unparse(node)} left out"
    elif isinstance(node, (ast.Continue, ast.Break)):
        yield ast.copy_location(ast.Pass(), node), f"{type(node).__name__.lower()} left out"
    if (
        field == "test"
        and isinstance(parent, (ast.If, ast.IfExp, ast.While))
        and not isinstance(node, (ast.Compare, ast.UnaryOp, ast.Constant))
    ):
        assert isinstance(node, ast.expr)
        negated = ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
        yield negated, f"if {ast.unparse(node)} -> if not"
    if field == "value" and isinstance(parent, ast.Return) and not isinstance(node, ast.Constant):
        yield ast.copy_location(ast.Constant(None), node), f"return {ast.unparse(node)[:60]} -> return None"


def _may_be_left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        called = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
        return called not in HARMLESS_STATEMENTS and not isinstance(
            node.value, (ast.Constant, ast.Yield, ast.YieldFrom)
        )
    return isinstance(node, ast.AugAssign)

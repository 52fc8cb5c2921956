"""Small changes of a module's code, each one mutant, and the import of a changed module."""

from __future__ import annotations

import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, ModuleType

ROOT = Path(__file__).parents[2]

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


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    :param index: which of the changes that its source allows.
    """

    module: str
    index: int

    def tree(self) -> tuple[ast.Module, str]:
        """The changed module, and the change with its line, to read."""
        tree = _parsed(self.module)
        node, field, at, new, what = next(islice(_changes(tree), self.index, None))
        line = getattr(new, "lineno", getattr(node, "lineno", 0))
        if at is None:
            setattr(node, field, new)
        else:
            getattr(node, field)[at] = new
        return ast.fix_missing_locations(tree), f"{self.module}:{line}: {what}"


def mutants_of(module: str) -> list[Mutant]:
    """All mutants of *module*: conditions turned round, operators swapped, numbers moved, statements left out."""
    return [Mutant(module, index) for index, _ in enumerate(_changes(_parsed(module)))]


def _parsed(module: str) -> ast.Module:
    return ast.parse(ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text("utf-8"))


_Change = tuple[ast.AST, str, "int | None", ast.AST, str]


def _changes(tree: ast.Module) -> Iterator[_Change]:
    for node in ast.walk(tree):
        if _is_for_types(node):
            continue
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                for at, item in enumerate(value):
                    for new, what in _versions(item, name, node):
                        yield node, name, at, new, what
            elif isinstance(value, ast.AST):
                for new, what in _versions(value, name, node):
                    yield node, name, None, new, what


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _versions(node: object, field: str, parent: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if field in {"annotation", "returns", "decorator_list"} or not isinstance(node, ast.AST):
        return
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
    elif isinstance(node, (ast.Expr, ast.AugAssign)) and not isinstance(
        getattr(node, "value", None), (ast.Constant, ast.Yield, ast.YieldFrom)
    ):
        yield ast.copy_location(ast.Pass(), node), f"{ast.unparse(node)} left out"
    elif isinstance(node, (ast.Continue, ast.Break)):
        yield ast.copy_location(ast.Pass(), node), f"{type(node).__name__.lower()} left out"
    if (
        field == "test"
        and isinstance(parent, (ast.If, ast.IfExp))
        and not isinstance(node, (ast.Compare, ast.UnaryOp))
    ):
        assert isinstance(node, ast.expr)
        negated = ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
        yield negated, f"if {ast.unparse(node)} -> if not"
    if field == "value" and isinstance(parent, ast.Return) and not isinstance(node, ast.Constant):
        yield ast.copy_location(ast.Constant(None), node), f"return {ast.unparse(node)[:60]} -> return None"


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, mutant: Mutant, origin: str) -> None:
        self._mutant = mutant
        self._origin = origin

    def get_source(self, fullname: str) -> str:  # the base class's name
        return Path(self._origin).read_text("utf-8")

    def get_code(self, fullname: str) -> CodeType:  # likewise
        return compile(self._mutant.tree()[0], self._origin, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(  # the base class's name
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        assert found is not None
        assert found.origin is not None
        loader = _Loader(self._mutant, found.origin)
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=loader)


def install(mutant: Mutant) -> None:
    """Have this process import *mutant* in place of its module, which is not imported yet."""
    assert mutant.module not in sys.modules
    sys.meta_path.insert(0, _Finder(mutant))

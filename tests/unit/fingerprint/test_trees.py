"""Walks over syntax trees."""

from __future__ import annotations

import ast
import inspect

from luisy.fingerprint import modules
from luisy.fingerprint.trees import subtree


def test_subtree_is_walk_without_contexts_and_operators() -> None:
    """What is met, and in which order, is what ``ast.walk`` meets, but for nodes that hold neither code nor name."""
    tree = ast.parse(inspect.getsource(modules))
    empty = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
    assert subtree(tree) == [node for node in ast.walk(tree) if not isinstance(node, empty)]

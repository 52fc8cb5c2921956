"""Whether code may hold the tasks that a task requires: then their code may be called."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from luisy.fingerprint.idioms import called_name
from luisy.fingerprint.trees import subtree
from luisy.fingerprint.uses import FIRST_CHANGERS, HARMLESS, MUTATORS

if TYPE_CHECKING:
    from luisy.fingerprint.scopes import Scope

_GIVERS = frozenset({"requires", "deps", "_requires"})
_CONTAINER_METHODS = frozenset({"values", "items", "get", "copy", "pop", "keys", "index", "count"})
TASK_NAMES = _CONTAINER_METHODS | frozenset(
    [
        "output",
        "input",
        "complete",
        "param_kwargs",
        "param_args",
        "task_id",
        "task_family",
        "get_task_family",
        "get_params",
        "get_param_names",
        "to_str_params",
        "__class__",
    ]
)
"""What may be asked of a required task without calling its code: Luigi's own, and what its key tells anyway."""

TASK_READERS = HARMLESS | {"flatten", "flatten_output", "getpaths", "task_outputs", "hasattr"}
"""Functions that may be given required tasks."""
PARENT_GIVERS = frozenset({"clone_parent", "clone_parents"})
"""What ``luigi.util.inherits`` adds: tasks that need not be required."""

_PASSES_ON = frozenset(
    {"flatten", "list", "tuple", "sorted", "enumerate", "zip", "reversed", "iter", "next", "set"}
)
_MAX_DEPTH = 4


def holds_tasks(node: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """True if *node* is, or holds, what ``self.requires()`` gave."""
    while isinstance(node, (ast.Subscript, ast.Starred)):
        node = node.value
    if isinstance(node, ast.Call):
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr in _GIVERS:
            return isinstance(func.value, ast.Name)
        if isinstance(func, ast.Attribute) and func.attr in _CONTAINER_METHODS:
            return holds_tasks(func.value, scope, depth)
        return called_name(node) in _PASSES_ON and any(holds_tasks(a, scope, depth) for a in node.args)
    if isinstance(node, ast.Name) and depth < _MAX_DEPTH:
        home = scope.find(node.id)
        values = home.aliases.get(node.id, ()) if home is not None else ()
        return any(holds_tasks(value, home, depth + 1) for value in values if home is not None)
    return False


def keeps_tasks(function: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> bool:
    """True if ``requires()`` may put the tasks that it makes where ``run()`` finds them: on the task, say.

    :param scope: of its body.
    """
    return any(_keeps(node, scope) for node in subtree(function))


def _keeps(node: ast.AST, scope: Scope) -> bool:
    if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
        return not _is_local(node, scope)
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Global)
    if isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
        return not _is_local(node.func.value, scope)
    return called_name(node) in FIRST_CHANGERS


def _is_local(node: ast.expr, scope: Scope) -> bool:
    """True for ``tasks`` and ``tasks["a"]`` where that is a local name; ``self.tasks`` outlives the call."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and scope.find(node.id) is scope

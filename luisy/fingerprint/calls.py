"""What a call does with the names of its module: it reads its parts, and may change what it is given."""

from __future__ import annotations

import ast
import contextlib
import re
from typing import TYPE_CHECKING

from luisy.fingerprint.idioms import called_name, constant_getattr, is_bare, is_part
from luisy.fingerprint.normal import is_declaration
from luisy.fingerprint.scopes import WHOLE
from luisy.fingerprint.tasks_held import PARENT_GIVERS, TASK_READERS, holds_tasks
from luisy.fingerprint.uses import FIRST_CHANGERS, HARMLESS, LOGGING, MUTATORS, PURE, Argument, How

if TYPE_CHECKING:
    from luisy.fingerprint.scopes import Chain, Scope
    from luisy.fingerprint.walk import Context, Walk

_DEPENDENCY_DECORATORS = frozenset({"requires", "inherits", "copies"})
MODULES_TABLE = frozenset({("sys", "modules"), (":sys", "modules")})
_TASK_FINDERS = frozenset({"get_task_cls", "load_task"})
_ORDERS = re.compile("set.|seed|register|enable|disable|install|configure")
"""How functions are called that change the state of their library, also where they give something."""

_EVALUATORS = frozenset({("eval",), ("exec",), ("compile",)})


def call(walk: Walk, node: ast.Call, scope: Scope, context: Context, *, discarded: bool = False) -> None:
    """Visit a call; a *discarded* one is made for what it does, not for its result."""
    callee, name = walk.reader.chain(node.func, scope), called_name(node)
    if callee is not None:
        walk.called(callee, context)
        walk.uses.called_at.setdefault(callee, node.lineno)
        walk.read(callee, context)
        _special(walk, node, callee, scope, context)
    else:
        _called_unnamed(walk, node.func, scope, context)
    if not discarded and _ORDERS.match(name):  # `before = seterr(...)`
        command(walk, node.func, scope, context)
    _receiver_of(walk, node, callee, scope, context, discarded=discarded)
    if context.colour is How.FULL and name not in TASK_READERS:
        walk.uses.asks_tasks |= name in PARENT_GIVERS or any(holds_tasks(given, scope) for given in node.args)
    is_log = callee is None and name in LOGGING  # `getLogger("name").info(...)`
    for given in () if is_log else (*node.args, *(k.value for k in node.keywords)):
        _given(walk, given, callee, scope, context, discarded=discarded)
    chained = walk.reader.chain(node, scope)
    if chained is not None:
        walk.read(chained, context)
        walk.push(scope, context, *node.args[2:])
        return
    walk.push(scope, context, *node.args, *node.keywords)
    if callee is None:
        walk.push(scope, context, node.func)
    elif isinstance(node.func, ast.Attribute):
        walk.words(callee)
    elif isinstance(node.func, ast.Name):
        walk.words({node.func.id})


def _given(
    walk: Walk, given: ast.expr, callee: Chain | None, scope: Scope, context: Context, *, discarded: bool
) -> None:
    """Note what a call is given: it may change that. A part (``CONFIG["seed"]``) a library is taken only to read."""
    is_whole = is_bare(given)
    if not (is_whole or is_part(given)):
        return
    for chain, local, _ in walk.reader.receivers(given, scope):
        if chain is not None:
            now = bool(context.when & How.NOW)
            walk.uses.arguments.add(Argument(callee, chain, now, discarded and is_whole))
        elif discarded and (home := scope.find(local)) and local in home.params and local != home.own:
            changes = callee is None or callee[-1] not in HARMLESS
            walk.uses.changes_params |= changes and (is_whole or (callee is not None and len(callee) == 1))


def _receiver_of(
    walk: Walk, node: ast.Call, callee: Chain | None, scope: Scope, context: Context, *, discarded: bool
) -> None:
    """Note what a call does to the object of which it calls a method."""
    if isinstance(node.func, ast.Attribute):
        method(walk, node.func, scope, context, discarded=discarded)
        if discarded and isinstance(node.func.value, ast.Call):  # `patch.object(Class, "x", 1).start()`
            call(walk, node.func.value, scope, context, discarded=True)
    elif callee is not None and callee[-1] in MUTATORS and isinstance(node.func, ast.Call):
        walk.change(node.func.args[0], scope, context)  # `getattr(ITEMS, "append")(1)`


def _called_unnamed(walk: Walk, func: ast.expr, scope: Scope, context: Context) -> None:
    """Note the call of what has no name: `TABLE["a"]()`, or a parameter."""
    if isinstance(func, ast.Name):
        home = scope.find(func.id)
        walk.uses.calls_params |= home is not None and func.id in home.params
    elif isinstance(func, ast.Subscript):
        for chain, _, _ in walk.reader.receivers(func, scope):
            if chain is not None:
                walk.called(chain, context)


def decorators(walk: Walk, nodes: list[ast.expr], scope: Scope, context: Context) -> None:
    """Visit the decorators of a function or class: each is called, and may keep what it is given."""
    for decorator in nodes:
        if is_declaration(decorator):
            continue
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if name in _DEPENDENCY_DECORATORS:
            walk.push(scope, context._replace(colour=How.REQUIRED), decorator)
            continue
        command(walk, func, scope, context)
        chain = walk.reader.chain(func, scope)
        if chain is not None:
            walk.called(chain, context)
            walk.uses.decorators.add(chain)
        if isinstance(func, ast.Attribute):
            walk.change(func.value, scope, context, How.SOFT if context.when & How.NOW else How(0))
        walk.push(scope, context, decorator)


def command(walk: Walk, func: ast.expr, scope: Scope, context: Context) -> None:
    """Note a call that is made for what it does: an object that is called (`@registry`) changes."""
    chain = walk.reader.chain(func, scope)
    if chain is not None:
        walk.uses.commands[chain] = walk.uses.commands.get(chain, How(0)) | context.when


def method(walk: Walk, func: ast.Attribute, scope: Scope, context: Context, *, discarded: bool) -> None:
    """Note the call of a method: what it is called on changes, perhaps."""
    if discarded or func.attr in MUTATORS:
        walk.change(func.value, scope, context)
    elif context.when & How.NOW and func.attr not in PURE:
        walk.change(func.value, scope, context, How.SOFT)


def _special(walk: Walk, node: ast.Call, callee: Chain, scope: Scope, context: Context) -> None:
    name = callee[-1]
    if name in FIRST_CHANGERS and node.args:
        walk.change(node.args[0], scope, context)
        if name in {"setattr", "delattr"} and (chain := walk.reader.chain(node.args[0], scope)):
            key = node.args[1] if len(node.args) > 1 else None
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                walk.uses.changes[(*chain, key.value)] = context.when
            else:
                walk.uses.changes[(*chain, WHOLE)] = context.when
                walk.blind(node, f"{ast.unparse(node)} sets an attribute with a computed name")
    elif name == "getattr" and not constant_getattr(node):
        walk.blind(node, f"{ast.unparse(node)} reads an attribute with a computed name")
    elif name == "__subclasses__":
        walk.uses.subclasses.add(callee[:-1])
    elif name in _TASK_FINDERS:
        walk.blind(node, f"{ast.unparse(node)} finds a class of tasks by its name")
    elif callee == ("globals",) or callee[:2] in MODULES_TABLE:
        walk.whole(node)
    elif callee in _EVALUATORS:
        _evaluated(walk, node, scope, context)
    elif walk.reader.is_computed_import(node, name):
        walk.blind(node, f"{ast.unparse(node)} imports a module with a computed name")


def _evaluated(walk: Walk, node: ast.Call, scope: Scope, context: Context) -> None:
    walk.whole(node)
    if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            walk.push(scope, context, *ast.parse(node.args[0].value).body)

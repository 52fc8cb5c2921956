"""What one statement of a module does with the module's names: bind, read, change, call."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING

from luisy.fingerprint.calls import MODULES_TABLE, call, command, decorators
from luisy.fingerprint.expressions import Reader
from luisy.fingerprint.idioms import IMPORTERS, global_by_name
from luisy.fingerprint.normal import annotations_are_read
from luisy.fingerprint.scopes import (
    COMPREHENSIONS,
    Scope,
    bound_names,
    class_scopes,
    comprehension_scope,
    function_scope,
    import_chains,
    imported_modules,
)
from luisy.fingerprint.tasks_held import TASK_NAMES, holds_tasks, keeps_tasks
from luisy.fingerprint.trees import children, subtree
from luisy.fingerprint.uses import MUTATORS, How, Uses
from luisy.fingerprint.walk import Context, Walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from luisy.fingerprint.scopes import Chain

_WHOLE_MODULE = frozenset({"globals"})
_COMPOUND = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def uses_of(
    statement: ast.stmt,
    guards: tuple[ast.expr, ...],
    package: str,
    importers: AbstractSet[str] = IMPORTERS,
) -> Uses:
    """What *statement*, which runs if the *guards* allow it, does with the names of its module.

    :param package: where relative imports start.
    :param importers: the names under which the module calls ``import_module`` and ``__import__``.
    """
    walk = Walk(package, Reader(package, importers))
    walk.push(Scope("module"), Context(), *guards, statement)
    while walk.left:
        node, scope, context = walk.left.pop()
        _VISITS.get(type(node), _generic)(walk, node, scope, context)
    uses = walk.uses
    if isinstance(statement, _COMPOUND):
        _under_other_names(uses)
    return uses


def _under_other_names(uses: Uses) -> None:
    """Note that what a loop does with its names it does with what it reads: ``for task in TASKS: task.x = 1``."""
    read = [chain for chain, how in uses.reads.items() if how & How.NOW]
    changed = [chain for chain, how in uses.changes.items() if how & How.NOW and chain[0] in uses.binds]
    for chain in read if changed else ():
        for path in {(), *(other[1:] for other in changed)}:
            uses.changes[(*chain, *path)] = uses.changes.get((*chain, *path), How(0)) | How.NOW | How.SOFT
    if any(how & How.NOW and chain[0] in uses.binds for chain, how in uses.calls.items()):
        for chain in read:
            uses.calls[chain] = uses.calls.get(chain, How(0)) | How.NOW


def _generic(walk: Walk, node: ast.AST, scope: Scope, context: Context) -> None:
    if scope.binder().is_module:
        walk.uses.binds.update(bound_names(node))
    walk.push(scope, context, *children(node))


def _name(walk: Walk, node: ast.Name, scope: Scope, context: Context) -> None:
    if isinstance(node.ctx, ast.Load):
        chain = walk.reader.root(node, scope)
        if chain:
            walk.read(chain, context)
            if node.id in _WHOLE_MODULE:
                walk.whole(node)
        walk.words({node.id})
        return
    home = scope.binder()
    if home.is_module:
        walk.uses.binds.add(node.id)
    elif scope.find(node.id) is None and node.id in home.shared:
        walk.changed((node.id,), context.when)


def _constant(walk: Walk, node: ast.Constant, _scope: Scope, _context: Context) -> None:
    if isinstance(node.value, str):  # `space.get("__annotations__")`
        walk.text(node.value)


def _attribute(walk: Walk, node: ast.Attribute, scope: Scope, context: Context) -> None:
    walk.words({node.attr})
    chain = walk.reader.chain(node, scope)
    if not isinstance(node.ctx, ast.Load):
        if chain is not None:
            walk.changed(chain, context.when)
        else:
            walk.change(node.value, scope, context)
    if node.attr == "__subclasses__":
        _asks_subclasses(walk, node, chain, scope)
    elif node.attr in MUTATORS and isinstance(node.ctx, ast.Load):
        # `map(ITEMS.append, ...)`, `add = ITEMS.append`: whoever has the method may call it.
        walk.change(node.value, scope, context, How.SOFT if context.when & How.NOW else How(0))
    if isinstance(node.ctx, ast.Load) and node.attr not in TASK_NAMES and context.colour is How.FULL:
        walk.uses.asks_tasks |= holds_tasks(node.value, scope)
    if chain is None:
        walk.push(scope, context, node.value)
    else:
        walk.read(chain, context)
        if chain[:2] in MODULES_TABLE:
            walk.whole(node)


def _asks_subclasses(walk: Walk, node: ast.Attribute, chain: Chain | None, scope: Scope) -> None:
    own = scope.top_class(node.value.id) if isinstance(node.value, ast.Name) else ""
    if chain is not None:
        walk.uses.subclasses.add(chain[:-1])
    elif own:
        walk.uses.subclasses.add((own,))
    else:
        walk.blind(node, f"{ast.unparse(node)} is known only when it runs")


def _subscript(walk: Walk, node: ast.Subscript, scope: Scope, context: Context) -> None:
    if not isinstance(node.ctx, ast.Load):
        walk.change(node.value, scope, context)
    name = global_by_name(node, in_module=scope.is_module)
    if name and not isinstance(node.ctx, ast.Load):
        walk.changed((name,), context.when)
        return
    if name and isinstance(node.ctx, ast.Load):
        walk.read((name,), context)
    elif isinstance(node.ctx, ast.Load) and (chain := walk.reader.chain(node, scope)):
        walk.read(chain, context)
    else:
        walk.push(scope, context, node.value, node.slice)


def _expression(walk: Walk, node: ast.Expr, scope: Scope, context: Context) -> None:
    value = node.value.value if isinstance(node.value, ast.Await) else node.value
    if isinstance(value, ast.Call):
        command(walk, value.func, scope, context)
        call(walk, value, scope, context, discarded=True)
    else:
        walk.push(scope, context, value)


def _function(
    walk: Walk, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, context: Context
) -> None:
    if scope.is_module:
        walk.uses.binds.add(node.name)
    decorators(walk, node.decorator_list, scope, context)
    given = node.args
    walk.push(scope, context, *given.defaults, *(d for d in given.kw_defaults if d))
    inner = function_scope(node, scope, walk.package)
    note = context if annotations_are_read(node) else context._replace(annotation=How.ANNOTATION)
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    _annotations(walk, scope, note, [*(a.annotation for a in every if a), node.returns])
    later = context._replace(when=How.LATER)
    if scope.kind == "class" and node.name == "requires" and not keeps_tasks(node, inner):
        later = later._replace(colour=How.REQUIRED)
    walk.push(inner, later, *node.body)


def _annotations(walk: Walk, scope: Scope, context: Context, nodes: list[ast.expr | None]) -> None:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                walk.push(scope, context, ast.parse(node.value, mode="eval").body)
        else:
            walk.push(scope, context, node)


def _class(walk: Walk, node: ast.ClassDef, scope: Scope, context: Context) -> None:
    if scope.is_module:
        walk.uses.binds.add(node.name)
    decorators(walk, node.decorator_list, scope, context)
    for base in (*node.bases, *(k.value for k in node.keywords)):
        chain = walk.reader.chain(base, scope)
        if chain is not None:
            walk.called(chain, context)
            walk.uses.bases.add(chain)
        walk.push(scope, context, base)
    for statement, inner in class_scopes(node, scope, walk.package):
        walk.push(inner, context, statement)


def _lambda(walk: Walk, node: ast.Lambda, scope: Scope, context: Context) -> None:
    walk.push(scope, context, *node.args.defaults, *(d for d in node.args.kw_defaults if d))
    inner = function_scope(node, scope, walk.package)
    # One that is not kept under a name of the module is called by whoever it is given to, perhaps at once.
    walk.push(inner, context._replace(when=context.when | How.LATER), node.body)


def _comprehension(
    walk: Walk,
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
    scope: Scope,
    context: Context,
) -> None:
    walk.push(scope, context, node.generators[0].iter)
    inner = comprehension_scope(node.generators, scope)
    for index, generator in enumerate(node.generators):
        walk.push(inner, context, *generator.ifs)
        if index:
            walk.push(inner, context, generator.iter)
    if isinstance(node, ast.DictComp):
        walk.push(inner, context, node.key, node.value)
    else:
        walk.push(inner, context, node.elt)


def _annotated(walk: Walk, node: ast.AnnAssign, scope: Scope, context: Context) -> None:
    how = How.CLASS_ANNOTATION if scope.kind == "class" else How.ANNOTATION
    _annotations(walk, scope, context._replace(annotation=how), [node.annotation])
    if node.value is None:
        return
    walk.push(scope, context, node.value, node.target)
    _alias(walk, [node.target], node.value, scope)


def _assign(walk: Walk, node: ast.Assign, scope: Scope, context: Context) -> None:
    walk.push(scope, context, node.value, *node.targets)
    _alias(walk, node.targets, node.value, scope)


def _augmented(walk: Walk, node: ast.AugAssign, scope: Scope, context: Context) -> None:
    walk.push(scope, context, node.value, node.target)
    if isinstance(node.target, ast.Name):
        walk.change(node.target, scope, context)


def _named(walk: Walk, node: ast.NamedExpr, scope: Scope, context: Context) -> None:
    walk.push(scope, context, node.value, node.target)
    _alias(walk, [node.target], node.value, scope)


def _alias(walk: Walk, targets: list[ast.expr], value: ast.expr, scope: Scope) -> None:
    """Note that names of the module stand for one object: that of *value*, and each other's."""
    if not scope.binder().is_module:
        return
    chains = {chain for chain, _, _ in walk.reader.receivers(value, scope) if chain is not None}
    holders = [
        root
        for target in targets
        if isinstance(target, (ast.Subscript, ast.Attribute))
        for root, _, _ in walk.reader.receivers(target.value, scope)
        if root is not None
    ]
    if not isinstance(value, ast.Constant):  # `A = B = []` is one list, and `TABLE["a"] = A = []` holds it
        chains |= {*holders, *((t.id,) for t in targets if isinstance(t, ast.Name))}
    for target in targets:
        for name in subtree(target):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                walk.uses.aliases.setdefault(name.id, set()).update(chains - {(name.id,)})
    for root in holders:
        walk.uses.aliases.setdefault(root[0], set()).update(chains - {root})


def _return(walk: Walk, node: ast.Return, scope: Scope, context: Context) -> None:
    walk.push(scope, context, node.value)
    function = scope.binder()
    if not isinstance(node.value, (ast.Name, ast.Attribute, ast.Subscript)):
        return
    if function.parent is not None and function.parent.is_module:
        # `def table(): return TABLE`: what changes `table()` changes TABLE
        chains = {c for c, _, _ in walk.reader.receivers(node.value, scope) if c is not None}
        walk.uses.aliases.setdefault(function.name, set()).update(chains)


def _import(walk: Walk, node: ast.Import | ast.ImportFrom, scope: Scope, context: Context) -> None:
    walk.uses.loads.update(imported_modules(node, walk.package))
    for name, chain in import_chains(node, walk.package):
        if scope.is_module:
            walk.uses.binds.add(name)
            walk.uses.imports.setdefault(name, []).append(chain)
            continue
        if name in scope.shared:
            walk.changed((name,), context.when)
        # A function's name is followed where it is read, to its last import: `try: from .fast import f, except: ...`
        if scope.kind == "class" or scope.imports.get(name) != chain or scope.find(name) is not scope:
            walk.read(chain, context)


def _yield(walk: Walk, node: ast.Yield | ast.YieldFrom, scope: Scope, context: Context) -> None:
    # What a run() yields are dynamic dependencies: they are keyed on their own.
    if scope.name == "run" and scope.parent is not None and scope.parent.kind == "class":
        context = context._replace(colour=How.REQUIRED)
    walk.push(scope, context, node.value)


_VISITS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Subscript: _subscript,
    ast.Expr: _expression,
    ast.Call: call,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Lambda: _lambda,
    **dict.fromkeys(COMPREHENSIONS, _comprehension),
    ast.AnnAssign: _annotated,
    ast.Assign: _assign,
    ast.AugAssign: _augmented,
    ast.NamedExpr: _named,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Return: _return,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}

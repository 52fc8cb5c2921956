"""What one statement of a module does with the module's names: bind, read, change, call."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from luisy.fingerprint.expressions import Reader
from luisy.fingerprint.idioms import IMPORTERS, called_name, constant_getattr, global_by_name, is_bare
from luisy.fingerprint.normal import annotations_are_read, is_declaration
from luisy.fingerprint.scopes import (
    COMPREHENSIONS,
    WHOLE,
    Chain,
    Scope,
    bound_names,
    class_scopes,
    comprehension_scope,
    function_scope,
    import_chains,
)
from luisy.fingerprint.tasks_held import TASK_NAMES, TASK_READERS, holds_tasks
from luisy.fingerprint.uses import FIRST_CHANGERS, HARMLESS, MUTATORS, PURE, Argument, How, Uses

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

_TELLING = frozenset(
    [
        "get_type_hints",
        "__annotations__",
        "get_annotations",
        "signature",
        "getfullargspec",
        "__doc__",
        "getdoc",
        "cleandoc",
        "make_dataclass",
        "__annotate__",
        "__dataclass_fields__",
        "TypeAdapter",
        "validate_call",
    ]
)
_TELLING_TEXTS = frozenset(word for word in _TELLING if word.startswith("__"))
_DEPENDENCY_DECORATORS = frozenset({"requires", "inherits", "copies"})
_SURE = How(0)
_WHOLE_MODULE = frozenset({"globals"})
_MODULES_TABLE = frozenset({("sys", "modules"), (":sys", "modules")})
_EVALUATORS = frozenset({("eval",), ("exec",), ("compile",)})


class _Context(NamedTuple):
    when: How = How.NOW
    colour: How = How.FULL
    annotation: How | None = None
    line: int = 0


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
    visitor = _Visitor(package, importers)
    module = Scope("module")
    visitor.run([*guards, statement], module)
    uses = visitor.uses
    compound = isinstance(statement, (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try))
    changed = {chain[0] for chain, how in uses.changes.items() if how & How.NOW}
    if compound and changed & uses.binds:
        # `for task in TASKS: task.x = 1` changes what TASKS holds, under another name.
        for chain, how in uses.reads.items():
            if how & How.NOW:
                uses.changes[chain] = uses.changes.get(chain, _SURE) | How.NOW | How.SOFT
    return uses


class _Visitor:
    def __init__(self, package: str, importers: AbstractSet[str]) -> None:
        self.uses = Uses()
        self._package = package
        self._reader = Reader(package, importers)
        self._stack: list[tuple[ast.AST, Scope, _Context]] = []

    def run(self, nodes: list[ast.AST], scope: Scope) -> None:
        self._push(scope, _Context(), *nodes)
        while self._stack:
            node, scope, context = self._stack.pop()
            visit = self._VISITS.get(type(node))
            if visit is not None:
                visit(self, node, scope, context)
            else:
                self._generic(node, scope, context)

    def _push(self, scope: Scope, context: _Context, *nodes: ast.AST | None) -> None:
        self._stack.extend((node, scope, context) for node in nodes if node is not None)

    def _generic(self, node: ast.AST, scope: Scope, context: _Context) -> None:
        if scope.binder().is_module:
            self.uses.binds.update(bound_names(node))
        self._push(scope, context, *ast.iter_child_nodes(node))

    # -- events

    def _read(self, chain: Chain, context: _Context) -> None:
        how = context.annotation or (context.when | context.colour)
        self.uses.reads[chain] = self.uses.reads.get(chain, _SURE) | how

    def _change(self, node: ast.AST, scope: Scope, context: _Context, how: How = _SURE) -> None:
        if context.annotation:
            return
        for chain, local, steps in self._reader.receivers(node, scope):
            if chain is not None:
                self.uses.changes[chain] = _harder(self.uses.changes.get(chain), context.when | how)
                continue
            home = scope.find(local)
            if home is None or how & How.SOFT:
                continue
            if local == home.own:
                # `cls.registry[...] = cls` in __init_subclass__ or a metaclass: each subclass changes the base.
                self.uses.changes_subclasses |= bool(steps)
            elif local in home.params:
                self.uses.changes_params = True

    def _blind(self, node: ast.AST, what: str) -> None:
        self.uses.blind.append((getattr(node, "lineno", 0), what))

    # -- statements and expressions

    def _name(self, node: ast.Name, scope: Scope, context: _Context) -> None:
        if isinstance(node.ctx, ast.Load):
            chain = self._reader.root(node, scope)
            if chain:
                self._read(chain, context)
                if node.id in _WHOLE_MODULE:
                    self._whole(node)
            self.uses.words.update(_TELLING & {node.id})
            return
        home = scope.binder()
        if home.is_module:
            self.uses.binds.add(node.id)
        elif scope.find(node.id) is None and node.id in home.shared:
            self.uses.rebinds.add(node.id)
            self.uses.changes[(node.id,)] = _harder(self.uses.changes.get((node.id,)), context.when)

    def _whole(self, node: ast.AST) -> None:
        self.uses.needs_module = True
        self._blind(node, f"{ast.unparse(node)} reaches names that only the run knows")

    def _constant(self, node: ast.Constant, _scope: Scope, _context: _Context) -> None:
        if isinstance(node.value, str):  # `space.get("__annotations__")`
            self.uses.words.update(_TELLING_TEXTS & {node.value})

    def _attribute(self, node: ast.Attribute, scope: Scope, context: _Context) -> None:
        self.uses.words.update(_TELLING & {node.attr})
        chain = self._reader.chain(node, scope)
        if not isinstance(node.ctx, ast.Load):
            if chain is not None:
                self.uses.changes[chain] = _harder(self.uses.changes.get(chain), context.when)
            else:
                self._change(node.value, scope, context)
        if node.attr == "__subclasses__":
            self._asks_subclasses(node, chain, scope)
        elif node.attr in MUTATORS and isinstance(node.ctx, ast.Load):
            # `map(ITEMS.append, ...)`, `add = ITEMS.append`: whoever has the method may call it.
            self._change(node.value, scope, context, How.SOFT if context.when & How.NOW else _SURE)
        if isinstance(node.ctx, ast.Load) and node.attr not in TASK_NAMES and context.colour & How.FULL:
            self.uses.asks_tasks |= holds_tasks(node.value, scope)
        if chain is None:
            self._push(scope, context, node.value)
        else:
            self._read(chain, context)
            if chain[:2] in _MODULES_TABLE:
                self._whole(node)

    def _asks_subclasses(self, node: ast.Attribute, chain: Chain | None, scope: Scope) -> None:
        own = scope.top_class(node.value.id) if isinstance(node.value, ast.Name) else ""
        if chain is not None:
            self.uses.subclasses.add(chain[:-1])
        elif own:
            self.uses.subclasses.add((own,))
        else:
            self._blind(node, f"{ast.unparse(node)} is known only when it runs")

    def _subscript(self, node: ast.Subscript, scope: Scope, context: _Context) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._change(node.value, scope, context)
        name = global_by_name(node, in_module=scope.is_module)
        if name and not isinstance(node.ctx, ast.Load):
            self.uses.rebinds.add(name)
            self.uses.changes[(name,)] = _harder(self.uses.changes.get((name,)), context.when)
            return
        if name and isinstance(node.ctx, ast.Load):
            self._read((name,), context)
        elif isinstance(node.ctx, ast.Load) and (chain := self._reader.chain(node, scope)):
            self._read(chain, context)
        else:
            self._push(scope, context, node.value, node.slice)

    def _expression(self, node: ast.Expr, scope: Scope, context: _Context) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            self._command(value.func, scope, context)
            self._call(value, scope, context, discarded=True)
        else:
            self._push(scope, context, value)

    def _call(self, node: ast.Call, scope: Scope, context: _Context, *, discarded: bool = False) -> None:  # noqa: C901  # what a call does to each of its parts
        callee = self._reader.chain(node.func, scope)
        if callee is not None:
            self.uses.calls[callee] = self.uses.calls.get(callee, _SURE) | context.when
            self.uses.called_at.setdefault(callee, node.lineno)
            self._read(callee, context)
            self._special(node, callee, scope, context)
        else:
            self._called_unnamed(node.func, scope, context)
        self._receiver_of(node, callee, scope, context, discarded=discarded)
        if called_name(node) not in TASK_READERS and context.colour & How.FULL:
            self.uses.asks_tasks |= any(holds_tasks(given, scope) for given in node.args)
        for given in (*node.args, *(k.value for k in node.keywords)):
            for chain, local, _ in self._reader.receivers(given, scope) if is_bare(given) else ():
                if chain is not None:
                    now = bool(context.when & How.NOW)
                    self.uses.arguments.add(Argument(callee, chain, now, discarded))
                elif discarded and (home := scope.find(local)) and local in home.params and local != home.own:
                    self.uses.changes_params |= callee is None or callee[-1] not in HARMLESS
        chained = self._reader.chain(node, scope)
        if chained is not None:
            self._read(chained, context)
            self._push(scope, context, *node.args[2:])
            return
        self._push(scope, context, *node.args, *node.keywords)
        if callee is None:
            self._push(scope, context, node.func)
        elif isinstance(node.func, ast.Attribute):
            self.uses.words.update(_TELLING & set(callee))
        elif isinstance(node.func, ast.Name):
            self.uses.words.update(_TELLING & {node.func.id})

    def _receiver_of(
        self, node: ast.Call, callee: Chain | None, scope: Scope, context: _Context, *, discarded: bool
    ) -> None:
        """Note what a call does to the object of which it calls a method."""
        if isinstance(node.func, ast.Attribute):
            self._method(node.func, scope, context, discarded=discarded)
            if discarded and isinstance(node.func.value, ast.Call):  # `patch.object(Class, "x", 1).start()`
                self._call(node.func.value, scope, context, discarded=True)
        elif callee is not None and callee[-1] in MUTATORS and isinstance(node.func, ast.Call):
            self._change(node.func.args[0], scope, context)  # `getattr(ITEMS, "append")(1)`

    def _called_unnamed(self, func: ast.expr, scope: Scope, context: _Context) -> None:
        """Note the call of what has no name: `TABLE["a"]()`, or a parameter."""
        if isinstance(func, ast.Name):
            home = scope.find(func.id)
            self.uses.calls_params |= home is not None and func.id in home.params
        elif isinstance(func, ast.Subscript):
            for chain, _, _ in self._reader.receivers(func, scope):
                if chain is not None:
                    self.uses.calls[chain] = self.uses.calls.get(chain, _SURE) | context.when

    def _command(self, func: ast.expr, scope: Scope, context: _Context) -> None:
        """Note a call that is made for what it does: an object that is called (`@registry`) changes."""
        chain = self._reader.chain(func, scope)
        if chain is not None and context.when & How.NOW:
            self.uses.commands.add(chain)

    def _method(self, func: ast.Attribute, scope: Scope, context: _Context, *, discarded: bool) -> None:
        if discarded or func.attr in MUTATORS:
            self._change(func.value, scope, context)
        elif context.when & How.NOW and func.attr not in PURE:
            self._change(func.value, scope, context, How.SOFT)

    def _special(self, node: ast.Call, callee: Chain, scope: Scope, context: _Context) -> None:
        name = callee[-1]
        if name in FIRST_CHANGERS and node.args:
            self._change(node.args[0], scope, context)
            if name in {"setattr", "delattr"} and (chain := self._reader.chain(node.args[0], scope)):
                key = node.args[1] if len(node.args) > 1 else None
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    self.uses.changes[(*chain, key.value)] = context.when
                else:
                    self.uses.changes[(*chain, WHOLE)] = context.when
                    self._blind(node, f"{ast.unparse(node)} sets an attribute with a computed name")
        elif name == "getattr" and len(node.args) > 1 and not constant_getattr(node):
            self._blind(node, f"{ast.unparse(node)} reads an attribute with a computed name")
        elif name == "__subclasses__":
            self.uses.subclasses.add(callee[:-1])
        elif callee == ("globals",):
            self._whole(node)
        elif callee in _EVALUATORS:
            self._evaluated(node, scope, context)
        elif self._reader.is_computed_import(node, name):
            self._blind(node, f"{ast.unparse(node)} imports a module with a computed name")

    def _evaluated(self, node: ast.Call, scope: Scope, context: _Context) -> None:
        self._whole(node)
        if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                self._push(scope, context, *ast.parse(node.args[0].value).body)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, context: _Context
    ) -> None:
        if scope.is_module:
            self.uses.binds.add(node.name)
        self._decorators(node.decorator_list, scope, context)
        self._push(scope, context, *node.args.defaults, *(d for d in node.args.kw_defaults if d))
        inner = function_scope(node, scope, self._package)
        note = context._replace(annotation=How.ANNOTATION)
        if annotations_are_read(node):
            note = context
        every = [
            *node.args.posonlyargs,
            *node.args.args,
            *node.args.kwonlyargs,
            node.args.vararg,
            node.args.kwarg,
        ]
        self._annotations(inner if note is not context else scope, note, [a.annotation for a in every if a])
        self._annotations(inner if note is not context else scope, note, [node.returns])
        later = context._replace(when=How.LATER)
        if scope.kind == "class" and node.name == "requires":
            later = later._replace(colour=How.REQUIRED)
        self._push(inner, later, *node.body)

    def _annotations(self, scope: Scope, context: _Context, nodes: list[ast.expr | None]) -> None:
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                    self._push(scope, context, ast.parse(node.value, mode="eval").body)
            else:
                self._push(scope, context, node)

    def _decorators(self, decorators: list[ast.expr], scope: Scope, context: _Context) -> None:
        for decorator in decorators:
            if is_declaration(decorator):
                continue
            func = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if name in _DEPENDENCY_DECORATORS:
                self._push(scope, context._replace(colour=How.REQUIRED), decorator)
                continue
            self._command(func, scope, context)
            chain = self._reader.chain(func, scope)
            if chain is not None:
                self.uses.calls[chain] = self.uses.calls.get(chain, _SURE) | context.when
            if isinstance(func, ast.Attribute):
                self._method(func, scope, context, discarded=True)
            self._push(scope, context, decorator)

    def _class(self, node: ast.ClassDef, scope: Scope, context: _Context) -> None:
        if scope.is_module:
            self.uses.binds.add(node.name)
        self._decorators(node.decorator_list, scope, context)
        for base in (*node.bases, *(k.value for k in node.keywords)):
            chain = self._reader.chain(base, scope)
            if chain is not None:
                self.uses.calls[chain] = self.uses.calls.get(chain, _SURE) | context.when
                self.uses.bases.add(chain)
            self._push(scope, context, base)
        for statement, inner in class_scopes(node, scope, self._package):
            self._push(inner, context, statement)

    def _lambda(self, node: ast.Lambda, scope: Scope, context: _Context) -> None:
        self._push(scope, context, *node.args.defaults, *(d for d in node.args.kw_defaults if d))
        inner = function_scope(node, scope, self._package)
        # One that is not kept under a name of the module is called by whoever it is given to, perhaps at once.
        self._push(inner, context._replace(when=context.when | How.LATER), node.body)

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        scope: Scope,
        context: _Context,
    ) -> None:
        self._push(scope, context, node.generators[0].iter)
        inner = comprehension_scope(node.generators, scope)
        for index, generator in enumerate(node.generators):
            self._push(inner, context, *generator.ifs)
            if index:
                self._push(inner, context, generator.iter)
        if isinstance(node, ast.DictComp):
            self._push(inner, context, node.key, node.value)
        else:
            self._push(inner, context, node.elt)

    def _annotated(self, node: ast.AnnAssign, scope: Scope, context: _Context) -> None:
        how = How.CLASS_ANNOTATION if scope.kind == "class" else How.ANNOTATION
        self._annotations(scope, context._replace(annotation=how), [node.annotation])
        if node.value is None:
            return
        self._push(scope, context, node.value, node.target)
        self._alias([node.target], node.value, scope)

    def _assign(self, node: ast.Assign, scope: Scope, context: _Context) -> None:
        self._push(scope, context, node.value, *node.targets)
        self._alias(node.targets, node.value, scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope, context: _Context) -> None:
        self._push(scope, context, node.value, node.target)
        if isinstance(node.target, ast.Name):
            self._change(node.target, scope, context)

    def _alias(self, targets: list[ast.expr], value: ast.expr, scope: Scope) -> None:
        if not scope.is_module:
            return
        chains = {chain for chain, _, _ in self._reader.receivers(value, scope) if chain is not None}
        together = {(t.id,) for t in targets if isinstance(t, ast.Name)}  # `A = B = []` is one list
        if isinstance(value, ast.Constant):
            together = set()
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    self.uses.aliases.setdefault(name.id, set()).update(chains | (together - {(name.id,)}))
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                for root, _, _ in self._reader.receivers(target.value, scope):
                    if root is not None:
                        self.uses.aliases.setdefault(root[0], set()).update(chains)

    def _return(self, node: ast.Return, scope: Scope, context: _Context) -> None:
        self._push(scope, context, node.value)
        function = scope.binder()
        if not isinstance(node.value, (ast.Name, ast.Attribute, ast.Subscript)):
            return
        if function.parent is not None and function.parent.is_module:
            # `def table(): return TABLE`: what changes `table()` changes TABLE
            chains = {c for c, _, _ in self._reader.receivers(node.value, scope) if c is not None}
            self.uses.aliases.setdefault(function.name, set()).update(chains)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope, context: _Context) -> None:
        if scope.kind == "class":
            for _, chain in import_chains(node, self._package):
                self._read(chain, context)
        if scope.binder().is_module:
            for name, chain in import_chains(node, self._package):
                self.uses.binds.add(name)
                self.uses.imports.setdefault(name, []).append(chain)

    def _yield(self, node: ast.Yield | ast.YieldFrom, scope: Scope, context: _Context) -> None:
        # What a run() yields are dynamic dependencies: they are keyed on their own.
        if scope.name == "run" and scope.parent is not None and scope.parent.kind == "class":
            context = context._replace(colour=How.REQUIRED)
        self._push(scope, context, node.value)

    _VISITS: ClassVar[dict[type[ast.AST], Callable[..., None]]] = {
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Constant: _constant,
        ast.Subscript: _subscript,
        ast.Expr: _expression,
        ast.Call: _call,
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
        ast.ClassDef: _class,
        ast.Lambda: _lambda,
        **dict.fromkeys(COMPREHENSIONS, _comprehension),
        ast.AnnAssign: _annotated,
        ast.Assign: _assign,
        ast.AugAssign: _augmented,
        ast.Import: _import,
        ast.ImportFrom: _import,
        ast.Return: _return,
        ast.Yield: _yield,
        ast.YieldFrom: _yield,
    }


def _harder(old: How | None, new: How) -> How:
    """Two changes of one name: a sure one outweighs a perhaps."""
    if old is None:
        return new
    both = old | new
    return both if old & How.SOFT and new & How.SOFT else both & ~How.SOFT

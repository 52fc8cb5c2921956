"""Python's scopes: which name of a function or class body is local, and which one the module's.

Source of the rules: "Execution model, Naming and binding" of the language reference.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from luisy.fingerprint.trees import children, subtree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Chain: TypeAlias = tuple[str, ...]
"""A dotted name that starts at the module's scope: ``("helpers", "LIMIT")``. Where it starts at a module
that an import inside a function names, the first item is that module's name after a colon."""

WHOLE = "*"
"""The name that stands for all names of a module."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True)
class Scope:
    """One scope of a module.

    :param kind: ``module``, ``class``, ``function`` or ``comprehension``.
    :param local: names bound in it.
    :param shared: names that it declares ``global``.
    :param imports: local names that imports bind, and what they stand for.
    :param aliases: local names, and the expressions that they were assigned.
    :param params: its parameters.
    :param defaults: parameters, and the expressions that they are without an argument.
    :param own: the first parameter of a method (``self``, ``cls``).
    :param name: of the function or class.
    """

    kind: str
    parent: Scope | None = None
    local: frozenset[str] | set[str] = frozenset()
    shared: set[str] = field(default_factory=set)
    imports: dict[str, Chain] = field(default_factory=dict)
    aliases: dict[str, list[ast.expr]] = field(default_factory=dict)
    params: frozenset[str] = frozenset()
    defaults: dict[str, ast.expr] = field(default_factory=dict)
    own: str = ""
    name: str = ""

    def find(self, name: str) -> Scope | None:
        """The scope in which *name* is local as seen from here, None for the module's."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "module":
            visible = scope is self or scope.kind != "class"
            if visible and name in scope.shared:
                return None
            if visible and name in scope.local:
                return scope
            scope = scope.parent
        return None

    def binder(self) -> Scope:
        """The scope in which a plain assignment or a walrus here binds."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def top_class(self, name: str) -> str:
        """The class at the top of the module whose method has *name* as its ``self`` or ``cls``; empty if none."""
        home = self.find(name)
        if home is None or home.own != name:
            return ""
        while home.parent is not None and home.parent.kind != "module":
            home = home.parent
        return home.name if home.kind == "class" else ""

    @property
    def is_module(self) -> bool:
        """True for the scope of the module itself."""
        return self.kind == "module"


def absolute_module(node: ast.ImportFrom, package: str) -> str:
    """The module that a ``from`` import names, made absolute with the *package* that it stands in."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    parts = parts[: max(len(parts) - node.level + 1, 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def import_chains(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Chain]]:
    """The names that an import binds, and what they stand for; ``*`` for all names of a module."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            module = ":" + absolute_module(node, package)
            yield alias.asname or alias.name, (module,) if alias.name == "*" else (module, alias.name)
        elif alias.asname:
            yield alias.asname, (":" + alias.name,)
        else:
            top = alias.name.split(".")[0]
            yield top, (":" + top,)


def imported_modules(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """The modules that an import may load, but for their packages; among them names that are perhaps no modules."""
    source = absolute_module(node, package) if isinstance(node, ast.ImportFrom) else ""
    if source:
        yield source
    yield from (f"{source}.{alias.name}" if source else alias.name for alias in node.names)


def function_scope(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, parent: Scope, package: str
) -> Scope:
    """The scope of a function's or lambda's body."""
    args = node.args
    ordered = [*args.posonlyargs, *args.args]
    every = [*ordered, *args.kwonlyargs, *(a for a in (args.vararg, args.kwarg) if a)]
    params = frozenset(a.arg for a in every)
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    scope = Scope("function", parent, name=getattr(node, "name", "<lambda>"), params=params)
    scope.defaults.update(zip(reversed([a.arg for a in ordered]), reversed(args.defaults), strict=False))
    scope.defaults.update((a.arg, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d)
    is_method = parent.kind == "class" and not _is_static(node)
    if is_method and ordered:
        scope.own = ordered[0].arg
    _bind(scope, body, package)
    scope.local = (set(scope.local) | params | type_params(node)) - scope.shared
    return scope


def class_scopes(node: ast.ClassDef, parent: Scope, package: str) -> Iterator[tuple[ast.stmt, Scope]]:
    """The statements of a class body, each with the names that are surely bound before it."""
    bound: frozenset[str] = frozenset(type_params(node))
    shared: set[str] = set()
    imports: dict[str, Chain] = {}
    for statement in node.body:
        scope = Scope("class", parent, name=node.name)
        _bind(scope, [statement], package)
        # `from .other import Other` and, below it, `Other.x = 5`: until the name is bound to something else
        scope.imports = imports = {n: c for n, c in imports.items() if n not in scope.local} | scope.imports
        shared |= scope.shared
        scope.shared = shared
        after = frozenset(scope.local) - shared
        compound = isinstance(statement, (ast.If, ast.Try, ast.For, ast.While, ast.With))
        scope.local = bound
        yield statement, scope
        if not compound:
            bound |= after


def comprehension_scope(generators: Iterable[ast.comprehension], parent: Scope) -> Scope:
    """The scope of a comprehension: its targets."""
    scope = Scope("comprehension", parent, name=parent.name)
    for generator in generators:
        _alias(scope, generator.target, generator.iter)
    scope.local = frozenset(scope.aliases)
    return scope


def type_params(node: ast.AST) -> set[str]:
    """The names of ``def f[T]()`` and ``class C[T]``."""
    return {param.name for param in getattr(node, "type_params", ())}


def _is_static(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", ())
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in decorators)


def _bind(scope: Scope, body: Iterable[ast.AST], package: str) -> None:
    local: set[str] = set()
    outer: set[str] = set()
    for node in _own_nodes(body):
        local.update(bound_names(node))
        if isinstance(node, ast.Global):
            scope.shared.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            outer.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            scope.imports.update((n, c) for n, c in import_chains(node, package) if n != "*")
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                _alias(scope, target, node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            _alias(scope, node.target, node.iter)
        elif isinstance(node, ast.NamedExpr):
            _alias(scope, node.target, node.value)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            _alias(scope, node.optional_vars, node.context_expr)
    scope.local = local - outer


def _alias(scope: Scope, target: ast.expr, value: ast.expr) -> None:
    for name in subtree(target):
        if isinstance(name, ast.Name):
            scope.aliases.setdefault(name.id, []).append(value)


def bound_names(node: ast.AST) -> tuple[str, ...]:
    """The names that this node by itself binds (imports included)."""
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return (node.name,)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return tuple(n for n, _ in import_chains(node, "") if n != "*")
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return (node.name,) if node.name else ()
    if isinstance(node, ast.MatchMapping):
        return (node.rest,) if node.rest else ()
    return ()


def _own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a body without those of the scopes inside it (but for walruses in comprehensions)."""
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, COMPREHENSIONS):
            stack.extend(n for n in subtree(node) if isinstance(n, ast.NamedExpr))
            continue
        yield node
        if isinstance(node, FUNCTIONS):
            stack.extend([node.args, *node.decorator_list])
        elif isinstance(node, ast.ClassDef):
            stack.extend([*node.bases, *node.keywords, *node.decorator_list])
        elif isinstance(node, ast.Lambda):
            stack.append(node.args)
        else:
            stack.extend(children(node))

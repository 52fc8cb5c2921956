"""Whether a source file is the code that is loaded, told by comparing code objects and constants."""

from __future__ import annotations

import ast
import sys
import types
from typing import TYPE_CHECKING

from luisy.fingerprint.project import attribute
from luisy.fingerprint.scopes import import_chains

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from luisy.fingerprint.modules import Module
    from luisy.fingerprint.scopes import Chain


def is_loaded_code(module: Module) -> bool:
    """True if the file of *module* surely is what was loaded, or the module is not loaded at all.

    Functions are compared by their code objects, constants by value, imports by what they bound. A module that does anything else at
    its top level (calls, loops) cannot be confirmed.
    """
    live = sys.modules.get(module.name)
    if live is None:
        return True
    if module.file is None or module.binary or module.broken:
        return False
    if not all(_is_confirmed(unit.statement, vars(live), module.package) for unit in module.units):
        return False
    try:
        with open(module.file.path, "rb") as stream:  # bytes for compile(), as the import did
            code = compile(stream.read(), module.file.path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return False
    on_disk = {_shape(inner) for inner in _inner(code)}
    return all(_shape(function.__code__) in on_disk for function in _functions(live))


def _is_confirmed(statement: ast.stmt, names: Mapping[str, object], package: str) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        bound = import_chains(statement, package)
        return all(n == "*" or (n in names and names[n] is _imported(chain)) for n, chain in bound)
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _defaults_are_plain(statement) and isinstance(names.get(statement.name), types.FunctionType)
    if isinstance(statement, ast.ClassDef):
        return isinstance(names.get(statement.name), type) and _body_confirmed(
            statement, names[statement.name], package
        )
    if isinstance(statement, ast.Assign) and all(isinstance(t, ast.Name) for t in statement.targets):
        targets = [t.id for t in statement.targets if isinstance(t, ast.Name)]
        try:
            value = ast.literal_eval(statement.value)
        except (ValueError, TypeError):
            return False
        return all(name in names and repr(names[name]) == repr(value) for name in targets)
    return False


def _imported(chain: Chain) -> object:
    module = chain[0].removeprefix(":")
    live = sys.modules.get(module)
    if len(chain) == 1:
        return live
    value = attribute(live, chain[1])
    return value if value is not None else sys.modules.get(f"{module}.{chain[1]}")


def _body_confirmed(statement: ast.ClassDef, cls: object, package: str) -> bool:
    return not statement.decorator_list and all(
        _is_confirmed(inner, vars(cls), package)
        or (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant))
        for inner in statement.body
        if not isinstance(inner, ast.Pass)
    )


def _defaults_are_plain(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return not (node.decorator_list or node.args.defaults or any(node.args.kw_defaults))


def _functions(live: types.ModuleType) -> Iterator[types.FunctionType]:
    for value in vars(live).values():
        values = (
            vars(value).values()
            if isinstance(value, type) and value.__module__ == live.__name__
            else (value,)
        )
        for function in values:
            if isinstance(function, types.FunctionType) and function.__module__ == live.__name__:
                yield function


def _inner(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _inner(constant)


def _shape(code: types.CodeType) -> tuple[object, ...]:
    constants = tuple(
        _shape(c) if isinstance(c, types.CodeType) else (type(c), repr(c)) for c in code.co_consts
    )
    return (
        code.co_name,
        code.co_code,
        constants,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_flags,
    )

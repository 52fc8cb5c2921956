"""The normal form of source code: an AST as bytes, alike for every way to write the same code.

Own encoding instead of ``ast.dump``, whose text differs between Python versions: a node is its type's name
and its non-empty fields, labelled and sorted, so that a field which a later Python adds changes nothing
where it is not used. Comments, white space and docstrings are not in it, nor are statements without effect.
"""

from __future__ import annotations

import ast
from enum import Flag
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from luisy.fingerprint.methods import in_order
from luisy.fingerprint.scopes import absolute_module
from luisy.fingerprint.trees import subtree
from luisy.fingerprint.typing_names import is_cast, is_silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from luisy.fingerprint.typing_names import TypingNames


class Keep(Flag):
    """What of the code's decoration counts, because some code reads it at run time."""

    CODE = 0
    ANNOTATIONS = 1
    """Annotations of functions and variables (``get_type_hints`` and the like are about)."""
    CLASS_ANNOTATIONS = 2
    """Annotations in class bodies (dataclasses, pydantic, ``NamedTuple``)."""
    DOCSTRINGS = 4
    """Docstrings (``__doc__`` is read)."""


_SKIPPED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_QUIET_DECORATORS = frozenset(
    [
        "staticmethod",
        "classmethod",
        "property",
        "setter",
        "getter",
        "deleter",
        "abstractmethod",
        "wraps",
        "lru_cache",
        "cache",
        "cached_property",
        "contextmanager",
        "asynccontextmanager",
        "override",
        "final",
        "overload",
        "total_ordering",
    ]
)
"""Decorators that look at no annotation."""
_BODIES = frozenset({"body", "orelse", "finalbody"})
_DECLARATIONS = frozenset({"luisy.declares", "luisy.decorators.declares"})


def frame(data: bytes) -> bytes:
    """*data* with its length before it: what is concatenated of such pieces is unambiguous."""
    return b"%d:" % len(data) + data


def text_bytes(text: str) -> bytes:
    """UTF-8 of *text*; lone surrogates, which a literal may hold, are kept apart."""
    return text.encode("utf-8", "surrogatepass")


def constant(value: object) -> bytes:
    """A literal, tagged by type: ``1``, ``1.0``, ``True`` and ``"1"`` are four constants."""
    if value is None or value is Ellipsis or isinstance(value, bool):
        return b"c" + frame(repr(value).encode())
    if isinstance(value, int):
        return b"i" + frame(b"%x" % value)
    if isinstance(value, float):
        return b"f" + frame(value.hex().encode())
    if isinstance(value, complex):
        return b"j" + frame(value.real.hex().encode()) + frame(value.imag.hex().encode())
    if isinstance(value, str):
        return b"s" + frame(text_bytes(value))
    assert isinstance(value, bytes), value
    return b"b" + frame(value)


def decorator_name(decorator: ast.expr) -> str:
    """The last name in ``@name``, ``@a.name`` and ``@a.name(...)``; empty for other expressions."""
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def is_declaration(decorator: ast.expr) -> bool:
    """True for ``@luisy.declares(...)``: what it declares counts by itself, in a part of the key of its own."""
    if not isinstance(decorator, ast.Call) or decorator_name(decorator) != "declares":
        return False
    return ast.unparse(decorator.func) in _DECLARATIONS


def annotations_are_read(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """True if a decorator of *node* may look at its annotations (``singledispatch``, ``validate_call``)."""
    return any(decorator_name(d) not in _QUIET_DECORATORS for d in node.decorator_list)


def is_overload(statement: ast.stmt) -> bool:
    """True for a signature under ``@overload``: it is there for type checkers only."""
    return isinstance(statement, _FUNCTIONS) and any(
        decorator_name(d) == "overload" for d in statement.decorator_list
    )


def is_docstring(statement: ast.stmt) -> bool:
    """True for an expression statement that is one string."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def without_effect(statement: ast.stmt) -> bool:
    """True for ``pass`` and for statements that are one literal."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


_Part: TypeAlias = "bytes | tuple[ast.AST, bool]"
"""Bytes, or what is yet to be written and whether it stands in a class body."""


class _Writer:
    """Writes one statement. Works off a stack, so that deeply nested code needs no deep recursion."""

    def __init__(self, keep: Keep, package: str, typing: TypingNames) -> None:
        self._keep = keep
        self._package = package
        self._typing = typing
        self._read_arguments: set[int] = set()

    def write(self, root: ast.AST) -> bytes:
        pieces: list[bytes] = []
        stack: list[_Part] = [(root, False)]
        while stack:
            item = stack.pop()
            if isinstance(item, bytes):
                pieces.append(item)
            else:
                node, in_class = item
                stack.extend(reversed(self._parts(node, in_class=in_class)))
        return b"".join(pieces)

    def _parts(self, node: ast.AST, *, in_class: bool) -> list[_Part]:
        if isinstance(node, ast.Constant):
            return [constant(node.value)]
        if isinstance(node, ast.JoinedStr):
            return list(_joined(node))
        name, fields = self._fields(node, in_class=in_class)
        inside = isinstance(node, ast.ClassDef) or (
            in_class and not isinstance(node, (*_FUNCTIONS, ast.Lambda))
        )
        parts: list[_Part] = [b"(" + _framed_name(name)]
        for label, value in sorted(fields.items()):
            parts.append(b"=" + _framed_name(label))
            if isinstance(value, list):
                parts.append(b"[%d" % len(value))
                parts.extend([_part(item, in_class=inside) for item in value])
            else:
                parts.append(_part(value, in_class=inside))
        parts.append(b")")
        return parts

    def _fields(self, node: ast.AST, *, in_class: bool) -> tuple[str, dict[str, object]]:
        fields = {
            label: value
            for label in node._fields
            if label not in _SKIPPED and (value := getattr(node, label, None)) is not None and value != []
        }
        name = type(node).__name__
        if isinstance(node, ast.expr):
            self._change_expression(node, fields)
            return name, fields
        self._drop_silent_decorators(fields)
        if isinstance(node, ast.ImportFrom):
            fields["module"] = absolute_module(node, self._package)
            fields.pop("level", None)
        elif isinstance(node, _FUNCTIONS) and annotations_are_read(node):
            self._read_arguments.update(id(arg) for arg in subtree(node.args) if isinstance(arg, ast.arg))
        elif isinstance(node, (*_FUNCTIONS, ast.arg)) and not (
            self._keep & Keep.ANNOTATIONS or id(node) in self._read_arguments
        ):
            for label in ("annotation", "returns", "type_params"):
                fields.pop(label, None)
        elif isinstance(node, ast.AnnAssign) and not self._annotation_counts(in_class=in_class):
            name, fields = "Assign", {"targets": [node.target], "value": node.value}
        for label in _BODIES & fields.keys():
            if isinstance(fields[label], list):
                fields[label] = self._body(node, fields[label], in_class=in_class)
        return name, fields

    def _change_expression(self, node: ast.expr, fields: dict[str, object]) -> None:
        if isinstance(node, ast.Set) and all(isinstance(e, ast.Constant) for e in node.elts):
            fields["elts"] = sorted(node.elts, key=lambda e: constant(getattr(e, "value", None)))
        elif isinstance(node, ast.Call) and is_cast(node, self._typing):
            fields["args"] = node.args[1:]

    def _drop_silent_decorators(self, fields: dict[str, object]) -> None:
        decorators = fields.get("decorator_list")
        if isinstance(decorators, list):
            silent = [d for d in decorators if is_declaration(d) or is_silent(d, self._typing)]
            fields["decorator_list"] = [d for d in decorators if d not in silent]
            if not fields["decorator_list"]:
                del fields["decorator_list"]

    def _annotation_counts(self, *, in_class: bool) -> bool:
        return bool(self._keep & (Keep.CLASS_ANNOTATIONS if in_class else Keep.ANNOTATIONS)) or bool(
            self._keep & Keep.ANNOTATIONS
        )

    def _body(self, node: ast.AST, body: list[ast.stmt], *, in_class: bool) -> list[ast.stmt]:
        inside = isinstance(node, ast.ClassDef) or (in_class and not isinstance(node, _FUNCTIONS))
        kept = [
            statement
            for statement in body
            if not without_effect(statement)
            and not is_overload(statement)
            and not (
                isinstance(statement, ast.AnnAssign)
                and statement.value is None
                and not self._annotation_counts(in_class=inside)
            )
        ]
        documented = isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and body and is_docstring(body[0])
        if documented and self._keep & Keep.DOCSTRINGS:
            kept.insert(0, body[0])
        if isinstance(node, ast.ClassDef) and not self._keep & Keep.CLASS_ANNOTATIONS:
            return in_order(kept)
        return kept


def _part(value: object, *, in_class: bool) -> _Part:
    if isinstance(value, ast.Name):  # every second node is a name or a literal: written at once
        return _NAME + frame(text_bytes(value.id)) + b")"
    if isinstance(value, ast.Constant):
        return constant(value.value)
    if isinstance(value, ast.AST):
        return value, in_class
    return b"n" + frame(text_bytes(value)) if isinstance(value, str) else constant(value)


@cache
def _framed_name(name: str) -> bytes:
    """The frame of a type's name or a field's: there are few, and each stands at thousands of nodes."""
    return frame(name.encode())


_NAME = b"(" + _framed_name("Name") + b"=" + _framed_name("id") + b"n"


def _joined(node: ast.JoinedStr) -> Iterator[_Part]:
    """An f-string: neighbouring texts are one (Python 3.12 cuts them otherwise than 3.11)."""
    parts: list[str | ast.FormattedValue] = []
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            parts.append(value)
            continue
        assert isinstance(value, ast.Constant), value
        if parts and isinstance(parts[-1], str):
            parts[-1] += str(value.value)
        elif value.value:
            parts.append(str(value.value))
    if all(isinstance(part, str) for part in parts):
        yield constant("".join(str(part) for part in parts))
        return
    yield b"(F%d" % len(parts)
    for part in parts:
        if isinstance(part, str):
            yield constant(part)
        else:
            yield b"{" + b"%d" % part.conversion
            yield (part.value, False)
            spec = part.format_spec
            if isinstance(spec, ast.JoinedStr) and spec.values:
                yield b":"
                yield (spec, False)
            yield b"}"
    yield b")"


def normal_form(
    nodes: Iterable[ast.AST], *, keep: Keep = Keep.CODE, package: str = "", typing: TypingNames | None = None
) -> bytes:
    """The canonical bytes of *nodes*.

    :param keep: what counts beside the code itself.
    :param package: name of the package that relative imports start from.
    :param typing: how the module spells what it says to type checkers alone.
    """
    writer = _Writer(keep, package, typing or {})
    return b"".join(frame(writer.write(node)) for node in nodes)


def readable(node: ast.AST) -> str:
    """*node* as text to show, without docstrings and comments. Never hashed: its form is Python's."""
    stripped = _Stripper().visit(ast.fix_missing_locations(ast.parse(ast.unparse(node))))
    return ast.unparse(ast.fix_missing_locations(stripped)) + "\n"


class _Stripper(ast.NodeTransformer):
    """Takes the docstrings out of a tree."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # NodeTransformer's name
        return self._strip(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:  # likewise
        return self._strip(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:  # likewise
        return self._strip(node)

    def _strip(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.AST:
        if is_docstring(node.body[0]):
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        return node

"""Parsed project modules: their statements, by the names that these bind.

A file is parsed once per process and content (looked up by path, size, mtime, inode; then by digest).
"""

from __future__ import annotations

import ast
import linecache
import os
import re
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from luisy.fingerprint.idioms import IMPORTERS
from luisy.fingerprint.names import uses_of
from luisy.fingerprint.normal import (
    Keep,
    frame,
    is_docstring,
    is_overload,
    normal_form,
    readable,
    without_effect,
)
from luisy.fingerprint.result import SourceFile
from luisy.fingerprint.trees import subtree
from luisy.fingerprint.typing_names import typing_names
from luisy.fingerprint.uses import Uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from luisy.fingerprint.project import Located
    from luisy.fingerprint.typing_names import TypingNames

_BINARY = (".so", ".pyd", ".dll", ".dylib", ".pyc", ".pyo")
_READ_ENTRY = 4
"""Items of a cache entry of linecache: size, mtime, lines, name. One that is not read yet is shorter."""

_CELL = r"<(?:ipython|python)-input-|[/\\]ipykernel_\d+[/\\]|<stdin>-\d+|^<cell "
"""The file name of a cell. A text: compiled where there are cells, not at each start of luisy."""


@dataclass(slots=True, eq=False)
class Unit:
    """One statement of a module's top level, with the conditions that it stands under.

    :param order: its place in the module, from 0.
    """

    module: str
    order: int
    statement: ast.stmt
    guards: tuple[ast.expr, ...]
    branches: str
    package: str
    uses: Uses
    typing: TypingNames = field(default_factory=dict)
    _normal: dict[Keep, bytes] = field(default_factory=dict)
    _readable: str = ""

    @property
    def line(self) -> int:
        """The line where it begins, decorators included; from 1."""
        decorators = getattr(self.statement, "decorator_list", None) or [self.statement]
        return min(int(decorators[0].lineno), int(self.statement.lineno))

    @property
    def last_line(self) -> int:
        """The line where it ends; from 1."""
        return int(self.statement.end_lineno or self.statement.lineno)

    @property
    def is_import(self) -> bool:
        """True for an import that always runs."""
        return isinstance(self.statement, (ast.Import, ast.ImportFrom)) and not self.guards

    @property
    def always_binds(self) -> bool:
        """True for a statement that surely gives its names a new value."""
        simple = isinstance(
            self.statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
        )
        return (simple or self.is_import) and not self.guards

    def normal(self, keep: Keep) -> bytes:
        """Its canonical bytes, conditions included."""
        if keep not in self._normal:
            own = normal_form(
                [*self.guards, self.statement], keep=keep, package=self.package, typing=self.typing
            )
            self._normal[keep] = frame(self.branches.encode()) + own
        return self._normal[keep]

    def readable(self) -> str:
        """Its source to show."""
        if not self._readable:
            self._readable = self._make_readable()
        return self._readable

    def _make_readable(self) -> str:
        lines = readable(self.statement)
        for guard, branch in reversed(list(zip(self.guards, self.branches, strict=True))):
            head = "if " if branch == "+" else "if not "
            lines = (
                head
                + ast.unparse(guard)
                + ":\n"
                + "".join("    " + t for t in lines.splitlines(keepends=True))
            )
        return lines


class Star(NamedTuple):
    """``from module import *``."""

    module: str
    unit: Unit


@dataclass(slots=True, eq=False)
class Module:
    """A parsed project module.

    :param binders: name -> the units that bind it, in order.
    :param stars: its imports of all names of a module, in order.
    :param exports: ``__all__`` where it is a plain list of names.
    :param binary: digest of a module without source (C extension, byte code only).
    :param broken: why there are no units, empty if there are; it counts by its bytes.
    :param too_deep: it is broken only for nesting deeper than analysis goes.
    :param is_cells: a notebook or interactive session: cells replace each other's names.
    """

    name: str
    package: str
    file: SourceFile | None = None
    units: list[Unit] = field(default_factory=list)
    binders: dict[str, list[Unit]] = field(default_factory=dict)
    stars: list[Star] = field(default_factory=list)
    exports: frozenset[str] | None = None
    binary: str = ""
    broken: str = ""
    too_deep: bool = False
    is_cells: bool = False

    def exported(self, name: str) -> bool:
        """True if ``from module import *`` brings *name*, if it is there."""
        return name in self.exports if self.exports is not None else not name.startswith("_")


_parsed: dict[tuple[object, ...], Module] = {}


def load(located: Located) -> Module:
    """The parsed module. Never raises for what is in it: what cannot be parsed is ``broken``."""
    name, path = located.name, located.path
    if name == "__main__" and not (path and os.path.exists(path)):
        return _parse(name, located.package, None, _cells(), is_cells=True)
    package = _package_of_main() if name == "__main__" else located.package
    if path is None:
        return Module(name, package)
    try:
        status = os.stat(path)
    except OSError:
        return _from_loader(name, package, path)
    key = (name, package, path, status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
    if key not in _parsed:
        _parsed[key] = _read(name, package, path)
    return _parsed[key]


def _read(name: str, package: str, path: str) -> Module:
    try:
        file, content = SourceFile.read(path)
    except OSError as error:
        return Module(name, package, broken=f"{path} cannot be read: {error}")
    if path.endswith(_BINARY):
        return Module(name, package, file, binary=file.digest)
    return _parse(name, package, file, content)


def _from_loader(name: str, package: str, path: str) -> Module:
    """A module of an archive, or of a loader that knows its source."""
    loader = getattr(sys.modules.get(name), "__loader__", None)
    text = None
    try:
        text = loader.get_source(name) if loader is not None else None
    except Exception:  # noqa: BLE001  # a loader of anybody's; without source, the module counts as broken
        text = None
    if text is None:
        lines = linecache.getlines(path)
        text = "".join(lines) or None
    archive = path
    while not os.path.isfile(archive) and os.path.dirname(archive) != archive:
        archive = os.path.dirname(archive)
    file = SourceFile.read(archive)[0] if os.path.isfile(archive) else None
    if text is None:
        return Module(name, package, file, broken=f"{path} is not there")
    return _parse(name, package, file, text)


def _cells() -> str:
    """The source of a notebook or interactive session: its cells in the order of execution."""
    main = sys.modules.get("__main__")
    cells = getattr(main, "In", None)
    if isinstance(cells, list) and any(isinstance(cell, str) and cell.strip() for cell in cells):
        return "\n".join(_without_magic(cell) for cell in cells if isinstance(cell, str))
    entries: list[tuple[str, tuple[Any, ...]]] = list(linecache.cache.items())
    found = [
        entry[2] for file, entry in entries if re.search(_CELL, file) and len(entry) == _READ_ENTRY
    ]  # (size, mtime, lines, name); a shorter one is not read yet
    return "\n".join(_without_magic("".join(lines)) for lines in found)


def _without_magic(cell: str) -> str:
    """A cell without IPython's own syntax; one that is no Python (being typed, another language) is nothing."""
    if cell.lstrip().startswith("%%"):
        return ""
    text = "".join(
        line for line in cell.splitlines(keepends=True) if not re.match(r"\s*(?:[%!?]|.*\?$)", line.rstrip())
    )
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    return text


def _package_of_main() -> str:
    main = sys.modules.get("__main__")
    package = getattr(main, "__package__", None)
    return package if isinstance(package, str) else ""


def _parse(
    name: str, package: str, file: SourceFile | None, source: str | bytes, *, is_cells: bool = False
) -> Module:
    module = Module(name, package, file, is_cells=is_cells)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the import itself has told them
            tree = ast.parse(source)
        _fill(module, tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        module.units.clear()
        module.binders.clear()
        module.too_deep = isinstance(error, (RecursionError, MemoryError))
        module.broken = f"{file.path if file else name} cannot be parsed: {error}"
    return module


def _fill(module: Module, tree: ast.Module) -> None:
    nodes = subtree(tree)
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    importers, typing = _importers(imports), typing_names(nodes, imports)
    if tree.body and is_docstring(tree.body[0]):
        text = Unit(module.name, -1, tree.body[0], (), "", module.package, Uses(binds={"__doc__"}))
        module.binders["__doc__"] = [text]
    for statement, guards, branches in _flat(module.name, tree.body):
        uses = uses_of(statement, guards, module.package, importers)
        unit = Unit(module.name, len(module.units), statement, guards, branches, module.package, uses, typing)
        module.units.append(unit)
        for bound in sorted(uses.binds):
            module.binders.setdefault(bound, []).append(unit)
        module.stars.extend(Star(chain[0][1:], unit) for chain in uses.imports.get("*", ()))
    module.binders.pop("*", None)
    module.exports = _exports(module)


def _importers(imports: Iterable[ast.Import | ast.ImportFrom]) -> frozenset[str]:
    """The names under which the module of these *imports* calls ``import_module`` and ``__import__``."""
    return IMPORTERS | {
        alias.asname
        for node in imports
        if isinstance(node, ast.ImportFrom) and node.module in {"importlib", "builtins"}
        for alias in node.names
        if alias.asname and alias.name in IMPORTERS
    }


def _flat(
    name: str, body: list[ast.stmt], guards: tuple[ast.expr, ...] = (), branches: str = ""
) -> Iterator[tuple[ast.stmt, tuple[ast.expr, ...], str]]:
    """The statements of a module, those under an ``if`` one by one with their conditions."""
    for statement in body:
        if isinstance(statement, ast.If):
            if (name != "__main__" and _is_main_guard(statement.test)) or _is_type_checking(statement.test):
                yield from _flat(name, statement.orelse, guards, branches)
            else:
                inner = (*guards, statement.test)
                if _does_something(statement.test):
                    yield ast.copy_location(ast.Expr(statement.test), statement.test), guards, branches
                yield from _flat(name, statement.body, inner, branches + "+")
                yield from _flat(name, statement.orelse, inner, branches + "-")
        elif (
            not without_effect(statement)
            and not is_overload(statement)
            and not _is_bare_annotation(statement)
        ):
            yield statement, guards, branches


def _does_something(test: ast.expr) -> bool:
    return any(isinstance(node, (ast.NamedExpr, ast.Call)) for node in subtree(test))


def _is_bare_annotation(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and statement.value is None


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _is_main_guard(test: ast.expr) -> bool:
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = (test.left, test.comparators[0])
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    return names == {"__name__"} and any(isinstance(s, ast.Constant) and s.value == "__main__" for s in sides)


def _exports(module: Module) -> frozenset[str] | None:
    units = module.binders.get("__all__", [])
    if len(units) != 1 or not isinstance(units[0].statement, ast.Assign):
        return None
    try:
        return frozenset(str(name) for name in ast.literal_eval(units[0].statement.value))
    except (ValueError, TypeError):
        return None

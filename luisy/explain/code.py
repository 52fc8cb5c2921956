"""Which code changed between two fingerprints: its name, its file, and a unified diff of the source."""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING

from luisy.explain.changes import Change, Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from luisy.fingerprint import Source
    from luisy.fingerprint.kept import Kept

_WITHOUT_TEXT = {
    "order": "the order of statements in {}",
    "value": "the value that {} was given when it was made",
    "class": "the name of the class {}",
    "state": "what is set in the module {}",
}
_FOLLOWING = frozenset({"order", "class"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def code_changes(old: Kept, new: Kept) -> list[Change]:
    """What differs between two fingerprints: code that changed first, then what is new, what is gone, packages.

    The parts alone tell whether something changed: texts depend on the Python that wrote them.
    """
    code: list[Change] = []
    followed: list[Change] = []
    packages: list[Change] = []
    for label in sorted({*old.parts, *new.parts}):
        digests = old.parts.get(label), new.parts.get(label)
        if digests[0] == digests[1]:
            continue
        kind, _, name = label.partition(" ")
        if kind == "package":
            packages.append(Change(Part.PACKAGE, name, *digests))
            continue
        before, after = old.sources.get(label, ()), new.sources.get(label, ())
        if before or after:
            change = _code_change(name.partition(":")[2], digests, before, after)
        else:
            change = Change(Part.CODE, name, *digests, what=_WITHOUT_TEXT.get(kind, "{}").format(name))
        # An equal text follows from something else, as the order of statements and the name of a class do.
        (followed if kind in _FOLLOWING or _texts(before) == _texts(after) != [] else code).append(change)
    return sorted(code, key=_by_weight) + packages or followed


def _by_weight(change: Change) -> tuple[bool, bool, str]:
    return change.old is None, change.new is None, change.name


def _texts(sources: Sequence[Source]) -> list[str]:
    return [source.text for source in sources]


def _code_change(
    name: str, digests: tuple[str | None, str | None], before: Sequence[Source], after: Sequence[Source]
) -> Change:
    """The change of a name, from the statements that define or change it.

    Where one of several statements differs that defines something else (a function that registers itself), that is
    what changed.
    """
    gone = [source for source in before if source.text not in _texts(after)]
    fresh = [source for source in after if source.text not in _texts(before)]
    at = (fresh or gone or list(after) or list(before))[0]
    own = _defined_by(at.text)
    shown = _member(own or name, "".join(_texts(gone)), "".join(_texts(fresh)) or at.text)
    what = (
        f"{shown} in {at.file}" if own in (None, name) else f"{shown} in {at.file}, which {name} is made of"
    )
    return Change(
        Part.CODE, f"{at.file}:{shown.removesuffix('()')}", *digests, diff=_diff(before, after), what=what
    )


def _defined_by(text: str) -> str | None:
    """The function or class that a statement defines."""
    statements = _statements(text)
    return getattr(statements[0], "name", None) if len(statements) == 1 else None


def _diff(before: Sequence[Source], after: Sequence[Source]) -> str:
    """A unified diff of the statements, file by file: one name may be made of statements in several."""
    if _texts(before) == _texts(after):  # the digest knows: a name in it stands for something else now
        text = "".join(_texts(after))
        return f"the text is the same, but a name in it stands for something else:\n{text}"
    lines: list[str] = []
    for file in dict.fromkeys(source.file for source in (*after, *before)):
        old, new = ("".join(s.text for s in side if s.file == file).splitlines() for side in (before, after))
        names = file if old else "/dev/null", file if new else "/dev/null"
        lines += difflib.unified_diff(old, new, *names, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _member(name: str, before: str, after: str) -> str:
    """*name* as people write it: ``clean()``, ``LIMIT``, and ``Table.clean()`` where only that method differs."""
    new = _statements(after)
    if any(isinstance(statement, _FUNCTIONS) and statement.name == name for statement in new):
        return f"{name}()"
    old = _statements(before)
    if len(old) == len(new) == 1 and isinstance(old[0], ast.ClassDef) and isinstance(new[0], ast.ClassDef):
        differing = _differing(_members(old[0]), _members(new[0]))
        if len(differing) == 1 and differing[0]:
            return f"{name}.{differing[0]}"
    return name


def _statements(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError:  # written by another version of Python
        return []


def _members(cls: ast.ClassDef) -> dict[str, str]:
    """What a class is made of, each with a text to compare; under the empty name what is no member."""
    found = {"": "".join(map(ast.dump, (*cls.bases, *cls.keywords, *cls.decorator_list)))}
    for statement in cls.body:
        name = ""
        if isinstance(statement, _FUNCTIONS):
            name = f"{statement.name}()"
        elif isinstance(statement, ast.ClassDef):
            name = statement.name
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if len(targets) == 1 and isinstance(targets[0], ast.Name):
                name = targets[0].id
        found[name] = found.get(name, "") + ast.dump(statement)
    return found


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]

"""Which code changed between two fingerprints: its name, its file, and a unified diff of the source."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.explain.changes import Change, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.fingerprint.kept import Kept

_WITHOUT_TEXT = {
    "order": "the order of statements in {}",
    "value": "the value that {} was given when it was made",
    "class": "the name of the class {}",
    "state": "what is set in the module {}",
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def code_changes(old: Kept, new: Kept) -> list[Change]:
    """What differs between two fingerprints: code that changed first, then what is new, what is gone, packages.

    The parts alone tell whether something changed: texts depend on the Python that wrote them.
    """
    code, packages = [], []
    for label in sorted({*old.parts, *new.parts}):
        if old.parts.get(label) == new.parts.get(label):
            continue
        kind, _, name = label.partition(" ")
        if kind == "package":
            packages.append(Change(Part.PACKAGE, name, old.parts.get(label), new.parts.get(label)))
        else:
            code.append(_code_change(label, old, new))
    named = [change for change in code if change.diff]
    return sorted(named or code, key=_by_weight) + packages


def _by_weight(change: Change) -> tuple[bool, bool, str]:
    return change.old is None, change.new is None, change.name


def _code_change(label: str, old: Kept, new: Kept) -> Change:
    kind, _, name = label.partition(" ")
    before, after = _Text.of(label, old), _Text.of(label, new)
    digests = old.parts.get(label), new.parts.get(label)
    at = after if after.text else before
    if not at.text:
        shown = _WITHOUT_TEXT.get(kind, "{}").format(name)
        return Change(Part.CODE, name, *digests, what=shown)
    member = _member(name.partition(":")[2], before.text, after.text)
    return Change(
        Part.CODE,
        f"{at.file}:{member.removesuffix('()')}",
        *digests,
        diff=_diff(before, after),
        what=f"{member} in {at.file}",
    )


@dataclass(frozen=True, slots=True)
class _Text:
    """The statements behind a part, one after the other, and the file of the first."""

    file: str
    text: str

    @classmethod
    def of(cls, label: str, kept: Kept) -> _Text:
        sources = kept.sources.get(label, ())
        return cls(sources[0].file if sources else "", "".join(source.text for source in sources))


def _diff(before: _Text, after: _Text) -> str:
    if before.text == after.text:  # the digest knows: a name in it stands for something else now
        return f"the text is the same, but a name in it stands for something else:\n{after.text}"
    lines = difflib.unified_diff(
        before.text.splitlines(),
        after.text.splitlines(),
        before.file or "/dev/null",
        after.file or "/dev/null",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)


def _member(name: str, before: str, after: str) -> str:
    """*name* as people write it: ``clean()``, ``LIMIT``, and ``Table.clean()`` where only that method differs."""
    new = _statements(after or before)
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

"""For every edit of the corpus that counts, the right cause is named."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from luisy.explain import code_changes
from tests.unit.fingerprint import corpus
from tests.unit.fingerprint.cases import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.fingerprint.kept import Kept
    from tests.unit.fingerprint.corpus import Answers

CHANGED = [case for case in CASES if case.expectation == "changed"]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@pytest.fixture(scope="module")
def sides(corpus_answers: Answers) -> dict[str, tuple[Kept, Kept]]:
    return corpus.kept_of(CHANGED, corpus_answers)


def edited(case: Case) -> set[str]:
    """What the edit of a case touches, found without luisy: names that are bound or changed at the top level.

    Of files that are no Python, the words of their paths: the names of distributions and compiled modules. Of data files, those
    that are in them, too, and the class: what it was given can only be told by whose it is.
    """
    names: set[str] = set()
    for path in {*case.before, *case.after}:
        old, new = case.before.get(path, ""), case.after.get(path, "")
        if old == new:
            continue
        if not path.endswith(".py"):
            names.update(re.split(r"\W+", path))
            if path.endswith(".json"):
                names.update(re.split(r"\W+", new), [case.target.partition(":")[2]])
            continue
        changed = _statements(old) ^ _statements(new)
        names.update(name for text in changed for name in _bound(ast.parse(text).body[0]))
    return names


def _statements(source: str) -> set[str]:
    """The statements of a module, each with its place: their order may be the edit."""
    return {ast.unparse(statement) for statement in ast.parse(source).body}


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, _DEFINITIONS):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        for alias in statement.names:
            yield from alias.name.split(".")
            yield alias.asname or alias.name
    else:  # whatever an assignment, a loop, a condition or a call has to do with
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, _DEFINITIONS):
                yield node.name


@pytest.mark.parametrize("case", CHANGED, ids=lambda case: case.name)
def test_the_cause_is_named(case: Case, sides: dict[str, tuple[Kept, Kept]]) -> None:
    """One of the names that the edit touches is the name of a change, or stands in a line that differs.

    Where a name stands for something else now and no line differs, it stands in the text that is shown.
    """
    changes = code_changes(*sides[case.name])
    assert changes
    same = [change for change in changes if change.diff.startswith("the text is the same")]
    told = {word for change in changes for word in re.split(r"\W+", f"{change.told()} {change.name}")}
    lines = {line for c in changes for line in c.diff.splitlines() if c in same or line[:1] in "+-"}
    told |= {word for line in lines for word in re.split(r"\W+", line)}
    names = edited(case)
    assert not names or names & told, (names, [change.told() for change in changes])


def test_an_equal_text_is_told_only_where_nothing_else_is(sides: dict[str, tuple[Kept, Kept]]) -> None:
    """Code that changed only since a name in it stands for something else follows from what that name is."""
    for name, pair in sides.items():
        same = [change.diff.startswith("the text is the same") for change in code_changes(*pair)]
        assert len(set(same)) == 1, name


def test_the_corpus_has_edits_of_code_and_of_order() -> None:
    """Where an edit touches no statement, it moves one: such cases are few."""
    without = [case.name for case in CHANGED if not edited(case)]
    assert len(without) < 0.05 * len(CHANGED), without

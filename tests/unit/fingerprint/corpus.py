"""Fingerprints both sides of cases of the corpus, in a process of its own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luisy.fingerprint.kept import Kept, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.unit.fingerprint.cases import Case

WORKER = Path(__file__).with_name("corpus_worker.py")


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write *files* as the package ``pkg`` in *root*."""
    for name, text in {"__init__.py": "", **files}.items():
        path = root / "pkg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def run(
    cases: Sequence[Case], root: Path, python: str = sys.executable
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """What the worker says of each case before and after its edit, by the case's name; *root* is an empty folder."""
    pairs = []
    for number, case in enumerate(cases):
        for side, files in (("before", case.before), ("after", case.after)):
            folder = root / side / str(number)
            write(folder, files)
            pairs.append((str(folder), case.target))
    done = subprocess.run(
        [python, str(WORKER)], input=json.dumps(pairs), stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(done.stdout)
    return {
        case.name: (found[str(root / "before" / str(n))], found[str(root / "after" / str(n))])
        for n, case in enumerate(cases)
    }


def kept_of(cases: Sequence[Case], root: Path) -> dict[str, tuple[Kept, Kept]]:
    """What actions would keep of each case before and after its edit, by the case's name."""
    return {
        name: (decode(before["kept"].encode()), decode(after["kept"].encode()))
        for name, (before, after) in run(cases, root).items()
    }


def changed_names(case: Case) -> set[str]:
    """The top-level names whose statements the edit of *case* touches, found without luisy."""
    names: set[str] = set()
    for path in {*case.before, *case.after}:
        old, new = (_statements(files.get(path, "")) for files in (case.before, case.after))
        for statement in {*old, *new}:
            if old.get(statement) != new.get(statement):
                names.update(_bound(ast.parse(statement)))
    return names


def _statements(source: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for statement in ast.parse(source).body:
        text = ast.unparse(statement)
        found[text] = found.get(text, 0) + 1
    return found


def _bound(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.Attribute):
            yield node.attr

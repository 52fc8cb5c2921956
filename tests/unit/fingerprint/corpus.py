"""Fingerprints both sides of cases of the corpus, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from luisy.fingerprint.kept import Kept, decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.unit.fingerprint.cases import Case

WORKER = Path(__file__).with_name("corpus_worker.py")


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write *files* as the package ``pkg`` in *root*."""
    for name, text in {"__init__.py": "", **files}.items():
        path = root / "pkg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


Answers: TypeAlias = "dict[str, tuple[dict[str, Any], dict[str, Any]]]"
"""What the worker says of each case, by its name: before and after its edit."""


def run(cases: Sequence[Case], root: Path, python: str = sys.executable) -> Answers:
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


def kept_of(cases: Sequence[Case], answers: Answers) -> dict[str, tuple[Kept, Kept]]:
    """What actions would keep of each of *cases* before and after its edit, by the case's name."""
    sides = {case.name: answers[case.name] for case in cases}
    return {
        name: (decode(before["kept"].encode()), decode(after["kept"].encode()))
        for name, (before, after) in sides.items()
    }

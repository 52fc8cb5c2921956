"""The corpus: the fingerprint changes with what matters, and with nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fingerprint.cases import CASES, Case

WORKER = Path(__file__).with_name("corpus_worker.py")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in {"__init__.py": "", **files}.items():
        path = root / "pkg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    root = tmp_path_factory.mktemp("corpus")
    pairs = []
    for number, case in enumerate(CASES):
        for side, files in (("before", case.before), ("after", case.after)):
            folder = root / side / str(number)
            write(folder, dict(files))
            pairs.append((str(folder), case.target))
    done = subprocess.run(
        [sys.executable, str(WORKER)], input=json.dumps(pairs), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return {
        case.name: (found[str(root / "before" / str(n))], found[str(root / "after" / str(n))])
        for n, case in enumerate(CASES)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fingerprint_changes_when_it_must(
    case: Case, results: dict[str, tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    """The edit of each case of the corpus has the effect on the fingerprint that the case expects."""
    before, after = results[case.name]
    assert "error" not in before, before
    assert "error" not in after, after
    found = "same" if before["digest"] == after["digest"] else "changed"
    assert found == case.expectation, (case.reason, before["parts"], after["parts"])


def test_case_names_are_unique() -> None:
    """No case of the corpus hides another one."""
    assert len({case.name for case in CASES}) == len(CASES)

"""The corpus: the fingerprint changes with what matters, and with nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.fingerprint.cases import CASES, Case

if TYPE_CHECKING:
    from tests.unit.fingerprint.corpus import Answers


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fingerprint_changes_when_it_must(case: Case, corpus_answers: Answers) -> None:
    """The edit of each case of the corpus has the effect on the fingerprint that the case expects."""
    before, after = corpus_answers[case.name]
    assert "error" not in before, before
    assert "error" not in after, after
    found = "same" if before["digest"] == after["digest"] else "changed"
    expected = "changed" if case.limit else case.expectation
    assert found == expected, (case.reason, before["parts"], after["parts"])


def test_limits_are_few_and_on_the_safe_side() -> None:
    """What luisy gets wrong in the corpus reruns too much, never too little, and is under 3% of what may stay."""
    stay = [case for case in CASES if case.expectation == "same"]
    assert all(case.expectation == "same" for case in CASES if case.limit)
    assert sum(case.limit for case in stay) < 0.03 * len(stay)


def test_limits_are_explained() -> None:
    """The page on the key lists all edits that are judged wrongly, and claims no more cases than there are."""
    page = (Path(__file__).parents[3] / "docs/guide/key.md").read_text(encoding="utf-8")
    stay = [case for case in CASES if case.expectation == "same"]
    told = page.split("## Limits")[1]
    claimed = re.search(r"Of over (\d+) edits without effect", told)
    assert claimed is not None
    assert int(claimed[1]) <= len(stay)
    assert told.count("\n- ") == sum(case.limit for case in stay)


def test_case_names_are_unique() -> None:
    """No case of the corpus hides another one."""
    assert len({case.name for case in CASES}) == len(CASES)

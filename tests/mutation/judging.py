"""Survivors that somebody has looked at: why no test needs to notice them, or that one is wanting.

``judged/*.jsonl`` has an object a line: ``mutant`` (its name), ``verdict`` and ``why``, a clause.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "judged"


class Verdict(enum.Enum):
    """What a surviving mutant does."""

    SAME = "same"
    """Nothing: no program shows a difference, or only one that mypy refuses."""
    EFFORT = "effort"
    """The same answers with more or less work: what is kept for later, or a bound of effort."""
    WORDS = "words"
    """People read other words, places or an other order; keys are the same."""
    RERUN = "rerun"
    """At worst a task runs again that need not: the safe side."""
    GAP = "gap"
    """It could do harm in some program, and no test shows it yet."""


@dataclass(frozen=True)
class Judgement:
    """What somebody found out about one mutant."""

    mutant: str
    verdict: Verdict
    why: str


def judgements() -> dict[str, Judgement]:
    """All judgements, by the names of the mutants."""
    lines = (line for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines())
    rows = (json.loads(line) for line in lines if line)
    return {row["mutant"]: Judgement(row["mutant"], Verdict(row["verdict"]), row["why"]) for row in rows}

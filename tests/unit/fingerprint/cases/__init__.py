"""The corpus, as one list."""

from tests.unit.fingerprint.cases import (
    broad,
    edges,
    effects,
    elsewhere,
    following,
    holding,
    meaning,
    neutral,
    objects,
    resolving,
    statements,
    world,
    writing,
)
from tests.unit.fingerprint.cases.table import CASES, Case

__all__ = [
    "CASES",
    "Case",
    "broad",
    "edges",
    "effects",
    "elsewhere",
    "following",
    "holding",
    "meaning",
    "neutral",
    "objects",
    "resolving",
    "statements",
    "world",
    "writing",
]

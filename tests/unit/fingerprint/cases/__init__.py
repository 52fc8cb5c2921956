"""The corpus, as one list."""

from tests.unit.fingerprint.cases import (
    aliases,
    broad,
    edges,
    effects,
    elsewhere,
    following,
    holding,
    imports,
    live,
    meaning,
    neutral,
    objects,
    places,
    resolving,
    statements,
    world,
    writing,
)
from tests.unit.fingerprint.cases.table import CASES, Case

__all__ = [
    "CASES",
    "Case",
    "aliases",
    "broad",
    "edges",
    "effects",
    "elsewhere",
    "following",
    "holding",
    "imports",
    "live",
    "meaning",
    "neutral",
    "objects",
    "places",
    "resolving",
    "statements",
    "world",
    "writing",
]

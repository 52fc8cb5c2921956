"""The colours of outcomes, the same in every picture: dark text can be read on each *fill*."""

from __future__ import annotations

from dataclasses import dataclass

from luisy.model import Outcome


@dataclass(frozen=True, slots=True)
class Colours:
    """Of a box: its inside and its border."""

    fill: str
    line: str


_PLAIN = Colours("#f1f3f5", "#868e96")
_COLOURS = {
    Outcome.LOCAL: Colours("#d3f9d8", "#2b8a3e"),
    Outcome.REMOTE: Colours("#d0ebff", "#1864ab"),
    Outcome.REUSED: Colours("#c3fae8", "#087f5b"),
    Outcome.EXECUTED: Colours("#ffe8cc", "#d9480f"),
    Outcome.COMPLETE: Colours("#e9fac8", "#5c940d"),
    Outcome.FAILED: Colours("#ffc9c9", "#c92a2a"),
    Outcome.MISSING: Colours("#ffdeeb", "#a61e4d"),
    Outcome.BLOCKED: Colours("#f3d9fa", "#862e9c"),
    Outcome.NOT_NEEDED: Colours("#ffffff", "#adb5bd"),
    Outcome.UNDECIDED: Colours("#fff3bf", "#e67700"),
}


def colours_of(outcome: Outcome | None) -> Colours:
    """The colours of *outcome*; of none, those of a box that nobody planned."""
    return _PLAIN if outcome is None else _COLOURS[outcome]

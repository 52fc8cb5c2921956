"""Changes between two accounts of a task, for people: what ``why`` and ``diff`` show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luisy.cli.output import coloured
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.explain import Change
    from luisy.model import Action

_SHOWN_LINES = 40
"""Lines of one change that are shown without ``-v``."""
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def told_action(action: Action, now: float) -> str:
    """An action by its key, age and git revision."""
    from luisy.cas import browsing
    from luisy.runner.results.provenance import commit_of

    age = browsing.age(now - action.created)
    commit = commit_of(action)
    return f"{action.key[:SHOWN_DIGITS]} (made {age} ago{f' at {commit.shown}' if commit else ''})"


def paragraph(change: Change, *, whole: bool) -> Iterator[str]:
    """A change with its diff, indented.

    :param whole: all lines of a long one.
    """
    from luisy.explain import Part

    if change.part is Part.INPUT and change.diff:
        yield click.style(f"input {change.name}", bold=True)
    else:
        yield click.style(change.told(), bold=True)
    text = change.diff.splitlines()
    shown = text if whole or len(text) <= _SHOWN_LINES else text[: _SHOWN_LINES - 1]
    for line in shown:
        colour = _COLOURS.get(line[:1])
        yield f"  {coloured(line, colour) if colour else line}".rstrip()
    if len(shown) < len(text):
        yield f"  ... {len(text) - len(shown)} more lines (-v shows them)"

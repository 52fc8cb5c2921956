"""What is at the root of a change: an input that changed has causes of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luisy.explain.changes import Change, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_TOLD = 20
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A change in some task upstream, or in the task itself.

    :param task: where it is, as Luigi writes the task.
    :param way: the inputs between that task and the one that is explained, nearest first.
    :param others: more tasks than this one have the same change.
    """

    task: str
    change: Change
    way: tuple[str, ...] = ()
    others: bool = False

    def told(self, to: str) -> str:
        """The cause in one line, for somebody who looks at the task *to*."""
        told = self.change.told() if self.change.part is not Part.INPUT else self.change.what
        if self.task == to:
            return told if self.change.part is Part.INPUT else f"its {told}"
        and_others = " and others" if self.others else ""
        between = [name for name in self.way if name not in (self.task, to)]
        shown = [*between[:1], "...", between[-1]] if len(between) > _NAMED else between
        by_way = f" (by way of {', '.join(shown)})" if shown else ""
        return f"{self.task}{and_others}: {told}{by_way}"


def causes_of(task: str, changes: Sequence[Change], inputs: Iterable[Sequence[Cause]]) -> tuple[Cause, ...]:
    """The causes of a task's new key: its own, then those of its inputs. The same change is told once.

    :param changes: those of the task itself that no input explains.
    :param inputs: the causes of each input that changed.
    """
    found: dict[Change, Cause] = {change: Cause(task, change) for change in changes}
    for causes in inputs:
        for cause in causes:
            known = found.get(cause.change)
            if known is None:
                found[cause.change] = replace(cause, way=(task, *cause.way))
            elif known.task != cause.task:
                found[cause.change] = replace(known, others=True)
    return tuple(found.values())


def input_change(
    name: str, old: str | None, new: str | None, causes: Sequence[Cause], *, same_bytes: bool = False
) -> Change:
    """The change of an input, with its causes as text: each in one line with its diff below, a blank line between them.

    :param same_bytes: its key changed, its content did not.
    """
    told = [cause.told(name) for cause in causes[:_MOST_TOLD]]
    diffs = [cause.change.diff.rstrip("\n") for cause in causes[:_MOST_TOLD]]
    blocks = [f"{line}\n{diff}" if diff else line for line, diff in zip(told, diffs, strict=True)]
    if len(causes) > _MOST_TOLD:
        blocks.append(f"and {len(causes) - _MOST_TOLD} more changes")
    what = told[0] if len(causes) == 1 else f"{told[0]}, and {len(causes) - 1} more"
    if same_bytes:
        what = f"its bytes are the same, though {what}"
    return Change(Part.INPUT, name, old, new, "\n\n".join(blocks) + "\n", what)

"""All states that a few actors can bring about, step by step, in every order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_S = TypeVar("_S")


@dataclass(frozen=True, slots=True)
class Explored(Generic[_S]):
    """What was found.

    :param states: how many there are.
    :param trace: the steps to the first state that is not safe; None if all are.
    """

    states: int
    trace: tuple[str, ...] | None


def explore(
    start: _S, steps: Callable[[_S], Iterable[tuple[str, _S]]], safe: Callable[[_S], bool]
) -> Explored[_S]:
    """Breadth first, so that a trace is as short as can be.

    :param steps: what can happen next in a state: a name, and the state after it.
    """
    came_from: dict[_S, tuple[_S, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if not safe(state):
            return Explored(len(came_from), _trace(state, came_from))
        for name, following in steps(state):
            if following not in came_from:
                came_from[following] = (state, name)
                waiting.append(following)
    return Explored(len(came_from), None)


def _trace(state: _S, came_from: dict[_S, tuple[_S, str] | None]) -> tuple[str, ...]:
    trace = []
    while (step := came_from[state]) is not None:
        state, name = step
        trace.append(name)
    return tuple(reversed(trace))

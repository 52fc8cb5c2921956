"""The queue between the processes of tasks and Luigi's worker."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import pytest

from luisy.model import Outcome
from luisy.runner.execution.errands import Reply
from luisy.runner.execution.worker import ResultQueue
from luisy.runner.results.keeping import Execution

if TYPE_CHECKING:
    from collections.abc import Callable

_MESSAGE: tuple[Any, ...] = ("Task_1", "DONE", None, [], [])


def _queue(
    take: Callable[[Reply], tuple[Any, ...] | None], *replies: Reply
) -> tuple[ResultQueue, list[Execution]]:
    inner: queue.Queue[Reply] = queue.Queue()
    for reply in replies:
        inner.put(reply)
    finished: list[Execution] = []
    return ResultQueue(inner, finished.append, take), finished


def test_a_reply_becomes_a_message() -> None:
    """What a cluster answers is taken in before Luigi's worker hears of it."""
    execution = Execution("Task_1", Outcome.EXECUTED)
    results, finished = _queue(lambda _: (*_MESSAGE, execution), Reply(1, b""))
    assert results.get(timeout=0) == _MESSAGE
    assert finished == [execution]


def test_a_reply_that_nobody_waits_for_is_passed_over() -> None:
    """The answer of an attempt that was given up is no message."""
    results, _ = _queue(lambda reply: None if reply.number == 1 else _MESSAGE, Reply(1, b""), Reply(2, b""))
    assert results.get(timeout=0) == _MESSAGE
    with pytest.raises(queue.Empty):
        results.get(timeout=0)

"""Transfers side by side, in threads that end with the call: Luigi forks, and no thread may live across that."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from luisy.cas.remote_limits import LARGE_THREADS, PIECE, THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

_T = TypeVar("_T")


def in_parallel(jobs: Iterable[Callable[[], _T]], threads: int = THREADS) -> Iterator[_T]:
    """The results of *jobs* as they come, in any order. A single job is done by the caller's own thread.

    No more than *threads* jobs are asked for ahead of the results, so memory is bounded by theirs. An error of a
    job is raised here, after those that had begun have ended.
    """
    pending = iter(jobs)
    first = list(islice(pending, 2))
    if len(first) == 1:
        yield first[0]()
    elif first:
        yield from _pooled(chain(first, pending), threads)


def _pooled(jobs: Iterable[Callable[[], _T]], threads: int) -> Iterator[_T]:
    with ThreadPoolExecutor(threads, thread_name_prefix="luisy-transfer") as pool:
        running: set[Future[_T]] = set()
        try:
            for job in jobs:
                if len(running) == threads:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
                running.add(pool.submit(job))
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in running:
                future.cancel()


class Narrows:
    """Lets few large transfers through at a time, so that memory stays bounded whatever their number."""

    def __init__(self) -> None:
        self._large = threading.Semaphore(LARGE_THREADS)

    def of(self, size: int) -> AbstractContextManager[object]:
        """What a transfer of *size* bytes has to hold."""
        return self._large if size > PIECE else contextlib.nullcontext()

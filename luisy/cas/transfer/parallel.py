"""Transfers side by side, in threads that end with the call: Luigi forks, and no thread may live across that."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from luisy.cas.remote_limits import LARGE_THREADS, PIECE, THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

_T = TypeVar("_T")


def in_parallel(
    jobs: Iterable[Callable[[], _T]], threads: int = THREADS, *, control: Control | None = None
) -> Iterator[_T]:
    """The results of *jobs* as they come, in any order. A single job is done by the caller's own thread.

    No more than *threads* jobs are asked for ahead of the results, so memory is bounded by theirs. An error of a
    job is raised here, after those that had begun have ended.

    :param control: told to stop what is under way if it ends otherwise than well.
    """
    pending = iter(jobs)
    first = list(islice(pending, 2))
    if len(first) == 1:
        yield first[0]()
    elif first:
        yield from _pooled(chain(first, pending), threads, control)


def _pooled(jobs: Iterable[Callable[[], _T]], threads: int, control: Control | None) -> Iterator[_T]:
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
        except BaseException:
            if control is not None:
                control.stop()
            raise
        finally:
            for future in running:
                future.cancel()


class Stopped(Exception):
    """Another transfer of the same call failed, or the user interrupted it."""


class Control:
    """What the transfers of one call have in common: how many large ones run at a time, how far they are, an end.

    :param progress: told the bytes that were moved since it was last told; by one thread at a time.
    """

    def __init__(self, progress: Callable[[int], None] = lambda _: None) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._large = threading.Semaphore(LARGE_THREADS)
        self._stopped = False

    def narrows(self, size: int) -> AbstractContextManager[object]:
        """What a transfer of *size* bytes has to hold, so that memory stays bounded whatever their number."""
        return self._large if size > PIECE else contextlib.nullcontext()

    def moved(self, size: int) -> None:
        """So many bytes more.

        :raises Stopped: it is of no use to go on.
        """
        if self._stopped:
            raise Stopped
        with self._lock:
            self._progress(size)

    def stop(self) -> None:
        """End all transfers that are under way, soon."""
        self._stopped = True


def counted(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None]:
    """What tells *progress* the running sum of the steps that it is told, and *total*."""
    if progress is None:
        return lambda _: None
    tell = progress
    done = 0

    def step(size: int) -> None:
        nonlocal done
        done += size
        tell(min(done, total), total)

    return step


class Watched:
    """A file to read that tells how far it was read, and that can be stopped.

    :param control: told of each byte once, also if the file is read again from its start.
    """

    def __init__(self, file: BinaryIO, size: int, control: Control) -> None:
        self._file = file
        self._size = size
        self._control = control
        self._told = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        """As the file's own."""
        data = self._file.read(size)
        self._control.moved(max(0, min(self._file.tell(), self._size) - self._told))
        self._told = max(self._told, self._file.tell())
        return data

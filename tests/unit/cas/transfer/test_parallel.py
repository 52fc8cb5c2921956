"""Transfers side by side: bounded, and over when the call is."""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_limits import LARGE_THREADS, PIECE
from luisy.cas.transfer.parallel import Control, Stopped, in_parallel
from tests.mirrors import Interposed, machine
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def test_every_result_comes_once() -> None:
    """In whatever order."""
    jobs = [functools.partial(int, number) for number in range(50)]
    assert sorted(in_parallel(jobs, threads=3)) == list(range(50))
    assert list(in_parallel([])) == []


def test_jobs_are_asked_for_as_there_is_room() -> None:
    """Each of them may hold a pack: no more are made than run."""
    made: list[int] = []
    ended: list[int] = []

    def jobs() -> Iterator[Any]:
        for number in range(30):
            made.append(number)
            assert len(made) - len(ended) <= 4
            yield functools.partial(ended.append, number)

    list(in_parallel(jobs(), threads=3))
    assert len(ended) == 30


def test_an_error_ends_the_call_and_all_threads() -> None:
    """It is raised when what had begun has ended; what had not is not begun."""
    before = threading.active_count()
    begun: list[int] = []

    def job(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise ValueError(number)

    with pytest.raises(ValueError, match="3"):
        list(in_parallel((functools.partial(job, number) for number in range(100)), threads=2))
    assert len(begun) < 10
    assert threading.active_count() == before


def test_few_large_transfers_run_at_a_time() -> None:
    """The adapter holds several pieces of each."""
    control = Control()
    running: list[int] = []
    most: list[int] = []

    def job(_: int) -> None:
        with control.narrows(PIECE + 1):
            running.append(1)
            most.append(len(running))
            time.sleep(0.001)
            running.pop()

    list(in_parallel((functools.partial(job, number) for number in range(30)), threads=8))
    assert max(most) <= LARGE_THREADS


def test_a_stopped_transfer_goes_no_further() -> None:
    """Ctrl-C does not wait for the rest of 5 GiB."""
    control = Control()
    control.moved(1)
    control.stop()
    with pytest.raises(Stopped):
        control.moved(1)


def test_an_interrupt_stops_what_is_under_way(tmp_path: Path) -> None:
    """One download fails for good: the other one ends within a piece, and leaves no file."""
    remote = MemoryRemote()
    one = machine(tmp_path, "one", remote)
    for number in (1, 2):
        one.result(number, os.urandom(PIECE))
    one.mirror.push()
    first = threading.Event()
    pieces: list[int] = []

    class Slow(Interposed):
        def read(self, name: str) -> Iterator[bytes]:
            if not first.is_set():
                first.set()
                raise KeyboardInterrupt
            for piece in self._remote.read(name):
                pieces.append(len(piece))
                time.sleep(0.05)
                yield piece

    two = machine(tmp_path, "two", Slow(remote))
    two.mirror.refresh()
    with pytest.raises(KeyboardInterrupt):
        two.mirror.fetch([key(1), key(2)])
    assert len(pieces) < PIECE >> 20
    assert os.listdir(two.store.path / "tmp") == []


def test_progress_grows_up_to_the_whole(tmp_path: Path) -> None:
    """Also within large objects, up and down."""
    remote = MemoryRemote()
    one, two = (machine(tmp_path, name, remote) for name in ("one", "two"))
    one.result(1, os.urandom(3 << 20))
    one.result(2, b"small")
    transfers: list[Callable[[Any], object]] = [
        lambda tell: one.mirror.push(progress=tell),
        lambda tell: two.mirror.fetch([key(1), key(2)], progress=tell),
    ]
    for transfer in transfers:
        two.mirror.refresh()
        told: list[tuple[int, int]] = []
        transfer(lambda done, total, told=told: told.append((done, total)))
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert told[-1] == ((3 << 20) + 5,) * 2
        assert {total for _, total in told} == {(3 << 20) + 5}

"""The one place that talks to Dask from the driver's side, in a process of its own.

Dask's client runs threads and an event loop. Luigi forks, and luisy observes what happens in the driver; so
the client lives in a child that is forked before and does nothing else. It ends with the driver, however that ends,
and Dask then lets go of what it had asked for.
"""

# Dask is mostly untyped:
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
import uuid
from typing import TYPE_CHECKING, Any

from luisy.runner.execution.errands import Errand, Reply

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import Queue

CONNECT_SECONDS = 10.0
"""How long the scheduler may take to answer, at first and after it was lost."""

_SECONDS_BETWEEN = 0.5
"""Between two looks whether driver and scheduler are still there."""


def serve(commands: Connection, other_end: Connection, replies: Queue[Reply], address: str) -> None:
    """Do what *commands* say until None comes, or the driver is gone: an errand is submitted, a number is cancelled.

    The first thing sent back is the number of threads of the cluster, or a text: why there is no connection.

    :param other_end: the driver's, of which this process has a copy.
    """
    other_end.close()
    driver = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver tells when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from distributed import Client

    _be_quiet()
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="luisy")
    except Exception as error:  # noqa: BLE001 - whatever a transport raises, the driver tells it
        commands.send(f"{type(error).__name__}: {error}")
        return
    commands.send(sum(client.nthreads().values()))
    clerk = _Clerk(client, replies, address)
    with contextlib.suppress(EOFError, OSError):
        while os.getppid() == driver:
            if not commands.poll(_SECONDS_BETWEEN):
                clerk.look()
            elif (command := commands.recv()) is not None:
                clerk.do(command)
            else:
                break
    clerk.close()


def _be_quiet() -> None:
    """What Dask logs about a lost connection is told once, by luisy."""
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Clerk:
    """Keeps the futures of one driver."""

    def __init__(self, client: Any, replies: Queue[Reply], address: str) -> None:
        self._client = client
        self._replies = replies
        self._address = address
        self._futures: dict[int, Any] = {}
        self._run = uuid.uuid4().hex[:8]
        self._lost_since: float | None = None

    def do(self, command: Errand | int) -> None:
        """Submit an errand, or cancel the one of that number."""
        if isinstance(command, int):
            if (future := self._futures.pop(command, None)) is not None:
                future.cancel()
            return
        from luisy.runner.execution.dask_worker import carry_out

        number = command.number
        try:
            future = self._client.submit(
                carry_out, command, key=f"{command.name}-{self._run}-{number}", pure=False
            )
        except Exception as error:  # noqa: BLE001 - as above
            self._reply(number, None, f"{self._address} takes no work: {error}")
            return
        self._futures[number] = future
        future.add_done_callback(lambda done: self._done(number, done))

    def _done(self, number: int, future: Any) -> None:
        """Called in one of Dask's threads."""
        if number not in self._futures:
            return
        try:
            answer = future.result(timeout=CONNECT_SECONDS)
        except BaseException as error:  # noqa: BLE001 - CancelledError is none of Exception's
            if self._is_connected():  # else look() tells it, for all at once
                self._reply(number, None, _told(error))
        else:
            self._reply(number, answer, "")

    def _reply(self, number: int, answer: bytes | None, lost: str) -> None:
        self._futures.pop(number, None)
        self._replies.put(Reply(number, answer, lost))

    def _is_connected(self) -> bool:
        comm = self._client.scheduler_comm
        return self._client.status == "running" and comm is not None and not comm.comm.closed()

    def look(self) -> None:
        """Tell the driver when the scheduler is gone for good."""
        if self._is_connected() or not self._futures:
            self._lost_since = None
            return
        self._lost_since = self._lost_since or time.monotonic()
        if self._client.status == "closed" or time.monotonic() - self._lost_since > CONNECT_SECONDS:
            for number in list(self._futures):
                self._reply(number, None, f"the Dask scheduler at {self._address} is gone")

    def close(self) -> None:
        """Let go of everything that is still under way."""
        with contextlib.suppress(Exception):
            self._client.cancel(list(self._futures.values()))
            self._client.close(timeout=CONNECT_SECONDS)


def _told(error: BaseException) -> str:
    name = type(error).__name__
    if name == "KilledWorker":
        return "each Dask worker that it was given to was lost while it ran"
    if name in ("CancelledError", "FutureCancelledError"):
        return "the Dask cluster has dropped it"
    return f"the Dask worker could not run it: {name}: {error}"

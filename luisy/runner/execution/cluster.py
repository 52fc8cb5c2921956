"""A Dask cluster as the driver sees it: a child that has the connection, and tasks that run there."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import time
from typing import TYPE_CHECKING, Any

from luisy.errors import UsageError
from luisy.runner.execution.dask_client import CONNECT_SECONDS, serve

if TYPE_CHECKING:
    import luigi

    from luisy.runner.execution.errands import Errand
    from luisy.settings import Settings

_FORK = multiprocessing.get_context("fork")
_PATIENCE = 3 * CONNECT_SECONDS
"""Seconds for the child to load Dask and connect."""


def required_scheduler(settings: Settings) -> str:
    """The address of the Dask scheduler.

    :raises UsageError: none is set, or Dask is not installed.
    """
    if settings.dask_scheduler is None:
        raise UsageError(
            "executor is dask, and no Dask scheduler is set",
            slug="no-dask-scheduler",
            hint="pass --dask-scheduler tcp://HOST:8786, or set LUISY_DASK_SCHEDULER",
        )
    if importlib.util.find_spec("distributed") is None:
        raise UsageError(
            "executor is dask, and Dask is not installed",
            slug="missing-extra",
            hint='pip install "luisy[dask]"',
        )
    return settings.dask_scheduler


class Cluster:
    """The connection; nothing is loaded or asked before :meth:`connect`.

    :ivar replies: what comes back, in the order in which it came.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.replies: Any = _FORK.Queue()
        self._commands: Any = None
        self._process: Any = None

    def connect(self) -> int:
        """Connect, if that was not done yet; how many threads the cluster has now.

        :raises UsageError: nobody answers there as a Dask scheduler does.
        """
        self._commands, theirs = _FORK.Pipe()
        self._process = _FORK.Process(
            target=serve, args=(theirs, self._commands, self.replies, self.address), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            said = self._commands.recv() if self._commands.poll(_PATIENCE) else "it does not answer"
        except EOFError:
            said = "the process that connects to it died"
        if isinstance(said, str):
            self.close()
            raise UsageError(
                f"no Dask scheduler answers at {self.address}: {said}",
                slug="no-dask-scheduler",
                hint="start one (`dask scheduler`), or mend the address in dask_scheduler",
            )
        return int(said)

    @property
    def is_connected(self) -> bool:
        """Whether :meth:`connect` was called."""
        return self._process is not None

    @property
    def exitcode(self) -> int | None:
        """How the child ended; None while it lives."""
        code: int | None = self._process.exitcode
        return code or 1 if code is not None else None  # Luigi takes 0 for an end with a message

    def tell(self, command: Errand | int | None) -> None:
        """Submit an errand, or cancel the one of that number; None ends it all."""
        with contextlib.suppress(OSError):  # the child is gone: its exit code says so
            self._commands.send(command)

    def close(self) -> None:
        """Let go of the cluster; what is under way is cancelled."""
        if self._process is None:
            return
        self.tell(None)
        self._commands.close()
        self._process.join(timeout=CONNECT_SECONDS)
        if self._process.is_alive():
            self._process.kill()


class ClusterProcess:
    """A task on the cluster, as much of a process as Luigi's worker asks for."""

    use_multiprocessing = True

    def __init__(self, cluster: Cluster, errand: Errand, task: luigi.Task, default_timeout: float) -> None:
        self.task = task
        self.errand = errand
        self._cluster = cluster
        own: float | None = task.worker_timeout
        self.worker_timeout = default_timeout if own is None else own
        self.timeout_time = time.time() + self.worker_timeout if self.worker_timeout else None
        self._owner = os.getpid()

    def start(self) -> None:
        """Hand it out."""
        self._cluster.tell(self.errand)

    @property
    def exitcode(self) -> int | None:
        """Not None where the connection has died: nobody will tell what becomes of it."""
        return self._cluster.exitcode

    def is_alive(self) -> bool:
        """Whether an answer may still come."""
        return self.exitcode is None

    def terminate(self) -> None:
        """Have it stopped."""
        if os.getpid() == self._owner:
            self._cluster.tell(self.errand.number)

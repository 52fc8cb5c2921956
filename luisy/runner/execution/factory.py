"""What Luigi builds a run from: luisy's worker, and for local runs the scheduler of flat cost."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import luigi.interface
import luigi.rpc

from luisy.runner.execution.scheduler import make_scheduler
from luisy.runner.execution.worker import CachingWorker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.execution.dispatch import Dispatch
    from luisy.runner.session import Session


class Factory:
    """Luigi's ``worker_scheduler_factory`` for one session.

    :param dispatch: what hands its tasks to a cluster; None where they execute here.
    """

    def __init__(self, session: Session, dispatch: Dispatch | None = None) -> None:
        self.session = session
        self.dispatch = dispatch
        self.worker: CachingWorker | None = None

    def create_local_scheduler(self) -> Any:
        """A scheduler in this process."""
        return make_scheduler(prune_on_get_work=True, record_task_history=False)  # as Luigi makes its own

    def create_remote_scheduler(self, url: str) -> Any:
        """The central scheduler at *url*."""
        return luigi.rpc.RemoteScheduler(url)

    def create_worker(self, scheduler: Any, worker_processes: int, assistant: bool = False) -> CachingWorker:  # noqa: FBT001, FBT002 - Luigi's signature
        """A worker whose tasks are resolved by key."""
        # Luigi's default of up to five seconds between two questions is long for a machine that waits for others.
        waiting = {"wait_jitter": 0.5} if self.session.shared else {}
        worker = CachingWorker(
            self.session,
            scheduler=scheduler,
            worker_processes=worker_processes,
            assistant=assistant,
            dispatch=self.dispatch,
            **waiting,
        )
        self.worker = self.worker or worker
        return worker


def session_in_charge() -> Session | None:
    """The session of the run that this code is executed by, if it is executed by one."""
    factory = luigi.interface._WorkerSchedulerFactory()  # noqa: SLF001 - what nested_builds replaces
    return factory.session if isinstance(factory, Factory) else None


@contextmanager
def nested_builds(session: Session) -> Iterator[None]:
    """While a run lasts, ``luigi.build`` inside a task's ``run()`` is answered by the same session."""
    name = "_WorkerSchedulerFactory"
    original = getattr(luigi.interface, name)
    setattr(luigi.interface, name, lambda: Factory(session))
    try:
        yield
    finally:
        setattr(luigi.interface, name, original)

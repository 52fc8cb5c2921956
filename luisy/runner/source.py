"""``read()``, ``download()`` and ``upload()`` of single tasks, outside a run: that result, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from luisy import settings as configuration
from luisy.errors import NoSuchResult, RemoteError
from luisy.runner.build import session_for
from luisy.tasks import set_result_source

if TYPE_CHECKING:
    import luigi


class Results:
    """The ``ResultSource`` of a process: the store first, then the remote, as the settings say."""

    def fetch(self, task: luigi.Task) -> bool:
        """Put the outputs of *task* in their place, from the store or a remote; executes nothing."""
        with session_for(configuration.current(), create=True) as session:
            session.hash_raw = True
            session.plan([task])
            return session.serve_root()

    def upload(self, task: luigi.Task, *, overwrite: bool) -> None:
        """Upload the result of *task*.

        :raises NoSuchResult: there is none in the store.
        :raises RemoteError: it did not get through.
        """
        settings = replace(configuration.current(), upload=True)
        with session_for(settings, create=True) as session:
            session.plan([task])
            if not session.upload_root(overwrite=overwrite):
                raise NoSuchResult(f"{task} has no result to upload", hint="run it first")
            if (reason := session.exchange.incomplete) is not None:
                raise RemoteError(reason.text, slug=reason.slug)


def install() -> None:
    """Let the tasks of this process ask the store and the remote for results that the workspace lacks."""
    set_result_source(Results())

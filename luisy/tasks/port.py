"""What tasks need of those above them, and the one place that it is set.

Only a run knows where results come from and go to (``ResultSource``). And while a session of luisy asks tasks what
they are, naming an output touches no disk, since a plan is to leave the workspace alone (``naming_only``).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Protocol

from luisy import settings
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import luigi


class ResultSource(Protocol):
    """Where results come from, and go to, that are not in the workspace."""

    def fetch(self, task: luigi.Task) -> bool:
        """Put the outputs of *task* in their place; False if there is no result. May be called again."""

    def upload(self, task: luigi.Task, *, overwrite: bool) -> None:
        """Upload the result of *task*; one that is there already stays unless *overwrite*."""


class _Port:
    source: ResultSource | None = None
    naming_only: bool = False


def set_result_source(source: ResultSource | None) -> ResultSource | None:
    """Let ``read``, ``download`` and ``upload`` of all tasks in this process ask *source*; returns the one before."""
    before, _Port.source = _Port.source, source
    return before


def fetched(task: luigi.Task) -> bool:
    """Whether the ``ResultSource``, if one is set, has put the outputs of *task* in their place."""
    return _Port.source is not None and _Port.source.fetch(task)


def source_for(action: str, task: luigi.Task) -> ResultSource:
    """The ``ResultSource``, to do *action* with the output of *task*.

    :raises RemoteError: slug ``no-remote``, if none is set.
    """
    if _Port.source is None:
        raise RemoteError(
            f"cannot {action} the output of {task}: this process knows no remote",
            slug="no-remote",
            hint="set a remote, and call this in a luisy run or after luisy.build(...)",
        )
    return _Port.source


@contextlib.contextmanager
def naming_only(only: bool = True) -> Iterator[None]:  # noqa: FBT001, FBT002 - what it is named for
    """Let outputs be named without making their folders, for the length of a session.

    :param only: False lets the folders be made again, while the session runs a task.
    """
    before, _Port.naming_only = _Port.naming_only, only
    try:
        yield
    finally:
        _Port.naming_only = before


def make_folder(folder: str) -> None:
    """Make *folder*, which an output was named in, unless a session asks for names or there is no working dir yet.

    In luisy 1.x an output's folder is there once it was named, and code that calls ``run()`` directly or writes to
    ``output().path`` by itself counts on it.
    """
    if _Port.naming_only or os.path.isdir(folder):
        return
    working_dir = settings.current().working_dir
    if working_dir is None or not os.path.isdir(working_dir):
        return
    with contextlib.suppress(OSError):  # whoever writes there is told; naming and reading go on
        os.makedirs(folder, exist_ok=True)

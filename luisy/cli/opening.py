"""From the words of a command line to a task and a session on the store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from luisy.cli.output import reserved_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import luigi

    from luisy.runner.session import Session
    from luisy.settings import Settings


@contextmanager
def task_and_session(words: Sequence[str], settings: Settings) -> Iterator[tuple[luigi.Task, Session]]:
    """The task that *words* name, and a session.

    A store is made only where a remote is asked: what comes from there goes into it. What user code prints meanwhile
    goes to stderr where a document was asked for.

    :raises LuisyError: the module cannot be imported, there is no such task, or the store cannot be opened.
    """
    from luisy.runner.build import session_for
    from luisy.runner.pipeline.commandline import import_module, parsed_task

    with reserved_stdout(settings.json):
        import_module(settings.module)
        with parsed_task(words) as task, session_for(settings, create=settings.uses_remote) as session:
            yield task, session

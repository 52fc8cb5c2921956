"""From the words of a command line to a task and a session on the store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from luisy.cli.output import reserved_stdout, say_warning
from luisy.settings import BY_FLAG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import luigi

    from luisy.runner.session import Session
    from luisy.settings import Settings


@contextmanager
def task_of(words: Sequence[str], settings: Settings) -> Iterator[luigi.Task]:
    """The task that *words* name; who gave an option that a parameter of it is named like, is told.

    :raises LuisyError: the module cannot be imported, or there is no such task.
    """
    from luisy.runner.pipeline.commandline import import_module, parsed_task

    import_module(settings.module)
    with parsed_task(words) as task:
        given = {name for name, origin in settings.provenance.items() if origin == BY_FLAG}
        for name in sorted(given.intersection(task.param_kwargs)):
            flag, family = name.replace("_", "-"), task.get_task_family()
            if not any(word.startswith(f"--{family}-{flag}") for word in words):
                say_warning(f"--{flag} is luisy's own option; the parameter of {family} is --{family}-{flag}")
        yield task


@contextmanager
def task_and_session(words: Sequence[str], settings: Settings) -> Iterator[tuple[luigi.Task, Session]]:
    """The task that *words* name, and a session.

    A store is made only where a remote is asked: what comes from there goes into it. What user code prints meanwhile
    goes to stderr where a document was asked for.

    :raises LuisyError: the module cannot be imported, there is no such task, or the store cannot be opened.
    """
    from luisy.runner.build import session_for

    with (
        reserved_stdout(settings.json),
        task_of(words, settings) as task,
        session_for(settings, create=settings.uses_remote) as session,
    ):
        yield task, session

"""The one tree of errors that luisy raises on purpose.

Every error carries a *slug* (its name in ``docs/messages.md``), a text that says what went wrong and
where, a *hint* that says what to do, and the exit code that the command line gives it. Nothing below
``luisy.cli`` prints or exits; it raises one of these.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What ``luisy`` exits with. Source: the table in ``docs/cli.md``."""

    DONE = 0
    TASK_FAILED = 1
    USAGE = 2
    REMOTE = 3
    CORRUPTION = 4
    NOT_KEPT = 5
    INTERRUPTED = 130
    TERMINATED = 143


class LuisyError(Exception):
    """Something that the user can act on.

    :param text: one sentence: what, and where (a task, a path, a setting).
    :param slug: the error's name in ``docs/messages.md``; defaults to the class's own.
    :param hint: one sentence: what to do about it.
    """

    slug = "error"
    exit_code = ExitCode.TASK_FAILED

    def __init__(self, text: str, *, slug: str | None = None, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        if slug is not None:
            self.slug = slug


class UsageError(LuisyError):
    """The command, a setting, a parameter or the pipeline's shape is wrong; nothing was done."""

    slug = "usage"
    exit_code = ExitCode.USAGE


class NoSuchResult(LuisyError):
    """A result, key, digest or file that was asked for by name is not there."""

    slug = "no-such-result"


class TaskError(LuisyError):
    """A task cannot be run, or did not do what it promised."""

    slug = "task-failed"


class StoreError(LuisyError):
    """The local store cannot be opened or written. Never raised into a user's task."""

    slug = "store"
    exit_code = ExitCode.USAGE


class CorruptionError(StoreError):
    """Bytes on disk are not what their name or their record says."""

    slug = "corrupt"
    exit_code = ExitCode.CORRUPTION


class RemoteError(LuisyError):
    """The remote is misconfigured, refused us, or an explicit upload did not complete."""

    slug = "remote"
    exit_code = ExitCode.REMOTE

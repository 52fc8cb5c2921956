"""The entry point: finds the command, runs it, and turns what is raised into two lines and an exit code."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from luisy import __version__
from luisy.cli.lazy import LazyGroup
from luisy.cli.output import failed, failed_run, print_json, say, tolerate_names
from luisy.errors import CorruptionError, ExitCode, LuisyError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "accept": "luisy.cli.accept:accept",
    "cas": "luisy.cli.cas:cas",
    "diff": "luisy.cli.diff:diff",
    "doctor": "luisy.cli.doctor:doctor",
    "get": "luisy.cli.get:get",
    "graph": "luisy.cli.graph:graph",
    "key": "luisy.cli.key:key",
    "log": "luisy.cli.log:log",
    "plan": "luisy.cli.plan:plan",
    "run": "luisy.cli.run:run",
    "signing": "luisy.cli.signing:signing",
    "why": "luisy.cli.why:why",
}
_RUNS = frozenset({"run", "plan"})
"""The commands whose document has the same fields when it tells an error."""


def with_command(arguments: Sequence[str]) -> list[str]:
    """*arguments* with ``run`` before them where they are luisy 1.x's form: no command, but a ``--module``."""
    old_form = any(argument == "--module" or argument.startswith("--module=") for argument in arguments)
    if old_form and arguments[0] not in _COMMANDS:
        return ["run", *arguments]
    return list(arguments)


@click.group(cls=LazyGroup, commands_in=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="luisy %(version)s")
def cli() -> None:
    """A content-addressed artifact cache for Luigi pipelines.

    Replace `luigi` by `luisy run`: every output is kept under the hash of the code and parameters that
    made it, and no task executes twice for the same reason.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line *arguments* (those of the process by default) and exit."""
    tolerate_names(sys.stdout)
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = with_command(given) if given else ["--help"]
    signal.signal(signal.SIGTERM, functools.partial(_terminated, os.getpid()))
    try:
        code = int(cli.main(command, prog_name="luisy", standalone_mode=False) or 0)
    except click.exceptions.Exit as done:
        code = done.exit_code
    except SystemExit:  # Luigi has printed what was asked for
        raise
    except BaseException as error:  # noqa: BLE001 - the last line of defence: also a defect of luisy itself
        code = _tell(error, command)
    sys.exit(code)


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came. An interrupt, since Luigi counts any other exception as the failure of the task that runs."""


def _tell(error: BaseException, command: Sequence[str]) -> int:
    """Say what went wrong, on stdout too where a document was asked for; returns the exit code."""
    if isinstance(error.__cause__, TerminatedError):  # click makes an Abort of every KeyboardInterrupt
        told, code = LuisyError("terminated", slug="terminated"), ExitCode.TERMINATED
    elif isinstance(error, (KeyboardInterrupt, click.Abort)):
        told, code = LuisyError("interrupted", slug="interrupted"), ExitCode.INTERRUPTED
    else:
        if "-v" in command or "--verbose" in command:
            import traceback

            traceback.print_exception(error)
        told = _as_ours(error)
        code = told.exit_code
    say(told)
    if _wants_json(command):
        print_json(failed_run(told) if command[0] in _RUNS else failed(told))
    return int(code)


def _as_ours(error: BaseException) -> LuisyError:
    if isinstance(error, LuisyError):
        return error
    if isinstance(error, click.ClickException):
        context: Any = getattr(error, "ctx", None)
        hint = f"see {context.command_path if context else 'luisy'} --help"
        return UsageError(error.format_message(), hint=hint)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if error.filename else ""
        return StoreError(f"no space is left{where}", slug="store-full", hint="free some space")
    if isinstance(error, Exception) and (damage := _damaged_index()) is not None:
        return damage
    return LuisyError(
        f"luisy itself failed: {type(error).__name__}: {error}",
        slug="internal",
        hint="run it again with -v and report what it prints",
    )


def _damaged_index() -> CorruptionError | None:
    """Why an index may have led to an error that nobody expects: values in it that cannot be."""
    from luisy import settings
    from luisy.cas import Store
    from luisy.cas.soundness import expect_sound

    try:
        path = settings.current().store_path
        if path is not None and os.path.exists(path):
            with Store.open(path, create=False) as store:
                expect_sound(store.database)
    except CorruptionError as damage:
        return damage
    except Exception:  # noqa: BLE001 - it is looked at because something went wrong; what is told is that
        return None
    return None


def _wants_json(command: Sequence[str]) -> bool:
    if "--json" in command:
        return True
    from luisy import settings

    try:
        return settings.current().json
    except LuisyError:  # which is what is being told
        return False


def _terminated(owner: int, number: int, _frame: object) -> None:
    if os.getpid() == owner:
        raise TerminatedError
    # A child that runs one task inherits the handler: it ends at once, as under Luigi.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)

"""The entry point: finds the command, runs it, and turns what is raised into two lines and an exit code."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from luisy.errors import ExitCode, LuisyError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "cas": "luisy.cli.cas:cas",
    "get": "luisy.cli.get:get",
    "key": "luisy.cli.key:key",
    "plan": "luisy.cli.plan:plan",
    "run": "luisy.cli.run:run",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used: each start pays for one command only."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


def with_command(arguments: Sequence[str]) -> list[str]:
    """*arguments* with ``run`` before them where they are luisy 1.x's form: no command, but a ``--module``."""
    old_form = any(argument == "--module" or argument.startswith("--module=") for argument in arguments)
    if old_form and arguments[0] not in _COMMANDS:
        return ["run", *arguments]
    return list(arguments)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="luisy", message="luisy %(version)s")
def cli() -> None:
    """A content-addressed artifact cache for Luigi pipelines.

    Replace `luigi` by `luisy run`: every output is kept under the hash of the code and parameters that
    made it, and no task executes twice for the same reason.
    """


def say(error: LuisyError) -> None:
    """The two lines of an error on stderr: what and where, and what to do."""
    click.echo(f"{click.style(f'error[{error.slug}]', fg='red')}: {error.text}", err=True)
    if error.hint:
        click.echo(f"{click.style('hint', fg='cyan')}: {error.hint}", err=True)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line *arguments* (those of the process by default) and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = cli.main(
            with_command(given) if given else ["--help"], prog_name="luisy", standalone_mode=False
        )
    except click.exceptions.Exit as done:
        code = done.exit_code
    except LuisyError as error:
        _trace(given)
        say(error)
        code = error.exit_code
    except click.ClickException as error:
        say(LuisyError(error.format_message(), slug="usage", hint=_help_hint(error)))
        code = ExitCode.USAGE
    except TerminatedError:
        click.echo("terminated", err=True)
        code = ExitCode.TERMINATED
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a defect of luisy itself
        _trace(given)
        say(
            LuisyError(
                f"luisy itself failed: {type(error).__name__}: {error}",
                slug="internal",
                hint="run it again with -v and report what it prints",
            )
        )
        code = ExitCode.TASK_FAILED
    sys.exit(int(code or 0))


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came. An interrupt, since Luigi counts any other exception as the failure of the task that runs."""


def _help_hint(error: click.ClickException) -> str:
    context: Any = getattr(error, "ctx", None)
    return f"see {context.command_path if context else 'luisy'} --help"


def _trace(arguments: Sequence[str]) -> None:
    if "-v" in arguments or "--verbose" in arguments:
        import traceback

        traceback.print_exc()


def _terminated(_signal: int, _frame: object) -> None:
    raise TerminatedError

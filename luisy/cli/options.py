"""Options that several commands share, and the way from what was given to settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy import settings
from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from luisy.settings import Settings

    Command = Callable[..., Any]

# Tasks bring options of their own; what luisy does not know is handed to Luigi as it stands.
TASK_CONTEXT = {"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}


def flag(*names: str, help: str) -> Callable[[Command], Command]:  # noqa: A002 - click's word
    """A switch that says nothing unless it is given, so that weaker sources of the setting are heard."""
    return click.option(*names, is_flag=True, default=None, help=help)


def general(command: Command) -> Command:
    """Options of every command."""
    for option in (
        flag("--json", help="Print one JSON document."),
        flag("-v", "--verbose", help="Show what happens, and tracebacks."),
        flag("-q", "--quiet", help="Print errors only."),
        click.option("--store", metavar="DIR", help="The store; by default WORKING_DIR/.luisy."),
        click.option("--working-dir", metavar="DIR", help="Where the pipeline's files lie."),
    ):
        command = option(command)
    return command


def remote_urls(command: Command) -> Command:
    """Which remotes are asked, for commands whose ``--remote`` says that they are."""
    for option in (
        click.option(
            "--trusted-keys", metavar="KEY[,KEY]", help="Public keys whose results count, no others."
        ),
        click.option("--signing-key", metavar="FILE", help="The key that signs what is pushed."),
        click.option("--retry-seconds", metavar="SECONDS", help="How long a request is tried again."),
        click.option("--azure-endpoint", metavar="URL", help="The blob endpoint of the storage account."),
        click.option("--write", metavar="URL", help="The remote that takes results."),
        click.option("--read", metavar="URL[,URL]", help="The remotes that are asked for results, in order."),
        click.option("--azure-account-name", hidden=True),  # luisy 1.x's
        click.option("--azure-container-name", hidden=True),
        *(
            click.option(name, hidden=True, callback=_refuse_secret, expose_value=False)
            for name in ("--azure-storage-key", "--azure-sas-token", "--azure-connection-string")
        ),
    ):
        command = option(command)
    return command


def remote_url(command: Command) -> Command:
    """Which remotes are asked."""
    return click.option("--remote", metavar="URL", help="The remote: azure://CONTAINER or file:///DIR.")(
        remote_urls(command)
    )


def with_task(command: Command) -> Command:
    """Options of commands about one task, and the task itself with its parameters."""
    for option in (
        click.argument("task", nargs=-1, type=click.UNPROCESSED, metavar="TASK [TASK PARAMETERS]"),
        click.option(
            "--requirements-path", metavar="FILE", help="Its lines stand for the installed versions."
        ),
        flag("--adopt/--no-adopt", help="Take over files from before luisy, or execute instead."),
        click.option("--module", metavar="MODULE", help="The module to import."),
    ):
        command = option(command)
    return general(command)


def run_options(command: Any) -> Any:
    """Options that change what becomes of the tasks; ``plan`` takes them, too."""
    for option in (
        flag("--force", help="Execute the task though its result exists."),
        flag("--force-all", help="Execute everything though results exist."),
        click.option(
            "--materialise",
            "--materialize",
            "materialise",
            type=click.Choice(["auto", "needed", "all"]),
            help="Which results to bring to the workspace.",
        ),
        click.option("--link", type=click.Choice(["reflink", "copy", "hardlink"]), help="How to bring them."),
        click.option(
            "--audit",
            type=click.Choice(["off", "warn", "strict"]),
            help="What to do about reads of run() that stand in no key.",
        ),
        click.option(
            "--executor",
            type=click.Choice(["local", "dask"]),
            help="Where tasks execute: here, or on a Dask cluster.",
        ),
        click.option("--dask-scheduler", metavar="ADDRESS", help="The cluster's scheduler: tcp://HOST:8786."),
        flag("--require-remote", help="Fail where the remote does not answer, instead of going on without."),
        flag("--download", help="Take results from the remote."),
        flag("--upload", help="Bring results to the remote."),
    ):
        command = option(command)
    return command


def _refuse_secret(_context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise UsageError(
            f"{parameter.opts[0]} would stand in the process list for everybody to read",
            slug="secret-on-command-line",
            hint=f"set {settings.environment_names(str(parameter.name))[0]} in the environment",
        )


def loaded(flags: dict[str, Any]) -> Settings:
    """The settings with *flags* on top; what is not given counts for nothing.

    They hold for the whole process, so that tasks find the same working dir.
    """
    settings.override(**{name: value for name, value in flags.items() if value is not None})
    return settings.current()

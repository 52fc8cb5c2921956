"""``luisy plan``: what ``run`` would do, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.opening import task_of
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, run_options, with_task
from luisy.cli.output import print_json, reserved_stdout, say_warning
from luisy.errors import ExitCode

if TYPE_CHECKING:
    from luisy.settings import Settings


@click.command(context_settings=TASK_CONTEXT)
@run_options
@flag("--fetch-raw", help="Download raw files that nobody has hashed into the store, to know what they are.")
@remote_url
@with_task
def plan(task: tuple[str, ...], *, fetch_raw: bool | None, **flags: Any) -> int:
    """Say what `luisy run` would do with TASK, and why. Touches no file of the workspace."""
    show_plan(task, loaded(flags), fetch_raw=bool(fetch_raw))
    return ExitCode.DONE


def show_plan(task: tuple[str, ...], settings: Settings, *, fetch_raw: bool = False) -> None:
    """Plan *task* and print the plan.

    :param fetch_raw: hash plain blobs of other systems that have no ref, by way of the store.
    """
    from luisy.plan import Status
    from luisy.report import counted, explained, warnings
    from luisy.runner.build import session_for

    with (
        reserved_stdout(settings.json),
        task_of(task, settings) as root,
        session_for(settings, create=fetch_raw) as session,
    ):
        session.hash_raw = fetch_raw
        session.plan([root])
        report = session.report(Status.PLANNED)
    if settings.json:
        print_json(report.as_json())
    else:
        for line in (*explained(report), *counted(report, planned=True)):
            click.echo(line)
    for line in warnings(report):
        say_warning(line)

"""``luisy get``: a result or a rescued file back from the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from luisy.cli.opening import task_and_session
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, with_task
from luisy.cli.output import print_json, say_warning
from luisy.errors import ExitCode


@click.command(context_settings=TASK_CONTEXT)
@click.option(
    "--at",
    metavar="KEY|REV",
    help="An earlier result, or a rescued file: 6 or more of its digits; or a git revision.",
)
@click.option("--to", metavar="PATH", help="Where to put it; by default where the task has its outputs.")
@flag("--download", help="Take it from the remote where the store has none.")
@click.option("--link", type=click.Choice(["reflink", "copy", "hardlink"]), help="How to bring it.")
@remote_url
@with_task
def get(task: tuple[str, ...], at: str | None, to: str | None, **flags: Any) -> int:
    """Put the result of TASK in place, or at PATH. Executes nothing.

    Several outputs go into the folder PATH, each under its own name.
    """
    # What would be executed or taken over in a run has no result here.
    settings = replace(loaded(flags), force=False, force_all=False, adopt=False)
    with task_and_session(task, settings) as (root, session):
        from luisy.runner.answers.getting import get as get_result

        got = get_result(session, root, at=at, to=to, words=task)
    if settings.json:
        print_json(got.as_json())
        return ExitCode.DONE
    for path in (path for item in got.restored for path in item.outputs):
        click.echo(path)
    for note in got.notes:
        say_warning(f"{note.slug}: {note.text}")
    return ExitCode.DONE

"""``luisy graph``: a picture of the pipeline, with what a run would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.opening import task_of
from luisy.cli.options import TASK_CONTEXT, loaded, remote_url, run_options, with_task
from luisy.cli.output import print_json, reserved_stdout
from luisy.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from luisy.settings import Settings
    from luisy.visualize import Picture


@click.command(context_settings=TASK_CONTEXT)
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["text", "mermaid", "dot", "html"]),
    default="text",
    help="How to draw; html is a page of its own.",
)
@click.option("-o", "--output", metavar="FILE", help="Where to write the picture; stdout by default.")
@run_options
@remote_url
@with_task
def graph(task: tuple[str, ...], as_format: str, output: str | None, **flags: Any) -> int:
    """Draw what TASK requires, with what `luisy run` would do, and why. Executes nothing."""
    from luisy.visualize import RENDERERS

    settings = loaded(flags)
    with reserved_stdout(settings.json):
        picture = _planned(task, settings)
    if settings.json:
        print_json(picture.as_json())
        return ExitCode.DONE
    drawn = RENDERERS[as_format](picture)
    if output is None:
        click.echo(drawn, nl=False)
    else:
        _write(output, drawn)
    return ExitCode.DONE


def _planned(task: tuple[str, ...], settings: Settings) -> Picture:
    from luisy.plan import Status
    from luisy.runner.build import session_for
    from luisy.visualize import picture_of_plan

    with task_of(task, settings) as root, session_for(settings, create=False) as session:
        session.plan([root])
        return picture_of_plan(session.graph, session.roots[0], session.report(Status.PLANNED))


def _write(path: str, drawn: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(drawn)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", slug="cannot-write", hint="name another file with -o"
        ) from error

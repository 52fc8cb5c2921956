"""``luisy key``: the key of a task and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.opening import task_of
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, with_task
from luisy.cli.output import print_json, reserved_stdout
from luisy.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.build import TaskKey


@click.command(context_settings=TASK_CONTEXT)
@flag("--all", "all_tasks", help="The whole DAG, inputs first.")
@remote_url
@with_task
def key(task: tuple[str, ...], all_tasks: bool | None, **flags: Any) -> int:  # noqa: FBT001
    """Print the key of TASK, its fingerprint, and their labelled parts."""
    settings = loaded(flags)
    with reserved_stdout(settings.json):
        found = _keys(task, settings)
    shown = found if all_tasks else found[-1:]
    if settings.json:
        documents = [item.as_json(verbose=settings.verbose) for item in shown]
        print_json({"tasks": documents} if all_tasks else documents[0])
        return ExitCode.DONE
    for item in shown:
        click.echo(f"{item.key or '-'}  {item.family}")
        if not all_tasks:
            for label, value in item.parts.items():
                click.echo(f"  {label}: {value}")
        if settings.verbose:
            for line in _code(item):
                click.echo(line)
    return ExitCode.DONE


def _code(item: TaskKey) -> Iterator[str]:
    """The statements that the fingerprint is made of, and what could not be followed."""
    code = item.as_json(verbose=True)
    for part in code["code"]:
        yield f"  {part['part']}: {part['file']}:{part['first']}-{part['last']}"
    for spot in code["blind_spots"]:
        yield f"  blind spot: {spot['file']}:{spot['line']}: {spot['text']}"
    if item.fingerprint is not None and not code["blind_spots"]:
        yield "  no blind spots"


def _keys(task: tuple[str, ...], settings: Any) -> list[TaskKey]:
    """The keys of the whole DAG, the root's last."""
    from luisy.runner.build import key_of, session_for

    with task_of(task, settings) as root, session_for(settings, create=False) as session:
        session.plan([root])
        others = [node for node in session.graph if node is not session.roots[0]]
        return [key_of(session, node) for node in (*others, session.roots[0])]

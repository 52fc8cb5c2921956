"""``luisy why``: whether a task has a result, and if not, what changed since the nearest one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.changes import paragraph, told_action
from luisy.cli.opening import task_and_session
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, with_task
from luisy.cli.output import print_json
from luisy.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.answers.explaining import Why


@click.command(context_settings=TASK_CONTEXT)
@flag("--download", help="Compare with what the remote has, too.")
@flag("--require-remote", help="Fail where the remote does not answer, instead of going on without.")
@remote_url
@with_task
def why(task: tuple[str, ...], **flags: Any) -> int:
    """Say why TASK would be executed: what changed since the nearest earlier result.

    Down to the function, constant, parameter, package or file that is at the root of it. Executes nothing.
    """
    settings = replace(loaded(flags), force=False, force_all=False)
    with task_and_session(task, settings) as (root, session):
        from luisy.runner.answers.explaining import why as explained

        session.plan([root])
        found = explained(session)
    if settings.json:
        print_json(found.as_json())
        return ExitCode.DONE
    for line in lines(found, whole=settings.verbose):
        click.echo(line)
    return ExitCode.DONE


def lines(found: Why, *, whole: bool) -> Iterator[str]:
    """The answer for people: one paragraph for each cause.

    :param whole: long diffs, too.
    """
    now = time.time()
    if found.hit:
        where = found.origin or "the store"
        at = "" if found.action is None else f" {told_action(found.action, now)}, in {where}"
        yield f"{found.task} has a result{at}: {found.reason.text}"
        return
    yield f"{found.task} has no result: {found.reason.text}"
    if found.action is not None:
        yield f"compared with {told_action(found.action, now)}"
    told: dict[str, str] = {}
    for change in found.changes:
        yield ""
        first = told.setdefault(change.diff or change.told(), change.name)
        if first == change.name:
            yield from paragraph(change, whole=whole)
        else:
            yield click.style(f"{change.part.value} {change.name}: as {first}", bold=True)

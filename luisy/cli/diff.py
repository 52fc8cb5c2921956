"""``luisy diff``: two actions of a task, side by side."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.changes import paragraph, told_action
from luisy.cli.opening import task_and_session
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_url, with_task
from luisy.cli.output import print_json
from luisy.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.formats.comparing import TableDifference
    from luisy.runner.answers.differing import Diff, OutputDifference, Side

_MOST = 10
"""Columns or files of one output that are named without ``-v``."""


@click.command(context_settings=TASK_CONTEXT)
@click.option(
    "--at",
    multiple=True,
    metavar="KEY|REV",
    help="An action: 6 or more digits of its key, or a git revision. Twice, or once to compare with what TASK is now.",
)
@flag("--download", help="Take what the store lacks from the remote.")
@remote_url
@with_task
def diff(task: tuple[str, ...], at: tuple[str, ...], **flags: Any) -> int:
    """Compare two results of TASK: code, parameters, environment and outputs. Executes nothing."""
    if len(at) not in (1, 2):
        raise UsageError(
            f"--at is given {len(at)} times", hint="give it once or twice; `luisy log` lists what there is"
        )
    settings = replace(loaded(flags), force=False, force_all=False, adopt=False)
    with task_and_session(task, settings) as (root, session):
        from luisy.runner.answers.differing import diff as compared

        found = compared(session, root, at[0], at[1] if at[1:] else None, task)
    if settings.json:
        print_json(found.as_json())
        return ExitCode.DONE
    for line in lines(found, whole=settings.verbose):
        click.echo(line)
    return ExitCode.DONE


def lines(found: Diff, *, whole: bool) -> Iterator[str]:
    """The comparison for people: one paragraph for each difference.

    :param whole: long diffs and lists, too.
    """
    yield f"old: {_side(found.old)}"
    yield f"new: {_side(found.new)}"
    for change in found.changes:
        yield ""
        yield from paragraph(change, whole=whole)
    if found.environment:
        yield ""
        yield click.style("environment", bold=True)
        for name, (old, new) in found.environment.items():
            yield f"  {name}: {old or 'not recorded'} -> {new or 'not recorded'}"
    for output in found.outputs:
        yield ""
        yield click.style(f"output {output.name}".rstrip(), bold=True)
        for line in _output(output, whole=whole):
            yield f"  {line}"


def _side(side: Side) -> str:
    if side.action is None:
        return "the code and inputs as they are now, without a result"
    return told_action(side.action, time.time())


def _output(output: OutputDifference, *, whole: bool) -> Iterator[str]:
    from luisy.report import human_bytes

    old, new = output.sizes
    if output.equal:
        yield f"the same bytes ({human_bytes(new or 0)})"
        return
    told = ["not there" if size is None else human_bytes(size) for size in (old, new)]
    yield f"{told[0]} -> {told[1]}" if told[0] != told[1] else f"other bytes ({told[0]})"
    yield from _few([f"{state} {name}" for name, state in output.files.items()], "files", whole=whole)
    if output.table is not None:
        yield from _table(output.table, whole=whole)
    if output.note:
        yield output.note


def _table(table: TableDifference, *, whole: bool) -> Iterator[str]:
    for name, (old, new) in (("rows", table.rows), ("columns", table.columns)):
        yield f"{name}: {new}" if old == new else f"{name}: {old} -> {new}"
    yield from _few([f"column {name} is new" for name in table.added], "new columns", whole=whole)
    yield from _few(
        [f"column {name} is gone" for name in table.removed], "columns that are gone", whole=whole
    )
    yield f"changed cells: {table.cells}"
    cells = [f"  {name}: {count}" for name, count in sorted(table.changed.items(), key=lambda item: -item[1])]
    yield from _few(cells, "columns", whole=whole)


def _few(told: list[str], what: str, *, whole: bool) -> Iterator[str]:
    shown = told if whole or len(told) <= _MOST else told[: _MOST - 1]
    yield from shown
    if len(shown) < len(told):
        yield f"... {len(told) - len(shown)} more {what} (-v shows them)"

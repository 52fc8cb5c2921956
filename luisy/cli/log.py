"""``luisy log``: earlier actions: when, where, git commit, duration, size."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import opened
from luisy.cli.cas.names import filters
from luisy.cli.options import TASK_CONTEXT, flag, loaded, remote_urls, with_task
from luisy.cli.output import print_json
from luisy.errors import ExitCode
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.answers.history import Entry
    from luisy.settings import Settings

_SHOWN = 100


@click.command(context_settings=TASK_CONTEXT)
@click.option("-n", "number", type=click.IntRange(min=0), default=_SHOWN, help="How many; 0 for all.  [100]")
@flag("--remote", help="Those in the remote; asks it.")
@remote_urls
@with_task
def log(task: tuple[str, ...], number: int, **flags: Any) -> int:
    """List earlier actions with where they were made, newest first.

    Of all tasks, or of TASK with these parameters.
    TASK is the name alone: no module is imported. Parameters that are not given may have any value.
    """
    remote = flags.pop("remote")
    settings = loaded(flags)
    family, params = filters(task)
    with ExitStack() as stack:
        entries = _entries(settings, family, params, remote=bool(remote), stack=stack)
        shown = list(islice(entries, number or None))
        more = next(entries, None) is not None
    if settings.json:
        print_json({"actions": [entry.as_json() for entry in shown]})
        return ExitCode.DONE
    for entry in shown:
        click.echo(_line(entry))
        for line in _acceptances(entry):
            click.echo(line)
        if settings.verbose:
            click.echo(_details(entry))
    if more:
        click.echo("there are more: -n 0 shows all", err=True)
    if not shown:
        click.echo(f"no actions{f' of {family}' if family else ''}", err=True)
    return ExitCode.DONE


def _entries(
    settings: Settings, family: str | None, params: dict[str, str], *, remote: bool, stack: ExitStack
) -> Iterator[Entry]:
    from luisy.runner.answers import history

    found = opened(settings)
    if remote:
        from luisy.cas import Store
        from luisy.runner.remote.mirroring import Mirrors

        store = stack.enter_context(found or Store.ephemeral())
        mirrors = stack.enter_context(Mirrors(store, settings))
        return history.pushed(store, mirrors.readable(discover=family is None), family, params)
    return iter(()) if found is None else history.kept(stack.enter_context(found), family, params)


def _line(entry: Entry) -> str:
    from luisy.report import human_bytes, task_name

    action = entry.action
    where = "here" if entry.here else entry.store or "-"
    commit = entry.commit.shown if entry.commit else "-"
    marks = [mark for mark, holds in (("adopted", action.adopted), ("held back", action.held_back)) if holds]
    line = (
        f"{action.key[:SHOWN_DIGITS]}  {_when(action.created)}  {where:<12}  {commit:<23}  {action.seconds:>8.2f} s"
        f"  {human_bytes(action.size):>10}  {task_name(action.family, action.params)}"
    )
    return f"{line}  [{', '.join(marks)}]" if marks else line


def _acceptances(entry: Entry) -> Iterator[str]:
    for item in entry.accepted:
        proved = ", proved" if item.proved else ""
        yield f"  accepted {_when(item.created)} for {item.key[:SHOWN_DIGITS]}{proved}"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _details(entry: Entry) -> str:
    told = entry.action.provenance
    names = [f"{name} {told[name]}" for name in ("luisy", "python", "platform") if name in told]
    return f"  {', '.join(names) or 'not recorded'}"

"""``luisy cas ls``: the actions in the store, or in the remote."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import opened
from luisy.cli.cas.names import filters
from luisy.cli.options import TASK_CONTEXT, flag, general, loaded, remote_urls
from luisy.cli.output import print_json
from luisy.errors import ExitCode
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.cas import Listed
    from luisy.settings import Settings

    Row = tuple[Listed, Mapping[str, str], list[str]]


@click.command(context_settings=TASK_CONTEXT)
@click.argument("task", nargs=-1, type=click.UNPROCESSED, metavar="[TASK [--PARAMETER VALUE ...]]")
@flag("--remote", help="Those in the remote; asks it.")
@remote_urls
@general
def ls(task: tuple[str, ...], **flags: Any) -> int:
    """List actions, newest first.

    Of all tasks, or of TASK with these parameters.
    TASK is the name alone: no module is imported. Parameters that are not given may have any value.
    """
    remote = flags.pop("remote")
    settings = loaded(flags)
    family, params = filters(task)
    rows = (_remote_rows if remote else _rows)(settings, family, params)
    if settings.json:
        print_json({"actions": [_document(*row) for row in rows]})
        return ExitCode.DONE
    for row in rows:
        click.echo(_line(*row))
    if not rows:
        click.echo(f"no actions{f' of {family}' if family else ''}", err=True)
    return ExitCode.DONE


def _rows(settings: Settings, family: str | None, params: dict[str, str]) -> list[Row]:
    from luisy.cas import browsing

    found = opened(settings)
    if found is None:
        return []
    with found as store:
        items = browsing.actions_of(store, family, params)
        pinned = store.pinned()
        return [(item, browsing.public_params(store, item), pinned.get(item.key, [])) for item in items]


def _remote_rows(settings: Settings, family: str | None, params: dict[str, str]) -> list[Row]:
    from luisy.cas import Store
    from luisy.runner.remote import pulling
    from luisy.runner.remote.mirroring import Mirrors

    with opened(settings) or Store.ephemeral() as store, Mirrors(store, settings) as mirrors:
        pinned = store.pinned()
        found = pulling.listed_in_all(mirrors.readable(discover=family is None), family, params)
        return [(item, shown, pinned.get(item.key, [])) for item, shown in found]


def _document(item: Listed, params: Mapping[str, str], pins: list[str]) -> dict[str, Any]:
    from luisy.cas import browsing

    return {
        "family": item.family,
        "project": item.project,
        "params": dict(params),
        "key": item.key,
        "manifest": item.manifest,
        "created": browsing.iso(item.created),
        "seconds": item.seconds,
        "bytes": item.size,
        "adopted": item.adopted,
        "held_back": item.held_back,
        "pins": pins,
    }


def _line(item: Listed, params: Mapping[str, str], pins: list[str]) -> str:
    from luisy.cas import browsing
    from luisy.report import human_bytes, task_name

    marks = [mark for mark, holds in (("adopted", item.adopted), ("held back", item.held_back)) if holds]
    marks += [f"pin {name}" for name in pins]
    age = browsing.age(time.time() - item.created)
    line = f"{item.key[:SHOWN_DIGITS]}  {age:>10}  {human_bytes(item.size):>10}  {task_name(item.family, params)}"
    return f"{line}  [{', '.join(marks)}]" if marks else line

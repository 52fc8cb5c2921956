"""``luisy cas ls``: the actions in the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import SHOWN_DIGITS, opened
from luisy.cli.options import TASK_CONTEXT, general, loaded
from luisy.cli.output import print_json
from luisy.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from luisy.cas import Listed, Store


@click.command(context_settings=TASK_CONTEXT)
@click.argument("task", nargs=-1, type=click.UNPROCESSED, metavar="[TASK [--PARAMETER VALUE ...]]")
@general
def ls(task: tuple[str, ...], **flags: Any) -> int:
    """List actions, newest first.

    Of all tasks, or of TASK with these parameters.
    TASK is the name alone: no module is imported. Parameters that are not given may have any value.
    """
    settings = loaded(flags)
    family, params = filters(task)
    found = opened(settings)
    rows = []
    if found is not None:
        with found as store:
            rows = _rows(store, family, params)
    if settings.json:
        print_json({"actions": [_document(item, shown) for item, shown in rows]})
        return ExitCode.DONE
    for item, shown in rows:
        click.echo(_line(item, shown))
    if not rows:
        click.echo(f"no actions{f' of {family}' if family else ''}", err=True)
    return ExitCode.DONE


def filters(words: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """The family and the parameters that *words* name, parameters as Luigi spells them on a command line.

    :raises UsageError: there is more than one task, or parameters without one.
    """
    family, params = None, {}
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            if family is not None:
                raise UsageError(f"{word} stands where no task can be", hint="name one task")
            family = word
            continue
        name, equals, value = word[2:].partition("=")
        if not equals:  # a flag has no value
            value = left.pop(0) if left and not left[0].startswith("--") else "true"
        params[name] = value
    if params and family is None:
        raise UsageError(f"--{next(iter(params))} is a parameter of no task", hint="name the task first")
    prefix = f"{family}-"
    return family, {name.removeprefix(prefix).replace("-", "_"): value for name, value in params.items()}


def _rows(store: Store, family: str | None, params: dict[str, str]) -> list[tuple[Listed, dict[str, str]]]:
    from luisy.cas import browsing

    found = browsing.actions_of(store, family, params)
    return [(item, dict(browsing.public_params(store, item))) for item in found]


def _document(item: Listed, params: dict[str, str]) -> dict[str, Any]:
    from luisy.cas import browsing

    return {
        "family": item.family,
        "project": item.project,
        "params": params,
        "key": item.key,
        "manifest": item.manifest,
        "created": browsing.iso(item.created),
        "seconds": item.seconds,
        "bytes": item.size,
        "adopted": item.adopted,
        "held_back": item.held_back,
        "pins": [],
    }


def _line(item: Listed, params: dict[str, str]) -> str:
    from luisy.cas import browsing
    from luisy.report import human_bytes

    shown = ", ".join(f"{name}={value}" for name, value in params.items())
    marks = [mark for mark, holds in (("adopted", item.adopted), ("held back", item.held_back)) if holds]
    age = browsing.age(time.time() - item.created)
    line = f"{item.key[:SHOWN_DIGITS]}  {age:>10}  {human_bytes(item.size):>10}  {item.family}({shown})"
    return f"{line}  [{', '.join(marks)}]" if marks else line

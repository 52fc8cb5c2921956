"""Results that a gc is to delete, of the store or of the remote: how they are told, and asked about."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.output import say_warning
from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from luisy.cas.gc import Going
    from luisy.settings import Settings

_SHOWN = 50


def confirmed(results: Sequence[Going], lines: Iterable[str], settings: Settings, *, elsewhere: str) -> bool:
    """Whether somebody at the terminal says so.

    :param lines: tell the plan.
    :param elsewhere: what it means that a result has ``only_copy``.
    :raises UsageError: there is nobody to ask.
    """
    for line in lines:
        click.echo(line, err=True)
    for going in results:
        if going.holding.costly:
            say_warning(f"{_task(going)} ({elsewhere}) took {_duration(going.holding.seconds)}")
    if settings.json or not sys.stdin.isatty():
        raise UsageError(
            f"{len(results)} results would be deleted, and nobody can be asked",
            slug="not-confirmed",
            hint="say --yes, or look first with --dry-run",
        )
    return click.confirm(f"Delete {len(results)} results?", err=True)


def result_document(going: Going) -> dict[str, Any]:
    """A result that is to go."""
    from luisy.cas import browsing

    one = going.holding
    return {
        "family": one.family,
        "project": one.project,
        "params": dict(one.params),
        "key": one.key,
        "used": browsing.iso(one.used),
        "seconds": one.seconds,
        "bytes": one.size,
        "only_copy": one.only_copy,
        "reason": going.why.value,
    }


def result_lines(results: Sequence[Going], *, elsewhere: str) -> Iterator[str]:
    """A line for each result that is to go, as far as they are read.

    :param elsewhere: what it means that a result has ``only_copy``.
    """
    from luisy.cas import browsing
    from luisy.report import human_bytes

    now = time.time()
    for going in results[:_SHOWN]:
        one = going.holding
        mark = f"  [{elsewhere}]" if one.only_copy else ""
        yield (
            f"{browsing.age(now - one.used):>10}  {human_bytes(one.size):>10}  {_duration(one.seconds):>8}"
            f"  {_task(going)}  {going.why.value}{mark}"
        )
    if len(results) > _SHOWN:
        yield f"and {len(results) - _SHOWN} more"


def _task(going: Going) -> str:
    from luisy.report import task_name

    return task_name(going.holding.family, going.holding.params)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {int(rest)} s" if minutes else f"{rest:.1f} s"

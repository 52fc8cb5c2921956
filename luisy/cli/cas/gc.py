"""``luisy cas gc``: what nobody needs any more is deleted from the store."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import opened, store_path
from luisy.cli.options import flag, general, loaded, remote_urls
from luisy.cli.output import print_json, say_warning
from luisy.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.collecting import Collected, Collector
    from luisy.cas.gc import Going, Plan
    from luisy.settings import Settings

_SHOWN = 50


@click.command
@click.option("--older-than", metavar="AGE", help="Results that no run has used for so long.  [90d]")
@click.option("--keep-last", metavar="N", help="N of each task and parameters stay, however old they are.")
@click.option("--max-size", metavar="SIZE", help="Least worth first, until no more than this is left.")
@flag("--dry-run", help="Say what would go, and delete nothing.")
@flag("-y", "--yes", help="Do not ask before results are deleted.")
@remote_urls
@general
def gc(**flags: Any) -> int:
    """Delete results that no run has used for a long time, and what nobody needs.

    What is pinned stays, and what the newest complete run of each project has used.
    While a run is under way, no result is deleted.
    """
    from luisy.cas import collecting
    from luisy.cas import gc as planning

    dry, agreed = bool(flags.pop("dry_run")), bool(flags.pop("yes"))
    settings = loaded(flags)
    found = opened(settings)
    if found is None:
        return _told(settings, planning.Plan(), None, until=None)
    with found as store:
        policy = planning.Policy(settings.older_than, settings.keep_last, settings.max_size)
        collector = collecting.Collector(store, policy)
        plan = collector.plan()
        if dry:
            return _told(settings, plan, None, until=collector.waits_until())
        if plan.results and not (agreed or settings.no_ask or _confirmed(plan, collector, settings)):
            click.echo("nothing was deleted", err=True)
            return ExitCode.DONE
        return _told(settings, plan, collector.collect(plan), until=collector.waits_until())


def _confirmed(plan: Plan, collector: Collector, settings: Settings) -> bool:
    """Whether somebody at the terminal says so.

    :raises UsageError: there is nobody to ask.
    """
    for line in _planned(plan, collector.waits_until()):
        click.echo(line, err=True)
    for going in plan.results:
        if going.holding.costly:
            say_warning(f"{_task(going)} is the only copy, and took {_duration(going.holding.seconds)}")
    if settings.json or not sys.stdin.isatty():
        raise UsageError(
            f"{len(plan.results)} results would be deleted, and nobody can be asked",
            slug="not-confirmed",
            hint="say --yes, or look first with --dry-run",
        )
    return click.confirm(f"Delete {len(plan.results)} results?", err=True)


def _told(settings: Settings, plan: Plan, done: Collected | None, *, until: float | None) -> int:
    if settings.json:
        print_json(_document(settings, plan, done, until))
    elif not settings.quiet:
        for line in _planned(plan, until) if done is None else _done(done, until):
            click.echo(line)
    return ExitCode.DONE


def _document(settings: Settings, plan: Plan, done: Collected | None, until: float | None) -> dict[str, Any]:
    from luisy.cas import browsing

    return {
        "store": store_path(settings),
        "dry_run": done is None,
        "results": [_result(going) for going in (plan.results if done is None else done.results)],
        "objects": len(plan.objects) if done is None else done.objects,
        "bytes": plan.bytes if done is None else done.bytes,
        "orphans": 0 if done is None else done.orphans,
        "temporary": 0 if done is None else done.temporary,
        "running": done is not None and done.running,
        "waits_until": None if until is None else browsing.iso(until),
    }


def _result(going: Going) -> dict[str, Any]:
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


def _planned(plan: Plan, until: float | None) -> Iterator[str]:
    from luisy.cas import browsing
    from luisy.report import human_bytes

    now = time.time()
    for going in plan.results[:_SHOWN]:
        one = going.holding
        mark = "  [only copy]" if one.only_copy else ""
        yield (
            f"{browsing.age(now - one.used):>10}  {human_bytes(one.size):>10}  {_duration(one.seconds):>8}"
            f"  {_task(going)}  {going.why.value}{mark}"
        )
    if len(plan.results) > _SHOWN:
        yield f"and {len(plan.results) - _SHOWN} more"
    yield (
        f"{len(plan.results)} results and {len(plan.objects)} objects would go, {human_bytes(plan.bytes)};"
        f" {human_bytes(plan.bytes_left)} would stay"
    )
    yield from _waiting(until)


def _done(done: Collected, until: float | None) -> Iterator[str]:
    from luisy.report import human_bytes

    yield f"{len(done.results)} results and {done.objects} objects deleted, {human_bytes(done.bytes)}"
    if left := done.orphans + done.temporary:
        yield f"{left} files of killed processes deleted"
    if done.running:
        yield "a run is under way: no result was deleted"
    yield from _waiting(until)


def _waiting(until: float | None) -> Iterator[str]:
    from luisy.cas import browsing

    if until is not None:
        yield f"the index was made again: nothing that it tells of is deleted until {browsing.iso(until)}"


def _task(going: Going) -> str:
    from luisy.report import task_name

    return task_name(going.holding.family, going.holding.params)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {int(rest)} s" if minutes else f"{rest:.1f} s"

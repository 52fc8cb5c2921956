"""``luisy cas gc``: what nobody needs any more is deleted from the store, or from the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.going import confirmed, result_document, result_lines
from luisy.cli.cas.group import opened, store_path
from luisy.cli.options import flag, general, loaded, remote_urls
from luisy.cli.output import print_json
from luisy.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.collecting import Collected
    from luisy.cas.gc import Plan, Policy
    from luisy.settings import Settings


@click.command
@flag("--remote", help="In the remote; the one run says what is to go, and the next one deletes it.")
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
    While a run is under way, no result is deleted from the store.
    """
    from luisy.cas import gc as planning

    dry, agreed = bool(flags.pop("dry_run")), bool(flags.pop("yes"))
    remote = bool(flags.pop("remote"))
    settings = loaded(flags)
    policy = planning.Policy(settings.older_than, settings.keep_last, settings.max_size)
    if remote:
        from luisy.cli.cas.gc_remote import gc_remote

        return gc_remote(settings, policy, dry_run=dry, agreed=agreed or settings.no_ask)
    return _gc_store(settings, policy, dry_run=dry, agreed=agreed or settings.no_ask)


def _gc_store(settings: Settings, policy: Policy, *, dry_run: bool, agreed: bool) -> int:
    from luisy.cas import collecting
    from luisy.cas import gc as planning

    found = opened(settings)
    if found is None:
        return _told(settings, planning.Plan(), None, until=None)
    with found as store:
        collector = collecting.Collector(store, policy)
        plan = collector.plan()
        if dry_run:
            return _told(settings, plan, None, until=collector.waits_until())
        lines = _planned(plan, collector.waits_until())
        if plan.results and not (agreed or confirmed(plan.results, lines, settings, elsewhere="only copy")):
            click.echo("nothing was deleted", err=True)
            return ExitCode.DONE
        return _told(settings, plan, collector.collect(plan), until=collector.waits_until())


def _told(settings: Settings, plan: Plan[int], done: Collected | None, *, until: float | None) -> int:
    if settings.json:
        print_json(_document(settings, plan, done, until))
    elif not settings.quiet:
        for line in _planned(plan, until) if done is None else _done(done, until):
            click.echo(line)
    return ExitCode.DONE


def _document(
    settings: Settings, plan: Plan[int], done: Collected | None, until: float | None
) -> dict[str, Any]:
    from luisy.cas import browsing

    return {
        "store": store_path(settings),
        "dry_run": done is None,
        "results": [result_document(going) for going in (plan.results if done is None else done.results)],
        "objects": len(plan.objects) if done is None else done.objects,
        "bytes": plan.bytes if done is None else done.bytes,
        "orphans": 0 if done is None else done.orphans,
        "temporary": 0 if done is None else done.temporary,
        "running": done is not None and done.running,
        "waits_until": None if until is None else browsing.iso(until),
    }


def _planned(plan: Plan[int], until: float | None) -> Iterator[str]:
    from luisy.report import human_bytes

    yield from result_lines(plan.results, elsewhere="only copy")
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

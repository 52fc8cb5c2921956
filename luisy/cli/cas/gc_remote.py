"""``luisy cas gc --remote``: what nobody needs any more is deleted from the remote, in two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.going import confirmed, result_document, result_lines
from luisy.cli.cas.group import opened, remote_document
from luisy.cli.output import print_json
from luisy.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from luisy.cas.gc import Policy
    from luisy.cas.remote_gc import RemoteCollected, RemotePlan
    from luisy.settings import Settings

_NOT_HERE = "not in this store"
_NOTHING = "the remote has no results"
_NEXT = ": the next gc deletes what nobody has come to need"


def gc_remote(settings: Settings, policy: Policy, *, dry_run: bool, agreed: bool) -> int:
    """Plan, ask, carry out, tell."""
    from luisy.cas import Store
    from luisy.runner.remote import collecting
    from luisy.runner.remote.mirroring import Mirrors

    with opened(settings) or Store.ephemeral() as store, Mirrors(store, settings) as mirrors:
        url = mirrors.remote(mirrors.write_url).url
        found = collecting.planned(store, mirrors, policy, dry_run=dry_run)
        plans = [one.plan for one in found]
        going = [result for plan in plans for result in (*plan.due, *plan.results)]
        if dry_run:
            documents, lines = list(map(_plan_document, plans)), _planned(plans)
        elif going and not (agreed or confirmed(going, _planned(plans), settings, elsewhere=_NOT_HERE)):
            click.echo("nothing was deleted", err=True)
            return ExitCode.DONE
        else:
            done = [one.collect() for one in found]
            documents, lines = list(map(_document, done, plans)), _done(done)
        if settings.json:
            remote = remote_document(url, mirrors.traffic)
            print_json({"dry_run": dry_run, "projects": documents, "remote": remote})
        elif not settings.quiet:
            for line in lines:
                click.echo(line)
    return ExitCode.DONE


def _plan_document(plan: RemotePlan) -> dict[str, Any]:
    return {
        "project": plan.project,
        "tombstoned": [result_document(going) for going in plan.results],
        "tombstoned_blobs": len(plan.blobs),
        "tombstoned_bytes": plan.bytes,
        "deleted": [result_document(going) for going in plan.due],
        "deleted_blobs": len(plan.due_blobs),
        "deleted_bytes": plan.due_bytes,
        "withdrawn": 0,
        "segments": plan.segments if plan.compacts else 0,
        "repacked": len(plan.repacks),
        "requests": plan.requests,
        "state": "planned",
        "waiting_since": None,
    }


def _document(done: RemoteCollected, plan: RemotePlan) -> dict[str, Any]:
    finished = done.finished
    return {
        "project": done.project,
        "tombstoned": [result_document(going) for going in done.results],
        "tombstoned_blobs": done.blobs,
        "tombstoned_bytes": done.bytes,
        "deleted": [result_document(going) for going in finished.results],
        "deleted_blobs": finished.blobs,
        "deleted_bytes": finished.bytes,
        "withdrawn": finished.withdrawn,
        "segments": finished.segments,
        "repacked": finished.repacked,
        "requests": plan.requests,
        "state": _state(done),
        "waiting_since": _waiting_since(done),
    }


def _state(done: RemoteCollected) -> str:
    if done.busy or done.finished.overtaken:
        return "busy"
    return "waiting" if done.finished.waiting else "done"


def _waiting_since(done: RemoteCollected) -> str | None:
    """When the oldest push began that it has waited for in vain."""
    from luisy.cas import browsing

    began = [slot.modified for slot in done.finished.waiting]
    return browsing.iso(min(began)) if began else None


def _planned(plans: Sequence[RemotePlan]) -> Iterator[str]:
    from luisy.report import human_bytes

    for plan in plans:
        yield from result_lines((*plan.due, *plan.results), elsewhere=_NOT_HERE)
        if plan.earlier:
            yield (
                f"{plan.project}: {len(plan.due)} results and {len(plan.due_blobs)} blobs that an earlier gc has"
                f" tombstoned would be deleted, {human_bytes(plan.due_bytes)}"
            )
        yield (
            f"{plan.project}: {len(plan.results)} results and {len(plan.blobs)} blobs would be tombstoned,"
            f" {human_bytes(plan.bytes)}; {human_bytes(plan.bytes_left)} would stay; about {plan.requests} requests"
        )
    if not plans:
        yield _NOTHING


def _done(collected: Sequence[RemoteCollected]) -> Iterator[str]:
    from luisy.report import human_bytes

    for done in collected:
        finished = done.finished
        if finished.segments:
            yield (
                f"{done.project}: {len(finished.results)} results and {finished.blobs} blobs deleted,"
                f" {human_bytes(finished.bytes)}; {finished.segments} segments written anew"
            )
        if finished.withdrawn or finished.repacked:
            yield f"{done.project}: {finished.withdrawn} blobs are needed after all, {finished.repacked} packs packed anew"
        if _state(done) == "busy":
            yield f"{done.project}: another gc is under way in the remote; nothing was deleted"
        elif finished.waiting:
            yield f"{done.project}: a push is under way since {_waiting_since(done)}, so nothing was deleted: run gc again"
        if not done.busy:
            yield (
                f"{done.project}: {len(done.results)} results and {done.blobs} blobs tombstoned,"
                f" {human_bytes(done.bytes)}{_NEXT if done.blobs or done.results else ''}"
            )
    if not collected:
        yield _NOTHING

"""``luisy cas push``: what the remote lacks goes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import (
    error_document,
    needed,
    opened,
    reason_document,
    remote_document,
)
from luisy.cli.cas.names import names_in
from luisy.cli.options import TASK_CONTEXT, flag, general, loaded, remote_url
from luisy.cli.output import print_json, say
from luisy.cli.progress import transfer_progress
from luisy.errors import ExitCode
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.remote import Traffic
    from luisy.runner.remote.pushing import How, Pushes


@click.command(context_settings=TASK_CONTEXT)
@click.argument("names", nargs=-1, type=click.UNPROCESSED, metavar="[TASK [--PARAMETER VALUE ...] | KEY ...]")
@flag("--dry-run", help="Say what would go up, and what that takes.")
@flag("--push-adopted", help="Also files that were there before luisy.")
@flag("--force", help="Also in place of other results that the remote has.")
@flag("--replace-refs", help="Also in place of other raw files that somebody has pushed since.")
@remote_url
@general
def push(
    names: tuple[str, ...],
    *,
    dry_run: bool | None,
    push_adopted: bool | None,
    force: bool | None,
    replace_refs: bool | None,
    **flags: Any,
) -> int:
    """Upload everything that the remote lacks.

    Of the whole store, or the results of TASK, or those at KEYs, of each 6 or more digits; with them go the raw
    files that they were made from.
    TASK is the name alone: no module is imported. It may be interrupted; the next push goes on.
    """
    from luisy.cas import Store
    from luisy.runner.remote import pushing
    from luisy.runner.remote.mirroring import Mirrors

    settings = loaded(flags)
    wanted = names_in(names)
    how = pushing.How(bool(dry_run), bool(push_adopted), bool(force), bool(replace_refs))
    with (
        needed(settings) if wanted.names else opened(settings) or Store.ephemeral() as store,
        Mirrors(store, settings, signs=True) as mirrors,
        transfer_progress(settings) as progress,
    ):
        done = pushing.push(store, mirrors, wanted, how, progress=progress)
    if settings.json:
        print_json(_document(done, mirrors.traffic, how))
    elif not settings.quiet:
        for line in _lines(done, how):
            click.echo(line)
    if done.error is not None:
        say(done.error)
    return ExitCode.DONE if done.error is None else ExitCode.REMOTE


def _document(done: Pushes, traffic: Traffic, how: How) -> dict[str, Any]:
    return {
        "dry_run": how.dry_run,
        "error": error_document(done.error),
        "projects": [
            {
                "project": one.project,
                "actions": list(one.actions),
                "outvoted": list(one.outvoted),
                "objects": one.objects,
                "bytes": one.bytes,
                "requests": one.requests,
                "held_back": [
                    {"key": held.key, "family": held.family, "reason": reason_document(held.reason)}
                    for held in one.held_back
                ],
                "refs": list(one.refs),
                "refs_held_back": [
                    {"name": held.name, "reason": reason_document(held.reason)} for held in one.refs_held_back
                ],
            }
            for one in done.projects
        ],
        "remote": remote_document(done.url, traffic),
    }


def _lines(done: Pushes, how: How) -> Iterator[str]:
    from luisy.report import human_bytes

    verb, about = ("to push", "about ") if how.dry_run else ("pushed", "")
    for one in done.projects:
        yield (
            f"{one.project}: {len(one.actions)} {verb}, {one.objects} objects, {human_bytes(one.bytes)},"
            f" {about}{one.requests} requests"
        )
        if one.refs:
            yield f"  raw files {verb}: {', '.join(one.refs)}"
        if one.outvoted:
            yield f"  {len(one.outvoted)} for which the remote has another result; --force replaces it"
        for held in one.held_back:
            yield f"  held back {held.key[:SHOWN_DIGITS]}  {held.family}: {held.reason.text}"
        for ref in one.refs_held_back:
            yield f"  held back {ref.name}: {ref.reason.text}"
    if not done.projects and done.error is None:
        yield "no results to push"

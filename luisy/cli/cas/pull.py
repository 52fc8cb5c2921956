"""``luisy cas pull``: results of the remote come down into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import (
    error_document,
    reason_document,
    remote_document,
    store_path,
)
from luisy.cli.cas.names import names_in
from luisy.cli.options import TASK_CONTEXT, flag, general, loaded, remote_url
from luisy.cli.output import print_json, say
from luisy.cli.progress import transfer_progress
from luisy.errors import ExitCode, UsageError
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.remote import Traffic
    from luisy.runner.remote.mirroring import Names
    from luisy.runner.remote.pulling import Pulls


@click.command(context_settings=TASK_CONTEXT)
@click.argument("names", nargs=-1, type=click.UNPROCESSED, metavar="[TASK [--PARAMETER VALUE ...] | KEY ...]")
@flag("--all", help="Everything that the remote has.")
@remote_url
@general
def pull(names: tuple[str, ...], **flags: Any) -> int:
    """Download results into the store.

    The results of TASK, those at KEYs, of each 6 or more digits, or --all. `luisy get` puts them in place.
    TASK is the name alone: no module is imported. What the store has is not downloaded again.
    """
    from luisy.cas import Store
    from luisy.runner.remote import pulling
    from luisy.runner.remote.mirroring import Mirrors

    wanted = _wanted(names, everything=bool(flags.pop("all")))
    settings = loaded(flags)
    with (
        Store.open(store_path(settings)) as store,
        Mirrors(store, settings) as mirrors,
        transfer_progress(settings) as progress,
    ):
        done = pulling.pull(store, mirrors, wanted, progress=progress)
    if settings.json:
        print_json(_document(done, mirrors.traffic))
    elif not settings.quiet:
        for line in _lines(done):
            click.echo(line)
    if done.error is not None:
        say(done.error)
    return _exit_code(done)


def _wanted(words: tuple[str, ...], *, everything: bool) -> Names:
    names = names_in(words)
    if everything and words:
        raise UsageError("--all stands beside a name", hint="give one of them")
    if not everything and not words:
        raise UsageError("nothing is named to pull", hint="name a task, keys, or --all")
    return names


def _exit_code(done: Pulls) -> int:
    if done.error is not None:
        return done.error.exit_code
    return ExitCode.TASK_FAILED if any(one.failed for one in done.projects) else ExitCode.DONE


def _document(done: Pulls, traffic: Traffic) -> dict[str, Any]:
    return {
        "error": error_document(done.error),
        "projects": [
            {
                "project": one.project,
                "url": one.url,
                "actions": list(one.actions),
                "present": one.present,
                "objects": one.objects,
                "bytes": one.bytes,
                "failed": [
                    {"key": key, "reason": reason_document(reason)} for key, reason in one.failed.items()
                ],
            }
            for one in done.projects
        ],
        "remote": remote_document(done.url, traffic),
    }


def _lines(done: Pulls) -> Iterator[str]:
    from luisy.report import human_bytes

    for one in done.projects:
        yield (
            f"{one.project}: {len(one.actions)} pulled, {one.present} here already,"
            f" {one.objects} objects, {human_bytes(one.bytes)}"
        )
        for key, reason in one.failed.items():
            yield f"  not pulled {key[:SHOWN_DIGITS]}: {reason.text}"
    if not done.projects and done.error is None:
        yield "the remote has no results"

"""``luisy cas status``: how much is in the store, and what of it is not pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import opened, store_path
from luisy.cli.options import general, loaded, remote_url
from luisy.cli.output import print_json
from luisy.errors import ExitCode
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from luisy.cas import Store
    from luisy.settings import Settings


@click.command
@remote_url
@general
def status(**flags: Any) -> int:
    """Print counts, bytes, rescued files, and what is not pushed.

    The last by what is known of the remote; it is not asked.
    """
    settings = loaded(flags)
    found = opened(settings)
    if found is None:
        document = _document(settings)
    else:
        with found as store:
            document = _document(settings, store)
    if settings.json:
        print_json(document)
    else:
        _show(document)
    return ExitCode.DONE


def _document(settings: Settings, store: Store | None = None) -> dict[str, Any]:
    """What the store holds; of one that is not there, nothing."""
    from luisy.cas import Status, browsing
    from luisy.runner.remote.pushing import not_pushed

    url, lacking = (None, []) if store is None else not_pushed(store, settings)
    totals = Status(0, 0, 0, 0, 0) if store is None else store.status()
    rescued = [] if store is None else store.rescued()
    return {
        "store": store_path(settings),
        "exists": store is not None,
        "read_only": store is not None and store.read_only,
        "actions": totals.actions,
        "aliases": totals.aliases,
        "result_bytes": totals.result_bytes,
        "objects": totals.objects,
        "object_bytes": totals.object_bytes,
        "dedup_ratio": totals.dedup_ratio,
        "rescued": [browsing.rescued_document(record) for record in rescued],
        "remote": url,
        "not_pushed": [
            {
                "project": one.project,
                "actions": one.actions,
                "bytes": one.bytes,
                "held_back": one.held_back,
            }
            for one in lacking
        ],
    }


def _show(document: dict[str, Any]) -> None:
    from luisy.report import human_bytes

    if not document["exists"]:
        click.echo(f"{document['store']}: no store yet")
        return
    click.echo(f"{document['store']}{' (read-only)' if document['read_only'] else ''}")
    click.echo(f"  actions  {document['actions']:>8}  {human_bytes(document['result_bytes'])} of results")
    click.echo(f"  objects  {document['objects']:>8}  {human_bytes(document['object_bytes'])} stored")
    click.echo(f"  aliases  {document['aliases']:>8}")
    click.echo(f"  dedup ratio {document['dedup_ratio']:.2f}")
    for record in document["rescued"]:
        click.echo(f"  rescued {record['digest'][:SHOWN_DIGITS]}  {record['created']}  {record['path']}")
    if document["remote"] is not None:
        click.echo(f"{document['remote']}, as it was known last")
    for one in document["not_pushed"]:
        click.echo(
            f"  {one['project']}: {one['actions']} not pushed, {human_bytes(one['bytes'])} of results;"
            f" {one['held_back']} held back"
        )

"""``luisy cas pin|unpin|pins``: names that keep results."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import needed, opened
from luisy.cli.options import general, loaded
from luisy.cli.output import print_json
from luisy.errors import ExitCode
from luisy.model import SHOWN_DIGITS, Key

if TYPE_CHECKING:
    from luisy.cas import Pin, Store


@click.command
@click.argument("name", metavar="NAME")
@click.argument("key", metavar="KEY")
@general
def pin(name: str, key: str, **flags: Any) -> int:
    """Keep the result at KEY under NAME: no gc deletes it.

    KEY: 6 or more of its first digits; or the name of a task, for its newest result.
    """
    from luisy.cas import MatchKind, browsing

    settings = loaded(flags)
    with needed(settings) as store:
        match = browsing.by_name(store, key, (MatchKind.ALIAS, MatchKind.ACTION))
        store.pin(name, browsing.readable_action(store, match).key)
        document = {"pin": _document(store, next(one for one in store.pins() if one.name == name))}
    if settings.json:
        print_json(document)
    elif not settings.quiet:
        click.echo(_line(document["pin"]))
    return ExitCode.DONE


@click.command
@click.argument("name", metavar="NAME")
@general
def unpin(name: str, **flags: Any) -> int:
    """Take the pin NAME away. The result stays until a gc finds it old enough."""
    settings = loaded(flags)
    with needed(settings) as store:
        document = {"unpinned": _document(store, store.unpin(name))}
    if settings.json:
        print_json(document)
    return ExitCode.DONE


@click.command
@general
def pins(**flags: Any) -> int:
    """List all pins."""
    settings = loaded(flags)
    with ExitStack() as stack:
        store = opened(settings)
        found = [] if store is None else stack.enter_context(store).pins()
        documents = [] if store is None else [_document(store, one) for one in found]
    if settings.json:
        print_json({"pins": documents})
        return ExitCode.DONE
    for document in documents:
        click.echo(_line(document))
    if not documents:
        click.echo("no pins", err=True)
    return ExitCode.DONE


def _document(store: Store, pin: Pin) -> dict[str, Any]:
    from luisy.cas import browsing

    action = store.action(Key(pin.key))
    return {
        "name": pin.name,
        "key": pin.key,
        "created": browsing.iso(pin.created),
        "family": None if action is None else action.family,
        "params": {} if action is None else dict(action.params),
    }


def _line(document: dict[str, Any]) -> str:
    from luisy.report import task_name

    family = document["family"]
    task = task_name(family, document["params"]) if family else "its result is gone"
    return f"{document['name']}  {document['key'][:SHOWN_DIGITS]}  {task}"

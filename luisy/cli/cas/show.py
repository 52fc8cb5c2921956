"""``luisy cas show``: everything about one action or object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import needed
from luisy.cli.options import general, loaded
from luisy.cli.output import print_json
from luisy.errors import ExitCode
from luisy.model import Digest
from luisy.report import printable

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command
@click.argument("name", metavar="KEY|DIGEST")
@general
def show(name: str, **flags: Any) -> int:
    """Print everything known about a result or object.

    KEY|DIGEST: 6 or more of its first digits; or the name of a task, for its newest result.
    """
    from luisy.cas import MatchKind, browsing

    settings = loaded(flags)
    with needed(settings) as store:
        match = browsing.by_name(store, name)
        if match.kind in (MatchKind.ACTION, MatchKind.ALIAS):
            document = browsing.action_document(store, match)
        else:
            document = browsing.object_document(store, Digest(match.name))
    if settings.json:
        print_json(document)
    else:
        for line in lines(document):
            click.echo(line)
    return ExitCode.DONE


def lines(document: dict[str, Any], indent: str = "") -> Iterator[str]:
    """*document* for people: one line a field, what is empty left out, what is long below its name."""
    for name, value in document.items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            yield f"{indent}{printable(name)}"
            yield from lines(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{printable(name)}"
            for item in value:
                yield from _item(item, indent + "  ")
        elif "\n" in str(value):
            yield f"{indent}{printable(name)}"
            yield from _block(str(value), indent + "  ")
        else:
            yield indent + printable(f"{name}: {value}")


def _item(item: Any, indent: str) -> Iterator[str]:
    """An item of a list: one line, and below it the fields that have several."""
    if not isinstance(item, dict):
        yield f"{indent}{printable(str(item))}"
        return
    told = {name: value for name, value in item.items() if value not in (None, "", {}, False)}
    short = {name: value for name, value in told.items() if "\n" not in str(value)}
    yield indent + printable("  ".join(f"{name}: {value}" for name, value in short.items()))
    for name, value in told.items():
        if name not in short:
            yield from _block(str(value), indent + "  ")


def _block(text: str, indent: str) -> Iterator[str]:
    return (indent + printable(line) for line in text.splitlines())

"""``luisy cas path``: where the objects of a result lie."""

from __future__ import annotations

from typing import Any

import click

from luisy.cli.cas.group import needed
from luisy.cli.options import general, loaded
from luisy.cli.output import print_json
from luisy.errors import ExitCode


@click.command
@click.argument("name", metavar="KEY")
@general
def path(name: str, **flags: Any) -> int:
    """Print where the objects of a result lie.

    One a line. They are not to be written to.

    KEY: 6 or more of its first digits, or of an object's digest; or the name of a task, for its newest result.
    """
    from luisy.cas import browsing

    settings = loaded(flags)
    with needed(settings) as store:
        match = browsing.by_name(store, name)
        objects = browsing.object_paths(store, match)
    if settings.json:
        print_json({"name": match.name, "objects": objects})
    else:
        for item in objects:
            click.echo(item["path"])
    return ExitCode.DONE

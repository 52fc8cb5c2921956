"""``luisy doctor``: what luisy is told and what it finds, each really tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luisy.cli.cas.group import error_document
from luisy.cli.options import general, loaded, remote_url
from luisy.cli.output import print_json, say
from luisy.errors import ExitCode, LuisyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.doctor import Diagnosis, Links, RemoteFound, StoreFound


@click.command
@remote_url
@general
def doctor(**flags: Any) -> int:
    """Say what is set and why, and try the working dir, the store and the remote.

    Executes nothing and keeps nothing. Exit code 3 if a remote is misconfigured, else 0.
    """
    from luisy.runner import doctor as runner

    try:
        settings = loaded(flags)
    except LuisyError as error:
        found = runner.Diagnosis(runner.versions(), problems=[error])
        as_json, everything = bool(flags["json"]), False
    else:
        found = runner.examine(settings)
        as_json, everything = settings.json, settings.verbose
    if as_json:
        print_json(_document(found))
    else:
        for line in _lines(found, everything=everything):
            click.echo(line)
        for problem in found.problems:
            say(problem)
    return ExitCode.REMOTE if found.misconfigured else ExitCode.DONE


def _document(found: Diagnosis) -> dict[str, Any]:
    store, links = found.store, found.links
    return {
        "versions": found.versions,
        "settings": [{"name": one.name, "value": one.value, "from": one.origin} for one in found.settings],
        "store": None
        if store is None
        else {
            "path": store.path,
            "exists": store.exists,
            "read_only": store.read_only,
            "schema": store.schema,
        },
        "links": None
        if links is None
        else {"folder": links.folder, "reflink": links.reflink, "hardlink": links.hardlink},
        "remotes": [
            {
                "url": one.url,
                "uses": list(one.uses),
                "credential": one.credential,
                "readable": one.readable,
                "writable": one.writable,
            }
            for one in found.remotes
        ],
        "problems": [error_document(problem) for problem in found.problems],
    }


def _lines(found: Diagnosis, *, everything: bool) -> Iterator[str]:
    yield ", ".join(f"{name} {version or 'not installed'}" for name, version in found.versions.items())
    for one in found.settings:
        if everything or one.origin != "default":
            yield f"{one.name} = {one.value}  ({one.origin})"
    if found.settings and not everything:
        yield "the other settings have their defaults; -v shows them"
    if found.store is not None:
        yield f"store: {found.store.path}, {_store(found.store)}"
    if found.links is not None:
        yield f"working dir: {_links(found.links)}"
    for remote in found.remotes:
        yield f"remote: {_remote(remote)}"
    if found.settings and not found.remotes and not found.misconfigured:
        yield "remote: none is set"


def _store(store: StoreFound) -> str:
    if not store.exists:
        return "not there yet"
    if store.schema is None:
        return "cannot be used"
    return f"schema {store.schema}{', read-only' if store.read_only else ''}"


def _links(links: Links) -> str:
    if links.reflink is None:
        return f"no file can be written in {links.folder}"
    how = (
        "files of the store share their blocks with it" if links.reflink else "files of the store are copied"
    )
    return f"{links.folder}, {how}; hard links {'work' if links.hardlink else 'do not work'}"


def _remote(remote: RemoteFound) -> str:
    parts = [f"{remote.url} to {' and '.join(remote.uses)}"]
    if remote.credential is not None:
        parts.append(f"opened by {remote.credential}")
    parts.append(f"reading {'works' if remote.readable else 'does not work'}")
    if remote.writable is not None:
        parts.append(f"writing {'works' if remote.writable else 'does not work'}")
    return ", ".join(parts)

"""The commands about the store, each imported when it is used, and what they share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from luisy.cli.lazy import LazyGroup
from luisy.cli.output import failed
from luisy.errors import NoSuchResult, StoreError

if TYPE_CHECKING:
    from luisy.cas import Store
    from luisy.cas.remote import Traffic
    from luisy.errors import LuisyError
    from luisy.model import Reason
    from luisy.settings import Settings

_COMMANDS = {
    "export": "luisy.cli.cas.exports:export",
    "gc": "luisy.cli.cas.gc:gc",
    "import": "luisy.cli.cas.exports:import_",
    "ls": "luisy.cli.cas.ls:ls",
    "path": "luisy.cli.cas.path:path",
    "pin": "luisy.cli.cas.pins:pin",
    "pins": "luisy.cli.cas.pins:pins",
    "pull": "luisy.cli.cas.pull:pull",
    "push": "luisy.cli.cas.push:push",
    "show": "luisy.cli.cas.show:show",
    "status": "luisy.cli.cas.status:status",
    "unpin": "luisy.cli.cas.pins:unpin",
    "verify": "luisy.cli.cas.verify:verify",
}


@click.group(cls=LazyGroup, commands_in=_COMMANDS)
def cas() -> None:
    """Look at the store, and bring results to the remote and back. No pipeline is imported."""


def opened(settings: Settings) -> Store | None:
    """The store that *settings* name; None where there is none yet.

    :raises StoreError: it cannot be opened, or a newer luisy made it.
    """
    from luisy.cas import Store

    try:
        return Store.open(store_path(settings), create=False)
    except StoreError as error:
        if error.slug == "no-store":
            return None
        raise


def needed(settings: Settings) -> Store:
    """The store that *settings* name, for a command that asks it for something by name.

    :raises NoSuchResult: there is none.
    """
    store = opened(settings)
    if store is None:
        raise NoSuchResult(
            f"there is no store at {store_path(settings)}, so nothing is in it",
            hint="name another with --store or --working-dir; `luisy run` makes one",
        )
    return store


def remote_document(url: str | None, traffic: Traffic) -> dict[str, Any]:
    """The field ``remote`` of every document: where it is, and what was asked of it."""
    return {
        "url": url,
        "requests": traffic.requests,
        "bytes_down": traffic.bytes_down,
        "bytes_up": traffic.bytes_up,
    }


def error_document(error: LuisyError | None) -> dict[str, Any] | None:
    """The field ``error`` of every document."""
    return None if error is None else failed(error)["error"]


def reason_document(reason: Reason) -> dict[str, str]:
    """Why, as every document says it."""
    return {"slug": reason.slug, "text": reason.text}


def store_path(settings: Settings) -> str:
    """Where the store lies, as ``luisy run`` takes it."""
    return settings.store_path or os.path.join(os.getcwd(), ".luisy")

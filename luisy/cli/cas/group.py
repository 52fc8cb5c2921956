"""The commands about the store, each imported when it is used, and what they share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from luisy.cli.lazy import LazyGroup
from luisy.errors import NoSuchResult, StoreError

if TYPE_CHECKING:
    from luisy.cas import Store
    from luisy.settings import Settings

_COMMANDS = {
    "ls": "luisy.cli.cas.ls:ls",
    "path": "luisy.cli.cas.path:path",
    "show": "luisy.cli.cas.show:show",
    "status": "luisy.cli.cas.status:status",
}
SHOWN_DIGITS = 12
"""Digits of a key that a list shows: enough to name it, short enough to read."""


@click.group(cls=LazyGroup, commands_in=_COMMANDS)
def cas() -> None:
    """Look at the store. None of these commands imports a pipeline or makes a store."""


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


def store_path(settings: Settings) -> str:
    """Where the store lies, as ``luisy run`` takes it."""
    return settings.store_path or os.path.join(os.getcwd(), ".luisy")

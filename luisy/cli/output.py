"""What goes where: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reserved_stdout(reserve: bool) -> Iterator[None]:  # noqa: FBT001 - the one thing it is asked
    """While user code is imported or runs, let its prints go to stderr, so that stdout is one document.

    On the level of file descriptors: forked children and C code print, too.
    """
    if not reserve:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2))

"""What goes where: results to stdout, everything else to stderr."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.errors import LuisyError


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


def tolerate_names(stream: object) -> None:
    """Let names that are not in the terminal's encoding be printed: as the bytes that they are on disk, or escaped."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        codecs.register_error("luisy-names", _as_bytes)
        stream.reconfigure(errors="luisy-names")


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return b"".join(map(_encoded, error.object[error.start : error.end])), error.end


def _encoded(character: str) -> bytes:
    try:
        return os.fsencode(character)
    except UnicodeEncodeError:  # half a character of something else than a file name
        return character.encode("ascii", "backslashreplace")


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2))


def say(error: LuisyError) -> None:
    """The two lines of an error on stderr: what and where, and what to do."""
    click.echo(f"{coloured(f'error[{error.slug}]', 'red')}: {error.text}", err=True)
    if error.hint:
        click.echo(f"{coloured('hint', 'cyan')}: {error.hint}", err=True)


def say_warning(text: str) -> None:
    """One line on stderr that asks for attention."""
    click.echo(f"{coloured('warning', 'yellow')}: {text}", err=True)


def coloured(text: str, colour: str) -> str:
    """*text* in colour; click takes it out again where nobody watches, but knows no ``NO_COLOR``."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour)


def failed(error: LuisyError) -> dict[str, Any]:
    """The document of a command that came to nothing."""
    return {"error": {"slug": error.slug, "text": error.text, "hint": error.hint}}


def failed_run(error: LuisyError) -> dict[str, Any]:
    """The document of a run or plan for which no DAG could be built."""
    from luisy.model import Outcome

    return {
        "status": "failed",
        **failed(error),
        "root": {"family": None, "key": None},
        "counts": {outcome.value: 0 for outcome in Outcome},
        "tasks": [],
        "remote": {"url": None, "requests": 0, "bytes_down": 0, "bytes_up": 0},
        "seconds": 0.0,
    }

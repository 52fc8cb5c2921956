"""The one audit hook (PEP 578) of the process. A hook cannot be removed: while nobody listens, it returns at once."""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from luisy.errors import LuisyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Table = Mapping[str, Callable[..., None]]

PROCESS_EVENTS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
)
"""What is raised when a process is started or forked. multiprocessing's spawn and forkserver raise nothing."""

_FILTERS = ("gzip", "gunzip", "bzip2", "bzcat")

_tables: tuple[Table, ...] = ()
_thread = threading.local()


def listen(table: Table) -> None:
    """Call the functions of *table*, which are named by events, with these events' arguments, in any thread from now on.

    What they raise is dropped, since an observer must not break what it observes; but for a ``LuisyError``, which
    stops what the event is about.
    """
    global _tables  # noqa: PLW0603 - replaced as a whole: the hook may be walking it in another thread
    _install()
    _tables = (*_tables, table)


@contextmanager
def paused() -> Iterator[None]:
    """Leave out what this thread does in the block: luisy's own reads and writes."""
    before = is_paused()
    _thread.paused = True
    try:
        yield
    finally:
        _thread.paused = before


def is_paused() -> bool:
    """Whether this thread is in a ``paused`` block."""
    return getattr(_thread, "paused", False)


def _is_filter(executable: object, words: Any, *_: object) -> bool:
    """Whether a program reads stdin alone and packs or unpacks it, as those of ``luigi.format.Gzip`` and ``Bzip2`` (ADR 0024)."""
    return (
        not isinstance(words, str)
        and executable == words[0] in _FILTERS
        and all(re.fullmatch("-(d|[1-9])", word) for word in words[1:])
    )


@cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    for table in _tables:
        handle = table.get(event)
        if handle is None or is_paused() or (event == "subprocess.Popen" and _is_filter(*args)):
            continue
        try:
            handle(*args)
        except LuisyError:
            raise
        except Exception:  # noqa: BLE001, S110 - see listen(); an interrupt is not ours and passes  # nosec B110
            pass

"""What bad input may cost: a bound on memory, and the errors that are allowed."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hypothesis import HealthCheck, settings

from luisy.errors import LuisyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")
_PAGE = resource.getpagesize()
_ROOM = 192 << 20
"""Bytes of address space that one example may take; the largest honest one takes some mebibytes."""

FACTOR = int(os.environ.get("LUISY_FUZZ_FACTOR", "1"))
"""How many times the usual number of examples; ``make soak`` sets it."""


def fuzzed(examples: int) -> settings:
    """Settings of a fuzzing test; no deadline, since the machine may be busy."""
    return settings(
        max_examples=examples * FACTOR,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


@contextlib.contextmanager
def bounded_memory(room: int = _ROOM) -> Iterator[None]:
    """Let this process take no more than *room* bytes of address space beyond what it has: then MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * _PAGE
    resource.setrlimit(resource.RLIMIT_AS, (used + room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def answer(call: Callable[[], _T]) -> _T | LuisyError:
    """What *call* returns, or luisy's own error; any other one, and memory without bound, fail the test."""
    with bounded_memory():
        try:
            return call()
        except LuisyError as error:
            return error

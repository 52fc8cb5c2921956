"""Python's garbage collector, kept from what is no garbage.

The graph of a run stays until the run ends, and it is most of what is in memory: each time that the collector
goes through it, it does so in vain. With 10,000 tasks and nothing to do that is a fifth of the time.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing in the block, and nothing of what it leaves behind until ``thawed``."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def thawed() -> Iterator[None]:
    """After the block everything may be collected again, unless somebody else had frozen something before."""
    frozen = gc.get_freeze_count()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()

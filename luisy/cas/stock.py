"""The objects of a store as a plan of gc sees them: by their marks, in columns."""

from __future__ import annotations

from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.gc import Holding
    from luisy.cas.index import Index, Outlines


class Stock:
    """The objects of one store, by their marks, for a plan of gc.

    :param holdings: what none of these needs goes only if it is old: somebody may be about to need it.
    :param born: what came later to its name is young, seconds since the epoch.
    """

    def __init__(self, index: Index, holdings: Sequence[Holding], born: float) -> None:
        self._index = index
        self._holdings = holdings
        self._born = born * 1e9

    def sizes(self) -> dict[int, int]:
        """The bytes of each."""
        sizes: dict[int, int] = {}
        for found in self._index.outlines():
            sizes.update(zip(found.marks, found.sizes, strict=True))
        return sizes

    def unneeded(self, live: AbstractSet[int]) -> tuple[set[int], int, int]:
        """Those that go where only those in *live* are needed, their bytes, and those of the others."""
        gone: set[int] = set()
        freed = total = 0
        for found in self._index.outlines():
            total += (here := sum(found.sizes))
            if not (dead := set(found.marks) - live):
                continue
            if max(found.changed) > self._born:
                dead -= self._young(found) - self._needed
            whole = len(dead) == len(found.marks)
            freed += here if whole else sum(compress(found.sizes, map(dead.__contains__, found.marks)))
            gone |= dead
        return gone, freed, total - freed

    def _young(self, found: Outlines) -> set[int]:
        times = zip(found.marks, found.changed, strict=True)
        return {name for name, changed in times if changed > self._born}

    @cached_property
    def _needed(self) -> set[int]:
        return set().union(*(one.objects for one in self._holdings))

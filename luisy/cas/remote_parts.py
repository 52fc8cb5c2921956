"""Which frames of the segments that are merged in part a question rests on.

Every question says what it looks for (:class:`Wanted`); a segment that is merged in part says by its directory, and by its
lookups, which of its frames may hold that. While some of these are not merged, the question has no answer yet.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.remote_lookups import lookup, task_lookup
from luisy.cas.remote_records import LOOKUP, NAME_BYTES, Kind
from luisy.cas.segments import lookups_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.segments import Directory
    from luisy.model import Digest, Key

    Lacking = Mapping[int, Collection[int]]  # numbers of frames by the id of their segment

_FRAMES_KEPT = 64
"""Frames of lookups that are kept unpacked."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question looks for.

    :param actions: lookups of actions.
    :param between: keys of actions, from the least to the greatest.
    :param contents: manifests of refs.
    :param objects: whose locations are wanted.
    :param uses: keys whose last use is wanted.
    :param everything: all that there is.
    """

    actions: frozenset[bytes] = frozenset()
    between: tuple[bytes, bytes] | None = None
    contents: frozenset[bytes] = frozenset()
    objects: frozenset[bytes] = frozenset()
    uses: frozenset[bytes] = frozenset()
    everything: bool = False


NOTHING = Wanted()
"""What every segment has, also in part: blocks, and words about bad bytes."""

EVERYTHING = Wanted(everything=True)


def names(found: Iterable[Key | Digest]) -> frozenset[bytes]:
    """The bytes of keys or digests."""
    return frozenset(map(bytes.fromhex, found))


def at(keys: Iterable[Key]) -> frozenset[bytes]:
    """The lookups of actions at *keys*, whether these are their own, their base keys or their shallow keys."""
    return frozenset(lookup(one) for one in names(keys))


def of_tasks(tasks: Iterable[tuple[str, Digest]]) -> frozenset[bytes]:
    """The lookups of the actions of tasks, by family and digest of their parameters."""
    return frozenset(task_lookup(family, params) for family, params in tasks)


_BEHIND = 1 << 63
"""More than the number of any frame."""


class Parts:
    """The parts of segments that are merged in one namespace."""

    def __init__(self, index: RemoteIndex) -> None:
        self._index = index
        self._lookups: dict[tuple[int, int], tuple[bytes, Sequence[tuple[bytes, int]]]] = {}

    def lacking(self, wanted: Callable[[], Wanted]) -> Lacking:
        """The frames that have to be merged before a question for *wanted* can be answered, or its next step be told.

        :param wanted: asked only where a segment is merged in part.
        """
        partial = self._index.partial()
        if not partial:
            return {}
        told = wanted()
        found = {segment: self._lacking(segment, told) for segment in partial}
        return {segment: numbers for segment, numbers in found.items() if numbers}

    def unclear(self, keys: Iterable[Key]) -> set[Key]:
        """Those of *keys* of which what is merged cannot tell whether there is an action."""
        wanted = list(keys)
        found: set[Key] = set()
        for segment in self._index.partial():
            directory, there = self._index.directory(segment), self._index.frames_of(segment)
            frames = _Frames(directory, LOOKUP)
            for key in wanted:
                one = at([key])
                leading = frames.holding(map(_padded, one))
                led = {
                    frame
                    for number in leading & there
                    for frame in self._led_to(segment, number, Wanted(one))
                }
                if not there.issuperset(leading | led):
                    found.add(key)
        return found

    def _lacking(self, segment: int, wanted: Wanted) -> set[int]:
        directory, there = self._index.directory(segment), self._index.frames_of(segment)
        if wanted.everything:
            return set(range(len(directory.frames))) - there
        needed: set[int] = set()
        for kind, some in (
            (Kind.CONTENT, wanted.contents),
            (Kind.LOCATION, wanted.objects),
            (Kind.USE, wanted.uses),
        ):
            needed |= _Frames(directory, kind).holding(some)
        frames = _Frames(directory, LOOKUP)
        leading = frames.holding(_padded(one) for one in wanted.actions)
        if wanted.between is not None:
            least, greatest = map(lookup, wanted.between)
            leading |= frames.between(_padded(least), _padded(greatest))
        for number in leading & there:
            needed.update(self._led_to(segment, number, wanted))
        return (needed | leading) - there

    def _led_to(self, segment: int, number: int, wanted: Wanted) -> Iterator[int]:
        """The frames of actions that a frame of lookups names for *wanted*."""
        found = self._in(segment, number)
        spans = [(one, one) for one in wanted.actions]
        if wanted.between is not None:
            spans.append((lookup(wanted.between[0]), lookup(wanted.between[1])))
        for least, greatest in spans:
            start, end = bisect_left(found, (least, -1)), bisect_right(found, (greatest, _BEHIND))
            yield from (found[position][1] for position in range(start, end))

    def _in(self, segment: int, number: int) -> Sequence[tuple[bytes, int]]:
        stored = self._index.stored(segment, number)
        kept = self._lookups.pop((segment, number), None)
        if kept is None or kept[0] != stored:
            read = lookups_in(self._index.directory(segment), number, stored)
            kept = (stored, [(one.name, one.frame) for one in read])
        while len(self._lookups) >= _FRAMES_KEPT:
            self._lookups.pop(next(iter(self._lookups)))
        self._lookups[segment, number] = kept
        return kept[1]


class _Frames:
    """The frames of one kind, which stand in order."""

    def __init__(self, directory: Directory, kind: int) -> None:
        found = [(number, one) for number, one in enumerate(directory.frames) if one.kind == kind]
        self._numbers = [number for number, _ in found]
        self._firsts = [one.first for _, one in found]
        self._lasts = [one.last for _, one in found]

    def between(self, least: bytes, greatest: bytes) -> set[int]:
        """Those that may hold a name from *least* to *greatest*."""
        start, end = bisect_left(self._lasts, least), bisect_right(self._firsts, greatest)
        return set(self._numbers[start:end])

    def holding(self, wanted: Iterable[bytes]) -> set[int]:
        """Those that may hold one of these names."""
        return {number for one in wanted for number in self.between(one, one)}


def _padded(found: bytes) -> bytes:
    return found.ljust(NAME_BYTES, b"\0")

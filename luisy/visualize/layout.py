"""Where boxes and arrows go: columns from left to right, inputs before what is made of them.

The layered method of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11, 1981) in its simplest form: a column for each
length of the longest way from an input; stops for arrows that pass columns; boxes sorted by the mean place of
their neighbours; then each moved towards them as far as the others let it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SWEEPS = 4
_MOST_STOPS = 50_000  # with more, arrows run straight: such a picture is no longer looked at arrow by arrow
_COLUMN_GAP = 56.0
_ROW_GAP = 14.0


@dataclass(frozen=True, slots=True)
class Point:
    """A place in pixels, to the right and down."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The upper left corner of each box, the way of each arrow, and the size of it all; in pixels."""

    corners: tuple[Point, ...]
    ways: tuple[tuple[Point, ...], ...]
    width: float
    height: float


@dataclass(slots=True)
class _Place:
    """A box, or a stop of an arrow, in its column."""

    column: int
    height: float
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def laid_out(sizes: Sequence[tuple[float, float]], arrows: Sequence[tuple[int, int]]) -> Layout:
    """Place boxes of the given *sizes* (width, height), of which inputs stand first.

    An arrow that leads backwards (tasks that share a box can make one) counts for nothing but being drawn.
    """
    forward = [arrow for arrow in arrows if arrow[0] < arrow[1]]
    columns = _columns(len(sizes), forward)
    places = [_Place(column, height) for column, (_, height) in zip(columns, sizes, strict=True)]
    stops = _connect(places, forward)
    rows: list[list[int]] = [[] for _ in range(max(columns, default=-1) + 1)]
    for number, place in enumerate(places):
        rows[place.column].append(number)
    _sort(rows, places)
    _align(rows, places)
    lefts, width = _lefts(sizes, columns, len(rows))
    top = min((place.y for place in places), default=0.0)
    for place in places:
        place.y -= top
    corners = tuple(Point(lefts[columns[n]], places[n].y) for n in range(len(sizes)))
    ways = tuple(_way(arrow, stops.get(arrow, ()), places, sizes, lefts) for arrow in arrows)
    return Layout(corners, ways, width, max((p.y + p.height for p in places), default=0.0))


def _columns(count: int, arrows: Iterable[tuple[int, int]]) -> list[int]:
    columns = [0] * count
    for start, end in sorted(arrows, key=lambda arrow: arrow[1]):
        columns[end] = max(columns[end], columns[start] + 1)
    return columns


def _connect(places: list[_Place], arrows: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    """Make neighbours of what arrows connect, with a stop in each column that one passes; returns the stops."""
    passed = sum(places[end].column - places[start].column - 1 for start, end in arrows)
    stops: dict[tuple[int, int], list[int]] = {}
    for start, end in arrows:
        chain = [start]
        if passed <= _MOST_STOPS:
            for column in range(places[start].column + 1, places[end].column):
                chain.append(len(places))
                places.append(_Place(column, 0.0))
        stops[start, end] = chain[1:]
        for left, right in zip(chain, [*chain[1:], end], strict=True):
            places[left].after.append(right)
            places[right].before.append(left)
    return stops


def _sort(rows: list[list[int]], places: list[_Place]) -> None:
    """Order each column by the mean place of the neighbours in the one that was ordered before."""
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            row.sort(key=lambda n: _mean(places, _neighbours(places[n], sweep), places[n].y))
            for rank, number in enumerate(row):
                places[number].y = rank / max(len(row) - 1, 1)


def _neighbours(place: _Place, sweep: int) -> list[int]:
    return place.before if sweep % 2 == 0 else place.after


def _mean(places: list[_Place], numbers: list[int], otherwise: float) -> float:
    return fmean(places[n].middle for n in numbers) if numbers else otherwise


def _align(rows: list[list[int]], places: list[_Place]) -> None:
    """Give each column its heights, then move its members towards their neighbours without changing their order."""
    for row in rows:
        _stack(row, places, [0.0] * len(row))
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wished = [
                _mean(places, _neighbours(places[n], sweep), places[n].middle) - places[n].height / 2
                for n in row
            ]
            _stack(row, places, wished)


def _stack(row: list[int], places: list[_Place], wished: Sequence[float]) -> None:
    """Put the members of a column at or below the heights that they wish for, then all back by the mean of the excess."""
    lowest = float("-inf")
    for number, wish in zip(row, wished, strict=True):
        places[number].y = max(wish, lowest)
        lowest = places[number].y + places[number].height + _ROW_GAP
    if row:
        excess = fmean(places[n].y - wish for n, wish in zip(row, wished, strict=True))
        for number in row:
            places[number].y -= excess


def _lefts(
    sizes: Sequence[tuple[float, float]], columns: Sequence[int], count: int
) -> tuple[list[float], float]:
    """Where each column begins, and where the last one ends."""
    widths = [0.0] * count
    for (width, _), column in zip(sizes, columns, strict=True):
        widths[column] = max(widths[column], width)
    lefts, x = [], 0.0
    for width in widths:
        lefts.append(x)
        x += width + _COLUMN_GAP
    return lefts, max(x - _COLUMN_GAP, 0.0)


def _way(
    arrow: tuple[int, int],
    stops: Sequence[int],
    places: Sequence[_Place],
    sizes: Sequence[tuple[float, float]],
    lefts: Sequence[float],
) -> tuple[Point, ...]:
    start, end = places[arrow[0]], places[arrow[1]]
    between = [Point(lefts[places[n].column], places[n].y) for n in stops]
    return (
        Point(lefts[start.column] + sizes[arrow[0]][0], start.middle),
        *between,
        Point(lefts[end.column], end.middle),
    )

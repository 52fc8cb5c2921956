"""Where boxes and arrows go."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.visualize.layout import Layout, laid_out


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    """Sizes of boxes, and arrows that lead forwards."""
    sizes = draw(st.lists(st.tuples(st.floats(10, 300), st.floats(10, 90)), min_size=1, max_size=12))
    pairs = list(itertools.combinations(range(len(sizes)), 2))
    return sizes, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@given(graphs())
def test_boxes_do_not_overlap(graph: tuple[list[tuple[float, float]], list[tuple[int, int]]]) -> None:
    """No box covers another, and all lie within the size that is told."""
    sizes, arrows = graph
    layout = laid_out(sizes, arrows)
    boxes = [(c.x, c.y, c.x + w, c.y + h) for c, (w, h) in zip(layout.corners, sizes, strict=True)]
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
    assert all(box[0] >= 0 and box[1] >= -0.01 for box in boxes)
    assert all(box[2] <= layout.width + 0.01 and box[3] <= layout.height + 0.01 for box in boxes)


@given(graphs())
def test_arrows_lead_to_the_right(graph: tuple[list[tuple[float, float]], list[tuple[int, int]]]) -> None:
    """Each arrow leaves its input on the right and never turns back."""
    sizes, arrows = graph
    for way in laid_out(sizes, arrows).ways:
        assert all(start.x < end.x for start, end in itertools.pairwise(way))


def size_one(count: int) -> list[tuple[float, float]]:
    return [(10.0, 10.0)] * count


def test_a_chain_is_a_row() -> None:
    """Boxes that follow each other stand on one line."""
    layout = laid_out(size_one(4), [(0, 1), (1, 2), (2, 3)])
    assert len({corner.y for corner in layout.corners}) == 1


def test_a_long_arrow_passes_boxes_by() -> None:
    """An arrow from the first to the last of a chain has a stop in each column between, beside the box there."""
    layout = laid_out(size_one(4), [(0, 1), (1, 2), (2, 3), (0, 3)])
    (way,) = (way for way in layout.ways if len(way) > 2)
    assert len(way) == 4
    for stop, corner in zip(way[1:3], layout.corners[1:3], strict=True):
        assert not corner.y <= stop.y <= corner.y + 10


@pytest.mark.parametrize("arrows", [[(1, 0)], [(0, 1), (1, 0)]])
def test_an_arrow_backwards_is_drawn(arrows: list[tuple[int, int]]) -> None:
    """It does not count for the places, and ends."""
    assert len(laid_out(size_one(2), arrows).ways) == len(arrows)


def test_nothing_to_place() -> None:
    """No boxes take no space."""
    assert laid_out([], []) == Layout((), (), 0.0, 0.0)

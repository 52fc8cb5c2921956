"""Pictures on an axis of Matplotlib, as luisy 1.x drew them. Matplotlib is the caller's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from luisy.visualize.colours import colours_of
from luisy.visualize.layout import laid_out

if TYPE_CHECKING:
    from luisy.visualize.picture import Picture

_CHARACTER, _LINE = 8.0, 20.0


def draw(picture: Picture, ax: Any) -> None:
    """Draw on *ax*: one text for each box, one annotation for each arrow."""
    sizes = [
        (max(map(len, box.lines)) * _CHARACTER + _LINE, (len(box.lines) + 1) * _LINE) for box in picture.boxes
    ]
    layout = laid_out(sizes, picture.arrows)
    for way in layout.ways:
        for start, end in itertools.pairwise(way):
            last = end is way[-1]
            ax.annotate(
                "",
                xy=(end.x, end.y),
                xytext=(start.x, start.y),
                arrowprops={"arrowstyle": "->" if last else "-", "color": "0.5", "shrinkA": 0, "shrinkB": 0},
            )
    for box, corner, (width, height) in zip(picture.boxes, layout.corners, sizes, strict=True):
        colours = colours_of(box.outcome)
        ax.text(
            corner.x + width / 2,
            corner.y + height / 2,
            "\n".join(box.lines),
            ha="center",
            va="center",
            fontsize="small",
            bbox={"boxstyle": "round", "facecolor": colours.fill, "edgecolor": colours.line},
        )
    ax.set_xlim(-_LINE, layout.width + _LINE)
    ax.set_ylim(layout.height + _LINE, -_LINE)  # downwards, as in the layout
    ax.axis("off")

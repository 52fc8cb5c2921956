"""Pictures for browsers: SVG, and a page around it that needs nothing but itself."""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections import Counter
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from luisy.visualize.colours import colours_of
from luisy.visualize.layout import laid_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from luisy.visualize.layout import Point
    from luisy.visualize.picture import Box, Picture

_CHARACTER = 7.3  # pixels: the width of one at 12 px, in the widest of the usual monospace fonts
_LINE = 17.0
_PADDING = 10.0
_LONGEST = 46  # characters of a line; the whole text is in the tooltip
_MARGIN = 8.0

_STYLE = """
.luisy text { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #111; }
.luisy .family { font-weight: 700; } .luisy .outcome { font-style: italic; }
.luisy .box { cursor: pointer; } .luisy .box.chosen rect { stroke-width: 3; }
.luisy .arrow { fill: none; stroke: #868e96; stroke-width: 1.3; }
.luisy .far { opacity: .18; }
"""


def as_svg(picture: Picture) -> str:
    """The picture as one SVG element."""
    lines = [[_shortened(line) for line in _lines(box)] for box in picture.boxes]
    layout = laid_out([_size(texts) for texts in lines], picture.arrows)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    drawn = [
        (
            f'<svg class="luisy" xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}">'
        ),
        f"<style>{_STYLE}</style>",
        (
            '<defs><marker id="luisy-tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#868e96"/></marker></defs>'
        ),
        *(f'<path class="arrow" marker-end="url(#luisy-tip)" d="{_curve(way)}"/>' for way in layout.ways),
        *(
            _drawn(box, texts, corner)
            for box, texts, corner in zip(picture.boxes, lines, layout.corners, strict=True)
        ),
        "</svg>",
    ]
    return "\n".join(drawn)


def as_html(picture: Picture) -> str:
    """A page that shows the picture, and each task's outcome with its reason; it asks nothing of any network."""
    page = Template(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    root = picture.boxes[-1]
    return page.substitute(
        title=escape(f"{root.family}({', '.join(root.lines[1:])})" if root.params else root.family),
        legend="".join(_legend(picture)),
        picture=as_svg(picture),
        count=len(picture.boxes),
        rows="".join(map(_row, picture.boxes)),
        tasks=_embedded(picture),
    )


def _lines(box: Box) -> tuple[str, ...]:
    return (*box.lines, *([box.outcome.value.replace("_", " ")] if box.outcome else []))


def _shortened(line: str) -> str:
    line = line.replace("\n", "⏎")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _size(texts: Sequence[str]) -> tuple[float, float]:
    longest = max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text) for text in texts)
    return longest * _CHARACTER + 2 * _PADDING, len(texts) * _LINE + _PADDING


def _drawn(box: Box, texts: Sequence[str], corner: Point) -> str:
    width, height = _size(texts)
    colours = colours_of(box.outcome)
    told = [*box.lines, *([f"{box.outcome.value}: {box.reason.text}"] if box.outcome and box.reason else [])]
    kinds = ["family", *[""] * (len(box.params)), *(["outcome"] if box.outcome else [])]
    written = "".join(
        f'<text class="{kind}" x="{corner.x + _PADDING:.1f}" y="{corner.y + _LINE * (n + 1):.1f}">{escape(text)}</text>'
        for n, (text, kind) in enumerate(zip(texts, kinds, strict=True))
    )
    return (
        f'<g class="box {box.outcome.value if box.outcome else ""}" tabindex="0">'
        f"<title>{escape(chr(10).join(told))}</title>"
        f'<rect x="{corner.x:.1f}" y="{corner.y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6" '
        f'fill="{colours.fill}" stroke="{colours.line}"/>{written}</g>'
    )


def _curve(way: Sequence[Point]) -> str:
    """A path that leaves and reaches each point horizontally."""
    parts = [f"M{way[0].x:.1f} {way[0].y:.1f}"]
    for start, end in itertools.pairwise(way):
        middle = (start.x + end.x) / 2
        parts.append(f"C{middle:.1f} {start.y:.1f} {middle:.1f} {end.y:.1f} {end.x:.1f} {end.y:.1f}")
    return "".join(parts)


def _legend(picture: Picture) -> Iterator[str]:
    """A button for each outcome that occurs, with how often."""
    counted = Counter(box.outcome for box in picture.boxes if box.outcome)
    for outcome, count in sorted(counted.items(), key=lambda item: item[0].value):
        colours = colours_of(outcome)
        yield (
            f'<button type="button" aria-pressed="false" data-outcome="{outcome.value}" '
            f'style="background:{colours.fill};border-color:{colours.line}">'
            f"{count} {outcome.value.replace('_', ' ')}</button>"
        )


def _row(box: Box) -> str:
    told = (
        box.family,
        ", ".join(box.lines[1:]),
        box.outcome.value if box.outcome else "",
        box.reason.text if box.reason else "",
    )
    return f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in told)}</tr>\n"


def _embedded(picture: Picture) -> str:
    """What the page's program reads: JSON in which nothing ends the element that it stands in."""
    return json.dumps(picture.as_json()).replace("<", "\\u003c")

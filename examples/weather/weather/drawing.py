"""Charts and the report as text: SVG and HTML without any library."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, MARGIN = 480, 200, 28
COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#edae49")


def line_chart(title: str, lines: Mapping[str, Sequence[float]]) -> str:
    """An SVG picture with one line per name."""
    low = math.floor(min(min(values) for values in lines.values()))
    high = math.ceil(max(max(values) for values in lines.values()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">',
        f'<text x="{MARGIN}" y="16" font-family="sans-serif" font-size="13">{escape(title)}</text>',
    ]
    for value in (low, high):
        y = _height(value, low, high)
        parts.append(f'<line x1="{MARGIN}" x2="{WIDTH}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="0" y="{y}" font-family="sans-serif" font-size="10">{value:g}</text>')
    for number, (name, values) in enumerate(lines.items()):
        parts += _line(name, values, low, high, number)
    return "\n".join([*parts, "</svg>", ""])


def report(best: Mapping[str, float], scores: Mapping[str, float], charts: Mapping[str, str]) -> str:
    """The page that the pipeline ends in."""
    rows = "\n".join(f"<tr><td>{name}</td><td>{error:.2f}</td></tr>" for name, error in scores.items())
    pictures = "\n".join(f"<figure>{charts[name]}</figure>" for name in sorted(charts))
    return f"""<!doctype html>
<meta charset="utf-8">
<title>Seattle's weather</title>
<h1>Seattle's weather</h1>
<p>A year's highest temperatures are best told by {best["harmonics"]:g} waves: off by {best["error"]:.2f} degrees.</p>
<table><tr><th>waves</th><th>off by (degrees)</th></tr>
{rows}
</table>
{pictures}
"""


def _line(name: str, values: Sequence[float], low: float, high: float, number: int) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    step = (WIDTH - MARGIN) / max(len(values) - 1, 1)
    points = " ".join(f"{MARGIN + i * step:.1f},{_height(v, low, high)}" for i, v in enumerate(values))
    x = MARGIN + 60 * number
    return [
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<text x="{x}" y="{HEIGHT - 4}" fill="{colour}" font-family="sans-serif" font-size="11">{escape(name)}</text>',
    ]


def _height(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

"""From tasks to pictures: which boxes and arrows there are, and how each language writes them."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import luigi
import matplotlib as mpl
import pytest

import luisy
from luisy.model import Outcome, Reason
from luisy.visualize import Box, Picture, Shown, as_dot, as_html, as_mermaid, as_svg, as_text, picture_of
from luisy.visualize.colours import colours_of

NASTY = "</script><b>\"'&`%#;\n\\x 日本"


class Leaf(luigi.Task):
    name = luigi.Parameter(default="x")
    secret = luigi.Parameter(default="s", visibility=luigi.parameter.ParameterVisibility.PRIVATE)


class Middle(luisy.Task):
    n = luisy.IntParameter()

    def requires(self) -> Any:
        return {"a": Leaf(), "b": [Leaf(name="y")]}


class Root(luisy.WrapperTask):
    def requires(self) -> Any:
        return [Middle(n=1), Middle(n=2), Leaf()]


class Countdown(luisy.Task):
    n = luisy.IntParameter()

    def requires(self) -> Any:
        return [Countdown(n=self.n - 1)] if self.n else []


def shown(picture: Picture) -> tuple[set[tuple[str, ...]], set[tuple[str, str]]]:
    """The boxes by their lines, the arrows by the first lines."""
    names = [" ".join(box.lines) for box in picture.boxes]
    return {box.lines for box in picture.boxes}, {(names[a], names[b]) for a, b in picture.arrows}


def test_every_task_has_one_box() -> None:
    """Each task once, inputs first, the root last; an arrow for each requirement; no private parameter."""
    picture = picture_of(Root())
    boxes, arrows = shown(picture)
    assert boxes == {("Leaf", "name=x"), ("Leaf", "name=y"), ("Middle", "n=1"), ("Middle", "n=2"), ("Root",)}
    assert len(arrows) == 7
    assert all(start < end for start, end in picture.arrows)
    assert picture.boxes[-1].family == "Root"


def test_one_child_of_each_class() -> None:
    """``unique_children`` shows the first of each class that a task requires."""
    boxes, _ = shown(picture_of(Root(), unique_children=True))
    assert boxes == {("Leaf", "name=x"), ("Middle", "n=1"), ("Root",)}


def test_parameters_left_out() -> None:
    """Tasks that differ in nothing that is shown share a box, and no arrow leads from a box to itself."""
    boxes, arrows = shown(picture_of(Root(), exclude=["n", "name"]))
    assert boxes == {("Leaf",), ("Middle",), ("Root",)}
    assert arrows == {("Leaf", "Middle"), ("Leaf", "Root"), ("Middle", "Root")}
    assert shown(picture_of(Countdown(n=3), exclude=["n"])) == ({("Countdown",)}, set())


def test_a_deep_pipeline() -> None:
    """A pipeline deeper than Python's stack can be drawn in every language."""
    picture = picture_of(Countdown(n=1500))
    assert len(picture.boxes) == 1501
    for draw in (as_text, as_mermaid, as_dot, as_html):
        assert "n=1500" in draw(picture)


PLANNED = Picture(
    (
        Box("Raw", {"p": NASTY}, None, Outcome.MISSING, Reason("missing-file", f"not there: {NASTY}")),
        Box("Made", {}, None, Outcome.BLOCKED, Reason("blocked", "waits")),
    ),
    ((0, 1),),
)


def test_text_is_a_tree() -> None:
    """The root on top with outcome and reason, its inputs below; what was told is not told again."""
    text = as_text(picture_of(Root()))
    assert text.splitlines() == [
        "Root",
        "├─ Leaf(name=x)",
        "├─ Middle(n=1)",
        "│  ├─ Leaf(name=x)",
        "│  └─ Leaf(name=y)",
        "└─ Middle(n=2)",
        "   ├─ Leaf(name=x)",
        "   └─ Leaf(name=y)",
    ]
    assert as_text(PLANNED).startswith("Made  blocked: waits\n└─ Raw(p=")


def test_text_tells_a_subtree_once() -> None:
    """The second time, only that it stands above."""
    twice = Picture((Box("A"), Box("B"), Box("C"), Box("D")), ((0, 1), (1, 2), (1, 3), (2, 3)))
    assert as_text(twice) == "D\n├─ B\n│  └─ A\n└─ C\n   └─ B (see above)\n"


def test_mermaid_takes_any_text() -> None:
    """What means something to Mermaid or HTML stands as an entity; each outcome has its class."""
    text = as_mermaid(PLANNED)
    (label,) = re.findall(r't0\["(.*)"\]:::missing', text)
    assert not set('"\\`;&') & set(re.sub(r"#\d+;|<br/>", "", label))
    assert "t0 --> t1" in text
    assert f"classDef missing fill:{colours_of(Outcome.MISSING).fill}" in text


def test_dot_takes_any_text() -> None:
    """Quotes and backslashes are escaped, lines are broken by an escape; the reason is the tooltip."""
    text = as_dot(PLANNED)
    line = next(line for line in text.splitlines() if line.strip().startswith("t0 ["))
    quoted = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line)
    assert [name for name, _ in quoted] == ["label", "fillcolor", "color", "tooltip"]
    assert dict(quoted)["tooltip"].startswith("not there: ")
    assert "t0 -> t1;" in text


def test_svg_is_well_formed() -> None:
    """Any text can stand in it, and each box has its outcome as class and its colour."""
    namespace = "{http://www.w3.org/2000/svg}"
    tree = ET.fromstring(as_svg(PLANNED))
    boxes = [group for group in tree.iter(f"{namespace}g") if "box" in group.get("class", "")]
    assert [box.get("class") for box in boxes] == ["box missing", "box blocked"]
    assert [box.find(f"{namespace}rect").get("fill") for box in boxes] == [  # type: ignore[union-attr]  # it is there
        colours_of(Outcome.MISSING).fill,
        colours_of(Outcome.BLOCKED).fill,
    ]
    assert NASTY.partition("\n")[0] in boxes[0].find(f"{namespace}title").text  # type: ignore[union-attr,operator]


def test_nothing_ends_the_data_of_a_page() -> None:
    """What the program of a page reads is the picture, whatever stands in a parameter."""
    (data,) = re.findall(r'<script type="application/json" id="tasks">(.*?)</script>', as_html(PLANNED))
    assert json.loads(data) == PLANNED.as_json()


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_every_outcome_has_colours_of_its_own(outcome: Outcome | None) -> None:
    """No two outcomes look alike, and none looks like a box that nobody planned."""
    others = {colours_of(other) for other in (None, *Outcome) if other is not outcome}
    assert colours_of(outcome) not in others


def test_visualize_draws_on_an_axis() -> None:
    """``Task.visualize(ax=...)`` writes a text for each box, as in luisy 1.x, and hides the axis."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    assert Root().visualize(ax=ax, unique_children=False, parameters_to_exclude=["n"]) is None
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    assert sorted(texts) == ["Leaf\nname=x", "Leaf\nname=y", "Middle", "Root"]
    assert not ax.axison
    plt.close()


def test_visualize_makes_a_figure() -> None:
    """Without an axis, Matplotlib's current figure has the picture."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    plt.close("all")
    Root().visualize()
    assert len(plt.get_fignums()) == 1
    assert "Root" in {text.get_text() for text in plt.gca().texts}
    plt.close("all")


def test_visualize_without_matplotlib() -> None:
    """Where there is no Matplotlib, a notebook shows SVG."""
    program = """
import sys
sys.modules["matplotlib"] = None
import importlib.util
importlib.util.find_spec = lambda name, find=importlib.util.find_spec: None if name == "matplotlib" else find(name)
import luisy
class Alone(luisy.Task): pass
shown = Alone().visualize()
print(shown._repr_html_()[:4], str(shown).strip())
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "<svg Alone\n"


def test_what_a_notebook_shows() -> None:
    """``Shown`` is SVG for a notebook, and a tree for a terminal."""
    picture = picture_of(Root())
    assert Shown(picture)._repr_html_() == as_svg(picture)
    assert str(Shown(picture)) == as_text(picture)

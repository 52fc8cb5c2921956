"""Pictures as text: a tree to read, and the languages of Mermaid and Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.visualize.colours import colours_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.visualize.picture import Box, Picture


def as_text(picture: Picture) -> str:
    """A tree with the root on top; what stands there already is not written out again."""
    return "\n".join(_tree(picture)) + "\n"


def _tree(picture: Picture) -> Iterator[str]:
    inputs: dict[int, list[int]] = {}
    for start, end in picture.arrows:
        inputs.setdefault(end, []).append(start)
    told: set[int] = set()
    open_boxes = [(len(picture.boxes) - 1, "", "")]
    while open_boxes:
        number, mark, indent = open_boxes.pop()
        below = inputs.get(number, [])
        again = number in told and bool(below)
        yield f"{mark}{_told(picture.boxes[number])}{' (see above)' if again else ''}"
        if number not in told:
            told.add(number)
            for place in range(len(below) - 1, -1, -1):
                last = place == len(below) - 1
                branch, rest = ("└─ ", "   ") if last else ("├─ ", "│  ")
                open_boxes.append((below[place], indent + branch, indent + rest))


def _told(box: Box) -> str:
    params = ", ".join(box.lines[1:])
    name = f"{box.family}({params})" if params else box.family
    if box.outcome is None or box.reason is None:
        return name
    return f"{name}  {box.outcome.value}: {box.reason.text}"


def as_mermaid(picture: Picture) -> str:
    """A flowchart for Mermaid; outcomes are classes with colours.

    Source of the syntax: https://mermaid.js.org/syntax/flowchart.html
    """
    lines = ["flowchart LR"]
    for number, box in enumerate(picture.boxes):
        told = [*box.lines, *([box.outcome.value] if box.outcome else [])]
        kind = f":::{box.outcome.value}" if box.outcome else ""
        lines.append(f'    t{number}["{"<br/>".join(map(_for_mermaid, told))}"]{kind}')
    lines += [f"    t{start} --> t{end}" for start, end in picture.arrows]
    for outcome in sorted({box.outcome.value: box.outcome for box in picture.boxes if box.outcome}.items()):
        colours = colours_of(outcome[1])
        lines.append(f"    classDef {outcome[0]} fill:{colours.fill},stroke:{colours.line},color:#111")
    return "\n".join(lines) + "\n"


def _for_mermaid(text: str) -> str:
    """*text* with each character that means something to Mermaid or HTML as an entity."""
    return "".join(
        c if c.isalnum() or c in " _=-.,:()/" else "<br/>" if c == "\n" else f"#{ord(c)};" for c in text
    )


def as_dot(picture: Picture) -> str:
    """A digraph for Graphviz, with the reasons as tooltips.

    Source of the syntax: https://graphviz.org/doc/info/lang.html
    """
    lines = [
        "digraph luisy {",
        "    rankdir=LR;",
        '    node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for number, box in enumerate(picture.boxes):
        colours = colours_of(box.outcome)
        told = [*box.lines, *([box.outcome.value] if box.outcome else [])]
        reason = box.reason.text if box.reason else ""
        lines.append(
            f'    t{number} [label="{_for_dot(chr(10).join(told))}", fillcolor="{colours.fill}", '
            f'color="{colours.line}", tooltip="{_for_dot(reason)}"];'
        )
    lines += [f"    t{start} -> t{end};" for start, end in picture.arrows]
    return "\n".join([*lines, "}"]) + "\n"


def _for_dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

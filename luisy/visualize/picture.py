"""A picture of a pipeline before it is drawn: boxes for tasks, arrows from inputs to what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import luigi

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from luisy.model import Key, Outcome, Reason
    from luisy.plan import Report
    from luisy.runner.pipeline.graph import Graph, Node

_flatten: Any = luigi.task.flatten  # not annotated


@dataclass(frozen=True, slots=True)
class Box:
    """One task.

    :param params: public parameters, serialised.
    :param key: None where nobody asked, or where an input has none yet.
    :param outcome: what becomes of it; None in a picture that nobody planned.
    :param outputs: absolute paths.
    """

    family: str
    params: Mapping[str, str] = field(default_factory=dict)
    key: Key | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    outputs: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The family, and a line for each parameter."""
        return (self.family, *(f"{name}={value}" for name, value in self.params.items()))

    def as_json(self) -> dict[str, Any]:
        """The fields, as the document of a plan has them."""
        reason = None if self.reason is None else {"slug": self.reason.slug, "text": self.reason.text}
        return {
            "family": self.family,
            "params": dict(self.params),
            "key": self.key,
            "outcome": None if self.outcome is None else self.outcome.value,
            "reason": reason,
            "outputs": list(self.outputs),
        }


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, inputs before what is made of them, and the root last.

    :param arrows: pairs of places in *boxes*, from an input to what is made of it. None leads from a box to itself.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[int, int], ...]

    def as_json(self) -> dict[str, Any]:
        """The document that ``luisy graph --json`` prints."""
        root = self.boxes[-1]
        return {
            "root": {"family": root.family, "key": root.key},
            "tasks": [box.as_json() for box in self.boxes],
            "arrows": [list(arrow) for arrow in self.arrows],
        }


def picture_of_plan(graph: Graph, root: Node, report: Report) -> Picture:
    """The picture of a walked pipeline, with what *report* says of each task."""
    nodes = _inputs_first(graph, root)
    place = {id(node): number for number, node in enumerate(nodes)}
    reported = dict(zip(map(id, graph), report.tasks, strict=True))
    told = [reported[id(node)] for node in nodes]
    return Picture(
        tuple(Box(t.family, t.params, t.key, t.outcome, t.reason, t.outputs) for t in told),
        _without_doubles(
            (place[id(graph.stand_in(dep))], place[id(node)]) for node in nodes for dep in node.all_deps
        ),
    )


def _inputs_first(graph: Graph, root: Node) -> list[Node]:
    """All nodes, those that *root* needs last. The graph's own order does not know of dynamic inputs."""
    found: dict[int, Node] = {}
    open_nodes = [(root, False)]
    entered: set[int] = set()
    while open_nodes:
        node, left = open_nodes.pop()
        if left:
            found[id(node)] = node
        elif id(node) not in entered:
            entered.add(id(node))
            open_nodes += [(node, True), *((graph.stand_in(dep), False) for dep in reversed(node.all_deps))]
    return [*(node for node in graph if id(node) not in found), *found.values()]


def picture_of(task: luigi.Task, *, unique_children: bool = False, exclude: Collection[str] = ()) -> Picture:
    """The picture of *task* and all that it requires; nothing is planned, no store is opened.

    :param unique_children: of the tasks that one task requires, show the first of each class only.
    :param exclude: names of parameters that are not shown; tasks that differ in nothing else share a box.
    """
    boxes: dict[tuple[str, ...], Box] = {}
    arrows: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    seen: set[luigi.Task] = set()
    open_tasks: list[tuple[luigi.Task, bool]] = [(task, False)]
    while open_tasks:
        current, left = open_tasks.pop()
        box = _box(current, exclude)
        if left:
            boxes.setdefault(box.lines, box)
        elif current not in seen:
            seen.add(current)
            children = _shown_children(current, unique_children=unique_children)
            arrows += [(_box(child, exclude).lines, box.lines) for child in children]
            open_tasks += [(current, True), *((child, False) for child in reversed(children))]
    place = {lines: number for number, lines in enumerate(boxes)}
    return Picture(
        tuple(boxes.values()), _without_doubles((place[start], place[end]) for start, end in arrows)
    )


def _box(task: luigi.Task, exclude: Collection[str]) -> Box:
    params: dict[str, str] = task.to_str_params(only_public=True)
    return Box(
        str(task.get_task_family()), {name: text for name, text in params.items() if name not in exclude}
    )


def _shown_children(task: Any, *, unique_children: bool) -> list[luigi.Task]:
    children: list[luigi.Task] = _flatten(task.requires())
    return (
        list({type(child): child for child in reversed(children)}.values())[::-1]
        if unique_children
        else children
    )


def _without_doubles(arrows: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted({arrow for arrow in arrows if arrow[0] != arrow[1]}))

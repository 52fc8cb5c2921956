"""Pictures of pipelines: ``luisy graph``, ``Task.visualize``, and what they are made of."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.gone import attributes_of
from luisy.visualize.axes import draw
from luisy.visualize.markup import as_dot, as_mermaid, as_text
from luisy.visualize.page import as_html, as_svg
from luisy.visualize.picture import Box, Picture, picture_of, picture_of_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import luigi

__all__ = [
    "RENDERERS",
    "Box",
    "Picture",
    "Shown",
    "as_dot",
    "as_html",
    "as_mermaid",
    "as_svg",
    "as_text",
    "picture_of",
    "picture_of_plan",
    "visualize_task",
]

RENDERERS: Mapping[str, Callable[[Picture], str]] = {
    "text": as_text,
    "mermaid": as_mermaid,
    "dot": as_dot,
    "html": as_html,
}
"""What ``luisy graph --format`` offers."""

_SIZE = (15, 10)  # inches, as in luisy 1.x


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that notebooks show; ``str`` makes it a tree of text."""

    picture: Picture

    def __str__(self) -> str:
        return as_text(self.picture)

    def _repr_html_(self) -> str:
        return as_svg(self.picture)


def visualize_task(
    task: luigi.Task,
    ax: Any = None,
    unique_children: bool = True,  # noqa: FBT001, FBT002 - luisy 1.x's signature
    parameters_to_exclude: Sequence[str] = (),
) -> Shown | None:
    """Draw *task* with all that it requires, on an axis of Matplotlib or else for a notebook.

    :param ax: the axis to draw on. With None and Matplotlib installed, a new figure has it.
    :param unique_children: of the tasks that one task requires, show the first of each class only.
    :param parameters_to_exclude: names of parameters that are not shown.
    :returns: without Matplotlib, what a notebook shows; else None, since the figure is shown.
    """
    picture = picture_of(task, unique_children=unique_children, exclude=parameters_to_exclude)
    if ax is None:
        if importlib.util.find_spec("matplotlib") is None:
            return Shown(picture)
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=_SIZE)
    draw(picture, ax)
    return None


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)

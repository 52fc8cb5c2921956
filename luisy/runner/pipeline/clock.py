"""Output paths that follow the clock.

Luigi executes a task whose path has today's date in it once a day, for tomorrow its output is not there. Keys know no
paths, so luisy would put today's bytes at tomorrow's path. Where a path has a date of these days in it that is neither
in a parameter nor in an input's path, that end of the path belongs to the key.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.keys import Parameter
    from luisy.runner.pipeline.graph import Node

_DAYS = (
    "%Y-%m-%d",
    "%Y_%m_%d",
    "%Y.%m.%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d-%m-%Y",
    "%d_%m_%Y",
    "%d.%m.%Y",
    "%d%m%Y",
)
_SPANS = ("%Y-%m", "%Y_%m", "%Y/%m", "%Y%m", "%G-W%V", "%GW%V")
_DAYS_AROUND = (0, -1, 1)
"""Yesterday's and tomorrow's, too: pipelines of the day before are common, and zones of time differ."""


class Clock:
    """The dates of one run.

    :param root: the working dir: what stands in its own path is nobody's output.
    """

    def __init__(self, root: str | None, today: dt.date) -> None:
        self._root = os.path.join(root, "") if root else ""
        self._spelled: dict[str, dt.date] = {}
        for days in _DAYS_AROUND:
            day = today + dt.timedelta(days)
            for form in (*_DAYS, *_SPANS):
                self._spelled.setdefault(day.strftime(form), day)
        longest_first = sorted(self._spelled, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\d)({'|'.join(map(re.escape, longest_first))})(?!\d)")

    def read_by(self, node: Node, parameters: tuple[Parameter, ...]) -> dict[str, str]:
        """What the output paths of *node* tell of the clock: label to the end of the path."""
        found = {}
        for place, path in node.outputs:
            if (dated := self._dated(path)) is not None and not self._told(dated, node, parameters):
                label = place.decode("utf-8", "backslashreplace")
                found[f"path {label}".rstrip()] = path[path.rindex("/", 0, dated.start()) + 1 :]
        return found

    def _dated(self, path: str) -> re.Match[str] | None:
        inside = path.startswith(self._root) if self._root else False
        return self._pattern.search(path, len(self._root) - 1 if inside else 0)

    def _told(self, dated: re.Match[str], node: Node, parameters: tuple[Parameter, ...]) -> bool:
        """Whether a parameter or an input's path says the same date, in whatever spelling."""
        day = self._spelled[dated[0]]
        spelled = {text for text, other in self._spelled.items() if other == day} | {
            day.strftime(form) for form in (*_DAYS, *_SPANS)
        }
        texts = [parameter.serialised for parameter in parameters]
        texts.extend(_paths_of_inputs(node))
        return any(spelling in text for text in texts for spelling in spelled)


def _paths_of_inputs(node: Node) -> Iterator[str]:
    return (path for dep in (*node.deps, *node.held) for _, path in dep.outputs)

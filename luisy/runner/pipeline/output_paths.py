"""Which tasks write to which paths of the workspace, and which of them share bytes.

Two tasks share bytes where their paths are equal, or where one path lies in a folder that is the other's output.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.runner.pipeline.graph import Node


class Shared(NamedTuple):
    """The output of one task that another one writes to as well."""

    node: Node
    path: str

    def sharing_with(self, other: Shared) -> str:
        """Why the task's result cannot be told apart from that of *other*."""
        if self.path == other.path:
            return f"its output {self.path} is also that of {other.node.task}"
        if len(self.path) < len(other.path):
            return f"{other.node.task} writes {other.path} into its output {self.path}"
        return f"its output {self.path} lies in {other.path}, the output of {other.node.task}"


class OutputPaths:
    """The output paths of a run, as a tree: what one path costs depends on its depth, not on how many there are."""

    def __init__(self) -> None:
        self._writers: dict[str, Node] = {}
        self._below: dict[str, list[str]] = {}
        self._enclosing: dict[str, Shared | None] = {}

    def add(self, node: Node) -> Iterator[tuple[Shared, Shared]]:
        """Take in the outputs of *node*; yields, for each that it shares with another task, its own and the other's."""
        for _, path in node.outputs:
            own = Shared(node, path)
            for other in self._sharing(own):
                if other.node.task_id != node.task_id:
                    yield own, other

    def writer_of(self, path: str) -> Node | None:
        """The first task that writes *path* itself."""
        return self._writers.get(path)

    def _sharing(self, own: Shared) -> Iterator[Shared]:
        first = self._writers.setdefault(own.path, own.node)
        if first is not own.node:
            yield Shared(first, own.path)
        else:
            self._plant(own.path)
        above = self._above(os.path.dirname(own.path))
        if above is not None:
            yield above
        yield from self._inside(own.path)

    def _plant(self, path: str) -> None:
        """Hang *path* into the tree; folders that are there already hang in it themselves."""
        if path in self._enclosing:  # until now a folder that was nobody's output
            self._enclosing.clear()
        known = path in self._below
        while not known and (folder := os.path.dirname(path)) != path:
            known = folder in self._below
            self._below.setdefault(folder, []).append(path)
            path = folder

    def _above(self, folder: str) -> Shared | None:
        """The nearest output that *folder* is, or lies in."""
        passed = []
        while folder not in self._enclosing:
            if folder in self._writers:
                self._enclosing[folder] = Shared(self._writers[folder], folder)
                break
            passed.append(folder)
            parent = os.path.dirname(folder)
            if parent == folder:
                self._enclosing[folder] = None
            folder = parent
        found = self._enclosing[folder]
        self._enclosing.update(dict.fromkeys(passed, found))
        return found

    def _inside(self, folder: str) -> Iterator[Shared]:
        """All outputs that lie in *folder*."""
        pending = list(self._below.get(folder, ()))
        while pending:
            path = pending.pop()
            if path in self._writers:
                yield Shared(self._writers[path], path)
            pending.extend(self._below.get(path, ()))

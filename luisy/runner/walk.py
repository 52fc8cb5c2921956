"""From a root task to the DAG: ``requires()``, ``output()`` and, where it counts, ``complete()``, once each."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from luisy.errors import UsageError
from luisy.runner.describe import describe_outputs, held_tasks, is_external, kind_of, requirements_of
from luisy.runner.graph import Graph, Node, cycle_error, equal_task_id_error, flat, structure_of
from luisy.runner.ranges import is_range, range_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import luigi

logger = logging.getLogger("luisy")


@dataclass(slots=True)
class _Visit:
    """A task whose requirements are being walked."""

    node: Node
    requirements: Any
    held: tuple[luigi.Task, ...]
    open_tasks: Iterator[luigi.Task]


@dataclass(slots=True)
class Walker:
    """Adds tasks with everything upstream of them to a graph.

    :param is_served: whether a task that a Range asks about has a result.
    """

    graph: Graph
    is_served: Callable[[luigi.Task], bool]
    fresh: list[Node] = field(default_factory=list)
    _open: dict[str, Node] = field(default_factory=dict)

    def admit(self, task: luigi.Task) -> tuple[Node, list[Node]]:
        """The node of *task*, and the nodes that are new with it, inputs before consumers.

        :raises UsageError: where the tasks require each other in a circle.
        """
        self.fresh = []
        self._open = {}
        if (known := self._known(task)) is not None:
            return known, []
        root = Node(task)
        visits = [self._enter(root)]
        while visits:
            visit = visits[-1]
            child = next(visit.open_tasks, None)
            if child is None:
                self._leave(visits.pop())
            elif str(child.task_id) in self._open:
                self._refuse_reentry(child, visits)
            elif self._known(child) is None:
                visits.append(self._enter(Node(child)))
        return self.graph.nodes[root.task_id], self.fresh

    def _known(self, task: luigi.Task) -> Node | None:
        """The node that stands for *task* already: itself, or one that is built alike."""
        node = self.graph.get(task)
        if node is None or not self._is_twin(task, node):
            return node
        twins = (twin for first, twin in self.graph.twins if first is node and not self._is_twin(task, twin))
        twin = next(twins, None)
        return None if twin is None else self.graph.stand_in(twin)

    def _refuse_reentry(self, task: luigi.Task, visits: list[_Visit]) -> None:
        above = self._open[str(task.task_id)]
        if self._is_twin(task, above):
            raise equal_task_id_error(above, Node(task))
        nodes = [visit.node for visit in visits]
        raise cycle_error([*nodes[nodes.index(above) :], above])

    @staticmethod
    def _is_twin(task: luigi.Task, node: Node) -> bool:
        """Whether *task* shares the node's task_id without being built alike."""
        other = node.task
        return task is not other and (
            type(task) is not type(other) or task.param_kwargs != other.param_kwargs
        )

    def _enter(self, node: Node) -> _Visit:
        self._open[node.task_id] = node
        node.kind = kind_of(node.task)
        self._ask(node, "output()", lambda: describe_outputs(node))
        if node.uncacheable and not node.problem and not node.by_inputs:
            self._ask_complete(node)
        requirements: Any = []
        if not node.problem and not is_external(node.task) and not node.complete:
            requirements = (
                self._ask(node, "requires()", lambda: structure_of(self._requirements(node.task), _itself))
                or []
            )
        held = held_tasks(node.task)
        return _Visit(node, requirements, held, iter((*flat(requirements), *held)))

    def _requirements(self, task: luigi.Task) -> Any:
        return range_requirements(task, self.is_served) if is_range(task) else requirements_of(task)

    def _ask_complete(self, node: Node) -> None:
        """Luigi's own question, for a task that is not answered by key."""
        node.asked = True
        answer = self._ask(node, "complete()", node.task.complete)
        if answer not in (True, False, None):
            node.problem = f"complete() must return a boolean, it returned {answer!r}"
        node.complete = bool(answer)

    def _ask(self, node: Node, what: str, call: Callable[[], Any]) -> Any:
        """What user code answers; what it raises becomes the node's problem, not ours."""
        try:
            return call()
        except UsageError:  # ours: no working dir, and the like; it stops the whole run
            raise
        except Exception as error:
            logger.debug("%s of %s raised", what, node.task, exc_info=True)
            node.problem = f"{what} raised {type(error).__name__}: {error}"
            return None

    def _leave(self, visit: _Visit) -> None:
        node = visit.node
        del self._open[node.task_id]
        node.structure = structure_of(visit.requirements, self._node_of)
        node.deps = tuple(flat(node.structure))
        node.held = tuple(self._node_of(task) for task in visit.held)
        first = self.graph.nodes.setdefault(node.task_id, node)
        if first is not node:
            self.graph.twins.append((first, node))
        self.fresh.append(node)

    def _node_of(self, task: luigi.Task) -> Node:
        node = self._known(task)
        assert node is not None
        return node


def _itself(task: luigi.Task) -> luigi.Task:
    return task

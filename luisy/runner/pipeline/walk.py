"""From a root task to the DAG: ``requires()``, ``output()`` and, where it counts, ``complete()``, once each."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from luisy.errors import UsageError
from luisy.runner.pipeline.asking import Asker, Code
from luisy.runner.pipeline.describe import describe_outputs, held_tasks, is_external, kind_of, requirements_of
from luisy.runner.pipeline.graph import (
    Graph,
    Node,
    cycle_error,
    equal_task_id_error,
    flat,
    structure_of,
)
from luisy.runner.pipeline.ranges import is_range, range_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractContextManager

    import luigi

    from luisy.runner.pipeline.given import Given

logger = logging.getLogger("luisy")


class Questions(Protocol):
    """What is asked in the middle of a walk."""

    def is_served(self, task: luigi.Task) -> bool:
        """Whether *task*, one of a Range's dates, has a result."""

    def asked_by(self, task: luigi.Task, code: Code) -> AbstractContextManager[Asker]:
        """Note what the user code that runs in the block asks."""


@dataclass(slots=True)
class _Visit:
    """A task whose requirements are being walked.

    :param answers: what it was told about tasks that it asked for, by task id.
    """

    node: Node
    requirements: Any
    held: tuple[luigi.Task, ...]
    answers: Mapping[str, tuple[Node, bool]]
    open_tasks: Iterator[luigi.Task]


@dataclass(slots=True)
class Walker:
    """Adds a task with everything upstream of it to a graph: one walk.

    :param above: the tasks of the walks that wait for this one.
    :param given: by task id, the results that are given: what lies upstream of them is nobody's concern.
    """

    graph: Graph
    questions: Questions
    above: AbstractSet[str] = frozenset()
    given: Mapping[str, Given] = field(default_factory=dict)
    _open: dict[str, Node] = field(default_factory=dict)
    _fresh: list[Node] = field(default_factory=list)

    @property
    def open(self) -> AbstractSet[str]:
        """The ids of the tasks whose requirements are being asked for, here or above."""
        return {*self.above, *self._open}

    def admit(self, task: luigi.Task) -> Node | None:
        """The node of *task*; None where it needs a task whose requirements wait for this answer.

        :raises UsageError: where the tasks require each other in a circle.
        """
        if (known := self._known(task)) is not None:
            return known
        try:
            return self._walk(task)
        except _Waiting:
            for node in self._fresh:
                del self.graph.nodes[node.task_id]
            return None

    def _walk(self, task: luigi.Task) -> Node:
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
        return self.graph.nodes[root.task_id]

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
        if node.task_id in self.above:
            raise _Waiting
        self._open[node.task_id] = node
        node.kind = kind_of(node.task)
        self._ask(node, "output()", lambda: describe_outputs(node))
        if node.uncacheable and not node.tables and not node.problem and not node.by_inputs:
            self._ask_complete(node)
        requirements: Any = []
        with self.questions.asked_by(node.task, Code.REQUIRES) as asker:
            node.given = self.given.get(node.task_id)
            resolved = is_external(node.task) or node.complete or node.given is not None
            if not node.problem and not resolved:
                requirements = self._ask(node, "requires()", lambda: self._requirements(node.task)) or []
        held = held_tasks(node.task)
        return _Visit(node, requirements, held, asker.answers, iter((*flat(requirements), *held)))

    def _requirements(self, task: luigi.Task) -> Any:
        """What *task* requires, all of it: it may be a generator that asks between two tasks."""
        if is_range(task):
            return structure_of(range_requirements(task, self.questions.is_served), _itself)
        return structure_of(requirements_of(task), _itself)

    def _ask_complete(self, node: Node) -> None:
        """Luigi's own question, for a task that is not answered by key."""
        node.asked = True
        with self.questions.asked_by(node.task, Code.COMPLETE):
            answer = self._ask(node, "complete()", node.task.complete)
        if answer not in (True, False, None):
            node.problem = f"complete() must return a boolean, it returned {answer!r}"
        node.complete = bool(answer)

    def _ask(self, node: Node, what: str, call: Callable[[], Any]) -> Any:
        """What user code answers; what it raises becomes the node's problem, not ours."""
        try:
            return call()
        except (UsageError, _Waiting):  # ours: no working dir, and the like; it stops the whole run
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
        if visit.answers:
            self._depend_on_asked(node, visit.answers)
        first = self.graph.nodes.setdefault(node.task_id, node)
        if first is not node:
            self.graph.twins.append((first, node))
        else:
            self._fresh.append(node)

    @staticmethod
    def _depend_on_asked(node: Node, answers: Mapping[str, tuple[Node, bool]]) -> None:
        """What ``requires()`` was told to be complete is an input, though it may be left out for just that reason."""
        named = {dep.task_id for dep in node.deps}
        node.asked_about = tuple(dep for task_id, (dep, yes) in answers.items() if yes or task_id in named)
        node.deps += tuple(dep for dep in node.asked_about if dep.task_id not in named)

    def _node_of(self, task: luigi.Task) -> Node:
        node = self._known(task)
        assert node is not None
        return node


class _Waiting(Exception):
    """A task was met whose requirements wait for the answer to this walk."""


def _itself(task: luigi.Task) -> luigi.Task:
    return task

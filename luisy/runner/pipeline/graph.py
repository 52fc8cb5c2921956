"""The DAG of a run: Luigi tasks as nodes, inputs first.

The walk calls ``requires()`` and ``output()`` once for each task and keeps the answers, so that nothing
after it has to ask user code again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import luigi

from luisy.declarations import NOTHING, Declaration
from luisy.errors import UsageError
from luisy.model import Outcome, Reason
from luisy.plan import SERVED, Decision, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from luisy.cas import Result
    from luisy.keys import Facts, Ref
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.elsewhere import Elsewhere
    from luisy.runner.pipeline.given import Given
    from luisy.targets import TableTarget

Refs: TypeAlias = "tuple[Ref | None, ...]"
"""What the inputs of a task count as, in order; None for one of which nothing is known yet."""

_UNDECIDED = Decision(Outcome.UNDECIDED, Reason("undecided", "not decided yet"))


@dataclass(slots=True, eq=False)
class Node:
    """One task of the DAG, and what is known about it so far.

    :param structure: what ``requires()`` returned, with nodes for tasks.
    :param deps: the nodes in it, in order, as Luigi flattens them.
    :param asked_about: the inputs that ``requires()`` asked about, in that order; named by it or left out, they count alike.
    :param dynamic: the tasks that ``run()`` yielded, where they are known.
    :param outputs: name (place in ``output()``) and absolute path of each output.
    :param targets: the target objects behind *outputs*; outputs that are no local files are left out.
    :param tables: name and target of each output, where all of them are tables that tell their version.
    :param held: the tasks that are its parameters' values.
    :param countable: its outputs are files, so that consumers can count their content.
    :param elsewhere: for an external task: the remote that has its files, which this machine lacks.
    :param promise: what its outputs are promised as, for references by content.
    :param given: its result, where somebody else has resolved it: then nobody looks upstream of it.
    :param uncacheable: why its results cannot be kept; empty if they can.
    :param accepted: the key of the earlier result that was accepted for its code; None where none counts.
    :param asked: its own ``complete()`` was asked; else *complete* is whether its files are there.
    :param by_inputs: a wrapper with a ``run()``: complete when all its inputs are.
    :param superseded: its result will be made anew, so nothing that was made from the old one counts.
    :param supersedes: what is filed at its key was made from other inputs, or is not whole, and gives way.
    :param renewed: without a result: when the newest of what it rests on was made or replaced, as far as known.
    :param refs: what its inputs counted as when *base_key* was made of them.
    :param key: as its consumers see it (with its trace); None while an input has none.
    :param content: the digest of its outputs' manifest, once known.
    :param attempted: its ``run()`` was started in this run; what lies at its outputs may be its own work so far.
    :param by_content: consumers count its content, not its key.
    :param declaration: what its class declares that its code does not show.
    """

    task: luigi.Task
    kind: Kind = Kind.TASK
    structure: Any = ()
    deps: tuple[Node, ...] = ()
    asked_about: tuple[Node, ...] = ()
    dynamic: tuple[Node, ...] = ()
    outputs: tuple[tuple[bytes, str], ...] = ()
    targets: tuple[Any, ...] = ()
    tables: tuple[tuple[bytes, TableTarget], ...] = ()
    problem: str = ""
    held: tuple[Node, ...] = ()
    given: Given | None = None
    uncacheable: str = ""
    countable: bool = True
    asked: bool = False
    by_inputs: bool = False
    complete: bool = False
    missing: tuple[str, ...] = ()
    elsewhere: Elsewhere | None = None
    facts: Facts | None = None
    encoded_facts: bytes = b""
    promise: bytes = b""
    refs: Refs | None = None
    base_key: Key | None = None
    key: Key | None = None
    shallow_key: Key | None = None
    accepted: Key | None = None
    result: Result | None = None
    content: Digest | None = None
    by_content: bool = False
    attempted: bool = False
    adopted: bool = False
    superseded: bool = False
    supersedes: bool = False
    renewed: float = 0.0
    declaration: Declaration = NOTHING
    decision: Decision = _UNDECIDED
    done: bool = False
    needed: bool = True
    size: int = 0
    seconds: float = 0.0
    leaves: tuple[Node, ...] | None = field(default=None, repr=False)

    @property
    def task_id(self) -> str:
        """Luigi's name of the task."""
        return str(self.task.task_id)

    @property
    def family(self) -> str:
        """The task's family, namespace included."""
        return str(self.task.get_task_family())

    @property
    def outcome(self) -> Outcome:
        """What becomes, or became, of the task."""
        return self.decision.outcome

    @property
    def is_served(self) -> bool:
        """Whether its result is there, or is to be had, without executing it."""
        return self.kind is not Kind.WRAPPER and self.outcome in SERVED

    @property
    def is_filed(self) -> bool:
        """Whether what becomes of its ``run()`` is filed under its key: as an action, or of tables as their last write."""
        return self.kind is Kind.TASK and (not self.uncacheable or bool(self.tables))

    @property
    def own_key(self) -> Key | None:
        """What names the task as it is now, also where an earlier result counts for it under another key."""
        return self.base_key if self.accepted else self.key or self.base_key

    @property
    def all_deps(self) -> tuple[Node, ...]:
        """Static and dynamic inputs."""
        return self.deps + self.dynamic if self.dynamic else self.deps


def input_leaves(node: Node) -> tuple[Node, ...]:
    """The inputs of *node* that have outputs of their own: wrappers stand for their inputs, each task once."""
    if node.leaves is None:
        node.leaves = _expanded(node.deps)
    return _expanded(node.leaves + node.dynamic) if node.dynamic else node.leaves


def leaves_of(node: Node) -> tuple[Node, ...]:
    """The tasks with outputs of their own that *node* stands for: itself, or what a wrapper wraps."""
    return input_leaves(node) if node.kind is Kind.WRAPPER else (node,)


def _expanded(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    found: dict[int, Node] = {}
    for node in nodes:
        if node.kind is Kind.WRAPPER:
            found.update((id(leaf), leaf) for leaf in input_leaves(node))
        else:
            found[id(node)] = node
    return tuple(found.values())


def undecided(root: Node) -> list[Node]:
    """*root* and what is upstream of it, as far as nothing is decided about it yet; inputs first."""
    found: list[Node] = []
    seen: set[int] = set()
    open_nodes = [(root, False)]
    while open_nodes:
        node, entered = open_nodes.pop()
        if entered:
            found.append(node)
        elif id(node) not in seen and node.decision is _UNDECIDED:
            seen.add(id(node))
            open_nodes.append((node, True))
            open_nodes.extend((dep, False) for dep in reversed((*node.deps, *node.held)))
    return found


@dataclass(slots=True)
class Graph:
    """All nodes of a run by task id, inputs before consumers."""

    nodes: dict[str, Node] = field(default_factory=dict)
    twins: list[tuple[Node, Node]] = field(default_factory=list)
    _stand_ins: dict[int, Node] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def get(self, task: luigi.Task) -> Node | None:
        """The node of *task*, if it was walked."""
        return self.nodes.get(str(task.task_id))

    def stand_in(self, node: Node) -> Node:
        """The node that acts for *node*: the first of its twins once they are united, else itself."""
        return self._stand_ins.get(id(node), node) if self._stand_ins else node

    def unite_twins(self) -> None:
        """Let the first of each pair of twins, which have proved to be one task, act for the other as well."""
        fresh = {id(twin): first for first, twin in self.twins if id(twin) not in self._stand_ins}
        if not fresh:
            return
        self._stand_ins.update(fresh)
        for node in self:
            if any(id(dep) in fresh for dep in (*node.deps, *node.held)):
                node.structure = _replaced(node.structure, self.stand_in)
                node.deps = tuple(self.stand_in(dep) for dep in node.deps)
                node.held = tuple(self.stand_in(dep) for dep in node.held)
                node.asked_about = tuple(self.stand_in(dep) for dep in node.asked_about)
            node.leaves = None


def _replaced(structure: Any, stand_in: Callable[[Node], Node]) -> Any:
    """*structure* with other nodes as leaves."""
    if isinstance(structure, Node):
        return stand_in(structure)
    if isinstance(structure, dict):
        return {name: _replaced(value, stand_in) for name, value in structure.items()}
    kind = frozenset if isinstance(structure, frozenset) else list
    return kind(_replaced(value, stand_in) for value in structure)


def with_asked(node: Node) -> Any:
    """The structure of a node's requirements, with the tasks that it asked about in one place."""
    if not node.asked_about:
        return node.structure
    return {
        "requires": _without(node.structure, {id(one) for one in node.asked_about}),
        "asked": node.asked_about,
    }


def _without(structure: Any, nodes: AbstractSet[int]) -> Any:
    if isinstance(structure, Node):
        return [] if id(structure) in nodes else structure
    if isinstance(structure, dict):
        return {name: _without(value, nodes) for name, value in structure.items()}
    kept = [_without(value, nodes) for value in structure if id(value) not in nodes]
    return frozenset(kept) if isinstance(structure, frozenset) else kept


def structure_of(requirements: Any, leaf: Any) -> Any:
    """*requirements* with ``leaf(task)`` for each task; iterables that are no collection become lists."""
    if isinstance(requirements, luigi.Task):
        return leaf(requirements)
    if isinstance(requirements, (list, tuple)):
        return [structure_of(value, leaf) for value in requirements]
    if isinstance(requirements, Mapping):
        return {name: structure_of(value, leaf) for name, value in requirements.items()}
    if isinstance(requirements, (set, frozenset)):
        return frozenset(structure_of(value, leaf) for value in requirements)
    if requirements is None:
        return []
    if isinstance(requirements, luigi.Target):
        raise TypeError("requires() returned a target; wrap it in an ExternalTask")
    try:
        return [structure_of(value, leaf) for value in requirements]
    except TypeError:
        raise TypeError(f"requires() must return tasks, not {type(requirements).__name__}") from None


def flat(structure: Any) -> Iterator[Any]:
    """The leaves of a structure in Luigi's order."""
    if isinstance(structure, (list, tuple, set, frozenset)):
        for value in structure:
            yield from flat(value)
    elif isinstance(structure, Mapping):
        for value in structure.values():
            yield from flat(value)
    else:
        yield structure


def cycle_error(path: list[Node]) -> UsageError:
    """The error for a task that requires itself; *path* leads from the task round to itself."""
    names = " -> ".join(str(node.task) for node in path)
    return UsageError(
        f"the tasks require each other in a circle: {names}",
        slug="cycle",
        hint="take one of these requirements out",
    )


def equal_task_id_error(first: Node, second: Node) -> UsageError:
    """The error for two tasks that Luigi cannot tell apart though they are not the same."""
    return UsageError(
        f"two different tasks have the task_id {first.task_id}: {first.task!r} and {second.task!r}",
        slug="equal-task-id",
        hint="make the parameters in which they differ significant and public, or rename one of the classes",
    )

"""Tasks that write to the same place, or into each other's folders, are found in whatever order they come."""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, misc"

from __future__ import annotations

import luigi
from hypothesis import given
from hypothesis import strategies as st

from luisy.runner.pipeline.graph import Node
from luisy.runner.pipeline.output_paths import OutputPaths

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


class Writer(luigi.Task):
    number = luigi.IntParameter()


def writer(number: int, *paths: str) -> Node:
    """A task that writes to *paths*."""
    return Node(Writer(number), outputs=tuple((path.encode(), path) for path in paths))


def sharing(*nodes: Node) -> set[int]:
    """The numbers of the tasks that are said to share bytes with another one."""
    places = OutputPaths()
    return {
        int(shared.node.task.param_kwargs["number"])
        for node in nodes
        for pair in places.add(node)
        for shared in pair
    }


def overlap(first: str, second: str) -> bool:
    return f"{first}/".startswith(f"{second}/") or f"{second}/".startswith(f"{first}/")


@given(st.lists(st.lists(PATHS, max_size=2), max_size=6))
def test_exactly_those_that_overlap_are_found(tasks: list[list[str]]) -> None:
    """A task is found if and only if a path of it is, holds, or lies in a path of another task."""
    nodes = [writer(number, *paths) for number, paths in enumerate(tasks)]
    expected = {
        number
        for number, paths in enumerate(tasks)
        for other, others in enumerate(tasks)
        if number != other and any(overlap(path, theirs) for path in paths for theirs in others)
    }
    assert sharing(*nodes) == expected


def test_a_folder_that_only_begins_alike_is_another() -> None:
    """``/data/out-2`` does not lie in ``/data/out``."""
    assert sharing(writer(1, "/data/out"), writer(2, "/data/out-2"), writer(3, "/data/out.txt")) == set()


def test_outputs_of_one_task_may_lie_in_each_other() -> None:
    """Nobody else writes there."""
    assert sharing(writer(1, "/data/out", "/data/out/part")) == set()


def test_a_folder_is_told_once_for_each_task_that_writes_into_it() -> None:
    """What is said grows with the number of tasks, not with its square, whoever comes first."""
    inner = [writer(number, f"/data/out/{number}") for number in range(1, 101)]
    for order in ([writer(0, "/data/out"), *inner], [*inner, writer(0, "/data/out")]):
        places = OutputPaths()
        assert sum(len(list(places.add(node))) for node in order) == 100

"""From the nodes of a plan or a run to its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.model import Outcome, Reason
from luisy.plan import Report, Root, Status, TaskReport
from luisy.runner.pipeline.describe import shown_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from luisy.fingerprint import Fingerprinter
    from luisy.plan import Traffic
    from luisy.runner.pipeline.graph import Graph, Node
    from luisy.runner.results.keeping import Execution


def report_of(
    status: Status,
    root: Node,
    graph: Graph,
    executions: Sequence[Execution],
    notes: Sequence[Reason],
    *,
    reasons: Mapping[str, Reason],
    seconds: float,
    traffic: Traffic,
    incomplete: Reason | None,
) -> Report:
    """What was planned, or what happened.

    :param reasons: by task id, where there is a better one than that of its decision.
    """
    not_kept = tuple(
        (str(graph.nodes[execution.task_id].task), execution.reason)
        for execution in executions
        if execution.outcome is Outcome.EXECUTED and execution.reason is not None
    )
    return Report(
        status,
        Root(root.family, root.own_key),
        tuple(_task_report(node, reasons.get(node.task_id, node.decision.reason)) for node in graph),
        seconds,
        remote=traffic,
        notes=(*notes, *(note for execution in executions for note in execution.notes)),
        not_kept=not_kept,
        incomplete=incomplete,
    )


def blind_spots(graph: Graph, fingerprinter: Fingerprinter) -> tuple[Reason, ...]:
    """A sentence if tasks that execute have code that cannot be followed; of results that are there, none again."""
    families = dict.fromkeys(
        node.family
        for node in graph
        if node.outcome is Outcome.EXECUTED
        and node.facts is not None
        and fingerprinter.of(type(node.task)).blind_spots
    )
    if not families:
        return ()
    first, *others = families
    text = (
        f"in {first}{f' and {len(others)} more' if others else ''}, some code cannot be followed, so a change there is"
        " not noticed; `luisy key TASK -v` says where"
    )
    return (Reason("blind-spots", text),)


def _task_report(node: Node, reason: Reason) -> TaskReport:
    if node.facts is None:
        params = node.task.to_str_params(only_public=True)
    else:
        params = shown_parameters(node.facts.parameters)
    return TaskReport(
        family=node.family,
        params=params,
        key=node.own_key,
        outcome=node.outcome,
        cacheable=not node.uncacheable and not node.problem,
        adopted=node.adopted,
        reason=reason,
        seconds=node.seconds,
        bytes=node.size,
        outputs=tuple(path for _, path in node.outputs),
    )

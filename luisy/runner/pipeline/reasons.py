"""What a reason says beyond its slug: which code, which input. In bulk, and only for what is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.explain import code_changes, in_short, own_changes
from luisy.model import Outcome, Reason
from luisy.runner.pipeline.accounts import Accounts
from luisy.runner.pipeline.graph import input_leaves

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.cas import Recorded, Store
    from luisy.fingerprint import Fingerprinter
    from luisy.keys import Facts
    from luisy.model import Digest
    from luisy.runner.pipeline.graph import Node

_EXPLAINED = frozenset({"code-changed", "input-changed"})
_NAMED = 3
_OTHERS = Reason("options-changed", "what it is set to changed since its last result")


class Reasons:
    """The reasons of tasks that are executed, with the names of what changed since their last results.

    They are looked for in the store alone. Where nothing is found, a reason stays as it was decided.
    """

    def __init__(self, store: Store, fingerprinter: Fingerprinter) -> None:
        self._store = store
        self._accounts = Accounts(store, fingerprinter, lambda *_: None)
        self._known: dict[tuple[str, Reason], Reason] = {}
        self._code: dict[tuple[Digest, Digest], str] = {}
        self._options: dict[Digest, str] = {}

    def of(self, nodes: Iterable[Node]) -> dict[str, Reason]:
        """The longer reasons, by task id; of other tasks nothing."""
        wanted = {
            node.task_id: node
            for node in nodes
            if node.outcome is Outcome.EXECUTED
            and node.decision.reason.slug in _EXPLAINED
            and (node.task_id, node.decision.reason) not in self._known
        }
        if wanted:
            self._look(wanted.values())
        return {
            node.task_id: self._known[name]
            for node in nodes
            if (name := (node.task_id, node.decision.reason)) in self._known
        }

    def _look(self, nodes: Iterable[Node]) -> None:
        tasks = {node.task_id: _task(node.facts) for node in nodes if node.facts is not None}
        recorded = self._store.recorded(set(tasks.values()))
        for node in nodes:
            reason = node.decision.reason
            found = recorded.get(tasks[node.task_id], []) if node.task_id in tasks else []
            if reason.slug == "code-changed":
                longer = _with(reason, self._changed_code(node, found))
            else:
                longer = self._same_code(node, found)
            self._known[node.task_id, reason] = longer

    def _changed_code(self, node: Node, recorded: list[Recorded]) -> str:
        """What changed in the code since the newest result of other code; looked at once for all tasks of a class."""
        assert node.facts is not None
        now = node.facts.fingerprint
        last = next((row for row in recorded if row.fingerprint != now), None)
        if last is None:
            return ""
        pair = last.fingerprint, now
        if pair not in self._code:
            action = self._store.action(last.key)
            before = None if action is None else self._accounts.code_of_action(action)
            after = self._accounts.code_of_node(node)
            self._code[pair] = (
                "" if before is None or after is None else in_short(code_changes(before, after))
            )
        return self._code[pair]

    def _same_code(self, node: Node, recorded: list[Recorded]) -> Reason:
        """What changed since the newest result of the same code: inputs, or else options and the like."""
        assert node.facts is not None
        own = (node.key, node.base_key)
        rows = (row for row in recorded if row.fingerprint == node.facts.fingerprint and row.key not in own)
        last = next(rows, None)
        if last is None:
            return node.decision.reason
        if changed := _changed_inputs(node, last):
            more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
            return _with(node.decision.reason, ", ".join(changed[:_NAMED]) + more)
        others = self._others(node, last)
        return _with(_OTHERS, others) if others else node.decision.reason

    def _others(self, node: Node, last: Recorded) -> str:
        """Options, outputs and the like that changed; they are those of a class, so looked at once."""
        assert node.facts is not None
        if node.facts.fingerprint not in self._options:
            action = self._store.action(last.key)
            now = self._accounts.of_node(node)
            found = [] if action is None else own_changes(self._accounts.of_action(action, now), now)
            self._options[node.facts.fingerprint] = in_short(found)
        return self._options[node.facts.fingerprint]


def _changed_inputs(node: Node, last: Recorded) -> list[str]:
    """The inputs that are known to have other bytes than those of the *last* result; none where they are not the same."""
    leaves = input_leaves(node)
    if len(last.inputs) != len(leaves):  # what run() yielded is among them, or something else is required
        return []
    pairs = zip(leaves, last.inputs, strict=True)
    return [str(leaf.task) for leaf, digest in pairs if leaf.content not in (None, digest)]


def _task(facts: Facts) -> tuple[str, str, Digest]:
    return facts.project, facts.family, facts.params_digest()


def _with(reason: Reason, more: str) -> Reason:
    return Reason(reason.slug, f"{reason.text}: {more}") if more else reason

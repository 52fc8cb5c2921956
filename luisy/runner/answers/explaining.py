"""``luisy why``: the nearest earlier result of a task, and what has changed since, down to the root of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from luisy.explain import (
    Cause,
    Change,
    Part,
    causes_of,
    changed_inputs,
    code_changes,
    input_change,
    own_changes,
)
from luisy.model import Key, Outcome, is_digest
from luisy.plan import Kind
from luisy.runner.answers.nearest import Records
from luisy.runner.answers.replacing import replacements
from luisy.runner.pipeline.accounts import Accounts
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.pipeline.parts import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.explain import Account
    from luisy.model import Action, Reason
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session

_HITS = frozenset({Outcome.LOCAL, Outcome.REMOTE, Outcome.REUSED, Outcome.COMPLETE})
_STOPPED = frozenset({Outcome.MISSING, Outcome.FAILED, Outcome.BLOCKED})


@dataclass(frozen=True, slots=True)
class Why:
    """Why a task has a result, or has none.

    :param task: as Luigi writes it.
    :param origin: the remote that its result has to be fetched from; empty for this machine.
    :param action: the one that serves, or the nearest that was compared with; None if there is none.
    :param changes: what changed since, in the order to read them.
    """

    family: str
    task: str
    key: Key | None
    hit: bool
    reason: Reason
    origin: str = ""
    action: Action | None = None
    changes: tuple[Change, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The document that ``luisy why --json`` prints."""
        return {
            "family": self.family,
            "key": self.key,
            "hit": self.hit,
            "compared_with": None if self.hit or self.action is None else self.action.key,
            "changes": [change.as_json() for change in self.changes],
        }


def why(session: Session) -> Why:
    """Why the root of a planned session has a result, or has none. Executes nothing."""
    return Explainer(session).why(session.roots[0])


@dataclass(slots=True)
class _Input:
    """An input that does not count as it did.

    :param action: at the key that it had then, if it had one and that is still recorded.
    :param same_bytes: its key is another one, its content is not.
    :param in_place_of: the task that was required then, where it was another one.
    """

    node: Node
    action: Action | None
    before: str | None
    after: str | None
    same_bytes: bool
    in_place_of: str = ""


@dataclass(slots=True)
class _Step:
    """A task held against an action.

    :param own: what no input explains.
    :param causes: what is at the root of it all.
    """

    own: list[Change] = field(default_factory=list)
    inputs: list[_Input] = field(default_factory=list)
    changes: tuple[Change, ...] = ()
    causes: tuple[Cause, ...] = ()


class Explainer:
    """Compares the tasks of a planned session with what was recorded of them."""

    def __init__(self, session: Session) -> None:
        self._reasons = session.reasons
        self._lookup = session.resolver.lookup
        self._rebuild = session.resolver.finder.rebuild
        self._records = Records(session.store, session.exchange)
        self._accounts = Accounts(session.store, session.fingerprinter, self._records.bring)
        self._steps: dict[tuple[str, Key | None], _Step] = {}

    def why(self, node: Node) -> Why:
        """Why *node* has a result, or has none."""
        told = (node.family, str(node.task), node.own_key)
        reason = self._reasons.of([node]).get(node.task_id, node.decision.reason)
        if _is_hit(node):
            result = node.result
            origin = None if result is None else self._lookup.origin(result)
            served = None if result is None else self._lookup.action(result)
            url = "" if origin is None else origin.url
            return Why(*told, hit=True, reason=reason, origin=url, action=served)
        action: Action | None = None
        changes: tuple[Change, ...] = ()
        if node.kind is Kind.WRAPPER:
            changes = self._of_wrapper(node)
        elif node.facts is not None:
            action = self._records.nearest(node.facts)
            changes = self._explained(node, action).changes
        return Why(*told, hit=False, reason=reason, action=action, changes=changes)

    def _of_wrapper(self, node: Node) -> tuple[Change, ...]:
        """A wrapper is nothing but its inputs: each without a result is held against the nearest that it had."""
        changes = []
        for leaf in input_leaves(node):
            if _is_hit(leaf):
                continue
            action = None if leaf.facts is None else self._records.nearest(leaf.facts)
            step = self._explained(leaf, action)
            before = None if action is None else action.key
            after = leaf.key or leaf.base_key
            changes.append(_as_change(_Input(leaf, action, before, after, same_bytes=False), step))
        return tuple(changes)

    def _explained(self, root: Node, action: Action | None) -> _Step:
        """*root* held against *action*, after everything upstream of it that changed."""
        todo: list[tuple[Node, Action | None, bool]] = [(root, action, False)]
        while todo:
            node, then, entered = todo.pop()
            name = _name(node, then)
            if entered:
                self._conclude(str(node.task), self._steps[name])
            elif name not in self._steps:
                step = self._steps[name] = self._compared(node, then)
                todo.append((node, then, True))
                todo += [(item.node, item.action, False) for item in step.inputs]
        return self._steps[_name(root, action)]

    def _compared(self, node: Node, then: Action | None) -> _Step:
        """*node* alone against an action: what differs in it, and which of its inputs have to be looked at."""
        step = _Step()
        if then is None or node.facts is None:
            return step
        dynamic = node.dynamic or self._yielded(then)
        now = self._accounts.of_node(node, dynamic)
        old = self._accounts.of_action(then, now)
        step.own = own_changes(old, now)
        if then.params_digest == node.facts.params_digest():  # across stores, hidden values look different
            step.own = [change for change in step.own if change.part is not Part.PARAMETER]
        elif all(change.part is not Part.PARAMETER for change in step.own):
            step.own.insert(0, _unseen(old, now))
        if then.fingerprint != node.facts.fingerprint:
            step.own += _code(old, now, then.fingerprint, node.facts.fingerprint)
        required = {dep.task_id: dep for dep in (*input_leaves(node), *dynamic, *node.held)}
        self._compare_inputs(step, required, old, now, then.project)
        if not step.own and not step.inputs and node.base_key not in (None, then.key, then.base_key):
            step.own.append(_unnamed(old))
        return step

    def _compare_inputs(
        self, step: _Step, required: Mapping[str, Node], old: Account, now: Account, project: str
    ) -> None:
        changed = changed_inputs(old, now)
        new = {
            id_: required[id_] for id_, (before, _) in changed.items() if before is None and id_ in required
        }
        gone = {id_: before for id_, (before, _) in changed.items() if before and id_ not in required}
        replaced = replacements(new, gone, lambda key: self._records.at(key, project))
        unused = gone.keys() - {one.task_id for one in replaced.values()}
        for task_id, (before, after) in changed.items():
            dep = required.get(task_id)
            if dep is None:
                if task_id in unused:
                    what = "it is not required any more"
                    step.own.append(Change(Part.INPUT, task_id, before, after, what=what))
            elif one := replaced.get(task_id):
                step.inputs.append(
                    _Input(dep, one.action, one.counted, after, same_bytes=False, in_place_of=one.shown)
                )
            elif before is None:
                step.own.append(Change(Part.INPUT, str(dep.task), before, after, what="it is newly required"))
            else:
                past = self._records.at(Key(before), project) if is_digest(before) else None
                same = before != old.contents.get(task_id, before) == dep.content
                step.inputs.append(_Input(dep, past, before, after, same))

    def _yielded(self, then: Action) -> tuple[Node, ...]:
        """The tasks that ``run()`` yielded then, as they are now: those of now are not known before it ran."""
        built = (self._rebuild(one.module, one.family, one.params) for one in then.trace)
        return tuple(node for node in built if node is not None)

    def _conclude(self, task: str, step: _Step) -> None:
        """Put together what changed in a task and in its inputs, which are concluded already."""
        inputs, causes = [], []
        for item in sorted(step.inputs, key=lambda item: item.same_bytes):
            upstream = self._steps[_name(item.node, item.action)]
            change = _as_change(item, upstream)
            inputs.append(change)
            causes.append(upstream.causes or (Cause(str(item.node.task), change),))
        step.changes = (*step.own, *inputs)
        step.causes = causes_of(task, step.own, causes)


def _name(node: Node, action: Action | None) -> tuple[str, Key | None]:
    return node.task_id, None if action is None else action.key


def _is_hit(node: Node) -> bool:
    return node.outcome in _HITS


def _code(old: Account, new: Account, before: str, after: str) -> list[Change]:
    if old.code is None or new.code is None:
        return [Change(Part.CODE, "fingerprint", before, after, what="what it was then is not recorded")]
    return code_changes(old.code, new.code)


def _unseen(old: Account, new: Account) -> Change:
    """A parameter that differs though all that is shown of it is equal."""
    hidden = any(value.startswith(HIDDEN) for value in {**old.parts, **new.parts}.values())
    what = (
        "one that is not public"
        if hidden
        else "one whose value is written as it was (a class with other code)"
    )
    return Change(Part.PARAMETER, "unseen", None, None, what=what)


def _unnamed(old: Account) -> Change:
    """What differs where no part does: the encoding of the key has more in it than its parts show."""
    if not old.whole:
        what = "what the earlier result was made of is not recorded"
    else:
        what = "what is required is ordered, nested or read in another way"
    return Change(Part.INPUT, "requires()", None, None, what=what)


def _as_change(item: _Input, upstream: _Step) -> Change:
    """An input that changed, with what is at the root of it."""
    name = str(item.node.task)
    if item.in_place_of:
        return _in_place(item, upstream)
    if upstream.causes:
        return input_change(name, item.before, item.after, upstream.causes, same_bytes=item.same_bytes)
    return Change(Part.INPUT, name, item.before, item.after, what=_without_causes(item))


def _in_place(item: _Input, upstream: _Step) -> Change:
    """An input that took the place of another one; with what differs between them, where that is recorded."""
    name, told = str(item.node.task), f"it is required in place of {item.in_place_of}"
    if not upstream.causes:
        return Change(Part.INPUT, name, item.before, item.after, what=told)
    change = input_change(name, item.before, item.after, upstream.causes)
    return replace(change, what=f"{told}: {change.what}", diff=f"{told}\n\n{change.diff}")


def _without_causes(item: _Input) -> str:
    node = item.node
    if node.outcome in _STOPPED:
        return node.decision.reason.text
    if node.content is None and (item.after is None or node.kind is not Kind.TASK):
        return f"what it is now is not known yet: {node.decision.reason.text}"
    if node.by_content or (item.action is not None and item.before != item.action.key):
        return "its bytes changed"
    if item.before is None:
        return node.decision.reason.text
    if item.action is None:
        return "its key changed; what it was made of then is not recorded any more"
    return f"its result is not the one that was used: {node.decision.reason.text}"

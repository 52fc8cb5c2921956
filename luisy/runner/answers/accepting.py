"""``luisy accept``: after a refactoring, earlier results count for the keys of the new code (ADR 0009).

What may be accepted is not a matter of comparing parts: the key is made again with an earlier fingerprint and all
else as it is now. Where an action lies at that key, nothing but the fingerprint differs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luisy import settings as configuration
from luisy.cas import Acceptance, browsing, resting_on
from luisy.errors import LuisyError, NoSuchResult
from luisy.explain import Part
from luisy.plan import SERVED, Found, Kind
from luisy.runner.answers.explaining import Explainer
from luisy.runner.build import session_for
from luisy.runner.pipeline.describe import shown_parameters
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.pipeline.keying import key_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import luigi

    from luisy.cas import Result
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session

_OF_THE_FINGERPRINT = frozenset({Part.CODE, Part.PACKAGE})
_NAMED = 3

_WHY_NOT_SOUND = {
    Found.NOTHING: "its earlier result has other requirements or outputs",
    Found.GONE: "its earlier result is no longer whole in the store",
    Found.SUPERSEDED: "its earlier result was made from another content of an input",
    Found.UNPROVEN: "something upstream was made anew since its earlier result",
}


class NotAcceptedError(LuisyError):
    """An earlier result cannot count for the new code; nothing was recorded."""

    slug = "not-accepted"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task whose earlier result is to count for its code as it is now.

    :param result: the earlier result.
    :param record: what says so.
    """

    node: Node
    result: Result
    record: Acceptance

    def as_json(self) -> dict[str, Any]:
        """Its part of the document that ``luisy accept --json`` prints."""
        return acceptance_document(self.record) | {"made": browsing.iso(self.result.created)}


@dataclass(frozen=True, slots=True)
class Acceptances:
    """All that has to be accepted for a task, inputs before consumers."""

    root: Node
    accepted: tuple[Accepted, ...]


def acceptance_document(record: Acceptance) -> dict[str, Any]:
    """An acceptance as JSON."""
    return {
        "family": record.family,
        "params": dict(record.params),
        "key": record.key,
        "action": record.action_key,
        "code_hash": record.fingerprint,
        "proved": record.proved,
        "created": browsing.iso(record.created),
    }


# --- accepting


def accept(task: luigi.Task) -> Acceptances:
    """Let the existing results of *task*, and of all that it needs, count for their code as it is now.

    :raises NotAcceptedError: for one of them there is none that differs in the fingerprint alone.
    """
    settings = replace(configuration.current(), force=False, force_all=False, adopt=False)
    with session_for(settings, create=False) as session:
        planned = plan_acceptances(session, task)
        return apply_acceptances(session, planned) if planned.accepted else planned


def plan_acceptances(session: Session, task: luigi.Task) -> Acceptances:
    """Find the earlier result of *task*, and of everything that it needs, that may count for the code as it is now.

    :raises NotAcceptedError: for one of them there is none that differs in the fingerprint alone.
    """
    session.plan([task])
    search = _Search(session)
    search.through(list(session.graph))
    search.expect_served()
    return Acceptances(session.roots[0], tuple(search.accepted))


def apply_acceptances(session: Session, planned: Acceptances, proved: Iterable[Digest] = ()) -> Acceptances:
    """Record what was planned; returns it as it was recorded.

    :param proved: the fingerprints of code that was executed and made the same.
    :raises StoreError: the store cannot be written.
    """
    known = frozenset(proved)
    accepted = tuple(
        replace(item, record=replace(item.record, proved=item.record.fingerprint in known))
        for item in planned.accepted
    )
    session.store.file_acceptances([item.record for item in accepted])
    return replace(planned, accepted=accepted)


class _Search:
    """Goes through the tasks of a planned session, inputs first, and takes for accepted what it finds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._resolver = session.resolver
        self._through: dict[str, frozenset[Key]] = {}
        self._refused: list[tuple[Node, Found]] = []
        self.accepted: list[Accepted] = []

    def through(self, nodes: Sequence[Node]) -> None:
        """Look at *nodes*, inputs before consumers, each once."""
        for node in nodes:
            if node.task_id in self._through:
                continue
            if node.needed:
                self._resolver.settle(node)  # its inputs may count by now
                if self._is_open(node) and all(leaf.content is not None for leaf in input_leaves(node)):
                    self._accept(node)
            self._through[node.task_id] = self._passed_on(node)

    def _passed_on(self, node: Node) -> frozenset[Key]:
        """The nearest acceptances that what is made from *node* comes through."""
        if node.accepted is not None and node.base_key is not None:
            return frozenset((node.base_key,))
        return self._below(node)

    def _below(self, node: Node) -> frozenset[Key]:
        """The nearest acceptances that *node* itself comes through."""
        passed = {self._through.get(leaf.task_id, frozenset()) for leaf in input_leaves(node)}
        return passed.pop() if len(passed) == 1 else frozenset(key for keys in passed for key in keys)

    @staticmethod
    def _is_open(node: Node) -> bool:
        cacheable = node.kind is Kind.TASK and not node.uncacheable and not node.problem
        return cacheable and node.outcome not in SERVED

    def _accept(self, node: Node) -> None:
        best = Found.NOTHING
        for result in self._candidates(node):
            self._accept_trace(node, result)
            found, sound = self._resolver.finder.found_at(node, result.key)
            if sound is not None:
                self._take(node, sound)
                return
            best = found
        self._refused.append((node, best))

    def _candidates(self, node: Node) -> list[Result]:
        """The results of other code at what else the key is made of now, newest first."""
        facts, lookup = node.facts, self._resolver.lookup
        if facts is None:
            return []
        history = lookup.history(facts.project, facts.family, facts.params_digest())
        keys = [key_with(node, fingerprint) for fingerprint in history if fingerprint != facts.fingerprint]
        found = [result for key in keys if key for result in lookup.candidates(key, facts.project)]
        return sorted(found, key=lambda result: -result.created)

    def _accept_trace(self, node: Node, result: Result) -> None:
        """Where an execution yielded tasks, their code may have changed as well: they come first."""
        action = self._resolver.lookup.action(result) if result.has_trace else None
        known = len(self._session.graph.nodes)
        for dependency in () if action is None else action.trace:
            self._resolver.finder.rebuild(dependency.module, dependency.family, dependency.params)
            self.through(list(self._session.graph)[known:])
        self._resolver.settle(node)

    def _take(self, node: Node, result: Result) -> None:
        facts = node.facts
        assert facts is not None
        assert node.base_key is not None
        record = Acceptance(
            key=node.base_key,
            action_key=result.key,
            project=facts.project,
            family=facts.family,
            params=shown_parameters(facts.parameters),
            fingerprint=facts.fingerprint,
            through=tuple(sorted(self._below(node))),
            proved=False,
            created=time.time(),
        )
        self._resolver.lookup.accept(node.base_key, result.key)
        self._resolver.settle(node)
        self.accepted.append(Accepted(node, result, record))

    def _refusal(self, node: Node, found: Found) -> str:
        changes = Explainer(self._session).why(node).changes
        told = [change.told() for change in changes if change.part not in _OF_THE_FINGERPRINT]
        if told:
            return f"{node.task} differs from its nearest earlier result in more than code: {told[0]}"
        if not changes and found is Found.NOTHING:
            return f"{node.task}: {node.decision.reason.text}"
        return f"{node.task}: {_WHY_NOT_SOUND.get(found, node.decision.reason.text)}"

    def expect_served(self) -> None:
        """:raises NotAcceptedError: a task that is needed has no result that counts."""
        told = [self._refusal(node, found) for node, found in self._refused[:_NAMED]]
        count = len(self._refused)
        if not told:  # what is needed of other kinds: missing files, tasks that are not cacheable
            waiting = [node for node in self._session.graph if node.needed and self._is_open(node)]
            told = [f"{node.task}: {node.decision.reason.text}" for node in waiting[:_NAMED]]
            count = len(waiting)
        if told:
            more = f"; and {count - _NAMED} more" if count > _NAMED else ""
            raise NotAcceptedError(
                f"{'; '.join(told)}{more}",
                hint="nothing was recorded; accept the tasks above it by themselves, or run it",
            )


# --- taking it back


def plan_undoing(session: Session, task: luigi.Task) -> list[Acceptance]:
    """The acceptances that count now for *task* and what it needs, with all that came through them.

    :raises NoSuchResult: there is none (slug ``no-acceptance``).
    """
    session.plan([task])
    keys = {node.base_key for node in session.graph if node.accepted is not None}
    found = resting_on((key for key in keys if key is not None), session.store.acceptances())
    if not found:
        raise NoSuchResult(
            f"no acceptance counts for {task} and what it needs, as the code is now",
            slug="no-acceptance",
            hint="with the code that was accepted in place, it can be undone",
        )
    return found

"""What the store and the remotes hold for a task, and whether it counts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from luisy.plan import Found, History
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.pipeline.keying import ref_of, shallow_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from luisy.cas import Result
    from luisy.keys import Facts
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.remote.lookup import Lookup
    from luisy.runner.results.workspace import Workspace


class Finder:
    """Finds results for nodes that have their facts.

    :param writer_of: the task that writes a path, as far as is known.
    """

    def __init__(self, lookup: Lookup, workspace: Workspace, writer_of: Callable[[str], Node | None]) -> None:
        self.lookup = lookup
        self._workspace = workspace
        self._writer_of = writer_of
        # Filled by the session: builds and settles a task that a trace names; None where that is not possible.
        self.rebuild: Callable[[str, str, Mapping[str, str]], Node | None] = lambda *_: None

    def find(self, node: Node) -> tuple[Found, Result | None]:
        """The best that the index holds at the deep key; the result comes with it only where it is sound."""
        node.accepted = None
        if node.base_key is None:
            return Found.NOTHING, None
        found, result = self.found_at(node, node.base_key)
        accepted = None if result is not None else self.lookup.accepted(node.base_key)
        if accepted is None:
            return found, result
        counts, result = self.found_at(node, accepted)
        if result is None:
            return counts if found is Found.NOTHING else found, None
        node.accepted = accepted
        return counts, result

    def found_at(self, node: Node, key: Key) -> tuple[Found, Result | None]:
        """The best that the index holds for *node* at *key*; the result comes with it only where it is sound."""
        best = Found.NOTHING
        for result in self.lookup.candidates(key, _facts(node).project):
            node.dynamic = ()
            if result.has_trace and not self._follow_trace(node, result):
                continue
            best = self._standing(node, result)
            if best is Found.SOUND:
                return best, result
        node.dynamic = ()
        return best, None

    def _standing(self, node: Node, result: Result) -> Found:
        """Whether *result* is whole and was made from what the inputs' results are now, as far as they are known."""
        if is_expired(node, result.created):
            return Found.EXPIRED
        if not self.lookup.whole(result) or not self._is_complete(result):
            return Found.GONE
        if (
            result.adopted and not result.inputs
        ):  # made before luisy from inputs that were gone when it was adopted
            gone = any(leaf.superseded for leaf in input_leaves(node))
            return Found.SUPERSEDED if gone else Found.SOUND
        return stands_on(node, result.inputs, result.created)

    def renewed(self, node: Node) -> float:
        """When the newest of what *node*, which has no result, rests on was made or gave way to another content."""
        times = [self.lookup.superseded(node.base_key)]
        for leaf in input_leaves(node):
            if leaf.content is None:
                times.append(leaf.renewed)
            elif leaf.result is not None and not leaf.by_content:
                times += (leaf.result.created, self.lookup.superseded(leaf.key))
        return max(times)

    def _is_complete(self, result: Result) -> bool:
        """Whether what the task wrote beside its outputs is there too: who reads one may look for the other."""
        if not result.has_side_files:
            return True
        action = self.lookup.action(result)
        return action is not None and self._workspace.are_beside(action, self._writer_of)

    def _follow_trace(self, node: Node, result: Result) -> bool:
        """Whether the tasks that this execution yielded still have the keys that they had."""
        action = self.lookup.action(result)
        if action is None:
            return False
        found = []
        for dependency in action.trace:
            other = self.rebuild(dependency.module, dependency.family, dependency.params)
            ref = None if other is None else ref_of(other)
            if other is None or ref is None or ref.digest != dependency.key:
                return False
            found.append(other)
        node.dynamic = tuple(found)
        return True

    def equal_inputs(self, node: Node) -> Result | None:
        """A sound result of the same code from inputs with the same content, under whatever keys (early cutoff)."""
        node.shallow_key = shallow_key(node)
        if node.shallow_key is None:
            return None
        result = self.lookup.equal_inputs(node.shallow_key, _facts(node).project)
        if result is None or not self._is_complete(result) or is_expired(node, result.created):
            return None
        return result

    def history(self, node: Node) -> tuple[History, bool]:
        """What was ever recorded for these parameters, and whether early cutoff could still find some of it."""
        facts = _facts(node)
        seen = self.lookup.history(facts.project, facts.family, facts.params_digest())
        if not seen:
            return History.NEVER, False
        cutoff = seen.get(facts.fingerprint)
        return (History.OTHER_CODE, False) if cutoff is None else (History.SAME_CODE, cutoff)


def stands_on(node: Node, inputs: Sequence[Digest], created: float) -> Found:
    """Whether what was made of *inputs*, at the time *created*, was made of what these are now, as far as that is known."""
    leaves = input_leaves(node)
    if len(leaves) != len(inputs) or any(leaf.superseded for leaf in leaves):
        return Found.SUPERSEDED
    for leaf, digest in zip(leaves, inputs, strict=True):
        if leaf.content is not None and leaf.content != digest:
            return Found.SUPERSEDED
    if any(leaf.content is None and leaf.renewed > created for leaf in leaves):
        return Found.UNPROVEN
    return Found.SOUND


def is_expired(node: Node, created: float) -> bool:
    """Whether what was made at the time *created* is older than the task declares that its results live."""
    lifetime = node.declaration.time_to_live
    return lifetime is not None and time.time() - created > lifetime


def _facts(node: Node) -> Facts:
    """The facts of a task that is cacheable."""
    assert node.facts is not None
    return node.facts

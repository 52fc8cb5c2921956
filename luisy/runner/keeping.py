"""From a finished ``run()`` to a kept result: in the process that ran the task, before Luigi hears of it.

A result is filed only under the inputs, the code and the requirements that it really had. Where one of them
changed while the task ran, its output stays in the workspace, nothing is kept, and the run says why.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from luisy import keys, observe
from luisy.errors import LuisyError
from luisy.model import Action, Digest, DynamicDependency, Input, Key, Outcome, Reason
from luisy.plan import Kind
from luisy.runner.describe import shown_parameters
from luisy.runner.graph import input_leaves
from luisy.runner.keying import ref_of, shallow_key
from luisy.runner.parts import parts_of

if TYPE_CHECKING:
    from luisy.model import Manifest
    from luisy.observe import Observation
    from luisy.runner.graph import Node
    from luisy.runner.session import Session

logger = logging.getLogger("luisy")


@dataclass(frozen=True, slots=True)
class Execution:
    """What a process tells the session about a task that it was given to run.

    :param outcome: executed, failed, or served after all (another process had made it meanwhile).
    :param key: the key that the result was kept under; None where it was not kept.
    :param content: the digest of the outputs' manifest, if they could be read.
    :param reason: why it was not kept, or why it failed.
    :param size: bytes of the outputs.
    """

    task_id: str
    outcome: Outcome
    seconds: float = 0.0
    key: Key | None = None
    content: Digest | None = None
    size: int = 0
    reason: Reason | None = None
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """What was seen of one ``run()``.

    :param required: task ids that ``deps()`` gave when the task started, None if Luigi did not ask.
    :param dynamic: the nodes that it yielded or built, each once, in order.
    :param seen: what it touched in the workspace.
    """

    seconds: float
    seen: Observation
    required: tuple[str, ...] | None
    dynamic: tuple[Node, ...]


class _NotKept(Exception):
    """Why a result may not be kept; turned into a reason, never seen by anybody else."""

    def __init__(self, slug: str, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(slug, text)


def conclude(session: Session, node: Node, ran: Ran) -> Execution:
    """Keep the result of *node*, or say why not. Whatever goes wrong here, the user's task has not failed."""
    with observe.paused():
        node.dynamic = ran.dynamic
        if node.kind is not Kind.TASK:
            return Execution(node.task_id, Outcome.LOCAL, key=node.key, content=node.content)
        if node.uncacheable:
            return _left_alone(session, node, ran, None)
        try:
            return _keep(session, node, ran)
        except _NotKept as refusal:
            reason = refusal.reason
        except (OSError, LuisyError) as error:
            reason = Reason("store-refused", f"its output could not be kept in the store: {error}")
        except Exception as error:
            logger.exception("keeping the result of %s failed", node.task)
            reason = Reason("store-refused", f"its output could not be kept in the store: {error!r}")
        return _left_alone(session, node, ran, reason)


def _left_alone(session: Session, node: Node, ran: Ran, reason: Reason | None) -> Execution:
    """The outputs stay where they are; consumers count their content."""
    content, size = None, 0
    if node.countable:
        try:
            manifest = session.store.snapshot(node.outputs)
            content, size = manifest.digest, manifest.size
            if node.uncacheable:
                session.workspace.mark_made(node, manifest, session.resolver.maker(node))
        except (OSError, LuisyError) as error:
            logger.debug("cannot hash the outputs of %s: %s", node.task, error)
    return Execution(node.task_id, Outcome.EXECUTED, ran.seconds, None, content, size, reason)


def _keep(session: Session, node: Node, ran: Ran) -> Execution:
    if session.store.read_only:
        raise _NotKept("store-read-only", f"the store {session.store.path} is read-only")
    _check_requirements(node, ran)
    _check_inputs(session, node)
    _check_code(session, node)
    side_files = _side_files(session, node, ran)
    manifest = session.store.keep(node.outputs)
    action = _action(session, node, ran, manifest, side_files)
    kept = session.store.record(action, superseding=node.task_id in session.resolver.forced)
    notes = []
    if side_files:
        notes.append(Reason("side-files", f"{node.task} wrote {side_files[0]} beside its outputs; {_DECLARE}"))
    return Execution(
        node.task_id, Outcome.EXECUTED, ran.seconds, kept.key, kept.manifest, kept.size, None, tuple(notes)
    )


_DECLARE = "declare it in side_outputs, or the result is not shared"


def _check_requirements(node: Node, ran: Ran) -> None:
    keyed = tuple(dep.task_id for dep in node.deps)
    if ran.required is not None and ran.required != keyed:
        raise _NotKept("requires-changed", "its requires() gave other tasks when it ran than when it was keyed")


def _check_inputs(session: Session, node: Node) -> None:
    for leaf in input_leaves(node):
        if leaf.content is None:
            raise _NotKept("input-unknown", f"the content of its input {leaf.task} is not known")
        if not session.workspace.unchanged(leaf):
            raise _NotKept("input-changed-meanwhile", f"its input {leaf.task} changed while it ran")


def _check_code(session: Session, node: Node) -> None:
    fingerprint = session.fingerprinter.of(type(node.task))
    if not session.fingerprinter.unchanged(fingerprint):
        raise _NotKept("code-changed-meanwhile", "its source changed while it ran")


def _inside(path: str, outputs: set[str]) -> bool:
    while path not in outputs:
        parent = os.path.dirname(path)
        if parent == path:
            return False
        path = parent
    return True


def _side_files(session: Session, node: Node, ran: Ran) -> list[str]:
    """Files that the task left in the workspace beside its declared outputs."""
    declared = {path for _, path in node.outputs} | {str(session.store.path)}
    declared.update(path for dep in node.dynamic for _, path in dep.outputs)
    return sorted(path for path in ran.seen.writes if os.path.isfile(path) and not _inside(path, declared))


def _allows_cutoff(session: Session, node: Node, ran: Ran) -> bool:
    """Early cutoff is for executions that were seen to read nothing of the workspace but their direct inputs."""
    if ran.seen.started_process or ran.dynamic:
        return False
    known = {path for leaf in input_leaves(node) for _, path in leaf.outputs}
    known.update(path for _, path in node.outputs)
    known.add(str(session.store.path))
    return all(_inside(path, known) for path in ran.seen.reads)


def _action(session: Session, node: Node, ran: Ran, manifest: Manifest, side_files: list[str]) -> Action:
    assert node.facts is not None
    base_key = node.base_key
    if base_key is None:
        raise _NotKept("input-unknown", "an input of it has no key")
    trace = _trace(node)
    key = keys.traced_key(base_key, [ref for _, ref in trace]) if trace else base_key
    fingerprint = session.fingerprinter.of(type(node.task))
    return Action(
        key=key,
        base_key=base_key if trace else None,
        shallow_key=shallow_key(node) if _allows_cutoff(session, node, ran) else None,
        manifest=manifest.digest,
        project=node.facts.project,
        family=node.family,
        params=shown_parameters(node.facts.parameters),
        params_digest=node.facts.params_digest(),
        fingerprint=node.facts.fingerprint,
        inputs=tuple(Input(_key_of(leaf), _content_of(leaf)) for leaf in input_leaves(node)),
        trace=tuple(dependency for dependency, _ in trace),
        parts=session.store.put(msgspec.json.encode(parts_of(node, session.store.secret()))),
        sources=session.store.put(msgspec.json.encode(fingerprint.sources)),
        created=time.time(),
        seconds=ran.seconds,
        size=manifest.size,
        held_back=f"wrote {side_files[0]} beside its outputs" if side_files else "",
    )


def _key_of(leaf: Node) -> Key | None:
    return None if leaf.by_content else leaf.key


def _known_inputs(node: Node) -> tuple[Input, ...]:
    """The inputs of adopted files: all of them, or none where one is gone."""
    leaves = input_leaves(node)
    known = [Input(_key_of(leaf), leaf.content) for leaf in leaves if leaf.content is not None]
    return tuple(known) if len(known) == len(leaves) else ()


def _content_of(leaf: Node) -> Digest:
    assert leaf.content is not None  # _check_inputs
    return leaf.content


def _trace(node: Node) -> list[tuple[DynamicDependency, keys.Ref]]:
    trace = []
    for dep in node.dynamic:
        ref = ref_of(dep)
        if ref is None:
            raise _NotKept("input-unknown", f"it yielded {dep.task}, which has no key")
        task = dep.task
        dependency = DynamicDependency(str(task.task_module), dep.family, task.to_str_params(), Key(ref.digest))
        trace.append((dependency, ref))
    return trace


def keep_adopted(session: Session, node: Node) -> bool:
    """Take over files from before luisy: they become an action that says so and is not uploaded."""
    if session.store.read_only or node.facts is None or node.base_key is None:
        return True
    try:
        manifest = session.store.keep(node.outputs)
    except OSError as error:
        logger.warning("the files of %s cannot be kept: %s", node.task, error)
        return True
    action = Action(
        key=node.base_key,
        manifest=manifest.digest,
        project=node.facts.project,
        family=node.family,
        params=shown_parameters(node.facts.parameters),
        params_digest=node.facts.params_digest(),
        fingerprint=node.facts.fingerprint,
        inputs=_known_inputs(node),
        created=time.time(),
        size=manifest.size,
        adopted=True,
        held_back="adopted: made before luisy, its code cannot be verified",
    )
    session.store.record(action)
    session.workspace.load([node])
    return True

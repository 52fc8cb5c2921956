"""From a finished ``run()`` to a kept result: in the process that ran the task, before Luigi hears of it.

A result is filed only under the inputs, the code and the requirements that it really had. Where one of them
changed while the task ran, its output stays in the workspace, nothing is kept, and the run says why.
"""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luisy import keys, observe
from luisy.errors import LuisyError, StoreError
from luisy.fingerprint.kept import encode, kept
from luisy.model import Action, Digest, DynamicDependency, Input, Key, Outcome, Reason
from luisy.places import lies_in
from luisy.plan import Kind
from luisy.runner.pipeline.describe import shown_parameters
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.pipeline.keying import ref_of, shallow_key
from luisy.runner.pipeline.parts import parts_of
from luisy.runner.results.auditing import told
from luisy.runner.results.provenance import Provenance
from luisy.runner.results.tables import Tables, content_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from luisy.cas import Store
    from luisy.fingerprint import Fingerprint, Fingerprinter
    from luisy.keys import Facts
    from luisy.model import Manifest
    from luisy.observe.runs import Audit
    from luisy.observe.watching import Observation
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.pipeline.requirements import Requirements
    from luisy.runner.results.auditing import Auditor, UndeclaredRead
    from luisy.runner.results.workspace import Tokens, Workspace

logger = logging.getLogger("luisy")


@dataclass(frozen=True, slots=True)
class Execution:
    """What a process tells the session about a task that it was given to run.

    :param outcome: executed, failed, or served after all (another process had made it meanwhile).
    :param key: the key that the result was kept under; None where it was not kept.
    :param content: the digest of the outputs' manifest, if they could be read.
    :param reason: why it was not kept, or why it failed.
    :param undeclared: what ``run()`` read that is in no key, and what was in builds inside it.
    :param size: bytes of the outputs.
    :param tokens: where it was not kept: how its files were before *content* was read from them.
    :param away: it happened on another machine, which has pushed the result.
    """

    task_id: str
    outcome: Outcome
    seconds: float = 0.0
    key: Key | None = None
    content: Digest | None = None
    size: int = 0
    reason: Reason | None = None
    notes: tuple[Reason, ...] = ()
    tokens: Tokens | None = None
    undeclared: tuple[UndeclaredRead, ...] = ()
    away: bool = False


def failure(task_id: str, explanation: object) -> Execution:
    """The execution of a task that failed; the last line of what Luigi says about it is the reason."""
    lines = str(explanation or "it failed").strip().splitlines()
    return Execution(task_id, Outcome.FAILED, reason=Reason("task-failed", lines[-1]))


@dataclass(frozen=True, slots=True)
class Ran:
    """What was seen of one ``run()``.

    :param requirements: what it required meanwhile; None where that was not heard.
    :param dynamic: the nodes that it yielded or built, each once, in order.
    :param seen: what it touched in the workspace.
    :param audit: what it read anywhere; None where nobody looked.
    :param undeclared: what of that neither key nor inputs know of.
    """

    seconds: float
    seen: Observation
    audit: Audit | None
    requirements: Requirements | None
    dynamic: tuple[Node, ...]
    undeclared: tuple[UndeclaredRead, ...] = ()


class _NotKept(Exception):
    """Why a result may not be kept; turned into a reason, never seen by anybody else."""

    def __init__(self, slug: str, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(slug, text)


_DECLARE = "declare it in side_outputs, or the result is not shared"


class Keeper:
    """Files what tasks have made.

    :param forced: the task ids that were executed though they had results.
    """

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        fingerprinter: Fingerprinter,
        forced: AbstractSet[str],
        auditor: Auditor,
    ) -> None:
        self.store = store
        self.workspace = workspace
        self._tables = Tables(store)
        self.fingerprinter = fingerprinter
        self.forced = forced
        self._provenance = Provenance(store)
        self.auditor = auditor
        self._encoded: dict[Digest, bytes] = {}

    def prepare(self, nodes: Iterable[Node]) -> None:
        """Find out, before workers are forked, what will be recorded of executions of *nodes*."""
        if not self.store.read_only:
            kinds = {type(node.task) for node in nodes if node.facts is not None and not node.uncacheable}
            self._provenance.prepare(self.fingerprinter.of(kind) for kind in kinds)

    def conclude(self, node: Node, ran: Ran) -> Execution:
        """Keep the result of *node*, or say why not. Whatever goes wrong here, the user's task has not failed."""
        with observe.paused():
            node.dynamic = ran.dynamic
            if node.kind is not Kind.TASK:
                return Execution(node.task_id, Outcome.LOCAL, key=node.key, content=node.content)
            if not node.is_filed:
                return self._left_alone(node, ran, None)
            try:
                ran = replace(ran, undeclared=self.auditor.undeclared(node, ran.audit))
                return self._written(node, ran) if node.tables else self._kept(node, ran)
            except _NotKept as refusal:
                reason = refusal.reason
            except (OSError, LuisyError) as error:
                reason = Reason("store-refused", f"its output could not be kept in the store: {error}")
            except Exception as error:
                logger.exception("keeping the result of %s failed", node.task)
                reason = Reason("store-refused", f"its output could not be kept in the store: {error!r}")
            return self._left_alone(node, ran, reason)

    def adopt(self, node: Node) -> None:
        """Take over files from before luisy: they become an action that says so and is not uploaded."""
        if self.store.read_only or node.facts is None or node.base_key is None:
            return
        try:
            manifest = self.store.keep(node.outputs)
            held_back = "adopted: made before luisy, its code cannot be verified"
            action = replace(
                _described(node, node.facts, manifest),
                key=node.base_key,
                inputs=_known_inputs(node),
                adopted=True,
                held_back=held_back,
            )
            self.store.record(action)
        except (OSError, LuisyError) as error:
            logger.warning("the files of %s cannot be kept: %s", node.task, error)
            return
        self.workspace.load([node])

    def _left_alone(self, node: Node, ran: Ran, reason: Reason | None) -> Execution:
        """The outputs stay where they are; consumers count their content."""
        content, size, tokens = None, 0, None
        if node.countable:
            try:
                tokens = self.workspace.expect(node)
                manifest = self.store.snapshot(node.outputs)
                content, size = manifest.digest, manifest.size
                if node.uncacheable:
                    self.workspace.mark_made(node, manifest, maker_of(node))
            except (OSError, LuisyError) as error:
                logger.debug("cannot hash the outputs of %s: %s", node.task, error)
        elif node.uncacheable:
            content = node.content  # of the version that it declares
        return Execution(
            node.task_id,
            Outcome.EXECUTED,
            ran.seconds,
            None,
            content,
            size,
            reason,
            tokens=tokens,
            undeclared=()
            if reason and reason.slug == "undeclared-read"
            else ran.undeclared,  # told by the reason
        )

    def _written(self, node: Node, ran: Ran) -> Execution:
        """Note that *node* has written its tables. One that yields tasks runs each time: what they were is not noted."""
        self._check(node, ran)
        versions = self._tables.versions(node)
        if versions is None:
            location = node.tables[0][1].location
            raise _NotKept("no-table-version", f"{location} tells no version, so the task runs each time")
        if node.base_key is None:
            raise _NotKept("input-unknown", "an input of it has no key")
        if not ran.dynamic:
            self._tables.note(node, versions)
        content = content_of(node, versions)
        return Execution(
            node.task_id, Outcome.EXECUTED, ran.seconds, None, content, undeclared=ran.undeclared
        )

    def _check(self, node: Node, ran: Ran) -> None:
        """Refuse what cannot be kept, or was not made of the inputs, the code and the requirements that the key tells."""
        if (refusal := self.store.refusal) is not None:
            raise _NotKept(refusal.slug, refusal.text)
        _check_requirements(ran)
        self._check_inputs(node)
        if not self.fingerprinter.unchanged(self.fingerprinter.of(type(node.task))):
            raise _NotKept("code-changed-meanwhile", "its source changed while it ran")
        self._check_reads(node, ran)

    def _kept(self, node: Node, ran: Ran) -> Execution:
        self._check(node, ran)
        side_files = self._side_files(node, ran)
        try:
            manifest, kept = self._filed(node, ran, side_files)
        except StoreError as error:
            if error.slug != "missing-object":
                raise
            # A gc took equal bytes that lay there unused since they were found to need no storing.
            manifest, kept = self._filed(node, ran, side_files)
        if kept.manifest != manifest.digest:  # another process was first: its result is the one that counts
            self.workspace.load([node])
            self.workspace.restore(node, self.store.manifests([kept.manifest])[kept.manifest])
        notes = [
            Reason("side-files", f"{node.task} wrote {path} beside its outputs; {_DECLARE}")
            for path in side_files[:1]
        ]
        return Execution(
            node.task_id,
            Outcome.EXECUTED,
            ran.seconds,
            kept.key,
            kept.manifest,
            kept.size,
            None,
            tuple(notes),
            undeclared=ran.undeclared,
        )

    def _check_reads(self, node: Node, ran: Ran) -> None:
        if (label := self.auditor.changed(node)) is not None:
            raise _NotKept("declared-changed-meanwhile", f"{label}, which it declares, changed while it ran")
        if self.auditor.strict and ran.undeclared:
            text = f"it read {told(list(ran.undeclared))}, which its key does not hold, and audit is strict"
            raise _NotKept("undeclared-read", text)
        if self.auditor.strict and ran.seen.started_process:
            text = "it started a process, of which luisy cannot see what it read, and audit is strict"
            raise _NotKept("process-started", text)

    def _filed(self, node: Node, ran: Ran, side_files: list[str]) -> tuple[Manifest, Action]:
        """Keep the outputs and record the action; what is filed at its key then."""
        with self.store.transaction():
            manifest = self.store.keep(node.outputs)
            action = self._action(node, ran, manifest, side_files)
        superseding = node.supersedes or node.task_id in self.forced
        return manifest, self.store.record(action, superseding=superseding)

    def _check_inputs(self, node: Node) -> None:
        for leaf in input_leaves(node):
            if leaf.content is None:
                raise _NotKept("input-unknown", f"the content of its input {leaf.task} is not known")
            if not (self.workspace.unchanged(leaf) and self._tables.unchanged(leaf)):
                raise _NotKept("input-changed-meanwhile", f"its input {leaf.task} changed while it ran")

    def _side_files(self, node: Node, ran: Ran) -> list[str]:
        """Files that the task left in the workspace beside its declared outputs."""
        declared = {path for _, path in node.outputs} | {str(self.store.path)}
        declared.update(path for dep in node.dynamic for _, path in dep.outputs)
        return sorted(
            path for path in ran.seen.writes if os.path.isfile(path) and not lies_in(path, declared)
        )

    def _allows_cutoff(self, node: Node, ran: Ran) -> bool:
        """Early cutoff is for executions that were seen to read nothing of the workspace but their direct inputs."""
        if ran.seen.started_process or ran.dynamic:
            return False
        known = {path for leaf in input_leaves(node) for _, path in leaf.outputs}
        known.update(path for _, path in node.outputs)
        known.add(str(self.store.path))
        return all(lies_in(path, known) for path in ran.seen.reads)

    def _sources(self, fingerprint: Fingerprint) -> bytes:
        """The parts and sources of a fingerprint, encoded once for all tasks of a class."""
        if fingerprint.digest not in self._encoded:
            self._encoded[fingerprint.digest] = encode(kept(fingerprint))
        return self._encoded[fingerprint.digest]

    def _action(self, node: Node, ran: Ran, manifest: Manifest, side_files: list[str]) -> Action:
        if node.base_key is None or node.facts is None:
            raise _NotKept("input-unknown", "an input of it has no key")
        trace = _trace(node)
        parts = json.dumps(parts_of(node, self.store.secret())).encode()
        fingerprint = self.fingerprinter.of(type(node.task))
        return replace(
            _described(node, node.facts, manifest),
            key=keys.traced_key(node.base_key, [ref for _, ref in trace]) if trace else node.base_key,
            base_key=node.base_key if trace else None,
            shallow_key=shallow_key(node) if self._allows_cutoff(node, ran) else None,
            inputs=_known_inputs(node),
            trace=tuple(dependency for dependency, _ in trace),
            parts=self.store.put(parts),
            sources=self.store.put(self._sources(fingerprint)),
            seconds=ran.seconds,
            held_back=f"wrote {side_files[0]} beside its outputs" if side_files else "",
            provenance={
                **self._provenance.of(fingerprint),
                **self.workspace.described_beside(side_files),
                **_reads(ran.undeclared),
            },
        )


def _reads(undeclared: tuple[UndeclaredRead, ...]) -> dict[str, str]:
    """What the provenance says of reads that no key holds."""
    return {f"read {read.what}": read.place for read in undeclared}


def maker_of(node: Node) -> Digest | None:
    """The digest of code and parameters that stands beside the files of a task that is not cacheable."""
    return None if node.facts is None else Digest(keys.task_key(node.encoded_facts, b""))


def _check_requirements(ran: Ran) -> None:
    if ran.requirements is not None and ran.requirements.changed is not None:
        task = ran.requirements.changed
        raise _NotKept("requires-changed", f"requires() of {task} said something else while it ran")


def _described(node: Node, facts: Facts, manifest: Manifest) -> Action:
    """What an action says about its task, whoever made the outputs; its key is the task's, for now."""
    return Action(
        key=node.base_key or Key(""),
        manifest=manifest.digest,
        project=facts.project,
        family=node.family,
        params=shown_parameters(facts.parameters),
        params_digest=facts.params_digest(),
        fingerprint=facts.fingerprint,
        created=time.time(),
        size=manifest.size,
    )


def _known_inputs(node: Node) -> tuple[Input, ...]:
    """The inputs with their content: all of them, or none where one is gone (adopted files only)."""
    leaves = input_leaves(node)
    known = [
        Input(None if leaf.by_content else leaf.key, leaf.content)
        for leaf in leaves
        if leaf.content is not None
    ]
    return tuple(known) if len(known) == len(leaves) else ()


def _trace(node: Node) -> list[tuple[DynamicDependency, keys.Ref]]:
    trace = []
    for dep in node.dynamic:
        ref = ref_of(dep)
        if ref is None:
            raise _NotKept("input-unknown", f"it yielded {dep.task}, which has no key")
        task = dep.task
        # Traces are kept, and pushed: of what is not public, only the key tells, once the task is built again.
        params = task.to_str_params(only_public=True)
        dependency = DynamicDependency(str(task.task_module), dep.family, params, Key(ref.digest))
        trace.append((dependency, ref))
    return trace

"""Which result ``luisy get`` brings: what a run would use, or what a key, a digest or a git revision names."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas import MatchKind, browsing, is_prefix
from luisy.cas.manifests import manifest_of, output_names
from luisy.errors import NoSuchResult, UsageError
from luisy.model import SHOWN_DIGITS, Digest, Entry, EntryKind
from luisy.runner.answers.revisions import keys_at, recorded_at, revision_named
from luisy.runner.pipeline.describe import shown_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from luisy.cas import Match
    from luisy.model import Action, Key, Manifest
    from luisy.runner.answers.revisions import Revision
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session

_SHOWN_RESULTS = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be restored, and where the task has its outputs by their names."""

    node: Node
    manifest: Manifest
    places: Mapping[bytes, str]
    params: Mapping[str, str]
    key: Key | None
    created: float


def current(session: Session, node: Node) -> Chosen:
    """The result that a run would use."""
    if node.result is None:
        raise _no_result(session, node)
    manifest = session.resolver.lookup.manifest(node.result)
    places = _places(node, output_names(manifest))
    return Chosen(node, manifest, places, _params(node), node.result.key, node.result.created)


def _no_result(session: Session, node: Node) -> NoSuchResult:
    why = f": not cacheable, {node.uncacheable}" if node.uncacheable else ""
    earlier = browsing.actions_of(session.store, node.family, _params(node))
    if not earlier:
        hint = "" if node.uncacheable else "`luisy run` makes one"
        return NoSuchResult(f"{node.task} has no result in the store{why}", hint=hint)
    now = time.time()
    shown = [
        f"{item.key[:SHOWN_DIGITS]} ({browsing.age(now - item.created)})" for item in earlier[:_SHOWN_RESULTS]
    ]
    more = "" if len(earlier) <= _SHOWN_RESULTS else f" and {len(earlier) - _SHOWN_RESULTS} more"
    return NoSuchResult(
        f"{node.task} has no result for its code and inputs as they are now{why}; "
        f"earlier ones are {', '.join(shown)}{more}",
        hint=f"`--at {earlier[0].key[:SHOWN_DIGITS]}` gets the newest of them, `luisy run` makes a new one",
    )


def _params(node: Node) -> Mapping[str, str]:
    """The public parameters that an action of *node* would show."""
    if node.facts is not None:
        return shown_parameters(node.facts.parameters)
    found: dict[str, str] = node.task.to_str_params(only_significant=True, only_public=True)
    return found


def named(session: Session, nodes: Sequence[Node], prefix: str, *, elsewhere: bool) -> Chosen | None:
    """The result or rescued file at *prefix*; None where it is not the beginning of any.

    :param elsewhere: it does not go to the task's own paths, so that other parameters do no harm.
    """
    kinds = (MatchKind.ALIAS, MatchKind.ACTION, MatchKind.RESCUED)
    if not is_prefix(prefix):
        return None
    _bring(session, prefix, nodes[0])
    try:
        match = browsing.one_match(session.store, prefix, kinds)
    except NoSuchResult:
        return None
    if match.kind is MatchKind.RESCUED:
        return _rescued(session, nodes, Digest(match.name), elsewhere=elsewhere)
    action = browsing.readable_action(session.store, match)
    node = _maker(nodes, action, elsewhere=elsewhere)
    if node is None:
        raise _other_task(match, action)
    return _of_action(session, node, action)


def action_named(session: Session, node: Node, name: str, words: Sequence[str]) -> Action:
    """The action of *node*'s task, with whatever parameters, that a key or a git revision names.

    :raises NoSuchResult: there is none.
    :raises UsageError: *name* is ambiguous, or of another task.
    """
    if is_prefix(name):
        _bring(session, name, node)
        with contextlib.suppress(NoSuchResult):
            match = browsing.one_match(session.store, name, (MatchKind.ALIAS, MatchKind.ACTION))
            action = browsing.readable_action(session.store, match)
            if _maker([node], action, elsewhere=True) is None:
                raise _other_task(match, action)
            return action
    return _actions_of_revision(session, [node], name, words)[0]


def _bring(session: Session, prefix: str, node: Node) -> None:
    """Where the store has nothing at *prefix*, and a remote may be asked: fetch the result that it has there."""
    if node.facts is None or session.store.find(prefix):
        return
    for source in session.exchange.sources(node.facts.project):
        if len(keys := source.starting(prefix)) == 1:
            session.exchange.fetch_results(source, keys)
            return


def _of_action(session: Session, node: Node, action: Action) -> Chosen:
    manifest = browsing.manifest_of_action(session.store, action)
    places = _places(node, output_names(manifest))
    return Chosen(node, manifest, places, action.params, action.key, action.created)


def of_revision(session: Session, nodes: Sequence[Node], name: str, words: Sequence[str]) -> list[Chosen]:
    """The results of a git revision.

    :raises NoSuchResult: *name* is no revision, or there is none for a task.
    """
    actions = _actions_of_revision(session, nodes, name, words)
    return [_of_action(session, node, action) for node, action in zip(nodes, actions, strict=True)]


def _actions_of_revision(
    session: Session, nodes: Sequence[Node], name: str, words: Sequence[str]
) -> list[Action]:
    """Those that were recorded at a revision, else those at the keys that its code gives."""
    revision = revision_named(nodes[0].task, name)
    if revision is None:
        raise NoSuchResult(
            f"nothing is at {name}, and git knows no such revision",
            hint="`luisy log` lists what there is, with keys and revisions",
        )
    records = {node.task_id: recorded_at(session, node, revision) for node in nodes}
    keys: Mapping[str, Key | None] = {}
    if any(clean is None for clean, _ in records.values()):
        keys = keys_at(session, nodes, revision, words)
    chosen = []
    for node in nodes:
        action, dirty = records[node.task_id]
        key = keys.get(node.task_id)
        if action is None and key is not None:
            action = session.store.action(key)
        if action is None:
            raise _nothing_at(node, revision, dirty)
        chosen.append(action)
    return chosen


def _nothing_at(node: Node, revision: Revision, dirty: Sequence[Action]) -> NoSuchResult:
    if not dirty:
        hint = f"check {revision.shown} out and `luisy run`, or `luisy log` lists what there is"
        return NoSuchResult(f"{node.task} has no result of the code of {revision.shown}", hint=hint)
    names = ", ".join(action.key[:SHOWN_DIGITS] for action in dirty[:_SHOWN_RESULTS])
    return NoSuchResult(
        f"{node.task} has no result of the code of {revision.shown}, only of that with changes: {names}",
        hint="name one of these keys with --at",
    )


def _maker(nodes: Sequence[Node], action: Action, *, elsewhere: bool) -> Node | None:
    """The task of *nodes* that *action* is an execution of."""
    for node in nodes:
        if node.family == action.family and _same_params(node, action):
            return node
    return next((node for node in nodes if elsewhere and node.family == action.family), None)


def _same_params(node: Node, action: Action) -> bool:
    if node.facts is None:
        return dict(_params(node)) == dict(action.params)
    return (node.facts.project, node.facts.params_digest()) == (action.project, action.params_digest)


def _other_task(match: Match, action: Action) -> UsageError:
    params = "".join(f" --{name.replace('_', '-')} {value}" for name, value in action.params.items())
    return UsageError(
        f"{match.name[:SHOWN_DIGITS]} is a result of `{action.family}{params}`",
        slug="other-task",
        hint="name that task, or say with --to where to put a result of other parameters",
    )


def _rescued(session: Session, nodes: Sequence[Node], digest: Digest, *, elsewhere: bool) -> Chosen:
    records = [record for record in session.store.rescued() if record.digest == digest]
    owners = {path: node for node in nodes for _, path in node.outputs}
    record = next((record for record in records if record.path in owners), records[0])
    if record.path not in owners and not elsewhere:
        raise UsageError(
            f"{digest[:SHOWN_DIGITS]} was rescued from {record.path}, which is no output of {nodes[0].task}",
            slug="other-task",
            hint="name the task that writes there, or say with --to where to put it",
        )
    node = owners.get(record.path, nodes[0])
    return Chosen(node, _tree(session, digest), {b"": record.path}, _params(node), None, record.created)


def _tree(session: Session, digest: Digest) -> Manifest:
    """A rescued object as the only output ``b""``; a folder or an executable file is kept as its manifest."""
    tree = browsing.tree_of(session.store, digest)
    if tree is not None and tree.entries[0].path == b"":
        return tree
    size = os.stat(browsing.stored_path(session.store, digest)).st_size
    return manifest_of([Entry(b"", EntryKind.FILE, digest, size)])


def _places(node: Node, names: Sequence[bytes]) -> dict[bytes, str]:
    """The task's path of each output; where it has no such output now, a name made of the label."""
    own = dict(node.outputs)
    folder = os.path.dirname(node.outputs[0][1]) if node.outputs else os.sep
    return {
        name: own.get(name) or os.path.join(folder, os.fsdecode(name).replace("/", "-") or node.family)
        for name in names
    }

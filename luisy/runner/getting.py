"""Results and rescued files back from the store, old ones included. Executes nothing.

What lies at a path that is written is treated as in a run: bytes that exist nowhere else are rescued first.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luisy.cas import MatchKind, browsing
from luisy.cas.manifests import manifest_of, output_names
from luisy.errors import NoSuchResult, UsageError
from luisy.model import Digest, Entry, EntryKind
from luisy.plan import Kind
from luisy.runner.describe import shown_parameters
from luisy.runner.graph import input_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import luigi

    from luisy.cas import Match
    from luisy.model import Action, Key, Manifest, Reason
    from luisy.runner.graph import Node
    from luisy.runner.session import Session

_SHOWN_DIGITS = 12
_SHOWN_RESULTS = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """One result, or one rescued file, that is in place now.

    :param key: of the action; None for a rescued file.
    :param created: when it was made or rescued, seconds since the epoch, UTC.
    :param size: bytes.
    :param outputs: absolute paths.
    """

    family: str
    params: Mapping[str, str]
    key: Key | None
    created: float
    size: int
    outputs: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Its part of the document that ``luisy get --json`` prints."""
        return {
            "family": self.family,
            "params": dict(self.params),
            "key": self.key,
            "rescued": self.key is None,
            "created": browsing.iso(self.created),
            "bytes": self.size,
            "outputs": list(self.outputs),
        }


@dataclass(frozen=True, slots=True)
class Got:
    """What ``get`` did.

    :param notes: what had to be rescued on the way.
    """

    root: Node
    restored: tuple[Restored, ...]
    notes: tuple[Reason, ...]

    def as_json(self) -> dict[str, Any]:
        """The document that ``luisy get --json`` prints."""
        return {
            "root": {"family": self.root.family, "key": self.root.key or self.root.base_key},
            "results": [item.as_json() for item in self.restored],
            "notes": [{"slug": note.slug, "text": note.text} for note in self.notes],
        }


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is to be restored, and where the task has its outputs by their names."""

    node: Node
    manifest: Manifest
    places: Mapping[bytes, str]
    params: Mapping[str, str]
    key: Key | None
    created: float


def get(session: Session, task: luigi.Task, *, at: str | None = None, to: str | None = None) -> Got:
    """Materialise the result of *task*; a wrapper stands for its inputs.

    :param at: the beginning of the key of an action, or of the digest of a rescued file; else what a run would use.
    :param to: where a single output goes (into it, where it is a folder), or the folder for several; else the task's
        own output paths.
    :raises NoSuchResult: there is none, or its bytes are gone; nothing was written.
    :raises UsageError: *at* is ambiguous or of another task, or *to* cannot be written.
    """
    session.plan([task])
    root = session.roots[0]
    nodes = [node for node in _stood_for(root) if node.kind is Kind.TASK]
    if not nodes:
        raise NoSuchResult(f"{task} has no result to get: it is external", hint="its files are not luisy's")
    if at is None:
        chosen = [_current(session, node) for node in nodes]
    else:
        chosen = [_named(session, nodes, at, elsewhere=to is not None)]
    _expect_whole(session, chosen)
    destinations = _own_places(chosen) if to is None else _below(chosen, to)
    _refuse_store(session, destinations)
    restored = [_restore(session, c, paths) for c, paths in zip(chosen, destinations, strict=True)]
    return Got(root, tuple(restored), tuple(session.workspace.notes))


def _stood_for(root: Node) -> tuple[Node, ...]:
    return input_leaves(root) if root.kind is Kind.WRAPPER else (root,)


# --- which result


def _current(session: Session, node: Node) -> _Chosen:
    """The result that a run would use."""
    if node.result is None:
        raise _no_result(session, node)
    manifest = session.resolver.lookup.manifest(node.result)
    places = _places(node, output_names(manifest))
    return _Chosen(node, manifest, places, _params(node), node.result.key, node.result.created)


def _no_result(session: Session, node: Node) -> NoSuchResult:
    why = f": not cacheable, {node.uncacheable}" if node.uncacheable else ""
    earlier = browsing.actions_of(session.store, node.family, _params(node))
    if not earlier:
        hint = "" if node.uncacheable else "`luisy run` makes one"
        return NoSuchResult(f"{node.task} has no result in the store{why}", hint=hint)
    now = time.time()
    shown = [
        f"{item.key[:_SHOWN_DIGITS]} ({browsing.age(now - item.created)})"
        for item in earlier[:_SHOWN_RESULTS]
    ]
    more = "" if len(earlier) <= _SHOWN_RESULTS else f" and {len(earlier) - _SHOWN_RESULTS} more"
    return NoSuchResult(
        f"{node.task} has no result for its code and inputs as they are now{why}; "
        f"earlier ones are {', '.join(shown)}{more}",
        hint=f"`--at {earlier[0].key[:_SHOWN_DIGITS]}` gets the newest of them, `luisy run` makes a new one",
    )


def _params(node: Node) -> Mapping[str, str]:
    """The public parameters that an action of *node* would show."""
    if node.facts is not None:
        return shown_parameters(node.facts.parameters)
    found: dict[str, str] = node.task.to_str_params(only_significant=True, only_public=True)
    return found


def _named(session: Session, nodes: Sequence[Node], prefix: str, *, elsewhere: bool) -> _Chosen:
    """The result or rescued file at *prefix*.

    :param elsewhere: it does not go to the task's own paths, so that other parameters do no harm.
    """
    kinds = (MatchKind.ALIAS, MatchKind.ACTION, MatchKind.RESCUED)
    match = browsing.one_match(session.store, prefix, kinds)
    if match.kind is MatchKind.RESCUED:
        return _rescued(session, nodes, Digest(match.name), elsewhere=elsewhere)
    action = browsing.readable_action(session.store, match)
    node = _maker(nodes, action, elsewhere=elsewhere)
    if node is None:
        raise _other_task(match, action)
    manifest = browsing.manifest_of_action(session.store, action)
    places = _places(node, output_names(manifest))
    return _Chosen(node, manifest, places, action.params, action.key, action.created)


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
        f"{match.name[:_SHOWN_DIGITS]} is a result of `{action.family}{params}`",
        slug="other-task",
        hint="name that task, or say with --to where to put a result of other parameters",
    )


def _rescued(session: Session, nodes: Sequence[Node], digest: Digest, *, elsewhere: bool) -> _Chosen:
    records = [record for record in session.store.rescued() if record.digest == digest]
    owners = {path: node for node in nodes for _, path in node.outputs}
    record = next((record for record in records if record.path in owners), records[0])
    if record.path not in owners and not elsewhere:
        raise UsageError(
            f"{digest[:_SHOWN_DIGITS]} was rescued from {record.path}, which is no output of {nodes[0].task}",
            slug="other-task",
            hint="name the task that writes there, or say with --to where to put it",
        )
    node = owners.get(record.path, nodes[0])
    return _Chosen(node, _tree(session, digest), {b"": record.path}, _params(node), None, record.created)


def _tree(session: Session, digest: Digest) -> Manifest:
    """A rescued object as the only output ``b""``; a folder or an executable file is kept as its manifest."""
    tree = browsing.tree_of(session.store, digest)
    if tree is not None and tree.entries[0].path == b"":
        return tree
    size = os.stat(browsing.stored_path(session.store, digest)).st_size
    return manifest_of([Entry(b"", EntryKind.FILE, digest, size)])


def _expect_whole(session: Session, chosen: Sequence[_Chosen]) -> None:
    wanted = {digest for item in chosen for digest in item.manifest.objects}
    if lost := wanted - session.store.check(wanted):
        item = next(item for item in chosen if lost & set(item.manifest.objects))
        raise NoSuchResult(
            f"{len(lost)} objects of {item.node.task} are gone from the store, or damaged",
            hint="`luisy run` makes them again",
        )


# --- where to


def _places(node: Node, names: Sequence[bytes]) -> dict[bytes, str]:
    """The task's path of each output; where it has no such output now, a name made of the label."""
    own = dict(node.outputs)
    folder = os.path.dirname(node.outputs[0][1]) if node.outputs else os.sep
    return {
        name: own.get(name) or os.path.join(folder, os.fsdecode(name).replace("/", "-") or node.family)
        for name in names
    }


def _own_places(chosen: Sequence[_Chosen]) -> list[Mapping[bytes, str]]:
    for item in chosen:
        own = {path for _, path in item.node.outputs}
        if not own.issuperset(item.places.values()):
            raise UsageError(
                f"this result of {item.node.task} has other outputs than the task has now",
                slug="other-outputs",
                hint="say with --to where to put them",
            )
    return [item.places for item in chosen]


def _below(chosen: Sequence[_Chosen], to: str) -> list[Mapping[bytes, str]]:
    """Where *to* brings each output: a single one to this very path, or all into this folder."""
    target = os.path.abspath(os.path.expanduser(to))
    places = [path for item in chosen for path in item.places.values()]
    if len(places) == 1 and not os.path.isdir(target) and not to.endswith(os.sep):
        return [dict.fromkeys(chosen[0].places, target)]
    if os.path.lexists(target) and not os.path.isdir(target):
        raise UsageError(
            f"{target} is a file, and there is more than one output",
            slug="not-a-folder",
            hint="name a folder with --to",
        )
    names = _distinct_names(places)
    return [{name: os.path.join(target, names[path]) for name, path in c.places.items()} for c in chosen]


def _distinct_names(paths: Sequence[str]) -> dict[str, str]:
    """Base names; where two are equal, all paths as they lie below the folder that they have in common."""
    names = {path: os.path.basename(path) for path in paths}
    if max(Counter(names.values()).values()) == 1:
        return names
    common = os.path.commonpath([os.path.dirname(path) for path in paths])
    return {path: os.path.relpath(path, common) for path in paths}


def _refuse_store(session: Session, destinations: Sequence[Mapping[bytes, str]]) -> None:
    store = os.path.realpath(session.store.path)
    for path in (path for paths in destinations for path in paths.values()):
        real = os.path.realpath(path)
        if os.path.commonpath([real, store]) in (real, store):
            raise UsageError(
                f"{path} is where the store lies", slug="inside-store", hint="name another place with --to"
            )


def _restore(session: Session, chosen: _Chosen, paths: Mapping[bytes, str]) -> Restored:
    target = replace(chosen.node, outputs=tuple(paths.items()))
    session.workspace.load([target])
    try:
        session.workspace.restore(target, chosen.manifest)
    except OSError as error:
        raise UsageError(
            f"cannot write {error.filename or next(iter(paths.values()))}: {error.strerror}",
            slug="cannot-write",
            hint="name another place with --to, or change its rights",
        ) from error
    return Restored(
        chosen.node.family,
        chosen.params,
        chosen.key,
        chosen.created,
        chosen.manifest.size,
        tuple(paths.values()),
    )

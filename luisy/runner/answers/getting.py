"""Results and rescued files back from the store, old ones included. Executes nothing.

What lies at a path that is written is treated as in a run: bytes that exist nowhere else are rescued first.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luisy.cas import browsing
from luisy.errors import NoSuchResult, UsageError
from luisy.model import SHOWN_DIGITS, Reason
from luisy.plan import Kind
from luisy.runner.answers.choosing import current, named, of_revision
from luisy.runner.pipeline.graph import input_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import luigi

    from luisy.model import Key
    from luisy.runner.answers.choosing import Chosen
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session


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

    :param notes: what had to be rescued on the way, and where the workspace holds an earlier result now.
    """

    root: Node
    restored: tuple[Restored, ...]
    notes: tuple[Reason, ...]

    def as_json(self) -> dict[str, Any]:
        """The document that ``luisy get --json`` prints."""
        return {
            "root": {"family": self.root.family, "key": self.root.own_key},
            "results": [item.as_json() for item in self.restored],
            "notes": [{"slug": note.slug, "text": note.text} for note in self.notes],
        }


def get(
    session: Session,
    task: luigi.Task,
    *,
    at: str | None = None,
    to: str | None = None,
    words: Sequence[str] = (),
) -> Got:
    """Materialise the result of *task*; a wrapper stands for its inputs.

    :param at: the beginning of the key of an action, or of the digest of a rescued file, or a git revision; else what
        a run would use.
    :param to: where a single output goes (into it, where it is a folder), or the folder for several; else the task's
        own output paths.
    :param words: *task* as it was written on a command line, for a process that asks an old revision about it.
    :raises NoSuchResult: there is none, or its bytes are gone; nothing was written.
    :raises UsageError: *at* is ambiguous or of another task, or *to* cannot be written.
    """
    session.plan([task])
    root = session.roots[0]
    nodes = [node for node in _stood_for(root) if node.kind is Kind.TASK]
    if not nodes:
        raise NoSuchResult(f"{task} has no result to get: it is external", hint="its files are not luisy's")
    if at is None:
        session.bring(nodes)
        chosen = [current(session, node) for node in nodes]
    else:
        found = named(session, nodes, at, elsewhere=to is not None)
        chosen = [found] if found is not None else of_revision(session, nodes, at, words)
    _expect_whole(session, chosen)
    destinations = _own_places(chosen) if to is None else _below(chosen, to)
    _refuse_store(session, destinations)
    session.store.note_uses([item.key for item in chosen if item.key is not None])
    restored = [_restore(session, c, paths) for c, paths in zip(chosen, destinations, strict=True)]
    old = [_old(item) for item in chosen if to is None and _is_old(item)]
    return Got(root, tuple(restored), (*session.workspace.notes, *old))


def _stood_for(root: Node) -> tuple[Node, ...]:
    return input_leaves(root) if root.kind is Kind.WRAPPER else (root,)


def _expect_whole(session: Session, chosen: Sequence[Chosen]) -> None:
    wanted = {digest for item in chosen for digest in item.manifest.objects}
    if lost := wanted - session.store.check(wanted):
        item = next(item for item in chosen if lost & set(item.manifest.objects))
        raise NoSuchResult(
            f"{len(lost)} objects of {item.node.task} are gone from the store, or damaged",
            hint="`luisy run` makes them again",
        )


# --- where to


def _own_places(chosen: Sequence[Chosen]) -> list[Mapping[bytes, str]]:
    for item in chosen:
        own = {path for _, path in item.node.outputs}
        if not own.issuperset(item.places.values()):
            raise UsageError(
                f"this result of {item.node.task} has other outputs than the task has now",
                slug="other-outputs",
                hint="say with --to where to put them",
            )
    return [item.places for item in chosen]


def _below(chosen: Sequence[Chosen], to: str) -> list[Mapping[bytes, str]]:
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


def _restore(session: Session, chosen: Chosen, paths: Mapping[bytes, str]) -> Restored:
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


def _is_old(item: Chosen) -> bool:
    result = item.node.result
    return item.key is not None and (result is None or result.key != item.key)


def _old(item: Chosen) -> Reason:
    age = browsing.age(time.time() - item.created)
    return Reason(
        "old-result",
        f"{next(iter(item.places.values()))} now holds an earlier result ({str(item.key)[:SHOWN_DIGITS]}, made {age}"
        " ago), not that of the code and inputs as they are; the next run puts the current one there",
    )

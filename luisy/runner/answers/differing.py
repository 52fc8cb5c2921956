"""``luisy diff``: code, parameters, environment and outputs of two actions of a task."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luisy.cas import browsing, output_names, output_of
from luisy.errors import LuisyError, NoSuchResult
from luisy.explain import Account, Change, Part, changed_inputs, code_changes, own_changes
from luisy.formats.comparing import compare_tables
from luisy.formats.endings import format_of
from luisy.model import EntryKind
from luisy.plan import Kind
from luisy.runner.answers.choosing import action_named
from luisy.runner.answers.nearest import Records
from luisy.runner.pipeline.accounts import Accounts
from luisy.runner.results.provenance import commit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import luigi

    from luisy.cas import Store
    from luisy.formats import Format
    from luisy.formats.comparing import TableDifference
    from luisy.model import Action, Key, Manifest
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.session import Session


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared.

    :param key: of the action, or that of now.
    :param action: None where the code and inputs of now have no result.
    """

    key: Key | None
    action: Action | None
    account: Account
    manifest: Manifest | None

    def as_json(self) -> dict[str, Any]:
        """Its part of the document."""
        action = self.action
        commit = None if action is None else commit_of(action)
        return {
            "key": self.key,
            "created": None if action is None else browsing.iso(action.created),
            "git_commit": None if commit is None else commit.name,
            "git_dirty": None if commit is None else commit.dirty,
            "seconds": None if action is None else action.seconds,
            "bytes": None if action is None else action.size,
        }


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """One output of a task, by its place in ``output()``.

    :param sizes: bytes in the old and the new result; None where it has no such output.
    :param files: names below a folder, each with what became of it: ``added``, ``removed`` or ``changed``.
    :param table: where both are tables, what differs in them.
    :param note: why there is no such comparison, though the bytes differ.
    """

    name: str
    equal: bool
    sizes: tuple[int | None, int | None]
    files: Mapping[str, str]
    table: TableDifference | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Its part of the document."""
        table = self.table
        return {
            "name": self.name,
            "equal": self.equal,
            "bytes": list(self.sizes),
            "files": dict(self.files),
            "table": None
            if table is None
            else {
                "rows": list(table.rows),
                "columns": list(table.columns),
                "added": list(table.added),
                "removed": list(table.removed),
                "cells": table.cells,
                "changed": dict(table.changed),
            },
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two actions of a task.

    :param environment: name of what was recorded of each place, and its value then and now.
    :param outputs: of both, if both have results.
    """

    family: str
    old: Side
    new: Side
    changes: tuple[Change, ...]
    environment: Mapping[str, tuple[str | None, str | None]]
    outputs: tuple[OutputDifference, ...]

    def as_json(self) -> dict[str, Any]:
        """The document that ``luisy diff --json`` prints."""
        return {
            "family": self.family,
            "old": self.old.as_json(),
            "new": self.new.as_json(),
            "changes": [change.as_json() for change in self.changes],
            "environment": [
                {"name": name, "old": old, "new": new} for name, (old, new) in self.environment.items()
            ],
            "outputs": [output.as_json() for output in self.outputs],
        }


def diff(session: Session, task: luigi.Task, old: str, new: str | None, words: Sequence[str]) -> Diff:
    """Compare two actions of *task*.

    :param old: a key or git revision.
    :param new: likewise; None for what the task is now, with its result if it has one.
    :param words: *task* as it was written on a command line.
    :raises NoSuchResult: one of them names nothing; or the task is none that has results of its own.
    """
    session.plan([task])
    node = session.roots[0]
    if node.kind is not Kind.TASK or node.facts is None:
        raise NoSuchResult(
            f"{task} has no results of its own to compare", hint="name a task that writes files"
        )
    accounts = Accounts(session.store, session.fingerprinter, Records(session.store, session.exchange).bring)
    after = _now(session, node, accounts)
    if new is not None:
        after = _then(session, action_named(session, node, new, words), accounts, after)
    before = _then(session, action_named(session, node, old, words), accounts, after)
    return Diff(
        node.family,
        before,
        after,
        tuple(_changes(before.account, after.account)),
        _environment(before.action, after.action),
        tuple(_outputs(session.store, node, before.manifest, after.manifest)),
    )


def _now(session: Session, node: Node, accounts: Accounts) -> Side:
    session.bring([node])
    account = accounts.of_node(node)
    if node.result is None:
        return Side(node.key or node.base_key, None, account, None)
    action = session.resolver.lookup.action(node.result)
    return Side(node.result.key, action, account, session.resolver.lookup.manifest(node.result))


def _then(session: Session, action: Action, accounts: Accounts, other: Side) -> Side:
    account = accounts.of_action(action, other.account)
    manifest = session.store.manifests([action.manifest]).get(action.manifest)
    return Side(action.key, action, account, manifest)


def _changes(old: Account, new: Account) -> list[Change]:
    found = own_changes(old, new)
    before, after = old.parts.get("fingerprint"), new.parts.get("fingerprint")
    if old.code is not None and new.code is not None:
        found += code_changes(old.code, new.code)
    elif before != after:
        found.append(Change(Part.CODE, "fingerprint", before, after, what="what it was then is not recorded"))
    for task_id, (one, other) in changed_inputs(old, new).items():
        contents = old.contents.get(task_id), new.contents.get(task_id)
        found.append(Change(Part.INPUT, task_id, one, other, what=_became(one, other, contents)))
    return found


def _became(one: str | None, other: str | None, contents: tuple[str | None, str | None]) -> str:
    """What became of an input that counts for something else."""
    if one is None or other is None:
        return "only one of them requires it"
    if None in contents:
        return "its key changed"
    return "its key changed, its bytes are the same" if contents[0] == contents[1] else "its bytes changed"


def _environment(old: Action | None, new: Action | None) -> dict[str, tuple[str | None, str | None]]:
    if old is None or new is None:
        return {}
    names = [name for name in {**old.provenance, **new.provenance} if not name.startswith("git_")]
    pairs = {name: (old.provenance.get(name), new.provenance.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


# --- outputs


def _outputs(store: Store, node: Node, old: Manifest | None, new: Manifest | None) -> list[OutputDifference]:
    if old is None or new is None:
        return []
    names = dict.fromkeys([*output_names(old), *output_names(new)])
    return [_output(store, node, name, (_at(old, name), _at(new, name))) for name in names]


def _at(manifest: Manifest, name: bytes) -> Manifest | None:
    return output_of(manifest, name) if name in output_names(manifest) else None


def _output(
    store: Store, node: Node, name: bytes, sides: tuple[Manifest | None, Manifest | None]
) -> OutputDifference:
    old, new = sides
    sizes = (None if old is None else old.size, None if new is None else new.size)
    if old is None or new is None:
        return OutputDifference(os.fsdecode(name), equal=False, sizes=sizes, files={})
    equal = old.digest == new.digest
    found = OutputDifference(os.fsdecode(name), equal=equal, sizes=sizes, files=_files(old, new))
    reader = None if equal else _Reader.of(node, name)
    if reader is None:
        return found
    try:
        return replace(found, table=reader.compare(store, old, new))
    except LuisyError as error:
        return replace(found, note=f"{error.text} ({error.hint})" if error.hint else error.text)
    except Exception as error:  # noqa: BLE001 - whatever a library makes of a file
        return replace(found, note=f"not read as {reader.kind.name}: {type(error).__name__}: {error}")


def _files(old: Manifest, new: Manifest) -> dict[str, str]:
    """What became of the files below a folder."""
    before, after = ({entry.path: entry for entry in side.entries if entry.path} for side in (old, new))
    found = {}
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            state = "added" if path not in before else "removed" if path not in after else "changed"
            found[os.fsdecode(path).lstrip("/")] = state
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the task reads an output now.

    :param file: the name of the file: readers look at its ending.
    """

    kind: Format
    options: Mapping[str, Any]
    file: str

    @classmethod
    def of(cls, node: Node, name: bytes) -> _Reader | None:
        """That of one output; None where it has no format."""
        for (place, path), target in zip(node.outputs, node.targets, strict=True):
            kind = getattr(target, "file_format", None) or format_of(path)
            if place == name and kind is not None:
                return cls(kind, getattr(target, "kwargs", None) or {}, os.path.basename(path))
        return None

    def compare(self, store: Store, old: Manifest, new: Manifest) -> TableDifference | None:
        """Two outputs as tables where their bytes lie, behind links with the right names; None if they are none."""
        with tempfile.TemporaryDirectory(prefix="luisy-diff-") as folder:
            before, after = (os.path.join(folder, side, self.file) for side in ("old", "new"))
            _link(store, old, before)
            _link(store, new, after)
            return compare_tables(self.kind, before, after, self.options)


def _link(store: Store, manifest: Manifest, path: str) -> None:
    for entry in manifest.entries:
        place = os.path.join(path, os.fsdecode(entry.path).lstrip("/")) if entry.path else path
        if entry.kind is EntryKind.DIRECTORY:
            os.makedirs(place, exist_ok=True)
        elif entry.kind is EntryKind.FILE:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(browsing.stored_path(store, entry.digest), place)

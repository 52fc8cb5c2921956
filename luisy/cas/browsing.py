"""What a store holds, looked at by name: actions by task, anything by the beginning of its key or digest."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from luisy.cas.searching import Match, MatchKind, ambiguous
from luisy.cas.using import users
from luisy.errors import NoSuchResult
from luisy.model import SHOWN_DIGITS, Digest, EntryKind, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas.action_rows import Listed
    from luisy.cas.records import Rescued
    from luisy.cas.store import Store
    from luisy.model import Action, Entry, Manifest

_HEXADECIMAL = frozenset("0123456789abcdef")
_AGES = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_PREFERENCE = (MatchKind.ALIAS, MatchKind.ACTION, MatchKind.RESCUED, MatchKind.OBJECT)


def iso(seconds: float) -> str:
    """*seconds* since the epoch as ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def age(seconds: float) -> str:
    """A duration as people tell an age: ``3 hours``."""
    for length, name in _AGES:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "0 seconds"


def one_match(store: Store, prefix: str, kinds: Iterable[MatchKind] = _PREFERENCE) -> Match:
    """The one thing of *kinds* whose key or digest starts with *prefix*.

    An alias stands before an action at the same key, a rescued file before its bare object.

    :param prefix: 6 to 64 hex digits.
    :raises NoSuchResult: there is nothing.
    :raises UsageError: there are several (``ambiguous-prefix``), or *prefix* is none (``bad-prefix``).
    """
    wanted = tuple(kinds)
    found = sorted(
        (match for match in store.find(prefix) if match.kind in wanted),
        key=lambda match: _PREFERENCE.index(match.kind),
    )
    names = {match.name for match in found}
    if not names:
        raise NoSuchResult(
            f"the store {store.path} has nothing at {prefix}", hint="`luisy cas ls` lists what it has"
        )
    if len(names) > 1:
        raise ambiguous(prefix, {match.name: f" ({match.kind.value})" for match in reversed(found)})
    return found[0]


def by_name(store: Store, name: str, kinds: Iterable[MatchKind] = _PREFERENCE) -> Match:
    """What *name* means: the newest action of a task of exactly this name, else what :func:`one_match` finds.

    :raises NoSuchResult, UsageError: as :func:`one_match`.
    """
    listed = store.list_actions(family=name)
    if listed:
        return Match(MatchKind.ACTION, listed[0].key)
    if is_hexadecimal(name):
        return one_match(store, name, kinds)
    raise NoSuchResult(
        f"the store {store.path} has no result of a task {name}", hint="`luisy cas ls` lists what it has"
    )


def is_hexadecimal(name: str) -> bool:
    """Whether *name* may be meant as the beginning of a key or digest."""
    return _HEXADECIMAL.issuperset(name.lower())


def actions_of(store: Store, family: str | None, params: Mapping[str, str]) -> list[Listed]:
    """The actions of a task, newest first: those whose public parameters have these serialised values."""
    listed = store.list_actions(family=family)
    if not params:
        return listed
    return [item for item in listed if fits(public_params(store, item), params)]


def public_params(store: Store, item: Listed) -> Mapping[str, str]:
    """The public parameters of a listed action; from its file where the index has no room for them."""
    if item.params is not None:
        return item.params
    action = store.action(item.key)
    return {} if action is None else action.params


def fits(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether parameters have the values that are wanted; those that are not named may have any."""
    return all(name in found and _same(found[name], value) for name, value in wanted.items())


def _same(found: str, wanted: str) -> bool:
    # Luigi writes a flag as "True" and reads it as "true".
    return found == wanted or (found in ("True", "False") and found.lower() == wanted.lower())


def action_document(store: Store, match: Match) -> dict[str, Any]:
    """Everything known about the action that answers *match*.

    :raises NoSuchResult: its file is gone or damaged.
    """
    action = readable_action(store, match)
    manifest = store.manifests([action.manifest]).get(action.manifest)
    return {
        "kind": "action",
        "key": action.key,
        "alias": match.name if match.name != action.key else None,
        "base_key": action.base_key,
        "shallow_key": action.shallow_key,
        "project": action.project,
        "family": action.family,
        "params": dict(action.params),
        "params_digest": action.params_digest,
        "code_hash": action.fingerprint,
        "created": iso(action.created),
        "seconds": action.seconds,
        "bytes": action.size,
        "adopted": action.adopted,
        "held_back": action.held_back,
        "pins": store.pinned().get(action.key, []),
        "manifest": action.manifest,
        "outputs": None if manifest is None else [_entry(store, entry) for entry in manifest.entries],
        "inputs": [{"key": item.key, "digest": item.digest} for item in action.inputs],
        "trace": [_dependency(dependency) for dependency in action.trace],
        "parts": _json_object(store, action.parts),
        "sources": _json_object(store, action.sources),
        "provenance": dict(action.provenance),
    }


def readable_action(store: Store, match: Match) -> Action:
    """The action that answers *match*.

    :raises NoSuchResult: its file is gone or damaged.
    """
    action = store.action(Key(match.name))
    if action is None:
        raise NoSuchResult(
            f"the record of the action {match.name[:SHOWN_DIGITS]} cannot be read from {store.path}",
            hint="run the task again; it is recorded anew",
        )
    return action


def _entry(store: Store, entry: Entry) -> dict[str, Any]:
    return {
        "path": os.fsdecode(entry.path),
        "kind": entry.kind.value,
        "digest": entry.digest or None,
        "bytes": entry.size,
        "executable": entry.executable,
        "stored": entry.kind is EntryKind.DIRECTORY or bool(store.check([entry.digest])),
    }


def _dependency(dependency: Any) -> dict[str, Any]:
    return {
        "module": dependency.module,
        "family": dependency.family,
        "params": dict(dependency.params),
        "key": dependency.key,
    }


def _json_object(store: Store, digest: Digest | None) -> Any:
    """What the JSON in an object says; None where there is none any more, or none at all."""
    if digest is None or not store.check([digest]):
        return None
    try:
        return msgspec.json.decode(store.get(digest))
    except (
        msgspec.MsgspecError,
        ValueError,
        RecursionError,
    ):  # whoever pushed the action named what is something else
        return None


def object_document(store: Store, digest: Digest) -> dict[str, Any]:
    """Everything known about an object, rescued or not.

    :raises NoSuchResult: it is not there, or damaged.
    """
    path = stored_path(store, digest)
    manifest = tree_of(store, digest)
    return {
        "kind": "object",
        "digest": digest,
        "bytes": os.stat(path).st_size,
        "path": path,
        "entries": None if manifest is None else [_entry(store, entry) for entry in manifest.entries],
        "used_by": [
            {"key": user.key, "family": user.family, "as": user.role.value} for user in users(store, digest)
        ],
        "rescued": [rescued_document(record) for record in store.rescued() if record.digest == digest],
    }


def rescued_document(record: Rescued) -> dict[str, Any]:
    """A rescued file or folder: where it was, and since when it is kept."""
    return {"digest": record.digest, "path": record.path, "created": iso(record.created)}


def tree_of(store: Store, digest: Digest) -> Manifest | None:
    """The manifest that an object is, if it is one that describes outputs."""
    return store.manifests([digest]).get(digest)


def stored_path(store: Store, digest: Digest) -> str:
    """Where the verified bytes of an object lie; not to be written to.

    :raises NoSuchResult: it is not there, or damaged.
    """
    if not store.check([digest]):
        raise NoSuchResult(
            f"the object {digest} is not in the store {store.path} any more, or was damaged",
            hint="run the task that makes it again",
        )
    return store.object_path(digest)


def object_paths(store: Store, match: Match) -> list[dict[str, Any]]:
    """Each output file of a result, or the one object that *match* names, with the place of its bytes.

    :raises NoSuchResult: something of it is not there, or damaged.
    """
    if match.kind in (MatchKind.OBJECT, MatchKind.RESCUED):
        digest = Digest(match.name)
        path = stored_path(store, digest)
        return [{"output": None, "digest": digest, "bytes": os.stat(path).st_size, "path": path}]
    manifest = manifest_of_action(store, readable_action(store, match))
    return [
        {
            "output": os.fsdecode(entry.path),
            "digest": entry.digest,
            "bytes": entry.size,
            "path": stored_path(store, entry.digest),
        }
        for entry in manifest.entries
        if entry.digest
    ]


def manifest_of_action(store: Store, action: Action) -> Manifest:
    """The manifest of an action's outputs.

    :raises NoSuchResult: it is not in the store any more, or damaged.
    """
    manifest = store.manifests([action.manifest]).get(action.manifest)
    if manifest is None:
        raise NoSuchResult(
            f"the list of the outputs of {action.family} at {action.key[:SHOWN_DIGITS]} is not in the store any more",
            hint="run the task again",
        )
    return manifest

"""What of the store may go up: actions of one project with all that they need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas import actions, manifests
from luisy.cas.action_rows import INLINE_BYTES
from luisy.model import Digest, Key, Manifest, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from luisy.cas.action_rows import Listed
    from luisy.cas.store import Store
    from luisy.model import Action

_BATCH = 2048
"""Actions that are read at once."""


@dataclass(frozen=True, slots=True)
class Held:
    """An action that stays here.

    :param reason: why.
    """

    key: Key
    family: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class HeldRef:
    """A ref that is not published.

    :param reason: why.
    """

    name: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action, or a content that a ref is to name, with all that has to be in the remote for it.

    :param name: the action's key; of a content the manifest's digest.
    :param manifest: digest of the manifest.
    :param inline: bytes of the manifest if they go into the record, else None.
    :param record: bytes of the action file; empty for a content.
    :param objects: sizes in bytes of the objects it needs, with the manifest's own if that is not inline.
    :param extras: objects that explain it (parts of the key, sources), as far as the store has them.
    """

    name: str
    manifest: Digest
    inline: bytes | None
    record: bytes
    objects: Mapping[Digest, int]
    extras: Mapping[Digest, int] = field(default_factory=dict)

    @property
    def everything(self) -> dict[Digest, int]:
        """Sizes of all objects that go up with it."""
        return {**self.objects, **self.extras}

    @property
    def weight(self) -> int:
        """Bytes of its records in a segment, about."""
        return len(self.record) + len(self.inline or b"") + 144 * (len(self.objects) + len(self.extras)) + 128


@dataclass(frozen=True, slots=True)
class Choice:
    """What a push is about.

    :param manifests: the manifest of each action that may go up, by the action's own key.
    :param held_back: what stays here, and why.
    """

    manifests: Mapping[Key, Digest]
    held_back: tuple[Held, ...]


def choose(store: Store, project: str, keys: Iterable[Key] | None, *, adopted: bool) -> Choice:
    """The actions of *project* that may go up: all, or those that answer *keys*.

    :param adopted: whether files that were there before luisy go up as well.
    """
    listed = {item.key: item for item in store.list_actions() if item.project == project}
    if keys is None:
        chosen: Iterable[Listed] = listed.values()
    else:
        own = dict.fromkeys(result.key for result in store.results(keys).values())
        chosen = [listed[key] for key in own if key in listed]
    held = []
    free = {}
    for item in chosen:
        reason = _held(item, adopted=adopted)
        if reason is None:
            free[item.key] = item.manifest
        else:
            held.append(Held(item.key, item.family, reason))
    return Choice(free, tuple(held))


def _held(item: Listed, *, adopted: bool) -> Reason | None:
    if item.held_back:
        return Reason("held-back", item.held_back)
    if item.adopted and not adopted:
        return Reason("adopted", "its files were there before luisy; --push-adopted uploads them")
    return None


def load(store: Store, keys: Sequence[Key]) -> tuple[list[Candidate], list[Held]]:
    """The actions at *keys* with what they need; those whose files are not whole here are held back."""
    found: list[Candidate] = []
    held: list[Held] = []
    for start in range(0, len(keys), _BATCH):
        chunk = keys[start : start + _BATCH]
        read = store.actions(chunk)
        whole = store.manifests({action.manifest for action in read.values()})
        needs = {digest: manifests.encode(manifest) for digest, manifest in whole.items()}
        wanted = {digest for manifest in whole.values() for digest in manifest.objects}
        extra = {digest for action in read.values() for digest in (action.parts, action.sources) if digest}
        sizes = store.sizes(wanted | extra)
        for key in chunk:
            action = read.get(key)
            manifest = whole.get(action.manifest) if action is not None else None
            if action is None or manifest is None or not sizes.keys() >= set(manifest.objects):
                family = action.family if action is not None else ""
                held.append(Held(key, family, Reason("incomplete", "its files are not whole in the store")))
                continue
            data = needs[action.manifest]
            objects, inline = _needed(action.manifest, data, {one: sizes[one] for one in manifest.objects})
            extras = {one: sizes[one] for one in (action.parts, action.sources) if one in sizes}
            found.append(Candidate(key, action.manifest, inline, actions.encode(action), objects, extras))
    return found, held


def recorded(action: Action, record: bytes, manifest: Manifest, located: Mapping[Digest, int]) -> Candidate:
    """An action of the remote as it stands there.

    :param record: the bytes of its action file.
    :param located: sizes of the objects that explain actions, as far as the remote has them.
    """
    what = content(manifest)
    extras = {one: located[one] for one in (action.parts, action.sources) if one and one in located}
    return Candidate(action.key, manifest.digest, what.inline, record, what.objects, extras)


def content(manifest: Manifest) -> Candidate:
    """What a ref is to name, with what it needs."""
    sizes = {entry.digest: entry.size for entry in manifest.entries if entry.digest}
    objects, inline = _needed(manifest.digest, manifests.encode(manifest), sizes)
    return Candidate(manifest.digest, manifest.digest, inline, b"", objects)


def _needed(
    manifest: Digest, data: bytes, objects: dict[Digest, int]
) -> tuple[dict[Digest, int], bytes | None]:
    """The objects, with the manifest's own if it is too large for its record; and the manifest if it is not."""
    if len(data) <= INLINE_BYTES:
        return objects, data
    return {manifest: len(data), **objects}, None

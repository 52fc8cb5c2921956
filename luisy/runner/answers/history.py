"""``luisy log``: earlier actions with where they were made. No module is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luisy.cas import browsing
from luisy.runner.results.provenance import commit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from luisy.cas import Acceptance, Listed, Store
    from luisy.cas.transfer import Mirror
    from luisy.model import Action, Key
    from luisy.runner.results.provenance import Commit


@dataclass(frozen=True, slots=True)
class Entry:
    """An earlier action.

    :param here: it was made in this store.
    :param accepted: what this store lets it count for, newest first.
    """

    action: Action
    here: bool
    accepted: tuple[Acceptance, ...] = ()

    @property
    def commit(self) -> Commit | None:
        """The git revision that it was made at, if that is known."""
        return commit_of(self.action)

    @property
    def store(self) -> str | None:
        """The pseudonym of the store that it was made in, if that is known."""
        return self.action.provenance.get("store")

    def as_json(self) -> dict[str, Any]:
        """Its part of the document that ``luisy log --json`` prints."""
        action, commit, told = self.action, self.commit, self.action.provenance
        return {
            "family": action.family,
            "project": action.project,
            "params": dict(action.params),
            "key": action.key,
            "created": browsing.iso(action.created),
            "store": self.store,
            "here": self.here,
            "git_commit": None if commit is None else commit.name,
            "git_dirty": None if commit is None else commit.dirty,
            "luisy": told.get("luisy"),
            "python": told.get("python"),
            "platform": told.get("platform"),
            "seconds": action.seconds,
            "bytes": action.size,
            "adopted": action.adopted,
            "held_back": action.held_back,
            "accepted": [
                {
                    "key": item.key,
                    "code_hash": item.fingerprint,
                    "proved": item.proved,
                    "created": browsing.iso(item.created),
                }
                for item in self.accepted
            ],
        }


def kept(store: Store, family: str | None, params: Mapping[str, str]) -> Iterator[Entry]:
    """The actions in the store, newest first; each is read when it is asked for."""
    entry = _entries_of(store)
    for item in store.list_actions(family=family):
        if item.params is not None and not browsing.fits(item.params, params):
            continue
        action = store.action(item.key)
        if action is not None and browsing.fits(action.params, params):
            yield entry(action)


def pushed(
    store: Store, mirrors: Sequence[Mirror], family: str | None, params: Mapping[str, str]
) -> Iterator[Entry]:
    """The actions in remotes, newest first; of one key only what the first remote has."""
    entry = _entries_of(store)
    found: dict[str, Action] = {}
    for mirror in mirrors:
        items: Sequence[Listed] = mirror.listed(family)
        for action in mirror.actions([item.key for item in items]).values():
            found.setdefault(action.key, action)
    for action in sorted(found.values(), key=lambda action: (-action.created, action.key)):
        if browsing.fits(action.params, params):
            yield entry(action)


def _entries_of(store: Store) -> Callable[[Action], Entry]:
    """Entries as seen from *store*."""
    own = store.pseudonym()
    accepted: dict[Key, list[Acceptance]] = {}
    for acceptance in store.acceptances():
        accepted.setdefault(acceptance.action_key, []).append(acceptance)

    def entry(action: Action) -> Entry:
        here = action.provenance.get("store") == own
        return Entry(action, here=here, accepted=tuple(accepted.get(action.key, ())))

    return entry

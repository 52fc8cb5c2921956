"""Results of the remotes to the store, on request: what ``luisy cas pull`` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas import browsing
from luisy.cas.searching import ambiguous
from luisy.errors import NoSuchResult, RemoteError, StoreError
from luisy.runner.remote.mirroring import nothing_of, told_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from luisy.cas import Listed, Store
    from luisy.cas.transfer import Mirror
    from luisy.model import Key, Reason
    from luisy.runner.remote.mirroring import Mirrors, Names, Progress


@dataclass(frozen=True, slots=True)
class ProjectPull:
    """What came of one project from one remote.

    :param actions: keys of what the store has now and had not before.
    :param present: how many of those that were asked for it had.
    :param objects: how many objects came.
    :param bytes: of these.
    :param failed: why others did not come.
    """

    project: str
    url: str
    actions: tuple[Key, ...]
    present: int
    objects: int
    bytes: int
    failed: Mapping[Key, Reason]


@dataclass(slots=True)
class Pulls:
    """All of a pull, as far as it got.

    :ivar url: the remote that is asked first.
    :ivar error: why it did not complete.
    """

    url: str | None
    projects: list[ProjectPull] = field(default_factory=list)
    error: RemoteError | StoreError | None = None


def pull(store: Store, mirrors: Mirrors, names: Names, *, progress: Progress | None = None) -> Pulls:
    """Bring the named results of the remotes, or all, into the store.

    :raises RemoteError: a remote is misconfigured or does not answer.
    :raises NoSuchResult, UsageError: a name means nothing, or several things.
    """
    readable = mirrors.readable(discover=not names.names)
    chosen = chosen_there(readable, names)
    done = Pulls(readable[0].url if readable else None)
    had: set[Key] = set()
    for mirror, keys in chosen.items():
        left = [key for key in dict.fromkeys(keys) if key not in had]
        present = _present(store, mirror, left)
        wanted = [key for key in left if key not in present]
        try:
            fetched = mirror.fetch(wanted, progress=told_for(mirror.project, progress))
        except (RemoteError, StoreError) as error:
            done.error = error
            break
        came = tuple(action.key for action in fetched.actions)
        had |= {*came, *present}
        done.projects.append(
            ProjectPull(
                mirror.project, mirror.url, came, len(present), fetched.objects, fetched.bytes, fetched.failed
            )
        )
    return done


def _present(store: Store, mirror: Mirror, keys: Sequence[Key]) -> set[Key]:
    """Of which of these the store has the remote's own result, whole."""
    ours = store.results(keys)
    theirs = mirror.results(keys)
    same = {
        key: ours[key].manifest for key in keys if key in ours and ours[key].manifest == theirs[key].manifest
    }
    manifests = store.manifests(set(same.values()))
    sound = store.check({digest for manifest in manifests.values() for digest in manifest.objects})
    whole = {digest for digest, manifest in manifests.items() if sound.issuperset(manifest.objects)}
    return {key for key, manifest in same.items() if manifest in whole}


def chosen_there(readable: Sequence[Mirror], names: Names) -> dict[Mirror, list[Key]]:
    """The keys in the remotes that *names* mean, by mirror, as these were refreshed last.

    :raises NoSuchResult, UsageError: a name means nothing, or several things.
    """
    if not names.names:
        return {mirror: [item.key for item in mirror.listed()] for mirror in readable}
    chosen: dict[Mirror, list[Key]] = {}
    for name in names.names:
        found = {mirror: [item.key for item, _ in listed(mirror, name, names.params)] for mirror in readable}
        if not any(found.values()):
            found = _one_there(readable, name, names.params)
        for mirror, keys in found.items():
            chosen.setdefault(mirror, []).extend(keys)
    return chosen


def listed(
    mirror: Mirror, family: str | None, params: Mapping[str, str]
) -> list[tuple[Listed, Mapping[str, str]]]:
    """The results of a task in a remote with their public parameters, newest first; without a family, all."""
    items = mirror.listed(family)
    actions = mirror.actions([item.key for item in items])
    shown = [(item, actions[item.key].params) for item in items if item.key in actions]
    return [(item, found) for item, found in shown if browsing.fits(found, params)]


def listed_in_all(
    readable: Sequence[Mirror], family: str | None, params: Mapping[str, str]
) -> list[tuple[Listed, Mapping[str, str]]]:
    """:func:`listed` of several remotes and projects; of one key only what the first remote has."""
    found: dict[Key, tuple[Listed, Mapping[str, str]]] = {}
    for mirror in readable:
        for row in listed(mirror, family, params):
            found.setdefault(row[0].key, row)
    return sorted(found.values(), key=lambda row: -row[0].created)


def _one_there(readable: Sequence[Mirror], name: str, params: Mapping[str, str]) -> dict[Mirror, list[Key]]:
    where = " and ".join(sorted({mirror.url for mirror in readable})) or "the remote"
    hint = "`luisy cas ls --remote` lists what it has"
    if params or not browsing.is_hexadecimal(name):
        raise nothing_of(where, name, params, hint)
    found = {mirror: mirror.starting(name) for mirror in readable}
    keys = sorted({key for some in found.values() for key in some})
    if not keys:
        raise NoSuchResult(f"{where} has nothing at {name}", hint=hint)
    if len(keys) > 1:
        raise ambiguous(name, dict.fromkeys(keys, ""))
    return found

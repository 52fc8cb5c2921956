"""The store's results to the remote, on request: what ``luisy cas push`` does."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas import MatchKind, browsing
from luisy.cas.remote_index import RemoteIndex, known_projects
from luisy.cas.remote_rows import RemoteRows
from luisy.errors import LuisyError, RemoteError, StoreError
from luisy.model import Digest
from luisy.runner.remote.mirroring import nothing_of, projects_of, told_for
from luisy.runner.remote.publishing import offers_of, take_in
from luisy.runner.remote.remotes import authority_of, default_url, remote_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from luisy.cas import ExternalFiles, Listed, Store
    from luisy.cas.signing import PublicKey
    from luisy.cas.transfer import Held, HeldRef, Mirror, PushPlan
    from luisy.cas.transfer.refs import Offers
    from luisy.model import Key
    from luisy.runner.remote.mirroring import Mirrors, Names, Progress
    from luisy.settings import Settings


@dataclass(frozen=True, slots=True)
class How:
    """How to push.

    :param dry_run: only say what would be done.
    :param adopted: also files that were there before luisy.
    :param force: also in place of other results that the remote has at the same keys.
    :param replace_refs: also in place of other raw files that somebody has pushed since.
    """

    dry_run: bool = False
    adopted: bool = False
    force: bool = False
    replace_refs: bool = False


@dataclass(frozen=True, slots=True)
class ProjectPush:
    """What became of one project's results, or would.

    :param actions: keys of what was pushed.
    :param outvoted: keys for which the remote has another result, which stays.
    :param objects: how many objects were uploaded.
    :param bytes: of these, before compression.
    :param requests: that it took; in a plan about how many it will take.
    :param refs: names of the raw files whose refs were written.
    """

    project: str
    actions: tuple[Key, ...]
    outvoted: tuple[Key, ...]
    objects: int
    bytes: int
    requests: int
    held_back: tuple[Held, ...]
    refs: tuple[str, ...]
    refs_held_back: tuple[HeldRef, ...]


@dataclass(slots=True)
class Pushes:
    """All of a push, as far as it got.

    :ivar url: the remote.
    :ivar error: why it did not complete.
    """

    url: str | None
    projects: list[ProjectPush] = field(default_factory=list)
    error: RemoteError | StoreError | None = None


@dataclass(frozen=True, slots=True)
class NotPushed:
    """What the remote lacks of a project, by what was merged last.

    :param actions: how many a push would bring, with ``bytes`` of results.
    :param held_back: how many more stay here.
    """

    project: str
    actions: int
    bytes: int
    held_back: int


def push(
    store: Store, mirrors: Mirrors, names: Names, how: How, *, progress: Progress | None = None
) -> Pushes:
    """Bring what the write remote lacks of the named results there, or say what that would take.

    :raises RemoteError: the remote is misconfigured or does not answer.
    :raises NoSuchResult, UsageError: a name means nothing, or several things.
    """
    remote = mirrors.remote(mirrors.write_url)
    chosen = chosen_here(store, names)
    remote.check(write=not how.dry_run)
    done = Pushes(remote.url)
    for project, keys in chosen.items():
        mirror = mirrors.mirror(mirrors.write_url, project)
        before = mirrors.traffic
        try:
            files = _files_behind(store, project, keys)
            plan = _planned(mirror, keys, how, offers_of(store, files.values(), mirror.url))
            if how.dry_run:
                done.projects.append(_would(project, plan))
                continue
            take_in(store, plan, files)
            pushed = mirror.push(plan, progress=told_for(project, progress))
        except (RemoteError, StoreError) as error:
            done.error = error
            break
        requests = (mirrors.traffic - before).requests
        done.projects.append(
            ProjectPush(
                project,
                pushed.actions,
                pushed.outvoted,
                pushed.objects,
                pushed.bytes,
                requests,
                pushed.held_back,
                pushed.refs,
                pushed.refs_held_back,
            )
        )
    return done


def _planned(mirror: Mirror, keys: Sequence[Key] | None, how: How, offers: Offers) -> PushPlan:
    """The plan; where it replaces results of others, that is known only when they are."""
    plan = functools.partial(
        mirror.plan_push, keys, adopted=how.adopted, offers=offers, replace_refs=how.replace_refs
    )
    found = plan()
    return plan(superseding=frozenset(found.outvoted)) if how.force and found.outvoted else found


def _files_behind(store: Store, project: str, keys: Sequence[Key] | None) -> dict[str, ExternalFiles]:
    """The files of external tasks that the results at *keys* were made from, by way of others too; None: all."""
    files = store.externals(project)
    if keys is None or not files:
        return files
    contents: set[Digest] = set()
    seen: set[Key] = set()
    waiting = set(keys)
    while waiting:
        seen |= waiting
        found = store.actions(waiting).values()
        inputs = [one for action in found for one in action.inputs]
        yielded = [
            one.key for action in found for one in action.trace
        ]  # of an external task it is its content
        contents.update([*(one.digest for one in inputs), *map(Digest, yielded)])
        waiting = {key for key in (*(one.key for one in inputs), *yielded) if key is not None} - seen
    return {name: one for name, one in files.items() if one.content in contents}


def _would(project: str, plan: PushPlan) -> ProjectPush:
    return ProjectPush(
        project,
        plan.actions,
        plan.outvoted,
        plan.objects,
        plan.bytes,
        plan.requests,
        plan.held_back,
        tuple(plan.refs.written),
        plan.refs.held_back,
    )


def chosen_here(store: Store, names: Names) -> dict[str, list[Key] | None]:
    """The keys in the store that *names* mean, by project; None for all of a project.

    :raises NoSuchResult, UsageError: a name means nothing, or several things.
    """
    if not names.names:
        return dict.fromkeys(sorted(projects_of(store)))
    chosen: dict[str, list[Key] | None] = {}
    for name in names.names:
        items = browsing.actions_of(store, name, names.params)
        if items:
            found = [(item.project, item.key) for item in items]
        else:
            found = [_one_here(store, name, names.params)]
        for project, key in found:
            keys = chosen.setdefault(project, [])
            assert keys is not None  # only where nothing is named
            keys.append(key)
    return chosen


def _one_here(store: Store, name: str, params: Mapping[str, str]) -> tuple[str, Key]:
    if params:
        raise nothing_of(f"the store {store.path}", name, params, "`luisy cas ls` lists what it has")
    match = browsing.by_name(store, name, (MatchKind.ALIAS, MatchKind.ACTION))
    action = browsing.readable_action(store, match)
    return action.project, action.key


def not_pushed(store: Store, settings: Settings) -> tuple[str | None, list[NotPushed]]:
    """The remote that takes what is pushed, and what it lacks, by what was merged last. Asks and writes nothing.

    :return: None and nothing where no remote is set, or not properly.
    """
    try:
        url = settings.write or default_url(settings)
        where = remote_at(url, settings).url
        heard = authority_of(settings, signs=True).heard
    except LuisyError:
        return None, []
    merged = known_projects(store.database, where)
    by_project: dict[str, list[Listed]] = {}
    for item in store.list_actions():
        by_project.setdefault(item.project, []).append(item)
    return where, [
        _lacking(project, items, _merged(store, where, project, items, heard) if project in merged else ())
        for project, items in sorted(by_project.items())
    ]


def _merged(
    store: Store, url: str, project: str, items: Iterable[Listed], heard: Collection[PublicKey] | None
) -> Iterable[Key]:
    """The keys of those *items* that are there, or of which that is not known: only a part of a large index may be merged."""
    keys = [item.key for item in items]
    rows = RemoteRows(RemoteIndex(store.database, url, project), heard)
    return rows.results(keys).keys() | rows.unclear(keys)


def _lacking(project: str, items: Iterable[Listed], there: Iterable[Key]) -> NotPushed:
    has = set(there)
    lacking = [item for item in items if item.key not in has]
    free = [item for item in lacking if not item.held_back and not item.adopted]
    return NotPushed(project, len(free), sum(item.size for item in free), len(lacking) - len(free))

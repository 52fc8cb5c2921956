"""The remotes of a command that is remote by nature, and what it may name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from luisy.cas.remote.counting import Meter
from luisy.cas.remote_index import known_projects
from luisy.cas.remote_names import Namespace
from luisy.cas.transfer import Extent, Mirror
from luisy.errors import NoSuchResult
from luisy.runner.remote.remotes import authority_of, default_url, remote_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from luisy.cas import Store
    from luisy.cas.remote import Remote, Traffic
    from luisy.settings import Settings

    Progress = Callable[[str, int, int], None]  # told a project, the bytes that are done, and all of them

_FORMAT = Namespace("-").format.removeprefix("-")
"""How the name of the blob ends by which a project is known."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a command names; without names, everything.

    :param names: of tasks, each exactly, or beginnings of keys. A task's name wins.
    :param params: public parameters of the one task that is named, as Luigi writes them.
    """

    names: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)


class Mirrors:
    """The remotes of one command that is remote by nature, opened when they are asked for.

    :param signs: whether the command pushes anything.
    :raises UsageError: it does, and the signing key cannot be used.
    """

    def __init__(self, store: Store, settings: Settings, *, signs: bool = False) -> None:
        self.authority = authority_of(settings, signs=signs)
        self._store = store
        self._settings = settings
        self._meter = Meter()
        self._remotes: dict[str, Remote] = {}

    @property
    def traffic(self) -> Traffic:
        """What all of them were asked so far."""
        return self._meter.traffic

    @property
    def write_url(self) -> str:
        """The remote that takes what is pushed."""
        return self._settings.write or default_url(self._settings)

    @property
    def read_urls(self) -> Sequence[str]:
        """The remotes to pull from, in order."""
        return self._settings.read or (default_url(self._settings),)

    def remote(self, url: str) -> Remote:
        """The remote at *url*."""
        if url not in self._remotes:
            self._remotes[url] = remote_at(url, self._settings, self._meter)
        return self._remotes[url]

    def mirror(self, url: str, project: str) -> Mirror:
        """A project in it."""
        return Mirror(self._store, self.remote(url), project, self.authority)

    def projects(self, url: str, *, discover: bool) -> list[str]:
        """The projects to look for in the remote at *url*: those that this store has to do with.

        To find others, all names in the remote are listed: where none is known, or *discover* asks for it.
        """
        remote = self.remote(url)
        known = projects_of(self._store) | known_projects(self._store.database, remote.url)
        return sorted(known if known and not discover else known | projects_in(remote))

    def readable(self, *, discover: bool, extent: Extent = Extent.PARTS) -> list[Mirror]:
        """A mirror for each project in each remote to read, refreshed.

        :param discover: also of projects that this store has nothing to do with.
        """
        found = []
        for url in self.read_urls:
            remote = self.remote(url)
            remote.check(write=False)
            mirrors = [self.mirror(url, project) for project in self.projects(url, discover=discover)]
            for mirror in mirrors:
                mirror.refresh(extent)
            found += mirrors
        return found

    def __enter__(self) -> Mirrors:  # noqa: PYI034 - typing.Self came with 3.11
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all connections."""
        for remote in self._remotes.values():
            remote.close()


def projects_of(store: Store) -> set[str]:
    """The projects that the store has results of."""
    return {item.project for item in store.list_actions()}


def projects_in(remote: Remote) -> set[str]:
    """The projects that have a namespace in a remote; lists everything in it."""
    names = (blob.name for blob in remote.list("").blobs if blob.name.endswith(_FORMAT))
    folders = (name.removesuffix(_FORMAT) for name in names)
    return {unquote(folder, errors="surrogatepass") for folder in folders if "/" not in folder}


def told_for(project: str, progress: Progress | None) -> Callable[[int, int], None] | None:
    """*progress* of one project."""
    if progress is None:
        return None
    tell = progress
    return lambda done, total: tell(project, done, total)


def nothing_of(where: str, name: str, params: Mapping[str, str], hint: str) -> NoSuchResult:
    """The error that a name means nothing."""
    shown = ", ".join(f"{param}={value}" for param, value in params.items())
    return NoSuchResult(f"{where} has no result of {name}{f'({shown})' if shown else ''}", hint=hint)

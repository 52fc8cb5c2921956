"""What a run gets from remotes and gives to them, seen from its nodes; and the case that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from luisy.plan import Traffic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from luisy.cas import Store
    from luisy.model import Digest, Key, Manifest, Reason
    from luisy.runner.pipeline.elsewhere import Elsewhere
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.remote.lookup import Lookup, RemoteSource
    from luisy.settings import Settings


class Exchange(Protocol):
    """The remotes of one run. Each is opened when it is first asked, and switched off when it does not answer."""

    @property
    def traffic(self) -> Traffic:
        """What was asked of them so far."""

    @property
    def incomplete(self) -> Reason | None:
        """Why an upload did not complete; None if all did."""

    def check(self, projects: Iterable[str]) -> None:
        """Make sure, before any work, that the settings are right.

        :param projects: of which results are wanted.
        :raises RemoteError: they are not.
        """

    def require(self) -> None:
        """Fail from now on, instead of going on without, where a remote does not answer."""

    def sources(self, project: str) -> Sequence[RemoteSource]:
        """What to ask for results of *project*, in order."""

    def refresh(self) -> None:
        """Look again the next time: other machines may have pushed."""

    def elsewhere(self, node: Node, *, hash_raw: bool) -> Elsewhere | None:
        """Where the files of an external task are to be had.

        :param hash_raw: bring plain blobs here that nobody has hashed, so that their content is known.
        """

    def fetch(self, nodes: Sequence[Node], lookup: Lookup) -> dict[str, Reason]:
        """Bring results into the store, in few requests; by task id, those that are not to be had."""

    def fetch_results(self, source: RemoteSource, keys: Sequence[Key]) -> None:
        """Bring results into the store by their keys; those that are not to be had are left out."""

    def fetch_objects(self, source: RemoteSource, digests: Iterable[Digest]) -> None:
        """Bring single objects (parts of keys, sources) into the store; those that are not to be had are left out."""

    def bring(self, node: Node) -> Manifest:
        """Bring the files of an external task into the store.

        :raises LuisyError: they are not to be had.
        """

    def upload(self, nodes: Collection[Node], forced: Collection[str]) -> None:
        """Everything of *nodes* that the write remote lacks; what does not get through is told by ``incomplete``.

        :param forced: task ids whose results replace others that the remote has.
        """


class Alone:
    """No remote is asked for anything."""

    traffic = Traffic()
    incomplete: Reason | None = None

    def check(self, _projects: Iterable[str]) -> None:
        """Nothing to check: settings of a remote that is not used are nobody's concern."""

    def require(self) -> None:
        """Nothing that could fail."""

    def sources(self, _project: str) -> Sequence[RemoteSource]:
        """None."""
        return ()

    def refresh(self) -> None:
        """Nothing changes."""

    def elsewhere(self, _node: Node, *, hash_raw: bool) -> Elsewhere | None:  # noqa: ARG002 - the Protocol's
        """Nowhere."""
        return None

    def fetch(self, _nodes: Sequence[Node], _lookup: Lookup) -> dict[str, Reason]:
        """Nothing is wanted, since nothing was found."""
        return {}

    def fetch_results(self, source: RemoteSource, _keys: Sequence[Key]) -> None:
        """Never asked, since there are no sources."""
        raise AssertionError(source)

    def fetch_objects(self, source: RemoteSource, _digests: Iterable[Digest]) -> None:
        """Never asked, since there are no sources."""
        raise AssertionError(source)

    def bring(self, node: Node) -> Manifest:
        """Never asked, since nothing is elsewhere."""
        raise AssertionError(node)

    def upload(self, nodes: Iterable[Node], forced: Iterable[str]) -> None:
        """Nobody to upload to."""


def exchange_for(store: Store, settings: Settings) -> Exchange:
    """The exchange that *settings* ask for; what it takes to talk to a remote is imported only for one."""
    if not settings.uses_remote:
        return Alone()
    from luisy.runner.remote.mirrored import Mirrored

    return Mirrored(store, settings)

"""The exchange with real remotes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing
from luisy.plan import Kind
from luisy.runner.remote.externals import Externals
from luisy.runner.remote.remotes import Remotes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from luisy.cas import Store
    from luisy.model import Digest, Key, Manifest, Reason
    from luisy.plan import Traffic
    from luisy.runner.pipeline.elsewhere import Elsewhere
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.remote.lookup import Lookup, RemoteSource
    from luisy.settings import Settings

logger = logging.getLogger("luisy")


class Mirrored:
    """An ``Exchange`` of nodes with the mirrors of their projects."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.remotes = Remotes(store, settings)
        self.externals = Externals(store, self.remotes, settings.working_dir)
        self._uploads = settings.upload

    @property
    def traffic(self) -> Traffic:
        """What was asked of the remotes so far."""
        return self.remotes.traffic

    @property
    def incomplete(self) -> Reason | None:
        """Why an upload did not complete."""
        return self.remotes.incomplete

    def check(self, projects: Iterable[str]) -> None:
        """Make sure that the settings are right."""
        self.remotes.check(projects)

    def require(self) -> None:
        """Fail from now on where a remote does not answer."""
        self.remotes.required = True

    def sources(self, project: str) -> Sequence[RemoteSource]:
        """The mirrors of *project*."""
        return self.remotes.sources(project)

    def refresh(self) -> None:
        """Look again the next time."""
        self.remotes.refresh()

    def elsewhere(self, node: Node, *, hash_raw: bool) -> Elsewhere | None:
        """Where the files of an external task are to be had."""
        found = self.externals.find(node)
        if found is None or found.content is not None or not hash_raw:
            return found
        hashed: list[Elsewhere] = []
        try:
            self.remotes.guarded(lambda: hashed.append(self.externals.hashed(node, found)))
        except BlobMissing as error:
            logger.warning("the files of %s are not to be had: %s", node.task, error)
        return hashed[0] if hashed else None

    def fetch(self, nodes: Sequence[Node], lookup: Lookup) -> dict[str, Reason]:
        """Bring results into the store."""
        by_source: dict[RemoteSource, list[Key]] = {}
        keys: dict[str, Key] = {}
        for node in nodes:
            assert node.result is not None
            source = lookup.origin(node.result)
            assert source is not None
            by_source.setdefault(source, []).append(node.result.key)
            keys[node.task_id] = node.result.key
        failed = self.remotes.fetch(by_source)
        return {name: failed[key] for name, key in keys.items() if key in failed}

    def fetch_results(self, source: RemoteSource, keys: Sequence[Key]) -> None:
        """Bring results into the store by their keys."""
        self.remotes.fetch({source: keys})

    def fetch_objects(self, source: RemoteSource, digests: Iterable[Digest]) -> None:
        """Bring single objects into the store."""
        self.remotes.fetch_objects(source, digests)

    def bring(self, node: Node) -> Manifest:
        """Bring the files of an external task into the store."""
        assert node.elsewhere is not None
        return self.externals.fetch(node, node.elsewhere)

    def upload(self, nodes: Collection[Node], forced: Collection[str]) -> None:
        """Everything of *nodes* that the write remote lacks; what failed has no result."""
        if not self._uploads:
            return
        keys: dict[str, list[Key]] = {}
        superseding = set()
        for node in nodes:
            if node.result is None or node.facts is None or not node.done:
                continue
            keys.setdefault(node.facts.project, []).append(node.result.key)
            if node.task_id in forced:
                superseding.add(node.result.key)
        present = [
            node for node in nodes if node.kind is Kind.EXTERNAL and node.done and not node.uncacheable
        ]
        self.remotes.push(keys, self.externals.noted(present), frozenset(superseding))

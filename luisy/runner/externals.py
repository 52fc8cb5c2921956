"""External tasks whose files are not on this machine: refs and other systems' plain files in the remotes.

The order is: the local original, else a ref, else plain blobs below ``raw/``. A ref tells the content without a
download. Plain blobs have none until they are hashed; a run brings them to the workspace for that, a plan does not.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from luisy.cas.transfer.refs import RawBlob, Ref
from luisy.errors import NoSuchResult
from luisy.naming import project_of
from luisy.runner.elsewhere import Elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas import Store
    from luisy.cas.remote import Listing
    from luisy.cas.transfer import Mirror
    from luisy.model import Manifest
    from luisy.runner.graph import Node
    from luisy.runner.remotes import Remotes

_RAW = "raw/"


class Externals:
    """The external tasks of one run."""

    def __init__(self, store: Store, remotes: Remotes, working_dir: str | None) -> None:
        self._store = store
        self._remotes = remotes
        self._working_dir = working_dir
        self._refs: dict[Mirror, Mapping[str, Ref]] = {}
        self._raw: dict[Mirror, Listing] = {}
        self._hashed: dict[str, Ref] = {}

    def name_of(self, node: Node) -> str | None:
        """The ref's name: the path of the first output below the project's folder; None where it lies outside."""
        if self._working_dir is None or not node.outputs:
            return None
        folder = os.path.join(self._working_dir, project_of(node.task), "")
        path = node.outputs[0][1]
        return path[len(folder) :] if path.startswith(folder) else None

    def find(self, node: Node) -> Elsewhere | None:
        """Where the files of *node* are to be had; the first remote that knows them."""
        name = self.name_of(node)
        if name is None:
            return None
        for mirror in self._remotes.sources(project_of(node.task)):
            if (found := self._in(mirror, name)) is not None:
                return found
        return None

    def _in(self, mirror: Mirror, name: str) -> Elsewhere | None:
        ref = self._refs_of(mirror).get(name)
        if ref is not None and (not ref.raw or ref.holds(self._raw_of(mirror))):
            return Elsewhere(mirror, ref.manifest, ref.raw)
        if not name.startswith(_RAW):
            return None
        wanted = name[len(_RAW) :]
        blobs = {
            blob.name: RawBlob(str(blob.etag), blob.size)
            for blob in self._raw_of(mirror).blobs
            if blob.name == wanted or blob.name.startswith(f"{wanted}/")
        }
        return Elsewhere(mirror, None, blobs) if blobs else None

    def _refs_of(self, mirror: Mirror) -> Mapping[str, Ref]:
        if mirror not in self._refs:
            found: dict[str, Ref] = {}
            self._remotes.guarded(lambda: found.update(mirror.refs()))
            self._refs[mirror] = found
        return self._refs[mirror]

    def _raw_of(self, mirror: Mirror) -> Listing:
        if mirror not in self._raw:
            self._raw[mirror] = mirror.raw()
        return self._raw[mirror]

    def hashed(self, node: Node, elsewhere: Elsewhere) -> Elsewhere:
        """Bring plain blobs to the output path of *node* and hash them: what they are, as a ref would say it.

        :raises RemoteError: one is gone, or the remote does not answer.
        :raises OSError: the path cannot be written.
        """
        manifest = self._download(node, elsewhere)
        return replace(elsewhere, content=manifest.digest)

    def _download(self, node: Node, elsewhere: Elsewhere) -> Manifest:
        name = self.name_of(node)
        assert name is not None
        wanted, path = name[len(_RAW) :], node.outputs[0][1]
        for blob in elsewhere.raw:
            target = path + blob[len(wanted) :]
            os.makedirs(os.path.dirname(target), exist_ok=True)
            elsewhere.mirror.fetch_raw(blob, target)
        manifest = self._store.keep(node.outputs)
        self._hashed[name] = Ref(manifest.digest, elsewhere.raw)
        return manifest

    def fetch(self, node: Node, elsewhere: Elsewhere) -> Manifest:
        """Bring the files that a ref names into the store; their manifest.

        :raises LuisyError: they are not to be had, or are not what the ref says.
        """
        assert elsewhere.content is not None
        held = self._store.manifests([elsewhere.content]).get(elsewhere.content)
        if held is not None and self._store.check(held.objects) >= set(held.objects):
            return held
        if elsewhere.raw:
            manifest = self._download(node, elsewhere)
            if manifest.digest != elsewhere.content:
                raise NoSuchResult(f"the remote's files of {node.task} changed meanwhile")
            return manifest
        name = self.name_of(node)
        failed = elsewhere.mirror.fetch_contents([elsewhere.content])
        if elsewhere.content in failed:
            raise NoSuchResult(failed[elsewhere.content].text, slug="no-such-result")
        if name is not None:
            elsewhere.mirror.saw_refs({name: elsewhere.content})
        return self._store.manifests([elsewhere.content])[elsewhere.content]

    def to_publish(self, nodes: Iterable[Node]) -> dict[str, dict[str, Ref]]:
        """The refs of the external tasks whose content is known, by project; their bytes are in the store then."""
        refs: dict[str, dict[str, Ref]] = {}
        for node in nodes:
            name = self.name_of(node)
            if name is None or node.content is None:
                continue
            ref = self._hashed.get(name)
            if ref is None:
                ref = Ref(node.content)
                self._store.keep(node.outputs)
                self._store.unplace([path for _, path in node.outputs])  # still the user's own file
            refs.setdefault(project_of(node.task), {})[name] = ref
        return refs

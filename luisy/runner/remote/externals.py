"""External tasks whose files are not on this machine: refs and other systems' plain files in the remotes.

The order is: the local original, else a ref, else plain blobs below ``raw/``. A ref tells the content without a
download. Plain blobs have none until they are hashed; what they turned out to be is noted, and counts while a listing
still shows the same versions.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from luisy.cas import ExternalFiles, RawBlob
from luisy.cas.remote import Listing
from luisy.errors import NoSuchResult
from luisy.naming import project_of
from luisy.runner.pipeline.elsewhere import Elsewhere
from luisy.runner.remote.publishing import whole
from luisy.runner.results.noting import name_below, ref_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas import Store
    from luisy.cas.transfer import Mirror, Ref
    from luisy.model import Digest, Manifest
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.remote.remotes import Remotes

_RAW = "raw/"


class Externals:
    """The external tasks of one run."""

    def __init__(self, store: Store, remotes: Remotes, working_dir: str | None) -> None:
        self._store = store
        self._remotes = remotes
        self._working_dir = working_dir
        self._refs: dict[Mirror, Mapping[str, Ref]] = {}
        self._raw: dict[Mirror, Listing] = {}
        self._noted: dict[str, Mapping[str, ExternalFiles]] = {}

    def find(self, node: Node) -> Elsewhere | None:
        """Where the files of *node* are to be had; the first remote that knows them."""
        name = ref_name(node, self._working_dir)
        if name is None:
            return None
        for mirror in self._remotes.sources(project_of(node.task)):
            if (found := self._in(mirror, name, node)) is not None:
                return found
        return None

    def _in(self, mirror: Mirror, name: str, node: Node) -> Elsewhere | None:
        ref = self._refs_of(mirror).get(name)
        if ref is not None and not ref.raw:
            return Elsewhere(mirror, ref.manifest)
        raw = self._blobs_of(node, mirror)
        if ref is not None and ref.raw == raw:  # all that is there: a folder may have got one more
            return Elsewhere(mirror, ref.manifest, raw)
        return Elsewhere(mirror, self._noted_of(mirror, name, raw), raw) if raw else None

    def _blobs_of(self, node: Node, mirror: Mirror) -> dict[str, RawBlob]:
        """The plain blobs of all outputs of *node*; none unless each output has some."""
        found: dict[str, RawBlob] = {}
        for _, path in node.outputs:
            name = self._blob_name(node, path)
            if name is None:
                return {}
            some = {
                blob.name: RawBlob(str(blob.etag), blob.size)
                for blob in self._raw_of(mirror).blobs
                if blob.name == name or blob.name.startswith(f"{name}/")
            }
            if not some:
                return {}
            found |= some
        return found

    def _blob_name(self, node: Node, path: str) -> str | None:
        """What the blob of an output is called below ``raw/``; None if it is not called so."""
        assert self._working_dir is not None  # else its ref has no name
        return name_below(os.path.join(self._working_dir, project_of(node.task), _RAW), path)

    def _noted_of(self, mirror: Mirror, name: str, raw: Mapping[str, RawBlob]) -> Digest | None:
        """What these versions of plain blobs were when this store hashed them; None if it did not."""
        if mirror.project not in self._noted:
            self._noted[mirror.project] = self._store.externals(mirror.project)
        noted = self._noted[mirror.project].get(name)
        return noted.content if noted is not None and (noted.url, noted.raw) == (mirror.url, raw) else None

    def _refs_of(self, mirror: Mirror) -> Mapping[str, Ref]:
        if mirror not in self._refs:
            found: dict[str, Ref] = {}
            self._remotes.guarded(lambda: found.update(mirror.refs()))
            self._refs[mirror] = found
        return self._refs[mirror]

    def _raw_of(self, mirror: Mirror) -> Listing:
        if mirror not in self._raw:
            found: list[Listing] = []
            self._remotes.guarded(lambda: found.append(mirror.raw()))
            self._raw[mirror] = found[0] if found else Listing((), 0.0)
        return self._raw[mirror]

    def hashed(self, node: Node, elsewhere: Elsewhere) -> Elsewhere:
        """Bring plain blobs into the store, to know what they are; no file of the workspace is touched.

        :raises BlobMissing: one is gone, or is another version by now.
        :raises Unreachable: the remote does not answer.
        :raises StoreError: the store cannot be written.
        """
        with self._store.telling(), self._store.temporary_folder() as folder:
            elsewhere.mirror.fetch_raw(elsewhere.raw, folder)
            names = [(output, self._blob_name(node, path)) for output, path in node.outputs]
            outputs = [(output, os.path.join(folder, name or "")) for output, name in names]
            manifest = (
                self._store.snapshot(outputs) if self._store.read_only else self._store.take_in(outputs)
            )
        name, project = ref_name(node, self._working_dir), elsewhere.mirror.project
        assert name is not None
        noted = ExternalFiles(name, manifest.digest, node.outputs, elsewhere.mirror.url, elsewhere.raw)
        self._store.note_externals(project, [noted])
        self._noted.pop(project, None)
        return replace(elsewhere, content=manifest.digest)

    def fetch(self, node: Node, elsewhere: Elsewhere) -> Manifest:
        """Bring the files that a ref names, or that were hashed, into the store; their manifest.

        :raises LuisyError: they are not to be had, or are not what the ref says.
        """
        name, content = ref_name(node, self._working_dir), elsewhere.content
        assert name is not None
        assert content is not None
        if whole(self._store, content) is not None:
            pass
        elif elsewhere.raw:
            if self.hashed(node, elsewhere).content != content:
                raise NoSuchResult(f"the remote's files of {node.task} are not what their ref says")
        elif content in (failed := elsewhere.mirror.fetch_contents([content])):
            raise NoSuchResult(failed[content].text)
        elsewhere.mirror.saw_refs({name: content})
        return self._store.manifests([content])[content]

    def noted(self, nodes: Iterable[Node]) -> dict[str, dict[str, ExternalFiles]]:
        """What was noted of the files of these, by project and name."""
        names: dict[str, set[str]] = {}
        for node in nodes:
            if (name := ref_name(node, self._working_dir)) is not None:
                names.setdefault(project_of(node.task), set()).add(name)
        return {
            project: {name: one for name, one in self._store.externals(project).items() if name in some}
            for project, some in names.items()
        }

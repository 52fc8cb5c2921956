"""Giving out what the store holds: verified, as bytes or at a workspace path."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from luisy.cas import manifests
from luisy.cas.objects import missing
from luisy.cas.outputs import Restorer, needed
from luisy.cas.remembering import Remembering
from luisy.errors import CorruptionError
from luisy.model import LinkMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import BinaryIO

    from luisy.model import Digest, Manifest


class Serving(Remembering):
    """Serves objects, manifests and outputs. Nothing leaves the store unverified."""

    def sizes(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Bytes of those of *digests* that are there and verified."""
        return self._index.sizes(sorted(self.check(digests)))

    def get(self, digest: Digest) -> bytes:
        """The bytes of an object, verified.

        :raises NoSuchResult: it is not there, or was damaged and is quarantined now.
        """
        self._flush()
        return self._objects.read(digest)

    def open_object(self, digest: Digest) -> BinaryIO:
        """A file to read a large object from, verified; the caller closes it.

        :raises NoSuchResult: as :meth:`get`.
        """
        self._flush()
        return self._objects.open(digest)

    def materialise(
        self,
        digest: Digest,
        path: str | os.PathLike[str],
        *,
        mode: LinkMode = LinkMode.REFLINK,
        executable: bool = False,
    ) -> LinkMode:
        """Put an object's bytes at *path*, atomically; returns how it was really done.

        :raises NoSuchResult: as :meth:`get`; *path* is as it was.
        :raises OSError: *path* cannot be written; it is as it was.
        """
        if digest not in self.check([digest]):
            raise missing(digest)
        return Restorer(self._layout, self._objects, mode).file(
            digest, os.fspath(path), executable=executable
        )

    def check(self, digests: Iterable[Digest]) -> set[Digest]:
        """Which of *digests* are there and verified; one query and one ``stat`` each."""
        self._flush()
        return self._objects.verified(digests)

    def object_path(self, digest: Digest) -> str:
        """Where an object lies; its bytes count only if :meth:`check` says so. Not to be written to."""
        return self._layout.object(digest)

    def manifests(self, digests: Iterable[Digest]) -> dict[Digest, Manifest]:
        """The manifests that are there; a damaged or absent one is left out."""
        found = {}
        for digest in self.check(digests):
            with contextlib.suppress(CorruptionError):
                found[digest] = manifests.decode(self._objects.read(digest))
        return found

    def restore(
        self, manifest: Manifest, paths: Mapping[bytes, str], *, mode: LinkMode = LinkMode.REFLINK
    ) -> Mapping[bytes, LinkMode]:
        """Materialise the outputs named in *paths* at these absolute paths, and remember them.

        :return: how each was really done.
        :raises NoSuchResult: an object is not there; nothing was written.
        :raises CorruptionError: the manifest leads out of its outputs; nothing was written.
        :raises OSError: a path cannot be written; it is as it was.
        """
        return self.restore_many([(manifest, paths)], mode=mode)[0]

    def restore_many(
        self, tasks: Sequence[tuple[Manifest, Mapping[bytes, str]]], *, mode: LinkMode = LinkMode.REFLINK
    ) -> list[Mapping[bytes, LinkMode]]:
        """:meth:`restore` for each: objects checked at once, rows written in few transactions."""
        wanted = needed(manifest for manifest, _ in tasks)
        for digest in wanted - self.check(wanted):
            raise missing(digest)
        restorer = Restorer(self._layout, self._objects, mode)
        used: list[Mapping[bytes, LinkMode]] = []
        with self.transaction():
            for manifest, paths in tasks:
                placed = restorer.outputs(manifest, paths)
                used.append({name: row.mode for name, row in zip(paths, placed, strict=True)})
                if not self.read_only:
                    self.place(placed)
        return used

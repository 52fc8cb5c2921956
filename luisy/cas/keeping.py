"""Taking in what others made: objects, and the outputs of tasks."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import tempfile
import time
from typing import TYPE_CHECKING

from luisy.cas import manifests
from luisy.cas.locks import own_folder
from luisy.cas.outputs import HashingReader, KeepingReader, Scanned, needed, scan
from luisy.cas.records import Rescued
from luisy.cas.remembering import Remembering
from luisy.errors import StoreError
from luisy.model import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from luisy.model import Digest, Manifest


logger = logging.getLogger("luisy")


class Keeping(Remembering):
    """Keeps bytes, files and folders."""

    def put(self, source: bytes | str | os.PathLike[str]) -> Digest:
        """Store bytes, or the file at a path. Idempotent.

        :raises IsADirectoryError: *source* is a folder; :meth:`keep` stores these.
        :raises StoreError: the file changed meanwhile, or the store cannot be written.
        :raises OSError: the file cannot be read, or the disk is full.
        """
        self._must_write()
        if isinstance(source, bytes):
            digest = self._objects.stage_bytes(source)
        else:
            path = os.fspath(source)
            status = os.stat(path)
            if os.path.isdir(path):
                raise IsADirectoryError(errno.EISDIR, "is a folder; Store.keep stores folders", path)
            digest, _ = KeepingReader(self._objects).file(path, status)
        self._added()
        return digest

    def incoming(self) -> BinaryIO:
        """A new file in the store to write an object to that comes from elsewhere; ``name`` is its path.

        The caller closes it and hands its path to :meth:`accept`, or removes it.
        """
        self._must_write()
        return self._objects.new_file()

    @contextlib.contextmanager
    def temporary_folder(self) -> Iterator[str]:
        """An empty folder for the length of the block; on the store's file system, where it may be written."""
        elsewhere = self.read_only or not self._stored
        with tempfile.TemporaryDirectory() if elsewhere else own_folder(self._layout.tmp) as folder:
            yield folder

    def accept(self, source: bytes | str, digest: Digest, size: int) -> None:
        """Take over bytes, or a file that :meth:`incoming` made.

        :param digest: of its *size* bytes; the caller has hashed them.
        """
        self._must_write()
        self._objects.stage_received(digest, size, source)
        self._added()

    def snapshot(self, outputs: Sequence[tuple[bytes, str]]) -> Manifest:
        """The manifest of files and folders where they are, storing nothing; unchanged files are not read.

        :raises FileNotFoundError: one is not there.
        :raises StoreError: one changes meanwhile (``source-changed``), or no manifest can hold it (``bad-output``).
        """
        self._flush()
        reader = HashingReader(self._workspace)
        scanned = scan(outputs, reader)
        if reader.hashed and not self.read_only:
            try:
                with self._database.writing() as connection:
                    self._workspace.cache(connection, reader.hashed, reader.began)
            except StoreError as error:  # they are read again next time
                logger.debug("what files were hashed is not remembered: %s", error)
        return scanned.manifest

    def keep(self, outputs: Sequence[tuple[bytes, str]]) -> Manifest:
        """Store files and folders with their manifest, and remember that the workspace holds them.

        :param outputs: name (its place in ``output()``, ``b""`` for a single one) and absolute path of each.
        :raises FileNotFoundError: one is not there.
        :raises StoreError: as :meth:`snapshot`, or the store cannot be written.
        :raises OSError: the disk is full.
        """
        scanned = self._staged(outputs)
        pending = self._pending.get()
        pending.placements += scanned.placements
        pending.kept = scanned.manifest
        self._added()
        return scanned.manifest

    def take_in(self, outputs: Sequence[tuple[bytes, str]]) -> Manifest:
        """:meth:`keep`, but the files remain whoever's they are: nothing is remembered of their paths."""
        manifest = self._staged(outputs).manifest
        self._added()
        return manifest

    def _staged(self, outputs: Sequence[tuple[bytes, str]]) -> Scanned:
        self._must_write()
        try:
            scanned: Scanned = scan(outputs, KeepingReader(self._objects))
            self._objects.stage_bytes(manifests.encode(scanned.manifest))
        except BaseException:
            if not self._pending.get().depth:
                self._objects.forget_staged()
            raise
        return scanned

    def keep_many(self, tasks: Iterable[Sequence[tuple[bytes, str]]]) -> list[Manifest]:
        """:meth:`keep` for each, in few transactions."""
        with self.transaction():
            return [self.keep(outputs) for outputs in tasks]

    def rescue(self, path: str) -> Digest:
        """Store a file or folder that was edited by hand, with a record of where it was.

        :return: the file's object, or the manifest object of a folder or an executable file.
        :raises StoreError, OSError: as :meth:`keep`; then the file must not be replaced.
        """
        self._must_write()
        manifest = scan([(b"", path)], KeepingReader(self._objects)).manifest
        root = manifest.entries[0]
        bare = root.kind is EntryKind.FILE and not root.executable
        digest = root.digest if bare else self._objects.stage_bytes(manifests.encode(manifest))
        self._added()
        self._flush()
        with self._database.writing():
            if not self._objects.promised({digest, *needed([manifest])}):  # gc took what was there already
                raise StoreError(f"the bytes of {path} were deleted meanwhile", slug="missing-object")
            self._file_record(Rescued(digest, path, time.time()), self._workspace.put_rescued)
        return digest

"""A folder as a remote: a network share, a disk that travels, a test.

Blob ``a/b/c`` is a file ``<root>/a/b/c~<version>``; ``luisy.cas.remote.versioned_files`` says what else is there and
why it is safe. ``<root>`` has to exist: a share that is not mounted is not filled in silence. Files without a version
are other systems' (``raw/``): they are read like blobs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import TYPE_CHECKING

from luisy.cas.remote import (
    Blob,
    BlobMissing,
    ConditionFailed,
    ETag,
    Listing,
    Misconfigured,
    Unreachable,
    as_listing,
    checked_name,
    checked_prefix,
)
from luisy.cas.remote.versioned_files import (
    PIECE,
    Folder,
    Version,
    remove,
    sync_folder,
    version_of,
    write_synced,
)
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

_USERS_TO_MEND = {
    errno.EACCES: "the rights of the folder do not allow it",
    errno.EPERM: "the rights of the folder do not allow it",
    errno.EROFS: "the file system is mounted read-only",
    errno.ENOSPC: "no space is left there",
    errno.EDQUOT: "the quota is used up",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.EEXIST: "a file stands where a folder is needed",
    errno.ENOLCK: "the file system cannot lock files (flock)",
    errno.EOPNOTSUPP: "the file system cannot lock files (flock)",
    errno.ENOSYS: "the file system cannot lock files (flock)",
}


class DirectoryRemote:
    """Blobs as files below a folder that exists.

    :param root: the folder's path.
    :param setting: what the user set it by; for messages.
    """

    def __init__(self, root: str, *, setting: str = "remote") -> None:
        self._root = os.path.abspath(root)
        self._setting = setting

    def __repr__(self) -> str:
        return f"DirectoryRemote({self._root!r})"

    @property
    def url(self) -> str:
        """Where this is."""
        return f"file://{self._root}"

    def check(self, *, write: bool, delete: bool = False) -> None:
        """See :meth:`Remote.check`."""
        with self._telling("read"):
            if not os.path.isdir(self._root):
                raise Misconfigured(
                    f"the remote's folder {self._root} is not there",
                    hint=f"mount it, create it, or name another one in {self._setting}",
                )
            os.listdir(self._root)
        if write or delete:  # one right of the folder
            with self._telling("written"), Folder(self._root).changing():
                pass

    def list(self, prefix: str) -> Listing:
        """See :meth:`Remote.list`."""
        above, _, start = checked_prefix(prefix).rpartition("/")
        with self._telling("listed"):
            server_time = self._server_time(above)
            return as_listing(self._walk(above, start), server_time)

    def head(self, name: str) -> Blob | None:
        """See :meth:`Remote.head`."""
        folder, base = self._place(name)
        with self._telling("read"), folder.looking():
            if (version := self._current(folder, base)) is None:
                return None
            stat = os.stat(f"{folder.path}/{version.file}")
            return Blob(name, stat.st_size, version.etag(stat), stat.st_mtime, folder.metadata(version))

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See :meth:`Remote.get`."""
        with self._telling("read"):
            descriptor = self._opened(name)
            try:
                behind = max(0, os.fstat(descriptor).st_size - offset)
                return _read(descriptor, offset, behind if length is None else min(behind, length))
            finally:
                os.close(descriptor)

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """See :meth:`Remote.read`."""
        with self._telling("read"), os.fdopen(self._opened(name), "rb", buffering=0) as file:
            file.seek(offset)
            while piece := file.read(PIECE):
                yield piece

    def put(
        self,
        name: str,
        data: bytes | BinaryIO,
        *,
        if_absent: bool = False,
        if_match: ETag | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ETag:
        """See :meth:`Remote.put`."""
        folder, base = self._place(name)
        with self._telling("written"):
            self._make(folder)
            new = folder.new()
            try:
                write_synced(new, data)
                with folder.changing() as now:
                    olds = folder.versions(base, now)
                    if if_absent and olds:
                        raise ConditionFailed(f"{name} is there already")
                    if if_match is not None:
                        _require(name, folder, olds, if_match)
                    return folder.install(new, base, olds, metadata or {})
            finally:
                remove(new)

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        """See :meth:`Remote.touch`."""
        folder, base = self._place(name)
        with self._telling("written"), self._changing(folder, base) as olds:
            if not olds:
                raise BlobMissing(f"{name} is not in {self.url}")
            _require(name, folder, olds, if_match)
            return folder.renew(base, olds)

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        """See :meth:`Remote.delete`."""
        folder, base = self._place(name)
        with self._telling("written"), self._changing(folder, base) as olds:
            if olds and if_match is not None:
                _require(name, folder, olds, if_match)
            if olds:
                folder.discard(olds)
                sync_folder(folder.path)

    def close(self) -> None:
        """There is nothing to let go of between calls."""

    def _place(self, name: str) -> tuple[Folder, str]:
        """The folder of a blob, and the last part of its name."""
        above, _, base = checked_name(name).rpartition("/")
        return self._folder(above), base

    def _folder(self, above: str) -> Folder:
        return Folder(f"{self._root}/{above}" if above else self._root)

    @contextlib.contextmanager
    def _telling(self, done: str) -> Iterator[None]:
        """Errors of the system as ours."""
        try:
            yield
        except OSError as error:
            text = f"{self.url} cannot be {done}"
            if error.errno == errno.ENAMETOOLONG:
                raise RemoteError(f"{text}: a name is too long for it", slug="bad-blob-name") from error
            if error.errno in _USERS_TO_MEND:
                raise Misconfigured(
                    f"{text}: {_USERS_TO_MEND[error.errno]}",
                    hint=f"mend that, or name another folder in {self._setting}",
                ) from error
            raise Unreachable(f"{text}: {error.strerror}") from error

    def _require_root(self) -> None:
        """An unmounted share must not look like an empty one."""
        if not os.path.isdir(self._root):
            raise Unreachable(f"the remote's folder {self._root} is gone", hint="is it still mounted?")

    def _make(self, folder: Folder) -> None:
        if os.path.isdir(folder.path):
            return
        self._require_root()
        path = self._root
        for part in os.path.relpath(folder.path, self._root).split("/"):
            above, path = path, f"{path}/{part}"
            if not os.path.isdir(path):
                with contextlib.suppress(FileExistsError):  # another writer was quicker
                    os.mkdir(path)
                sync_folder(above)

    @contextlib.contextmanager
    def _changing(self, folder: Folder, base: str) -> Iterator[Sequence[Version]]:
        """The versions of *base*, under the lock of its folder; none where there is no such folder."""
        if not os.path.isdir(folder.path):
            self._require_root()
            yield []
            return
        with folder.changing() as now:
            yield folder.versions(base, now)

    def _current(self, folder: Folder, base: str) -> Version | None:
        if (version := folder.current(base)) is None:
            self._require_root()
        return version

    def _opened(self, name: str) -> int:
        folder, base = self._place(name)
        with folder.looking():
            if (version := self._current(folder, base)) is None:
                raise BlobMissing(f"{name} is not in {self.url}")
            return os.open(f"{folder.path}/{version.file}", os.O_RDONLY | os.O_CLOEXEC)

    def _walk(self, above: str, start: str) -> Iterator[Blob]:
        """The blobs in the folder *above* and below it whose names there begin with *start*."""
        folder = self._folder(above)
        below: list[str] = []
        newest: dict[str, tuple[str, Blob]] = {}
        with folder.looking():
            for entry in _entries(folder.path):
                path = f"{above}/{entry.name}" if above else entry.name
                if not entry.name.startswith(start):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif (
                    (version := version_of(entry.name)) and version.base.startswith(start) and entry.is_file()
                ):
                    stat = entry.stat()
                    name = f"{above}/{version.base}" if above else version.base
                    blob = Blob(name, stat.st_size, version.etag(stat), stat.st_mtime)
                    newest[name] = max(
                        newest.get(name, ("", blob)), (version.number, blob), key=lambda p: p[0]
                    )
        yield from (blob for _, blob in newest.values())
        for path in below:
            yield from self._walk(path, "")

    def _server_time(self, above: str) -> float:
        """The file system's clock; this machine's where we may not write."""
        self._require_root()
        folder = self._folder(above)
        try:
            return (folder if folder.is_shared() else Folder(self._root)).probe()
        except OSError:
            return time.time()


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _require(name: str, folder: Folder, olds: Sequence[Version], if_match: ETag) -> None:
    if not olds or folder.etag(olds[-1]) != if_match:
        raise ConditionFailed(f"{name} is not at version {if_match}")


def _read(descriptor: int, offset: int, length: int) -> bytes:
    """*length* bytes: one call of the system returns no more than 2 GiB."""
    pieces = []
    while length > 0 and (piece := os.pread(descriptor, length, offset)):
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

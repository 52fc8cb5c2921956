"""A remote in this process's memory: for tests, and the shortest statement of what the others have to do."""

from __future__ import annotations

import itertools
import os
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luisy.cas.remote import (
    Blob,
    BlobMissing,
    ConditionFailed,
    ETag,
    Listing,
    checked_name,
    checked_prefix,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

_PIECE = 1 << 20  # bytes

# One for all of them. Held over a fork, so that the child finds it free and the blobs whole.
_lock = threading.Lock()
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

_versions = itertools.count(1)
_named: dict[str, MemoryRemote] = {}


@dataclass(frozen=True, slots=True)
class _Stored:
    blob: Blob
    data: bytes


class MemoryRemote:
    """Blobs in a dict. A forked child goes on with a copy that nobody else sees.

    :param name: told in :attr:`url`; :func:`named` finds it again by this.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._blobs: dict[str, _Stored] = {}

    def __repr__(self) -> str:
        return f"MemoryRemote({self._name!r})"

    @property
    def url(self) -> str:
        """Where this is."""
        return f"memory:{self._name}"

    def check(self, *, write: bool, delete: bool = False) -> None:
        """It is always there, and lets everybody write and delete."""

    def list(self, prefix: str) -> Listing:
        """See :meth:`Remote.list`."""
        checked_prefix(prefix)
        with _lock:
            found = [stored.blob for name, stored in self._blobs.items() if name.startswith(prefix)]
            now = time.time()
        ordered = sorted(found, key=lambda blob: blob.name)
        return Listing(tuple(replace(blob, metadata={}) for blob in ordered), now)

    def head(self, name: str) -> Blob | None:
        """See :meth:`Remote.head`."""
        with _lock:
            stored = self._blobs.get(checked_name(name))
        return None if stored is None else stored.blob

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See :meth:`Remote.get`."""
        with _lock:
            data = self._stored(checked_name(name)).data
        return data[offset:] if length is None else data[offset : offset + length]

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """See :meth:`Remote.read`."""
        data = self.get(name, offset)
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE]

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
        checked_name(name)
        whole = data if isinstance(data, bytes) else data.read()
        with _lock:
            if if_absent and name in self._blobs:
                raise ConditionFailed(f"{name} is there already")
            if if_match is not None:
                self._require(name, if_match)
            blob = Blob(name, len(whole), _new_etag(), time.time(), dict(metadata or {}))
            self._blobs[name] = _Stored(blob, whole)
        return blob.etag

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        """See :meth:`Remote.touch`."""
        with _lock:
            stored = self._stored(checked_name(name))
            self._require(name, if_match)
            blob = replace(stored.blob, etag=_new_etag(), modified=time.time())
            self._blobs[name] = replace(stored, blob=blob)
        return blob.etag

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        """See :meth:`Remote.delete`."""
        with _lock:
            if checked_name(name) in self._blobs:
                if if_match is not None:
                    self._require(name, if_match)
                del self._blobs[name]

    def close(self) -> None:
        """There is nothing to let go of: the blobs stay."""

    def _stored(self, name: str) -> _Stored:
        stored = self._blobs.get(name)
        if stored is None:
            raise BlobMissing(f"{name} is not there")
        return stored

    def _require(self, name: str, etag: ETag) -> None:
        stored = self._blobs.get(name)
        if stored is None or stored.blob.etag != etag:
            raise ConditionFailed(f"{name} is not at version {etag}")


def named(name: str) -> MemoryRemote:
    """The one remote of this process that has this name; made when it is first asked for."""
    with _lock:
        return _named.setdefault(name, MemoryRemote(name))


def _new_etag() -> ETag:
    return ETag(f"{next(_versions):016x}")

"""What a remote costs: requests and bytes, counted where they happen."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from luisy.cas.remote import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from luisy.cas.remote import Blob, ETag, Listing, Remote

# One for all meters. Held over a fork, so that the child finds it free.
_lock = threading.Lock()
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class Meter:
    """Adds up traffic of one process; several remotes and threads may share it. A fork's child has its own copy."""

    def __init__(self) -> None:
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        """What was counted so far."""
        return self._traffic

    def count(self, requests: int = 1, *, down: int = 0, up: int = 0) -> None:
        """Add to it.

        :param down: bytes of blobs.
        :param up: bytes of blobs.
        """
        with _lock:
            self._traffic += Traffic(requests, down, up)


class Counting:
    """A remote whose calls are counted, for adapters where each call is one request.

    Azure counts in its transport instead: there a call may be many requests.
    """

    def __init__(self, remote: Remote, meter: Meter | None = None) -> None:
        self._remote = remote
        self._meter = meter or Meter()

    def __repr__(self) -> str:
        return f"Counting({self._remote!r})"

    @property
    def traffic(self) -> Traffic:
        """What was counted so far."""
        return self._meter.traffic

    @property
    def url(self) -> str:
        """See :attr:`Remote.url`."""
        return self._remote.url

    def check(self, *, write: bool, delete: bool = False) -> None:
        """See :meth:`Remote.check`."""
        self._meter.count()
        self._remote.check(write=write, delete=delete)

    def list(self, prefix: str) -> Listing:
        """See :meth:`Remote.list`."""
        self._meter.count()
        return self._remote.list(prefix)

    def head(self, name: str) -> Blob | None:
        """See :meth:`Remote.head`."""
        self._meter.count()
        return self._remote.head(name)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See :meth:`Remote.get`."""
        self._meter.count()
        data = self._remote.get(name, offset, length)
        self._meter.count(0, down=len(data))
        return data

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """See :meth:`Remote.read`."""
        self._meter.count()
        for piece in self._remote.read(name, offset):
            self._meter.count(0, down=len(piece))
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
        self._meter.count()
        start = 0 if isinstance(data, bytes) else data.tell()
        try:
            return self._remote.put(name, data, if_absent=if_absent, if_match=if_match, metadata=metadata)
        finally:
            self._meter.count(0, up=(len(data) if isinstance(data, bytes) else data.tell()) - start)

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        """See :meth:`Remote.touch`."""
        self._meter.count()
        return self._remote.touch(name, if_match=if_match)

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        """See :meth:`Remote.delete`."""
        self._meter.count()
        self._remote.delete(name, if_match=if_match)

    def close(self) -> None:
        """See :meth:`Remote.close`."""
        self._remote.close()

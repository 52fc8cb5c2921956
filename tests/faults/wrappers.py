"""Remotes with faults: wrappers round a real one, with the same methods.

Each changes one thing and leaves the rest to what it wraps, so they can be put round each other.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from luisy.cas.remote import Blob, ETag, Listing, Remote
    from luisy.errors import RemoteError


class Wrapper:
    """Passes everything on; :meth:`around` and :meth:`incoming` are for the others to change."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    def around(self, method: str, name: str) -> Callable[[], None]:
        """Called before *method*; what it returns is called after it."""
        return lambda: None

    def incoming(self, name: str, data: bytes) -> bytes:
        """The bytes that a caller gets for those that came."""
        return data

    @property
    def url(self) -> str:
        return self.remote.url

    def check(self, *, write: bool, delete: bool = False) -> None:
        after = self.around("check", "")
        self.remote.check(write=write, delete=delete)
        after()

    def list(self, prefix: str) -> Listing:
        after = self.around("list", prefix)
        listing = self.remote.list(prefix)
        after()
        return listing

    def head(self, name: str) -> Blob | None:
        after = self.around("head", name)
        blob = self.remote.head(name)
        after()
        return blob

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        after = self.around("get", name)
        data = self.remote.get(name, offset, length)
        after()
        return self.incoming(name, data)

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        after = self.around("read", name)
        for piece in self.remote.read(name, offset):
            yield self.incoming(name, piece)
            after()

    def put(
        self,
        name: str,
        data: bytes | BinaryIO,
        *,
        if_absent: bool = False,
        if_match: ETag | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ETag:
        after = self.around("put", name)
        etag = self.remote.put(name, data, if_absent=if_absent, if_match=if_match, metadata=metadata)
        after()
        return etag

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        after = self.around("touch", name)
        etag = self.remote.touch(name, if_match=if_match)
        after()
        return etag

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        after = self.around("delete", name)
        self.remote.delete(name, if_match=if_match)
        after()

    def close(self) -> None:
        self.remote.close()


@dataclass(frozen=True)
class Fault:
    """One error at some calls.

    :param method: the name of the method.
    :param calls: which calls of it fail, counted from 1.
    :param lost: the call is made and its answer lost; of ``read``, after the first piece.
    """

    method: str
    error: Callable[[], RemoteError]
    calls: Iterable[int] = (1,)
    lost: bool = False


class Failing(Wrapper):
    """Raises errors by plan. ``calls`` counts the calls of each method."""

    def __init__(self, remote: Remote, *plan: Fault) -> None:
        super().__init__(remote)
        self.plan = plan
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def around(self, method: str, name: str) -> Callable[[], None]:
        with self._lock:
            self.calls[method] += 1
            number = self.calls[method]
        due = [fault for fault in self.plan if fault.method == method and number in fault.calls]
        for fault in due:
            if not fault.lost:
                raise fault.error()

        def after() -> None:
            for fault in due:
                raise fault.error()

        return after


class Slow(Wrapper):
    """Each call takes longer.

    :param latency: seconds before each call.
    :param bandwidth: bytes per second of what comes down.
    """

    def __init__(self, remote: Remote, *, latency: float = 0.0, bandwidth: float = float("inf")) -> None:
        super().__init__(remote)
        self.latency = latency
        self.bandwidth = bandwidth

    def around(self, method: str, name: str) -> Callable[[], None]:
        time.sleep(self.latency)
        return lambda: None

    def incoming(self, name: str, data: bytes) -> bytes:
        time.sleep(len(data) / self.bandwidth)
        return data


class Truncating(Wrapper):
    """Gives the first half of the bytes of some blobs, without an error.

    :param which: says by its name whether a blob comes short.
    :param times: how often, over all blobs; then they come whole.
    """

    def __init__(self, remote: Remote, which: Callable[[str], bool], *, times: int = 1 << 62) -> None:
        super().__init__(remote)
        self.which = which
        self._left = iter(range(times))

    def incoming(self, name: str, data: bytes) -> bytes:
        if self.which(name) and next(self._left, None) is not None:
            return data[: len(data) // 2]
        return data


class BitFlipping(Wrapper):
    """Flips a bit of some blobs: XOR, since writing a fixed value may change nothing.

    :param which: says by its name whether a blob is damaged.
    :param times: how often, over all blobs; then they come whole.
    """

    def __init__(self, remote: Remote, which: Callable[[str], bool], *, times: int = 1 << 62) -> None:
        super().__init__(remote)
        self.which = which
        self._left = iter(range(times))
        self._place = itertools.count()

    def incoming(self, name: str, data: bytes) -> bytes:
        if not data or not self.which(name) or next(self._left, None) is None:
            return data
        place = next(self._place) * 7919 % len(data)
        return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


class Vanishing(Wrapper):
    """Deletes some blobs just before they are read: listings had them.

    :param which: says by its name whether a blob vanishes.
    """

    def __init__(self, remote: Remote, which: Callable[[str], bool]) -> None:
        super().__init__(remote)
        self.which = which

    def around(self, method: str, name: str) -> Callable[[], None]:
        if method in {"get", "read", "touch"} and self.which(name):
            self.remote.delete(name)
            raise BlobMissing(f"{name} vanished")
        return lambda: None

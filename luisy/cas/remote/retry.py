"""What may pass is tried again, with pauses that grow and are random.

Exponential backoff with full jitter: the pause before attempt n+1 is uniform between nothing and
``min(longest, first * 2**(n-1))`` seconds, so that clients that failed together do not come back together.
Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from luisy.cas.remote import ConditionFailed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from luisy.cas.remote import Blob, ETag, Listing, Remote

_T = TypeVar("_T")

_LONGEST_ASKED_FOR = 60.0  # seconds; a server that asks for more gets no more

# From the system: forked workers share the state of the random module, and would come back together.
_uniform = random.SystemRandom().uniform


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often something is tried, and the pauses between.

    :param attempts: at most; 1 means no retries.
    :param first: bound of the first pause, seconds.
    :param longest: bound of every pause, seconds; only a server's ``Retry-After`` may ask for more.
    :param sleep: waits for a number of seconds.
    """

    attempts: int = 7
    first: float = 0.5
    longest: float = 10.0
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def within(cls, seconds: float) -> Backoff:
        """As many attempts as ever; their pauses together are *seconds* at most, and half of that on average."""
        usual = cls()
        bounds = [min(usual.longest, usual.first * 2**number) for number in range(usual.attempts - 1)]
        scale = seconds / sum(bounds)
        return cls(first=usual.first * scale, longest=usual.longest * scale)

    def run(self, call: Callable[[], _T]) -> _T:
        """What *call* returns, in one of the attempts.

        :raises Unreachable: the last attempt's, or one that was tried again already.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return call()
            except Unreachable as error:
                failure = error
            if failure.attempts > 1:
                break
            if attempt == self.attempts:
                failure.attempts = attempt
                failure.hint = failure.hint or f"tried {attempt} times; is the network up?"
                break
            self.pause(attempt, failure)
        raise failure

    def run_once(self, write: Callable[[], _T], landed: Callable[[], _T | None]) -> _T:
        """What *write* returns, a conditional write: refused after a lost answer, it may have met itself.

        :param landed: what it would have returned, if it did happen; else None.
        :raises ConditionFailed: another one was first.
        :raises Unreachable: as :meth:`run`.
        """
        is_lost = False

        def attempt() -> _T:
            nonlocal is_lost
            try:
                return write()
            except Unreachable:
                is_lost = True
                raise
            except ConditionFailed as error:
                refused = error
            if is_lost and (found := landed()) is not None:
                return found
            raise refused

        return self.run(attempt)

    def pause(self, attempt: int, failure: Unreachable) -> None:
        """Wait before the attempt after *attempt*, as long as the server asked for at least."""
        jitter = _uniform(0, min(self.longest, self.first * 2 ** (attempt - 1)))
        self.sleep(max(jitter, min(failure.retry_after, _LONGEST_ASKED_FOR)))


class Retrying:
    """A remote that tries again what raised :class:`Unreachable`.

    A conditional write whose answer got lost is recognised by ``writer`` in its metadata. A touch has none: tried
    again, it may raise :class:`ConditionFailed` after its own success, and so may a delete of a blob that somebody
    put again at once; who gets it lists and decides again.
    """

    def __init__(self, remote: Remote, backoff: Backoff | None = None) -> None:
        self._remote = remote
        self._backoff = backoff or Backoff()

    def __repr__(self) -> str:
        return f"Retrying({self._remote!r})"

    @property
    def url(self) -> str:
        """See :attr:`Remote.url`."""
        return self._remote.url

    def check(self, *, write: bool, delete: bool = False) -> None:
        """See :meth:`Remote.check`."""
        self._backoff.run(lambda: self._remote.check(write=write, delete=delete))

    def list(self, prefix: str) -> Listing:
        """See :meth:`Remote.list`."""
        return self._backoff.run(lambda: self._remote.list(prefix))

    def head(self, name: str) -> Blob | None:
        """See :meth:`Remote.head`."""
        return self._backoff.run(lambda: self._remote.head(name))

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See :meth:`Remote.get`."""
        return self._backoff.run(lambda: self._remote.get(name, offset, length))

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """See :meth:`Remote.read`. Goes on where it broke; each piece that arrives gives all attempts back."""
        position = offset
        pieces = self._remote.read(name, position)

        def piece() -> bytes | None:
            nonlocal pieces
            try:
                return next(pieces, None)
            except Unreachable:
                pieces = self._remote.read(name, position)  # a generator that raised is at its end
                raise

        while (data := self._backoff.run(piece)) is not None:
            position += len(data)
            yield data

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
        start = 0 if isinstance(data, bytes) else data.tell()

        def write() -> ETag:
            if not isinstance(data, bytes):
                data.seek(start)
            return self._remote.put(name, data, if_absent=if_absent, if_match=if_match, metadata=metadata)

        return self._backoff.run_once(write, lambda: written_by(self._remote, name, metadata or {}, if_match))

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        """See :meth:`Remote.touch`."""
        return self._backoff.run(lambda: self._remote.touch(name, if_match=if_match))

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        """See :meth:`Remote.delete`."""
        self._backoff.run(lambda: self._remote.delete(name, if_match=if_match))

    def close(self) -> None:
        """See :meth:`Remote.close`."""
        self._remote.close()


def written_by(remote: Remote, name: str, metadata: Mapping[str, str], before: ETag | None) -> ETag | None:
    """The ETag of a blob if the writer that *metadata* names wrote it, after version *before*."""
    if "writer" not in metadata:
        return None
    blob = remote.head(name)
    if blob is None or blob.metadata.get("writer") != metadata["writer"] or blob.etag == before:
        return None
    return blob.etag

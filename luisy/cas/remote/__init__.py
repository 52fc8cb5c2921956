"""What luisy asks of a place to mirror the store to: named blobs with conditional writes, and nothing else.

Every adapter (``memory``, ``directory``, ``azure``) passes one conformance suite, ``tests/conformance``. What cuts
across them (retries, counting, faults in tests) is a wrapper with the same methods.

Contract of all methods. Names are relative, ``/``-separated, checked on both ways (:func:`checked_name`). They
may be called from several threads at once. They raise only :class:`RemoteError` and what is derived from it here.
Reading is idempotent. A conditional write that was sent twice, because the first answer got lost, may meet its
own success: an adapter raises :class:`ConditionFailed` then, and ``Retrying`` tells by the metadata (``writer``).
No message, ``repr`` or exception chain of an adapter has a secret in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType, Protocol

from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

ETag = NewType("ETag", str)
"""Names one version of one blob; changes with every write, also of the same bytes or of the metadata alone."""


class BlobMissing(RemoteError):
    """The blob is not there (404)."""

    slug = "blob-missing"


class ConditionFailed(RemoteError):
    """A conditional write found another state than it was made for (409 or 412); nothing was written."""

    slug = "condition-failed"


class Misconfigured(RemoteError):
    """No container, wrong key, expired token, missing right: retrying cannot help, the user has to act."""

    slug = "remote-misconfigured"


class WrongClock(RemoteError):
    """This machine's clock is so wrong that the service takes none of its signatures; retrying cannot help."""

    slug = "wrong-clock"


class Unreachable(RemoteError):
    """Throttled (429), server error (5xx), reset, time-out, short read: may pass; raised after the last retry.

    :param retry_after: seconds that the server asked to wait.
    """

    slug = "remote-unreachable"

    def __init__(self, text: str, *, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(text, hint=hint)
        self.retry_after = retry_after
        self.attempts = 1


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob as a listing or a write tells it.

    :param size: stored bytes.
    :param modified: the server's ``Last-Modified``, seconds since the epoch, UTC.
    :param metadata: names in lower case; only filled by :meth:`Remote.head`.
    """

    name: str
    size: int
    etag: ETag
    modified: float
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """All blobs below a prefix, sorted by name.

    :param server_time: the server's ``Date`` when the listing began, seconds since the epoch, UTC.
    :param refused: names that :func:`checked_name` refuses. luisy writes none of them, so only who reads the
        files of other systems has to care; they may not be passed to any method.
    """

    blobs: tuple[Blob, ...]
    server_time: float
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a remote has cost so far.

    :param requests: round trips, with those that failed: each page of a listing, each block, each block list.
    :param bytes_down: bytes of blobs that came down, without what listings weigh.
    :param bytes_up: bytes of blobs that went up, also in requests that failed.
    """

    requests: int = 0
    bytes_down: int = 0
    bytes_up: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        """Both together."""
        return Traffic(
            self.requests + other.requests, self.bytes_down + other.bytes_down, self.bytes_up + other.bytes_up
        )

    def __sub__(self, earlier: Traffic) -> Traffic:
        """What came since *earlier*."""
        return Traffic(
            self.requests - earlier.requests,
            self.bytes_down - earlier.bytes_down,
            self.bytes_up - earlier.bytes_up,
        )


class Remote(Protocol):
    """A container, or a folder in one. Adapters are cheap to make and connect on first use."""

    @property
    def url(self) -> str:
        """Where this is, without any secret; for messages."""

    def check(self, *, write: bool, delete: bool = False) -> None:
        """Make sure, with as few requests as possible, that it is there and lets us read, or write, or delete.

        :raises Misconfigured: naming the setting to look at.
        """

    def list(self, prefix: str) -> Listing:
        """The committed blobs whose names start with *prefix*, however many pages that takes.

        *prefix* is empty or starts a blob name: it may end anywhere, also with a ``/``.

        Not a snapshot: what is written meanwhile may be in it or not; what was committed before is.
        """

    def head(self, name: str) -> Blob | None:
        """One blob with its metadata; None if it is not there."""

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of one version of a blob, from *offset*, at most *length*; none past its end.

        Verified by nobody: the digest decides.

        :raises BlobMissing: it is not there.
        """

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """A blob from *offset* to its end in pieces, in order, with bounded memory; for large objects.

        A blob that is replaced meanwhile may come mixed of both versions: the digest decides.

        :raises BlobMissing: it is not there; raised by the first piece.
        """

    def put(
        self,
        name: str,
        data: bytes | BinaryIO,
        *,
        if_absent: bool = False,
        if_match: ETag | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ETag:
        """Write a whole blob, atomically: readers see the old bytes, none, or all of the new.

        :param data: bytes, or a seekable file of any size, which is streamed with bounded memory from where it
            stands to its end.
        :param if_absent: only if there is none.
        :param if_match: only over this version; a blob that is gone is another version.
        :param metadata: names are lower-case identifiers, values printable ASCII. A conditional write should
            carry ``writer``, a uuid that no other write has: by it ``Retrying`` knows its own success.
        :raises ConditionFailed: the condition does not hold.
        """

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        """Give the blob a new ETag without changing its bytes or its metadata.

        :raises BlobMissing: it is not there.
        :raises ConditionFailed: it is another version.
        """

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        """Remove a blob; one that is not there is no error.

        :raises ConditionFailed: it is another version.
        """

    def close(self) -> None:
        """Let go of connections. Idempotent; the next use connects again. Also done before a fork."""


_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff\ufffe\uffff]")
_LONGEST_NAME = 1024  # characters; Azure's limit


def checked_name(name: str) -> str:
    """*name*, if it is one that every adapter can hold.

    :raises RemoteError: it is absolute, empty, too long, has empty, ``.`` or ``..`` parts, backslashes or control
        characters.
    """
    if (
        len(name) > _LONGEST_NAME
        or _UNSAFE.search(name)
        or any(part in ("", ".", "..") for part in name.split("/"))
    ):
        raise RemoteError(
            f"not a blob name: {name!r}", slug="bad-blob-name", hint="rename the project or the file"
        )
    return name


def checked_prefix(prefix: str) -> str:
    """*prefix*, if a good name can start with it.

    :raises RemoteError: none can.
    """
    checked_name(f"{prefix}x")
    return prefix


def is_good_name(name: str) -> bool:
    """True if :func:`checked_name` takes *name*."""
    try:
        checked_name(name)
    except RemoteError:
        return False
    return True


def as_listing(found: Iterable[Blob], server_time: float) -> Listing:
    """*found* in order, with the names that :func:`checked_name` refuses apart."""
    ordered = sorted(found, key=lambda blob: blob.name)
    return Listing(
        tuple(blob for blob in ordered if is_good_name(blob.name)),
        server_time,
        tuple(blob.name for blob in ordered if not is_good_name(blob.name)),
    )

"""Bringing the merged index up to what the remote lists."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, Unreachable
from luisy.cas.remote_index import Incoming
from luisy.cas.remote_limits import ATTEMPTS, SEGMENT_STORED
from luisy.cas.remote_names import level_of
from luisy.cas.segments import bad_segment
from luisy.cas.signing import Authority
from luisy.cas.transfer.parallel import in_parallel
from luisy.cas.transfer.slots import contended
from luisy.errors import CorruptionError, RemoteError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from luisy.cas.remote import Blob, Listing, Remote
    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.remote_names import Namespace

logger = logging.getLogger("luisy")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one listing of ``index/`` showed.

    :param live: the segments whose union is the index, by the last part of their names.
    :param incoming: those of them that were not merged yet.
    """

    listing: Listing
    live: Mapping[str, Blob]
    incoming: tuple[Incoming, ...]


@dataclass(slots=True)
class Merger:
    """Merges the segments of one namespace.

    :param authority: whose signatures are looked at when a segment is merged.
    :ivar bad: versions of segments that could not be read; told once, and not asked for again by this process.
    """

    remote: Remote
    namespace: Namespace
    index: RemoteIndex
    authority: Authority = field(default_factory=Authority)
    bad: set[tuple[str, str]] = field(default_factory=set)

    def refresh(self) -> Seen:
        """Make the merged index that of a listing made now."""
        for _ in range(ATTEMPTS):
            seen = self.look()
            with self.index.database.writing() as connection:
                if self.merge(connection, seen):
                    return seen
        raise contended("another process kept changing the index of the store")

    def look(self) -> Seen:
        """List all of ``index/`` and fetch what is not merged, highest levels first: they say what need not be."""
        for _ in range(ATTEMPTS):
            listing = self.remote.list(self.namespace.index)
            try:
                return self._fetched(listing)
            except BlobMissing:  # gc was at it: what it held is in a newer one
                continue
        raise Unreachable("segments of the remote's index vanish as fast as they are listed")

    def _fetched(self, listing: Listing) -> Seen:
        committed = {
            name: blob
            for blob in listing.blobs
            if blob.size
            and level_of(name := blob.name.removeprefix(self.namespace.index)) is not None
            and (name, str(blob.etag)) not in self.bad
        }
        superseded: set[str] = set()
        unknown = set(committed)
        for name, merged in self.index.merged().items():
            if name in committed and merged.etag == committed[name].etag:
                unknown.discard(name)
                superseded |= lower(name, merged.supersedes)
        incoming: list[Incoming] = []
        for level in sorted({level_of(name) or 0 for name in unknown}, reverse=True):
            wanted = sorted(name for name in unknown - superseded if level_of(name) == level)
            for found in in_parallel(functools.partial(self._read, name, committed[name]) for name in wanted):
                if isinstance(found, Incoming):
                    incoming.append(found)
                    superseded |= lower(found.name, found.supersedes)
                else:
                    del committed[found]
        live = {name: blob for name, blob in committed.items() if name not in superseded}
        return Seen(listing, live, tuple(one for one in incoming if one.name in live))

    def _read(self, name: str, blob: Blob) -> Incoming | str:
        """The segment; its name, if it is of no use."""
        try:
            return Incoming.read(name, blob.etag, self._bytes(blob), self.namespace.project)
        except CorruptionError as error:
            if error.slug == "newer-segment":
                raise newer_remote(self.remote.url) from error
            self.bad.add((name, str(blob.etag)))
            logger.warning("%s is left out: %s", blob.name, error.text)
            return name

    def _bytes(self, blob: Blob) -> bytes:
        if blob.size > SEGMENT_STORED:
            raise bad_segment("it is too large")
        for _ in range(2):
            data = self.remote.get(blob.name)
            if len(data) == blob.size:
                return data
        raise Unreachable(f"{blob.name} came short: {len(data)} of {blob.size} bytes")

    def merge(self, connection: sqlite3.Connection, seen: Seen) -> bool:
        """Make the merged index that of *seen*, in the caller's transaction.

        :return: False if another process has dropped meanwhile what *seen* took for merged: look again.
        """
        merged = self.index.merged()
        for name, known in merged.items():
            if name not in seen.live or seen.live[name].etag != known.etag:
                self.index.drop(connection, known.id)
        there = {name for name in merged if name in seen.live and merged[name].etag == seen.live[name].etag}
        for incoming in seen.incoming:
            if incoming.name not in there:
                left_out = self.index.add(connection, incoming)
                there.add(incoming.name)
                if left_out:
                    logger.warning(
                        "%d records of segment %s are not sound and left out", left_out, incoming.name
                    )
        self.verify(connection)
        return there == set(seen.live)

    def verify(self, connection: sqlite3.Connection) -> None:
        """Look at signatures that nobody has looked at, also of what was merged before their keys were trusted."""
        if wrong := self.index.verify(connection, self.authority.verifiable):
            logger.warning(
                "%d pushes in %s have a signature that is not by the key they name: they count as missing",
                wrong,
                self.remote.url,
            )


def lower(name: str, supersedes: Iterable[str]) -> set[str]:
    """Those of *supersedes* that a segment called *name* may stand for: only what is of a lower level."""
    level = level_of(name) or 0
    return {other for other in supersedes if (level_of(other) or 0) < level}


def newer_remote(url: str) -> RemoteError:
    """The error for a format that we do not know."""
    return RemoteError(
        f"the remote {url} was written by a newer luisy", slug="newer-remote", hint="Update luisy."
    )

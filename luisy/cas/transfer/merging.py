"""Bringing the merged index up to what the remote lists: whole, or of large segments only what is asked for."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, Unreachable
from luisy.cas.remote_index import Incoming
from luisy.cas.remote_limits import ATTEMPTS, SEGMENT_STORED, WHOLE_BELOW
from luisy.cas.remote_names import level_of
from luisy.cas.segments import bad_segment
from luisy.cas.signing import Authority
from luisy.cas.transfer.parallel import in_parallel
from luisy.cas.transfer.ranging import Budget, CameShort, beginning, cut, read
from luisy.cas.transfer.slots import contended
from luisy.errors import CorruptionError, RemoteError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from luisy.cas.remote import Blob, Listing, Remote
    from luisy.cas.remote_filling import Read
    from luisy.cas.remote_index import Merged, RemoteIndex
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_parts import Lacking
    from luisy.cas.segments import Directory
    from luisy.cas.transfer.ranging import Span

logger = logging.getLogger("luisy")


class Extent(Enum):
    """How much of a segment is merged."""

    WHOLE = "whole"  # all of it: for who decides what to push, folds, deletes, verifies or lists
    PARTS = "parts"  # of a large one what every question needs; the rest when it is asked for


@dataclass(frozen=True, slots=True)
class Seen:
    """What one listing of ``index/`` showed.

    :param live: the segments whose union is the index, by the last part of their names.
    :param incoming: those of them that were not merged yet, or not to this extent.
    """

    listing: Listing
    live: Mapping[str, Blob]
    incoming: tuple[Incoming, ...]
    extent: Extent


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
    _budget: Budget = field(default_factory=Budget)
    _told: set[str] = field(default_factory=set)

    def refresh(self, extent: Extent = Extent.WHOLE) -> Seen:
        """Make the merged index that of a listing made now."""
        for _ in range(ATTEMPTS):
            seen = self.look(extent)
            with self.index.database.writing() as connection:
                if self.merge(connection, seen):
                    return seen
        raise contended("another process kept changing the index of the store")

    def complete(self) -> None:
        """Merge the rest of what is merged in part."""
        if self.index.partial():
            self.refresh()

    def look(self, extent: Extent = Extent.WHOLE) -> Seen:
        """List all of ``index/`` and fetch what is not merged, highest levels first: they say what need not be."""
        for _ in range(ATTEMPTS):
            listing = self.remote.list(self.namespace.index)
            try:
                return self._fetched(listing, extent)
            except BlobMissing:  # gc was at it: what it held is in a newer one
                continue
        raise Unreachable("segments of the remote's index vanish as fast as they are listed")

    def _fetched(self, listing: Listing, extent: Extent) -> Seen:
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
                if merged.is_whole or extent is Extent.PARTS:
                    unknown.discard(name)
                superseded |= lower(name, merged.supersedes)
        incoming: list[Incoming] = []
        for level in sorted({level_of(name) or 0 for name in unknown}, reverse=True):
            wanted = sorted(name for name in unknown - superseded if level_of(name) == level)
            for found in in_parallel(
                functools.partial(self._read, name, committed[name], extent) for name in wanted
            ):
                if isinstance(found, Incoming):
                    incoming.append(found)
                    superseded |= lower(found.name, found.supersedes)
                else:
                    del committed[found]
        live = {name: blob for name, blob in committed.items() if name not in superseded}
        return Seen(listing, live, tuple(one for one in incoming if one.name in live), extent)

    def _read(self, name: str, blob: Blob, extent: Extent) -> Incoming | str:
        """The segment; its name, if it is of no use."""
        try:
            if blob.size > SEGMENT_STORED:
                raise bad_segment("it is too large")
            if extent is Extent.PARTS and blob.size > WHOLE_BELOW:
                found = beginning(self.remote, name, blob, self.namespace.project)
                if found is not None:
                    return found
            data = read(self.remote, blob.name, 0, blob.size)
            return Incoming.read(name, blob.etag, data, self.namespace.project)
        except CameShort as error:
            if self._is_there(name, blob.etag):
                raise
            raise _replaced(blob) from error
        except CorruptionError as error:
            if error.slug == "newer-segment":
                raise newer_remote(self.remote.url) from error
            if not self._leave_out(name, blob.etag, error):
                raise _replaced(blob) from error
            return name

    def _leave_out(self, name: str, etag: str, error: CorruptionError) -> bool:
        """Take a segment for damaged, in the version that was read; False if it is another one by now."""
        if not self._is_there(name, etag):
            return False
        self.bad.add((name, etag))
        logger.warning("%s is left out: %s", self.namespace.index + name, error.text)
        return True

    def _is_there(self, name: str, etag: str) -> bool:
        found = self.remote.head(self.namespace.index + name)
        return found is not None and str(found.etag) == etag

    def merge(self, connection: sqlite3.Connection, seen: Seen) -> bool:
        """Make the merged index that of *seen*, in the caller's transaction.

        :return: False, and nothing is changed, if another process has dropped meanwhile what *seen* took for merged: look again.
        """
        merged = self.index.merged()
        there = {
            name
            for name, known in merged.items()
            if name in seen.live
            and seen.live[name].etag == known.etag
            and (known.is_whole or seen.extent is Extent.PARTS)
        }
        coming = {one.name: one for one in seen.incoming if one.name not in there}
        if seen.live.keys() - there - coming.keys():
            return False  # before anything is dropped: others would find less than there is
        for name in merged.keys() - there:
            self.index.drop(connection, merged[name].id)
        for name, incoming in coming.items():
            self._tell(name, self.index.add(connection, incoming))
        self.verify(connection)
        return True

    def bring(self, lacking: Lacking) -> bool:
        """Merge more frames of segments that are merged in part; all of them, where many were asked for.

        :return: True: it may be asked again. What could not be had is in the index no more.
        """
        with self.index.database.snapshot():  # else another process drops between two of these questions
            merged = {one.id: one for one in self.index.merged().values()}
            jobs = [
                functools.partial(self._span, merged[segment], directory, span)
                for segment, numbers in lacking.items()
                if segment in merged  # else another process was faster
                for directory in (self.index.directory(segment),)
                for span in self._budget.plan(segment, directory, numbers, self.index.frames_of(segment))
            ]
        is_stale = False
        for found, frames in in_parallel(jobs):
            is_stale |= frames is None
            with self.index.database.writing() as connection:
                left_out = self.index.fill(connection, found.id, frames or {})
            self._tell(found.name, left_out)
        if is_stale:
            self.refresh(Extent.PARTS)
        return True

    def _span(
        self, segment: Merged, directory: Directory, span: Span
    ) -> tuple[Merged, dict[int, Read] | None]:
        """Some frames of a segment; None if it is damaged, gone, or another by now: it has to be listed again."""
        name = self.namespace.index + segment.name
        try:
            return segment, cut(
                directory, span, read(self.remote, name, span.offset, span.offset + span.length)
            )
        except BlobMissing:
            pass
        except CorruptionError as error:
            self._leave_out(segment.name, segment.etag, error)
        except CameShort:
            if self._is_there(segment.name, segment.etag):
                raise
        return segment, None

    def _tell(self, name: str, left_out: int) -> None:
        if left_out and name not in self._told:  # once, however many parts it comes in
            self._told.add(name)
            logger.warning("%d records of segment %s are not sound and left out", left_out, name)

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


def _replaced(blob: Blob) -> BlobMissing:
    return BlobMissing(f"{blob.name} is another by now")


def newer_remote(url: str) -> RemoteError:
    """The error for a format that we do not know."""
    return RemoteError(
        f"the remote {url} was written by a newer luisy", slug="newer-remote", hint="Update luisy."
    )

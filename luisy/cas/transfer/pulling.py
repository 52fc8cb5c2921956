"""Results on their way down: few requests, every byte verified, and what is gone or bad told as a miss."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas import manifests
from luisy.cas.packs import Range, coalesced
from luisy.cas.receiving import Received
from luisy.cas.remote import BlobMissing, Unreachable
from luisy.cas.remote_limits import MANIFEST_BYTES, MEMBER_BYTES
from luisy.cas.remote_names import new_uuid
from luisy.cas.remote_records import BadRecord, LocationRecord
from luisy.cas.transfer.fetching import members, streamed
from luisy.cas.transfer.merging import Extent
from luisy.cas.transfer.parallel import Control, in_parallel
from luisy.errors import CorruptionError
from luisy.model import Digest, Key, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from luisy.cas.external_rows import RawBlob
    from luisy.cas.remote import Remote
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_notes import RemoteNotes
    from luisy.cas.remote_rows import RemoteRows
    from luisy.cas.store import Store
    from luisy.cas.transfer.merging import Merger
    from luisy.model import Action, Manifest

NO_RESULT = Reason("remote-miss", "the remote has no result for it")
GONE = Reason("remote-gone", "the remote has lost files of it")
DAMAGED = Reason("remote-damaged", "the remote's files of it are damaged")
ODD = Reason("remote-odd", "the remote's record of it is not valid")


@dataclass(slots=True)
class _Arrived:
    """What one job brought.

    :ivar small: objects in memory.
    :ivar large: objects in files of the store: path and size.
    :ivar failed: locations that did not hold their object, and whether the blob was gone.
    """

    small: list[tuple[Digest, bytes]] = field(default_factory=list)
    large: list[tuple[Digest, str, int]] = field(default_factory=list)
    failed: list[tuple[LocationRecord, bool]] = field(default_factory=list)


@dataclass(slots=True)
class Puller:
    """Brings objects and results of one namespace into a store.

    :param control: of the transfers of this call.
    :ivar received: bytes of objects that came.
    """

    store: Store
    remote: Remote
    namespace: Namespace
    rows: RemoteRows
    notes: RemoteNotes
    merger: Merger
    control: Control = field(default_factory=Control)
    received: int = 0
    objects: int = 0

    # --- results

    def results(self, keys: Sequence[Key], *, extras: bool) -> tuple[list[Action], dict[Key, Reason]]:
        """Fetch the results that win at *keys* and file them in the store, in place of others that may be there.

        :param extras: also what explains them: the parts of their keys and their sources.
        :return: the actions that are filed now; for each other key, why it is not.
        """
        found = self.rows.actions(keys)
        odd = self.rows.results([key for key in keys if key not in found])
        failed = {key: ODD if key in odd else NO_RESULT for key in keys if key not in found}
        whole = self.manifests({action.manifest: record.manifest for action, record in found.values()})
        extra = {
            digest
            for action, _ in found.values()
            for digest in (action.parts, action.sources)
            if extras and digest
        }
        missing = self.objects_of(_sizes(whole.values()), extra)
        filed = self.store.receive(
            Received(action, record.action, whole[action.manifest])
            for action, record in found.values()
            if action.manifest in whole and missing.keys().isdisjoint(whole[action.manifest].objects)
        )
        there = {action.key for action in filed}
        for key, (action, _) in found.items():
            if key not in there:
                needs = whole[action.manifest].objects if action.manifest in whole else ()
                failed[key] = next((missing[one] for one in needs if one in missing), GONE)
        return filed, failed

    def contents(self, digests: Iterable[Digest]) -> dict[Digest, Reason]:
        """Fetch manifests that refs name, with their objects; those that could not be had, and why."""
        wanted = list(dict.fromkeys(digests))
        inline: dict[Digest, bytes | None] = dict.fromkeys(wanted)
        inline.update(self.rows.contents(wanted))
        whole = self.manifests(inline)
        sizes = _sizes(whole.values())
        missing = self.objects_of(sizes, ())
        failed = {digest: GONE for digest in wanted if digest not in whole}
        for digest, manifest in whole.items():
            lost = [missing[one] for one in manifest.objects if one in missing]
            if lost:
                failed[digest] = lost[0]
        return failed

    def manifests(self, inline: Mapping[Digest, bytes | None]) -> dict[Digest, Manifest]:
        """The manifests, in the store by now: out of their records, or as objects."""
        found: dict[Digest, Manifest] = {}
        there = self.store.check(inline)
        with self.store.transaction():
            for digest, data in inline.items():
                if data is not None and (manifest := manifests.verified(digest, data)) is not None:
                    found[digest] = manifest
                    if digest not in there:
                        self.store.accept(data, digest, len(data))
        large = inline.keys() - found.keys()
        self.objects_of(dict.fromkeys(large, None), ())
        return found | self.store.manifests(large)

    # --- objects

    def objects_of(
        self, wanted: Mapping[Digest, int | None], optional: Iterable[Digest]
    ) -> dict[Digest, Reason]:
        """Fetch objects that the store lacks; those that could not be had, with the reason.

        :param wanted: bytes of each, as their manifests say; None for a manifest itself.
        :param optional: objects that are fetched with them and not missed.
        """
        sizes = {**dict.fromkeys(optional), **wanted}
        open_ = {digest: sizes[digest] for digest in sizes.keys() - self.store.check(sizes)}
        if not open_:
            return {}
        failed = self._rounds(open_)
        left = open_.keys() - self.store.check(open_)
        if left:
            # What was merged may be older than the last gc: look again, once.
            self.merger.refresh(Extent.PARTS)
            failed |= self._rounds({digest: open_[digest] for digest in left}, but=failed.keys())
            self._doubt(failed)
            left = left - self.store.check(left)
        return {digest: self._why(digest, failed) for digest in left & wanted.keys()}

    def _rounds(
        self, wanted: Mapping[Digest, int | None], but: Iterable[LocationRecord] = ()
    ) -> dict[LocationRecord, bool]:
        """Try all locations of each object, one after the other; those that failed, and whether they are gone."""
        suspect = self.rows.bad_places()
        tried = set(but)
        failed: dict[LocationRecord, bool] = {}
        located = self.rows.locations(list(wanted))
        queues = {
            digest: sorted(
                (one for one in places if one not in tried and _fits(one, wanted[digest])),
                key=lambda one: (
                    (one.digest, one.blob) in suspect,
                    one.blob.startswith("objects/"),
                    one.blob,
                ),
            )
            for digest, places in located.items()
        }
        while batch := [queue.pop(0) for queue in queues.values() if queue]:
            for arrived in in_parallel(self._jobs(batch), control=self.control):
                self._keep(arrived)
                failed.update(arrived.failed)
                for digest in (*(one[0] for one in arrived.small), *(one[0] for one in arrived.large)):
                    queues.pop(digest, None)
        return failed

    def _jobs(self, batch: Sequence[LocationRecord]) -> Iterator[Callable[[], _Arrived]]:
        packed = []
        for one in batch:
            if one.blob.startswith("objects/"):
                yield functools.partial(self._large, one)
            else:
                packed.append(one)
        for span in coalesced(packed):
            yield functools.partial(self._small, span)

    def _small(self, span: Range) -> _Arrived:
        arrived = _Arrived()
        blob = self.namespace.blob(span.blob)
        try:
            for location, found in members(self.remote, blob, span):
                if found is None:
                    arrived.failed.append((location, False))
                else:
                    arrived.small.append((Digest(location.digest.hex()), found))
        except BlobMissing:
            arrived.failed += [(location, True) for location in span.members]
        return arrived

    def _large(self, location: LocationRecord) -> _Arrived:
        """Through a file, hashed while it is written; twice, if the first time brought something else."""
        arrived = _Arrived()
        for attempt in range(2):
            with self.control.narrows(location.size), self.store.incoming() as target:
                try:
                    if self._stream(location, target.write) == location.digest:
                        arrived.large.append((Digest(location.digest.hex()), target.name, location.size))
                        return arrived
                except BlobMissing:
                    os.unlink(target.name)
                    arrived.failed.append((location, True))
                    return arrived
                except CorruptionError:
                    pass
                except BaseException:
                    os.unlink(target.name)
                    raise
            os.unlink(target.name)
            if attempt:
                arrived.failed.append((location, False))
        return arrived

    def _stream(self, location: LocationRecord, write: Callable[[bytes], int]) -> bytes:
        """Write the object's bytes, and tell how far it is; their digest."""

        def told(piece: bytes) -> None:
            write(piece)
            self.control.moved(len(piece))

        return streamed(self.remote, self.namespace.blob(location.blob), location, told)

    def _keep(self, arrived: _Arrived) -> None:
        with self.store.transaction():
            for digest, data in arrived.small:
                self.store.accept(data, digest, len(data))
                self.control.moved(len(data))
            for digest, path, size in arrived.large:
                self.store.accept(path, digest, size)
        self.objects += len(arrived.small) + len(arrived.large)
        self.received += sum(len(data) for _, data in arrived.small)
        self.received += sum(size for _, _, size in arrived.large)

    # --- what is wrong

    def _doubt(self, failed: Mapping[LocationRecord, bool]) -> None:
        """Note locations that are still in the index and do not hold their object: the next push tells it."""
        still = self.rows.locations([Digest(one.digest.hex()) for one in failed])
        for location, gone in failed.items():
            if location in still.get(Digest(location.digest.hex()), ()):
                head = None if gone else self.remote.head(self.namespace.blob(location.blob))
                etag = f"gone {new_uuid()}" if head is None else str(head.etag)
                self.notes.doubt(BadRecord(location.digest, location.blob, etag, 0))

    def _why(self, digest: Digest, failed: Mapping[LocationRecord, bool]) -> Reason:
        damaged = any(not gone for one, gone in failed.items() if one.digest.hex() == digest)
        return DAMAGED if damaged else GONE


def _fits(location: LocationRecord, size: int | None) -> bool:
    """Whether a location may be that of an object of this size."""
    if size is None:
        return location.size <= MANIFEST_BYTES
    return location.size == size and (location.size <= MEMBER_BYTES or location.blob.startswith("objects/"))


def _sizes(found: Iterable[Manifest]) -> dict[Digest, int]:
    """Bytes of the objects that manifests need."""
    return {entry.digest: entry.size for manifest in found for entry in manifest.entries if entry.digest}


def download(remote: Remote, blob: str, path: str, version: RawBlob) -> None:
    """Bring one version of a blob to *path*; its folder is made.

    :raises BlobMissing: it is not there any more, or is another version.
    :raises OSError: *path* cannot be written.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for _ in range(2):  # once more, where it came short
        size = 0
        with open(path, "wb") as target:
            for piece in remote.read(blob):
                size += len(piece)
                target.write(piece)
        after = remote.head(blob)
        if after is None or str(after.etag) != version.etag:
            raise BlobMissing(f"{blob} is another by now")
        if size == version.size:
            return
    raise Unreachable(f"{blob} came short: {size} of {version.size} bytes")

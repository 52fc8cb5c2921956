"""Bytes on their way up: packs, blobs of their own, touches, and the journal by which a killed push goes on.

Before an upload begins, a note about it is written to the store; when it is whole, its ETag. What the next push
still needs of that, it does not send again: it touches the blob, which proves that it is there and makes any
tombstone on it void. So nothing is uploaded twice that was whole, wherever the push was killed, and what a
push commits was there after its slot had been opened.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from luisy.cas.compression import compress_file, pays
from luisy.cas.packs import PackWriter
from luisy.cas.remote import BlobMissing, ConditionFailed, ETag
from luisy.cas.remote_limits import ATTEMPTS, OWN_BLOB, PIECE, SAMPLE, WORTHWHILE
from luisy.cas.remote_names import new_uuid, object_blob, pack_blob
from luisy.cas.remote_notes import Upload
from luisy.cas.remote_records import Encoding, LocationRecord
from luisy.cas.transfer.parallel import Control, Watched, in_parallel
from luisy.cas.transfer.slots import WRITER, contended, put_new
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from luisy.cas.remote import Blob, Remote
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_notes import RemoteNotes
    from luisy.cas.store import Store

_ENCODING = "encoding"
_SIZE = "size"
_ENCODINGS = {"raw": Encoding.RAW, "zstd": Encoding.ZSTD}

Placed = tuple[LocationRecord, ...]


@dataclass(frozen=True, slots=True)
class Touch:
    """A tombstoned blob that holds what is needed.

    :param blob: relative to the namespace.
    :param etags: those under which it may be deleted.
    :param members: what is needed of it.
    """

    blob: str
    etags: tuple[str, ...]
    members: Placed


@dataclass(slots=True)
class Uploader:
    """Brings objects of a store into one namespace.

    :param control: of the transfers of this call.
    :ivar sent: bytes of objects that were sent.
    """

    store: Store
    remote: Remote
    namespace: Namespace
    notes: RemoteNotes
    control: Control = field(default_factory=Control)
    sent: int = 0
    objects: int = 0
    _covered: set[str] = field(default_factory=set)

    def place(
        self, sizes: Mapping[Digest, int], touches: Sequence[Touch], bad: Collection[str]
    ) -> dict[Digest, LocationRecord]:
        """See to it that the remote holds these objects; where they are.

        :param sizes: bytes of each object that has to be uploaded.
        :param touches: blobs that hold what is needed and may be deleted any moment.
        :param bad: blobs that were found to hold wrong bytes, or to be gone; they are written over.
        """
        missing = dict(sizes)
        placed: dict[Digest, LocationRecord] = {}
        for found, lost in in_parallel(functools.partial(self._touch, touch) for touch in touches):
            placed.update(_by_digest(found))
            missing.update({Digest(one.digest.hex()): one.size for one in lost})
        for found in in_parallel(functools.partial(self._resume, upload) for upload in self._begun(missing)):
            placed.update({digest: one for digest, one in _by_digest(found).items() if digest in missing})
        missing = {digest: size for digest, size in missing.items() if digest not in placed}
        for found in in_parallel(self._jobs(missing, bad), control=self.control):
            placed.update(_by_digest(found))
            self.objects += len(found)
            self.sent += sum(one.size for one in found)
        return placed

    def committed(self) -> None:
        """A commit covers what was placed."""
        self.notes.forget_uploads(self._covered)
        self._covered.clear()

    # --- what is there

    def _touch(self, touch: Touch) -> tuple[Placed, Placed]:
        """What a tombstoned blob holds for sure from now on; and what it does not."""
        blob = self.namespace.blob(touch.blob)
        for etag in touch.etags:
            try:
                self.remote.touch(blob, if_match=ETag(etag))
            except ConditionFailed:  # noqa: PERF203 - it has another ETag already, so this tombstone is void
                continue
            except BlobMissing:
                return (), touch.members
        return touch.members, ()

    def _begun(self, missing: Mapping[Digest, int]) -> list[Upload]:
        """Earlier uploads that hold something of what is missing."""
        wanted = {bytes.fromhex(digest) for digest in missing}
        return [one for one in self.notes.uploads() if any(member.digest in wanted for member in one.members)]

    def _resume(self, upload: Upload) -> Placed:
        """What an earlier upload holds, if it is whole and still there."""
        blob = self.namespace.blob(upload.blob)
        etag = upload.etag
        for _ in range(ATTEMPTS):
            if etag is None:
                found = self.remote.head(blob)
                if found is None or found.metadata.get(WRITER) != upload.writer:
                    break
                etag = found.etag
            try:
                touched = self.remote.touch(blob, if_match=ETag(etag))
            except ConditionFailed:
                etag = None
                continue
            except BlobMissing:
                break
            self._note(upload, touched)
            return upload.members
        self.notes.forget_uploads([upload.blob])
        return ()

    # --- what is not

    def _jobs(self, missing: Mapping[Digest, int], bad: Collection[str]) -> Iterator[Callable[[], Placed]]:
        """Uploads to do: the large ones first, since they take longest; then packs, filled as they are asked for."""
        small = []
        for digest, size in missing.items():
            if size >= OWN_BLOB:
                yield functools.partial(self._own_blob, digest, size, bad=object_blob(digest) in bad)
            else:
                small.append(digest)
        writer = PackWriter(pack_blob(new_uuid()))
        for digest in small:
            writer.add(digest, self.store.get(digest))
            if writer.is_full:
                yield functools.partial(self._pack, writer)
                writer = PackWriter(pack_blob(new_uuid()))
        if not writer.is_empty:
            yield functools.partial(self._pack, writer)

    def _pack(self, writer: PackWriter) -> Placed:
        pack = writer.finish()
        upload = Upload(writer.blob, new_uuid(), None, pack.members)
        blob = self.namespace.blob(writer.blob)
        self.notes.note_upload(upload)
        self._note(upload, put_new(self.remote, blob, pack.data, upload.writer))
        self.control.moved(sum(one.size for one in pack.members))
        return pack.members

    def _own_blob(self, digest: Digest, size: int, *, bad: bool) -> Placed:
        with self.control.narrows(size), self.store.open_object(digest) as source:
            packed = self._compressed(source, size)
            try:
                encoding = Encoding.RAW if packed is None else Encoding.ZSTD
                length = size if packed is None else packed.seek(0, os.SEEK_END)
                location = LocationRecord(
                    bytes.fromhex(digest), object_blob(digest), 0, length, encoding, size
                )
                data = source if packed is None else packed
                watched = cast("BinaryIO", Watched(data, length, self.control))
                return (self._put_own(watched, location, bad=bad),)
            finally:
                if packed is not None:
                    packed.close()
                    os.unlink(packed.name)

    def _compressed(self, source: BinaryIO, size: int) -> BinaryIO | None:
        """A file with the compressed bytes, if that pays and there is room for it."""
        source.seek(size // 2)
        sample = source.read(SAMPLE)
        source.seek(0)
        try:
            return self._packed(source, size) if pays(sample) else None
        except OSError:  # the store is full: the object goes up as it is
            return None

    def _packed(self, source: BinaryIO, size: int) -> BinaryIO | None:
        target = self.store.incoming()
        worthwhile = False
        try:
            worthwhile = compress_file(source, target, size) <= size * WORTHWHILE
        finally:
            if not worthwhile:
                os.unlink(target.name)
                target.close()
        return target if worthwhile else None

    def _put_own(self, data: BinaryIO, location: LocationRecord, *, bad: bool) -> LocationRecord:
        """Upload an object to the blob that has its name, or find that somebody has."""
        blob = self.namespace.blob(location.blob)
        upload = Upload(location.blob, new_uuid(), None, (location,))
        self.notes.note_upload(upload)
        over = None
        metadata = {
            WRITER: upload.writer,
            _ENCODING: Encoding(location.encoding).name.lower(),
            _SIZE: str(location.size),
        }
        # A small one is sent on trust: asking first would cost as much. Of a large one, a refusal saves nothing.
        found = self.remote.head(blob) if bad or location.length >= PIECE else None
        for _ in range(ATTEMPTS):
            if found is not None:
                over = found.etag
                if found.metadata.get(WRITER) == upload.writer:
                    self._note(upload, found.etag)
                    return location
                other = _told_location(found, location)
                # What is of the wrong size, or known to be bad, is written over.
                if other is not None and not bad and self._touched(blob, found.etag):
                    self.notes.forget_uploads([upload.blob])
                    return other
            data.seek(0)
            try:
                etag = self.remote.put(blob, data, if_absent=over is None, if_match=over, metadata=metadata)
            except (ConditionFailed, BlobMissing):
                found, over = self.remote.head(blob), None
                continue
            self._note(upload, etag)
            return location
        raise contended(f"{blob} kept changing")

    def _touched(self, blob: str, etag: ETag) -> bool:
        try:
            self.remote.touch(blob, if_match=etag)
        except (ConditionFailed, BlobMissing):
            return False
        return True

    def _note(self, upload: Upload, etag: ETag) -> None:
        self.notes.note_upload(Upload(upload.blob, upload.writer, etag, upload.members))
        self._covered.add(upload.blob)


def _told_location(found: Blob, wanted: LocationRecord) -> LocationRecord | None:
    """Where the object is by what the blob that has its name tells; None if that cannot be."""
    encoding = _ENCODINGS.get(found.metadata.get(_ENCODING, ""))
    if encoding is None or found.metadata.get(_SIZE) != str(wanted.size):
        return None
    location = LocationRecord(wanted.digest, wanted.blob, 0, found.size, encoding, wanted.size)
    return location if location.is_sound() else None


def _by_digest(members: Placed) -> dict[Digest, LocationRecord]:
    return {Digest(one.digest.hex()): one for one in members}

"""Looking at everything in one namespace. It changes nothing there, and others may push, pull and collect meanwhile."""

from __future__ import annotations

import functools
from enum import Enum
from typing import TYPE_CHECKING

from luisy.cas import actions, database, manifests
from luisy.cas.packs import coalesced
from luisy.cas.remote import BlobMissing
from luisy.cas.remote_index import RemoteIndex
from luisy.cas.remote_names import Namespace
from luisy.cas.remote_rows import RemoteRows
from luisy.cas.remote_verify.problems import Dangling, RemoteFlaw, RemoteInspection, RemoteProblem
from luisy.cas.segments import open_segment, records_of
from luisy.cas.signing import UNSIGNED, Authority, PublicKey
from luisy.cas.transfer.fetching import fetched, members, object_blobs, streamed
from luisy.cas.transfer.merging import Merger
from luisy.cas.transfer.parallel import in_parallel
from luisy.cas.transfer.planning import good_places
from luisy.cas.transfer.refs import read as read_refs
from luisy.errors import CorruptionError, RemoteError
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.cas.packs import Range
    from luisy.cas.remote import Remote
    from luisy.cas.remote_records import ActionRecord, LocationRecord, Records
    from luisy.cas.store import Store
    from luisy.cas.transfer.merging import Seen
    from luisy.cas.transfer.refs import Ref
    from luisy.model import Action, Manifest

_AT_ONCE = 512
"""Actions that are looked at together."""


class _Found(Enum):
    """What is at a place where an object should be."""

    GOOD = "good"
    DAMAGED = "damaged"
    GONE = "gone"


_Verdicts = list[tuple["LocationRecord", _Found]]


class RemoteInspector:
    """One look at one namespace. Memory is bounded by its largest segment and what is told of its problems.

    :param store: its index takes what is merged, unless it is read-only.
    :ivar rows: what anybody says, signed or not.
    :ivar failed: places that do not hold their object, and whether their blob is gone.
    """

    def __init__(
        self, store: Store, remote: Remote, project: str, authority: Authority | None = None
    ) -> None:
        self.store = store
        self.remote = remote
        self.namespace = Namespace(project)
        self.authority = authority or Authority()
        rows = database.in_memory() if store.read_only else store.database
        self.index = RemoteIndex(rows, remote.url, project)
        self.merger = Merger(remote, self.namespace, self.index, self.authority)
        self.rows = RemoteRows(self.index, None, self.merger.bring)
        self.found = RemoteInspection()
        self.failed: dict[LocationRecord, bool] = {}

    def inspect(self) -> RemoteInspection:
        """Read and hash all of it.

        :raises RemoteError: the remote does not answer, or a newer luisy wrote it.
        """
        self._segments(self.merger.refresh())
        self._signatures()
        self._objects()
        self._confirm()
        self.found.problems += [*self._bad_places(), *self.dangling().problems.values(), *self._of_refs()]
        return self.found

    # --- segments

    def _segments(self, seen: Seen) -> None:
        read = {one.name for one in seen.incoming}
        damaged = {name for name, _ in self.merger.bad}
        damaged |= {name for name in seen.live if name not in read and not self._is_sound(name)}
        self.found.segments = len({*seen.live, *damaged})
        self.found.problems += [
            RemoteProblem(RemoteFlaw.DAMAGED_SEGMENT, "", self.namespace.index + name)
            for name in sorted(damaged)
        ]

    def _is_sound(self, name: str) -> bool:
        return self._opens(name) or self._opens(name)  # it may have been damaged on the way

    def _opens(self, name: str) -> bool:
        try:
            records_of(open_segment(self.remote.get(self.namespace.index + name), self.namespace.project))
        except BlobMissing:  # superseded by now
            return True
        except CorruptionError:
            return False
        return True

    def _signatures(self) -> None:
        results, _ = self.index.signers()
        self.found.unsigned = results.get(UNSIGNED, 0)
        self.found.signed = sum(results.values()) - self.found.unsigned
        self.found.problems += [
            RemoteProblem(RemoteFlaw.FORGED_BLOCK, key.hex(), self.namespace.index + name)
            for name, key in self.index.forged()
        ]

    def records(self) -> Iterator[tuple[str, Records]]:
        """The segments that count, one after the other, with what replaces one before it was its turn."""
        read: set[str] = set()
        while True:
            self.merger.complete()
            with self.index.database.snapshot():  # other processes of this store merge and drop meanwhile
                left = [one for one in self.index.merged().values() if one.name not in read]
                whole = sorted(one.name for one in left if one.is_whole)[:1]
                found = self.index.records(whole)
            if not left:
                return
            read.update(whole)
            yield from zip(whole, found, strict=True)

    # --- objects

    def _objects(self) -> None:
        there = object_blobs(self.remote, self.namespace).keys()
        located: set[str] = set()
        for _, records in self.records():
            by_blob: dict[str, list[LocationRecord]] = {}
            for one in records.locations:
                if one.is_sound():
                    by_blob.setdefault(one.blob, []).append(one)
            located |= by_blob.keys()
            for blob in by_blob.keys() - there:
                self.failed.update(dict.fromkeys(by_blob.pop(blob), True))
            for verdicts in in_parallel(self._jobs(by_blob)):
                self.found.objects += len(verdicts)
                self.found.bytes += sum(one.size for one, _ in verdicts)
                self.failed.update(
                    {one: state is _Found.GONE for one, state in verdicts if state is not _Found.GOOD}
                )
        self.found.orphans = len(there - located)

    def _jobs(self, by_blob: Mapping[str, Sequence[LocationRecord]]) -> Iterator[Callable[[], _Verdicts]]:
        for blob, locations in by_blob.items():
            if blob.startswith("objects/"):
                for location in dict.fromkeys(locations):
                    yield functools.partial(self._own_blob, location)
            else:
                for span in coalesced(locations):
                    yield functools.partial(self._members, span)

    def _members(self, span: Range) -> _Verdicts:
        try:
            found = list(members(self.remote, self.namespace.blob(span.blob), span))
        except BlobMissing:
            return [(one, _Found.GONE) for one in span.members]
        return [(one, _Found.DAMAGED if data is None else _Found.GOOD) for one, data in found]

    def _own_blob(self, location: LocationRecord) -> _Verdicts:
        found = self._hashed(location)
        return [(location, self._hashed(location) if found is _Found.DAMAGED else found)]

    def _hashed(self, location: LocationRecord) -> _Found:
        try:
            digest = streamed(self.remote, self.namespace.blob(location.blob), location, lambda _: None)
        except BlobMissing:
            return _Found.GONE
        except CorruptionError:
            return _Found.DAMAGED
        return _Found.GOOD if digest == location.digest else _Found.DAMAGED

    def _confirm(self) -> None:
        """Forget what only looked so because somebody was collecting."""
        if not self.failed:
            return
        self.merger.refresh()
        still = self.rows.locations(list({Digest(one.digest.hex()) for one in self.failed}))
        self.failed = {
            one: gone
            for one, gone in self.failed.items()
            if one in still.get(Digest(one.digest.hex()), ())
            and not (gone and self.remote.head(self.namespace.blob(one.blob)) is not None)
        }

    def told(self) -> set[tuple[bytes, str]]:
        """Places that segments tell to be bad: nobody relies on them any more."""
        return {(one.digest, one.blob) for one in self.rows.bads()}

    def _bad_places(self) -> Iterator[RemoteProblem]:
        told = self.told()
        for one, gone in sorted(self.failed.items(), key=lambda item: (item[0].blob, item[0].offset)):
            if (one.digest, one.blob) not in told:
                flaw = RemoteFlaw.LOST_OBJECT if gone else RemoteFlaw.DAMAGED_OBJECT
                yield RemoteProblem(flaw, one.digest.hex(), self.namespace.blob(one.blob))

    def broken(self) -> set[Digest]:
        """Objects of which no place holds them: what was hashed counts, whatever anybody told of it before."""
        bad = {(one.digest, one.blob) for one in self.failed}
        located = self.rows.locations(list({Digest(digest.hex()) for digest, _ in bad}))
        return {digest for digest, places in located.items() if not good_places(places, bad)}

    # --- what needs them

    def dangling(self) -> Dangling:
        """The results that need what is not there."""
        broken = self.broken()
        found = Dangling()
        keys: set[Key] = set()
        for name, records in self.records():
            for start in range(0, len(records.actions), _AT_ONCE):
                some = list(_decoded(records.actions[start : start + _AT_ONCE]))
                keys |= {action.key for action, _ in some}
                inline: dict[Digest, bytes | None] = {}
                for action, record in some:
                    inline[action.manifest] = record.manifest or inline.get(action.manifest)
                lacking = self._lacking(inline, broken)
                for action, record in some:
                    if action.manifest in lacking:
                        found.add(record, records.blocks[record.block].opened, name)
                        found.problems[action.key] = RemoteProblem(
                            RemoteFlaw.DANGLING_ACTION,
                            action.key,
                            self.namespace.index + name,
                            action.family,
                            action.params,
                        )
        self.found.actions = len(keys)
        return found

    def _lacking(self, inline: Mapping[Digest, bytes | None], broken: AbstractSet[Digest]) -> set[Digest]:
        """The manifests that cannot be read, or name objects that are not there."""
        whole: dict[Digest, Manifest] = {}
        for digest, data in inline.items():
            if data is not None and (manifest := manifests.verified(digest, data)) is not None:
                whole[digest] = manifest
        places = self.rows.locations([digest for digest in inline if digest not in whole])
        for location, data in fetched(self.remote, self.namespace, places):
            digest = Digest(location.digest.hex())
            if (manifest := manifests.verified(digest, data)) is not None:
                whole[digest] = manifest
        wanted = {one for manifest in whole.values() for one in manifest.objects}
        there = self.rows.locations(list(wanted)).keys() - broken
        return {digest for digest in inline if digest not in whole or not there >= set(whole[digest].objects)}

    def _of_refs(self) -> Iterator[RemoteProblem]:
        path = self.namespace.refs
        try:
            found = read_refs(self.remote, path)
        except RemoteError as error:
            if error.slug != "bad-refs":
                raise
            yield RemoteProblem(RemoteFlaw.DAMAGED_REFS, "", path)
            return
        self.found.refs = len(found)
        for name in sorted(found):
            if self.is_forged(name, found[name]):
                yield RemoteProblem(RemoteFlaw.FORGED_REF, name, path)
        lacking = self.dangling_refs(found)
        for name in sorted(lacking):
            yield RemoteProblem(RemoteFlaw.DANGLING_REF, name, path)

    def is_forged(self, name: str, ref: Ref) -> bool:
        """Whether a ref names a key that has not signed it."""
        try:
            key = PublicKey(bytes.fromhex(ref.key_id))
        except ValueError:
            return True
        return key != UNSIGNED and not ref.counts(self.namespace.project, name, {key})

    def dangling_refs(self, found: Mapping[str, Ref]) -> set[str]:
        """The names of pushed refs whose files are not there."""
        pushed = {name: ref.manifest for name, ref in found.items() if not ref.raw}
        inline: dict[Digest, bytes | None] = dict.fromkeys(pushed.values())
        inline.update(self.rows.contents(list(inline)))
        lacking = self._lacking(inline, self.broken())
        return {name for name, manifest in pushed.items() if manifest in lacking}


def _decoded(records: Iterable[ActionRecord]) -> Iterator[tuple[Action, ActionRecord]]:
    for record in records:
        try:
            yield actions.decode(record.action), record
        except CorruptionError:  # noqa: PERF203 - nobody counts it, and it is rare
            continue

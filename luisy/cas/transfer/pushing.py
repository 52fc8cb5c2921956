"""A push: everything that the remote lacks goes up, and then, in one conditional write, is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas import segments, tombstones
from luisy.cas.remote_index import Incoming
from luisy.cas.remote_limits import ATTEMPTS, FOLD_ABOVE, MIB, SEGMENT_RAW, SEGMENT_WANTED, USE_AGAIN
from luisy.cas.remote_names import level_of
from luisy.cas.remote_records import (
    SUPERSEDING,
    ActionRecord,
    BadRecord,
    Block,
    ContentRecord,
    Records,
    UseRecord,
    folded,
)
from luisy.cas.segments import level_above
from luisy.cas.transfer.burying import standing
from luisy.cas.transfer.candidates import load
from luisy.cas.transfer.deciding import Bytes, Word, bytes_needed, superseded_by, to_fold, word
from luisy.cas.transfer.planning import good_places
from luisy.cas.transfer.slots import commit, contended, open_slot
from luisy.cas.transfer.uploading import Touch, Uploader
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from luisy.cas.remote import Remote
    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_notes import RemoteNotes
    from luisy.cas.remote_records import LocationRecord
    from luisy.cas.remote_rows import RemoteRows
    from luisy.cas.store import Store
    from luisy.cas.tombstones import Doomed
    from luisy.cas.transfer.candidates import Candidate
    from luisy.cas.transfer.merging import Merger, Seen
    from luisy.cas.transfer.planning import Planner
    from luisy.cas.transfer.slots import Slot

_MILLISECONDS = 1000


@dataclass(slots=True)
class Work:
    """What one commit has to do, decided on what was seen after its slot had been opened.

    :ivar written: actions with their flags.
    :ivar missing: sizes of the objects that have to be uploaded.
    """

    written: list[tuple[Candidate, int]] = field(default_factory=list)
    contents: list[Candidate] = field(default_factory=list)
    used: list[Key] = field(default_factory=list)
    outvoted: list[Key] = field(default_factory=list)
    missing: dict[Digest, int] = field(default_factory=dict)
    touches: list[Touch] = field(default_factory=list)
    bads: list[BadRecord] = field(default_factory=list)
    fold: list[str] = field(default_factory=list)
    supersedes: set[str] = field(default_factory=set)
    folded: list[Records] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Committed:
    """What the commits of one push did."""

    actions: tuple[Key, ...]
    contents: tuple[Digest, ...]
    outvoted: tuple[Key, ...]


@dataclass(slots=True)
class Pusher:
    """Commits candidates to one namespace.

    :param rows: what of the index counts for what has to be pushed.
    :param superseding: keys whose result is to win over what is there.
    :param mending: sizes of objects of the store that the remote is to have a good copy of, whoever needs them.
    :param outranking: keys whose result, if it is written, is to win also over what does not count here.
    """

    store: Store
    remote: Remote
    namespace: Namespace
    index: RemoteIndex
    rows: RemoteRows
    notes: RemoteNotes
    merger: Merger
    uploader: Uploader
    planner: Planner
    superseding: frozenset[Key] = frozenset()
    outranking: frozenset[Key] = frozenset()
    mending: Mapping[Digest, int] = field(default_factory=dict)

    def push(self, candidates: Sequence[Candidate], there: Mapping[Key, Word]) -> Committed:
        """Commit *candidates*, in as many commits as their records need.

        :param there: what the remote is known to have of what is wanted, and whether that is to be said.
        """
        done = Work()
        batches = list(_batches(candidates)) or [[]]
        for number, batch in enumerate(batches):
            work = self._commit(batch, there if number == 0 else {})
            done.written += work.written
            done.contents += work.contents
            done.outvoted += work.outvoted
        return Committed(
            tuple(Key(one.name) for one, _ in done.written),
            tuple(Digest(one.name) for one in done.contents),
            tuple(done.outvoted),
        )

    def _commit(self, batch: Sequence[Candidate], there: Mapping[Key, Word]) -> Work:
        for _ in range(ATTEMPTS):
            slot = open_slot(self.remote, self.namespace, self._level())
            # In this order: a tombstone that is gone already did its work before the index is listed.
            doomed = self._doomed()
            seen, work = self._seen(slot, [*batch, *self._doomed_of(there, doomed)], there, doomed)
            opened = _opened(seen, self.namespace.index + slot.name)
            if opened is None:  # broken before we even looked
                continue
            placed = self.uploader.place(work.missing, work.touches, {one.blob for one in work.bads})
            records = _records(work, slot, opened, placed, self._signed)
            data = segments.encode(self.namespace.project, records, work.supersedes)
            etag = commit(self.remote, self.namespace, slot, data)
            if etag is None:
                continue
            self._take(slot, str(etag), data, work)
            return work
        raise contended("its slots were broken, or the index of the store kept changing")

    def _signed(self, block: Block) -> Block:
        return block.signed_by(self.merger.authority.signer, self.namespace.project)

    def _level(self) -> int:
        """That of the slot to open: high enough for what it may fold by what is known now."""
        merged = self.index.merged()
        if len(merged) <= FOLD_ABOVE:
            return 0
        sizes = {name: one.size for name, one in merged.items()}
        fold = to_fold(sizes, SEGMENT_RAW, listed=len(sizes))
        return level_above(fold) if fold else 0

    # --- looking

    def _doomed_of(self, there: Iterable[Key], doomed: Doomed) -> list[Candidate]:
        """What is wanted and there, but about to be deleted: it is to be written again."""
        found, _ = load(self.store, [key for key in there if bytes.fromhex(key) in doomed.actions])
        return found

    def _doomed(self) -> Doomed:
        """What all tombstones name."""
        return tombstones.together(standing(self.remote, self.namespace).values())

    def _seen(
        self, slot: Slot, batch: Sequence[Candidate], there: Mapping[Key, Word], doomed: Doomed
    ) -> tuple[Seen, Work]:
        """List, merge and decide; the last two in one transaction, so that no older listing comes between."""
        for _ in range(ATTEMPTS):
            seen = self.merger.look()
            with self.index.database.writing() as connection:
                if self.merger.merge(connection, seen):
                    return seen, self._decide(slot, seen, batch, there, doomed)
        raise contended("another process kept changing the index of the store")

    # --- deciding

    def _decide(
        self, slot: Slot, seen: Seen, batch: Sequence[Candidate], there: Mapping[Key, Word], doomed: Doomed
    ) -> Work:
        work = Work(bads=[*self.rows.bads(), *self.notes.doubts()])
        actions = [one for one in batch if one.record]
        keys = [Key(one.name) for one in actions]
        used = [key for key, said in there.items() if said is Word.USE]
        winners = self.rows.results([*keys, *used])
        last_used = self.rows.last_used(keys)
        broken = self.planner.broken(work.bads)
        for one in actions:
            key = Key(one.name)
            winner = winners.get(key)
            said = word(
                winner=None if winner is None else winner.manifest,
                ours=one.manifest,
                doomed=bytes.fromhex(key) in doomed.actions,
                sound=winner is None or not broken or self.planner.is_sound(winner, broken),
                superseding=key in self.superseding,
                stale=last_used.get(key, 0.0) < seen.listing.server_time - USE_AGAIN,
            )
            if said in (Word.WRITE, Word.SUPERSEDE):
                supersedes = said is Word.SUPERSEDE or key in self.outranking
                work.written.append((one, SUPERSEDING if supersedes else 0))
            elif said is Word.USE:
                work.used.append(key)
            elif said is Word.OUTVOTED:
                work.outvoted.append(key)
        work.used += [key for key in used if key in winners and bytes.fromhex(key) not in doomed.actions]
        work.contents = [one for one in batch if not one.record]  # told again: their age begins anew
        self._decide_bytes([*(one for one, _ in work.written), *work.contents], work, doomed)
        self._decide_fold(slot, seen, work, doomed, batch)
        return work

    def _decide_bytes(self, needing: Sequence[Candidate], work: Work, doomed: Doomed) -> None:
        """What of the objects has to be uploaded or touched."""
        sizes = {digest: size for one in needing for digest, size in one.everything.items()}
        sizes.update(self.mending)
        located = self.rows.locations(list(sizes))
        bad = {(one.digest, one.blob) for one in work.bads}
        touches: dict[str, list[LocationRecord]] = {}
        for digest, size in sizes.items():
            good = good_places(located.get(digest, ()), bad)
            verdict = bytes_needed(good.keys(), doomed.blobs.keys())
            if verdict is Bytes.TOUCH:
                one = good[min(good)]
                touches.setdefault(one.blob, []).append(one)
            elif verdict is Bytes.UPLOAD:
                work.missing[digest] = size
        work.touches = [Touch(blob, doomed.blobs[blob], tuple(members)) for blob, members in touches.items()]

    def _decide_fold(
        self, slot: Slot, seen: Seen, work: Work, doomed: Doomed, batch: Sequence[Candidate]
    ) -> None:
        """What of the index goes into this segment. What holds anything tombstoned is left to gc."""
        merged = self.index.merged()
        if len(merged) <= FOLD_ABOVE or slot.level == 0:
            return
        untouchable = self.rows.segments_with(list(doomed.actions), list(doomed.blobs))
        may = {
            name: one.size
            for name, one in merged.items()
            if name not in untouchable and (level_of(name) or 0) < slot.level
        }
        room = SEGMENT_RAW - sum(one.weight for one in batch) - MIB
        work.fold = to_fold(may, room, listed=len(merged))
        work.folded = self.index.records(work.fold)
        if sum(one.size for one in work.folded) > room:
            work.fold, work.folded = [], []
            return
        listed = {blob.name.removeprefix(self.namespace.index) for blob in seen.listing.blobs}
        says = {name: merged[name].supersedes for name in work.fold}
        work.supersedes = superseded_by(work.fold, says, listed)

    # --- afterwards

    def _take(self, slot: Slot, etag: str, data: bytes, work: Work) -> None:
        """Merge our own segment without asking for it, and forget what it settles."""
        incoming = Incoming.read(slot.name, etag, data, self.namespace.project)
        with self.index.database.writing() as connection:
            merged = self.index.merged()
            for name in work.fold:
                if name in merged:
                    self.index.drop(connection, merged[name].id)
            if slot.name not in merged:
                self.index.add(connection, incoming)
                self.merger.verify(connection)
        self.uploader.committed()
        self.notes.told(work.bads)


def _opened(seen: Seen, blob: str) -> int | None:
    """When our slot was opened by the server's clock, ms; None if it is not there any more."""
    return next(
        (
            int(one.modified * _MILLISECONDS)
            for one in seen.listing.blobs
            if one.name == blob and not one.size
        ),
        None,
    )


def _records(
    work: Work,
    slot: Slot,
    opened: int,
    placed: Mapping[Digest, LocationRecord],
    signed: Callable[[Block], Block],
) -> Records:
    """Our own block with its records, and what is folded into the segment with it."""
    actions = [
        ActionRecord(bytes.fromhex(one.name), 0, flags, one.record, one.inline) for one, flags in work.written
    ]
    contents = [ContentRecord(bytes.fromhex(one.name), 0, one.inline) for one in work.contents]
    bads = [_bad_now(one, placed) for one in work.bads]
    digests = [
        *(one.digest() for one in actions),
        *(one.digest() for one in contents),
        *(one.told() for one in bads),
    ]
    own = Records(
        (signed(Block(bytes.fromhex(slot.uuid), opened, b"".join(sorted(digests)))),),
        actions,
        contents,
        tuple(placed.values()),
        [UseRecord(bytes.fromhex(key), opened) for key in work.used],
        bads,
    )
    return folded([own, *work.folded])


def _bad_now(bad: BadRecord, placed: Mapping[Digest, LocationRecord]) -> BadRecord:
    """A bad location as it is after this push: one that we wrote over is mended."""
    now = placed.get(Digest(bad.digest.hex()))
    mended = int(now is not None and now.blob == bad.blob and bad.blob.startswith("objects/"))
    return BadRecord(bad.digest, bad.blob, bad.etag, mended)


def _batches(candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """Runs of candidates whose records fit into one segment."""
    batch: list[Candidate] = []
    weight = 0
    for one in candidates:
        if batch and weight + one.weight > SEGMENT_WANTED:
            yield batch
            batch, weight = [], 0
        batch.append(one)
        weight += one.weight
    if batch:
        yield batch

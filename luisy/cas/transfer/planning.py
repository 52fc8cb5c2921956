"""What a push would do, by what was merged last: the same decisions that it takes again behind its slot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote_limits import OWN_BLOB, PACK, PIECE, SEGMENT_WANTED, USE_AGAIN
from luisy.cas.transfer.candidates import Candidate, Held, HeldRef, choose, content, load
from luisy.cas.transfer.deciding import Bytes, Word, bytes_needed, word
from luisy.cas.transfer.refs import to_write
from luisy.model import Digest, Key, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from luisy.cas.action_rows import Result
    from luisy.cas.remote import Listing
    from luisy.cas.remote_notes import RemoteNotes
    from luisy.cas.remote_records import BadRecord, LocationRecord
    from luisy.cas.remote_rows import RemoteRows
    from luisy.cas.store import Store
    from luisy.cas.transfer.refs import Offers, Ref

_WRITTEN = (Word.WRITE, Word.SUPERSEDE)
_FILES_GONE = Reason("files-gone", "its files are gone, or are not what they were when a run found them last")
_TOO_MANY_FILES = 24 << 20
"""Bytes of records of one action that a segment has room for beside others."""


@dataclass(frozen=True, slots=True)
class RefsPlan:
    """What a push would do about refs.

    :param written: those that it writes.
    :param agreed: what refs name that are there already and say the same.
    :param contents: what the written ones name and has to be pushed before them.
    :param replace: also where others have moved one since.
    """

    written: Offers = field(default_factory=dict)
    agreed: Mapping[str, Digest] = field(default_factory=dict)
    contents: tuple[Candidate, ...] = field(default=(), repr=False)
    held_back: tuple[HeldRef, ...] = ()
    replace: bool = False


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What a push would do, by what the remote was when it was made.

    :param actions: keys of the actions that the remote lacks, or objects of them.
    :param there: keys of those that it has: ``USE`` where it is to be told that they are still wanted.
    :param outvoted: keys for which it has another result; ``superseding`` would replace it.
    :param objects: how many objects have to be uploaded, and their bytes before compression.
    :param requests: about how many requests that takes.
    :param held_back: what the remote lacks and does not get, and why.
    :param candidates: the actions with what they need.
    :param refs: what it does about the files of external tasks.
    """

    actions: tuple[Key, ...]
    there: Mapping[Key, Word]
    outvoted: tuple[Key, ...]
    objects: int
    bytes: int
    requests: int
    held_back: tuple[Held, ...]
    superseding: frozenset[Key]
    candidates: tuple[Candidate, ...] = field(repr=False)
    refs: RefsPlan

    @property
    def commits(self) -> bool:
        """Whether there is anything to commit, but for the slot under which refs are written."""
        return bool(self.candidates or self.refs.contents) or Word.USE in self.there.values()


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans for one store and one namespace."""

    store: Store
    rows: RemoteRows
    notes: RemoteNotes
    project: str

    def plan(
        self,
        keys: Iterable[Key] | None,
        *,
        superseding: frozenset[Key],
        adopted: bool,
        now: float,
        refs: RefsPlan | None = None,
    ) -> PushPlan:
        """What to do about the results at *keys*, or all of the project, and about refs.

        :param now: the server's time, seconds since the epoch.
        """
        refs = refs or RefsPlan()
        choice = choose(self.store, self.project, keys, adopted=adopted)
        said = self._words(choice.manifests, superseding, now)
        candidates, lost = load(self.store, [key for key, one in said.items() if one in _WRITTEN])
        fitting = [one for one in candidates if one.weight <= _TOO_MANY_FILES]
        lacking = self.rows.results([held.key for held in choice.held_back])
        held = (
            *(one for one in choice.held_back if one.key not in lacking),
            *lost,
            *(_too_many(one) for one in candidates if one.weight > _TOO_MANY_FILES),
        )
        sizes = self.bytes_missing([*fitting, *refs.contents])
        return PushPlan(
            tuple(Key(one.name) for one in fitting),
            {key: one for key, one in said.items() if one in (Word.USE, Word.NOTHING)},
            tuple(key for key, one in said.items() if one is Word.OUTVOTED),
            len(sizes),
            sum(sizes.values()),
            _requests([*fitting, *refs.contents], sizes.values()) + _requests_for(refs),
            held,
            superseding,
            tuple(fitting),
            refs,
        )

    def refs(
        self,
        offers: Offers,
        theirs: Mapping[str, Ref],
        raw: Callable[[], Listing],
        *,
        replace: bool,
        url: str,
    ) -> RefsPlan:
        """What to do about refs, where *theirs* are there.

        :param raw: lists other systems' files; asked only if a ref to some of them is to be written.
        :raises RemoteError: others have moved one since (slug ``ref-moved``).
        """
        wanting = to_write(offers, theirs, self.store.seen_refs(url, self.project), replace=replace)
        hashed = {name for name in wanting if offers[name].ref.raw}
        if hashed:
            listing = raw()
            wanting -= {name for name in hashed if not offers[name].ref.holds(listing)}
        written, contents, held = {}, [], []
        for name in sorted(wanting):
            if not offers[name].ref.raw:
                manifest = offers[name].find()
                if manifest is None:
                    held.append(HeldRef(name, _FILES_GONE))
                    continue
                contents.append(content(manifest))
            written[name] = offers[name]
        agreed = {
            name: offer.ref.manifest
            for name, offer in offers.items()
            if name in theirs and theirs[name].manifest == offer.ref.manifest
        }
        return RefsPlan(written, agreed, tuple(contents), tuple(held), replace)

    def _words(self, ours: Mapping[Key, Digest], superseding: frozenset[Key], now: float) -> dict[Key, Word]:
        winners = self.rows.results(list(ours))
        last_used = self.rows.last_used(list(winners))
        broken = self.broken([*self.rows.bads(), *self.notes.doubts()])
        return {
            key: word(
                winner=winner.manifest if (winner := winners.get(key)) is not None else None,
                ours=manifest,
                doomed=False,
                sound=winner is None or not broken or self.is_sound(winner, broken),
                superseding=key in superseding,
                stale=last_used.get(key, now) < now - USE_AGAIN,
            )
            for key, manifest in ours.items()
        }

    def broken(self, bads: Iterable[BadRecord]) -> set[Digest]:
        """Objects of which no location is left that is not known to be bad."""
        places = {(one.digest, one.blob) for one in bads}
        suspects = list({Digest(digest.hex()) for digest, _ in places})
        located = self.rows.locations(suspects)
        return {digest for digest in suspects if not good_places(located.get(digest, ()), places)}

    def is_sound(self, winner: Result, broken: Collection[Digest]) -> bool:
        """Whether none of the result's objects is broken, as far as its manifest is known here."""
        outputs = winner.outputs or self.store.manifests([winner.manifest]).get(winner.manifest)
        objects = outputs.objects if outputs is not None else ()
        return not any(digest in broken for digest in (winner.manifest, *objects))

    def bytes_missing(self, needing: Iterable[Candidate]) -> dict[Digest, int]:
        """Objects, with their sizes, that would have to be uploaded for these."""
        sizes = {digest: size for one in needing for digest, size in one.everything.items()}
        bad = {(one.digest, one.blob) for one in (*self.rows.bads(), *self.notes.doubts())}
        located = self.rows.locations(list(sizes))
        return {
            digest: size
            for digest, size in sizes.items()
            if bytes_needed(good_places(located.get(digest, ()), bad), ()) is Bytes.UPLOAD
        }


def good_places(
    located: Iterable[LocationRecord], bad: Collection[tuple[bytes, str]]
) -> dict[str, LocationRecord]:
    """The locations of one object that are not known to be bad, by blob."""
    return {one.blob: one for one in located if (one.digest, one.blob) not in bad}


def _too_many(one: Candidate) -> Held:
    return Held(Key(one.name), "", Reason("too-many-files", "it has more files than one segment can locate"))


def _requests(candidates: Collection[Candidate], sizes: Iterable[int]) -> int:
    """About how many requests a push takes: slot, two listings and commit for each batch, and the bytes."""
    if not candidates:
        return 0
    all_sizes = list(sizes)
    large = [size for size in all_sizes if size >= OWN_BLOB]
    packs = -(-(sum(all_sizes) - sum(large)) // PACK)
    batches = 1 + sum(one.weight for one in candidates) // SEGMENT_WANTED
    return 4 * batches + packs + sum(1 if size <= PIECE else 2 + size // PIECE for size in large)


def _requests_for(refs: RefsPlan) -> int:
    """How many requests refs take: refs.json is looked at, read and written; a slot and its commit guard contents."""
    return (3 if refs.written else 0) + (2 if refs.contents else 0)

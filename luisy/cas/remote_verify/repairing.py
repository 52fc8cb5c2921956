"""Mending one namespace by what a look at it has found, with the means that pushers have. Only gc deletes.

Good copies come from the store: a blob of an object's own is written over, other objects go into a new pack. What the
store does not have is told to be bad, and the results that need it are left out of the segments that told of them: each
such segment is superseded by one without them, behind a slot of its own. So they are misses, for every reader.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from luisy.cas import tombstones
from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_limits import ATTEMPTS
from luisy.cas.remote_names import new_uuid
from luisy.cas.remote_notes import RemoteNotes
from luisy.cas.remote_records import BadRecord, Records, renumbered
from luisy.cas.remote_rows import RemoteRows
from luisy.cas.remote_verify.problems import Dangling, RemoteFlaw, RemoteMended, RemoteProblem
from luisy.cas.segments import encode, level_above
from luisy.cas.signing import UNSIGNED, PublicKey, is_signed
from luisy.cas.transfer import refs
from luisy.cas.transfer.burying import standing
from luisy.cas.transfer.deciding import superseded_by
from luisy.cas.transfer.planning import Planner
from luisy.cas.transfer.pushing import Pusher
from luisy.cas.transfer.slots import commit, contended, open_slot
from luisy.cas.transfer.uploading import Uploader
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.cas.remote_records import Block
    from luisy.cas.remote_verify.inspecting import RemoteInspector

_OF_OBJECTS = (RemoteFlaw.DAMAGED_OBJECT, RemoteFlaw.LOST_OBJECT)


class RemoteRepairer:
    """Mends what *inspector* has found; its inspection tells afterwards what became of what.

    The store must be writable: its notes outlive a kill, and its index the repair.
    """

    def __init__(self, inspector: RemoteInspector) -> None:
        self._look = inspector
        self._store = inspector.store
        self._remote = inspector.remote
        self._namespace = inspector.namespace
        self._index = inspector.index
        heard = RemoteRows(self._index, inspector.authority.heard, inspector.merger.bring)
        self._notes = RemoteNotes(self._index)
        self._uploader = Uploader(self._store, self._remote, self._namespace, self._notes)
        self._planner = Planner(self._store, heard, self._notes, self._namespace.project)

    def repair(self) -> None:
        """Do what can be done.

        :raises StoreError: the store cannot be written.
        :raises RemoteError: the remote refuses us, or does not answer; what is done by then stays.
        """
        if self._store.refusal is not None:
            raise self._store.refusal
        found = self._look.found
        done: dict[RemoteProblem, RemoteMended] = {}
        there = self._mend_objects()
        self._look.merger.refresh()
        told = self._look.told()
        for one in found.problems:
            if one.flaw is RemoteFlaw.DAMAGED_SEGMENT:
                if self._leave_out(self._last(one.path), Dangling()):
                    done[one] = RemoteMended.QUARANTINED
            elif one.flaw in _OF_OBJECTS:
                if Digest(one.name) in there:
                    done[one] = RemoteMended.REPLACED
                elif (bytes.fromhex(one.name), one.path.removeprefix(f"{self._namespace.root}/")) in told:
                    done[one] = RemoteMended.QUARANTINED
        self._of_actions(done)
        self._of_refs(done)
        found.problems = [replace(one, mended=done.get(one)) for one in found.problems]

    # --- objects

    def _mend_objects(self) -> set[Digest]:
        """Tell what is bad, and put good copies beside it or in its place; the objects that are whole again."""
        wanted = {Digest(one.digest.hex()) for one in self._look.failed}
        if not wanted:
            return set()
        for one, gone in self._look.failed.items():
            head = None if gone else self._remote.head(self._namespace.blob(one.blob))
            etag = f"gone {new_uuid()}" if head is None else str(head.etag)
            self._notes.doubt(BadRecord(one.digest, one.blob, etag, 0))
        here = self._store.check(wanted)
        pusher = Pusher(
            self._store,
            self._remote,
            self._namespace,
            self._index,
            self._planner.rows,
            self._notes,
            self._look.merger,
            self._uploader,
            self._planner,
            mending=self._store.sizes(here),
        )
        pusher.push([], {})
        self._look.failed = {
            one: gone
            for one, gone in self._look.failed.items()
            if not (Digest(one.digest.hex()) in here and one.blob.startswith("objects/"))
        }
        return wanted - self._look.broken()

    # --- records

    def _of_actions(self, done: dict[RemoteProblem, RemoteMended]) -> None:
        """Leave out the results that are still dangling, and what nobody has signed though it says so."""
        dangling = self._look.dangling()
        problems = self._look.found.problems
        forged = {self._last(one.path) for one in problems if one.flaw is RemoteFlaw.FORGED_BLOCK}
        names = forged | self._look.rows.segments_with([bytes.fromhex(key) for key in dangling.problems], ())
        # What is beaten goes before what has beaten it, or a kill in between would bring it back.
        in_order = sorted(names, key=lambda name: (name in dangling.segments, name))
        left_out = {name for name in in_order if self._leave_out(name, dangling)}
        standing_yet = self._look.dangling().problems if dangling.problems else {}
        for one in problems:
            if one.flaw is RemoteFlaw.DANGLING_ACTION and Key(one.name) not in standing_yet:
                gone = Key(one.name) in dangling.problems
                done[one] = RemoteMended.FORGOTTEN if gone else RemoteMended.REPLACED
            elif one.flaw is RemoteFlaw.FORGED_BLOCK and self._last(one.path) in left_out:
                done[one] = RemoteMended.FORGOTTEN

    def _leave_out(self, name: str, dangling: Dangling) -> bool:
        """Put a segment in the place of another that has all its records but *dangling* ones and those of forged blocks.

        Of one that cannot be read, what this store has merged of it; else nothing.

        :return: False if a gc run is about to delete something that it tells of: then that one writes it anew.
        """
        for _ in range(ATTEMPTS):
            slot = open_slot(self._remote, self._namespace, level_above([name]))
            doomed = tombstones.together(standing(self._remote, self._namespace).values())
            seen = self._look.merger.refresh()
            listed = {blob.name.removeprefix(self._namespace.index) for blob in seen.listing.blobs}
            if slot.name not in listed:
                continue
            touched = self._look.rows.segments_with(list(doomed.actions), list(doomed.blobs))
            with self._index.database.snapshot():  # another process of this store may drop it
                merged = self._index.merged().get(name)
                whole = self._index.records([] if merged is None else [name])
            spared = name in touched or name not in listed
            records, names = Records(), set[str]()
            if not spared:
                says = {name: frozenset[str]() if merged is None else merged.supersedes}
                names = superseded_by([name], says, listed)
                for one in whole:
                    records = self._without(one, dangling)
            data = encode(self._namespace.project, records, names)
            if commit(self._remote, self._namespace, slot, data) is not None:
                self._look.merger.refresh()
                return not spared
        raise contended("its slots were broken")

    def _without(self, records: Records, dangling: Dangling) -> Records:
        dropped = {number for number, block in enumerate(records.blocks) if self._is_forged(block)}
        return renumbered(
            replace(
                records,
                actions=[
                    one
                    for one in records.actions
                    if one.block not in dropped and not dangling.takes(one, records.blocks[one.block].opened)
                ],
                contents=[one for one in records.contents if one.block not in dropped],
            )
        )

    def _is_forged(self, block: Block) -> bool:
        key = PublicKey(block.key_id)
        told = block.signed(self._namespace.project)
        return key != UNSIGNED and not is_signed(told, block.signature, key)

    def _last(self, path: str) -> str:
        return path.removeprefix(self._namespace.index)

    # --- refs

    def _of_refs(self, done: dict[RemoteProblem, RemoteMended]) -> None:
        """Take out the refs that are forged, or whose files are not there: who has the files pushes them again."""
        of_refs = (RemoteFlaw.FORGED_REF, RemoteFlaw.DANGLING_REF)
        problems = [one for one in self._look.found.problems if one.flaw in of_refs]
        if not problems:
            return
        names = {one.name for one in problems}
        for _ in range(ATTEMPTS):
            head = self._remote.head(self._namespace.refs)
            found = refs.read(self._remote, self._namespace.refs)
            bad = self._bad_refs({name: ref for name, ref in found.items() if name in names})
            kept = {name: ref for name, ref in found.items() if name not in bad}
            try:
                if bad and head is not None:
                    self._remote.put(self._namespace.refs, refs.encode(kept), if_match=head.etag)
            except (ConditionFailed, BlobMissing):
                continue
            for one in problems:
                done[one] = RemoteMended.FORGOTTEN if one.name in bad else RemoteMended.REPLACED
            return
        raise contended("refs.json kept changing")

    def _bad_refs(self, found: Mapping[str, refs.Ref]) -> set[str]:
        forged = {name for name, ref in found.items() if self._look.is_forged(name, ref)}
        return forged | self._look.dangling_refs(found)

"""One project's namespace in one remote, as one store knows it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luisy.cas import database
from luisy.cas.remote import BlobMissing, ConditionFailed, Listing
from luisy.cas.remote_index import RemoteIndex
from luisy.cas.remote_names import Namespace
from luisy.cas.remote_notes import RemoteNotes
from luisy.cas.remote_records import FORMAT, Records
from luisy.cas.remote_rows import RemoteRows
from luisy.cas.segments import encode
from luisy.cas.signing import Authority
from luisy.cas.transfer.merging import Extent, Merger, newer_remote
from luisy.cas.transfer.parallel import Control, counted, in_parallel
from luisy.cas.transfer.planning import Planner, PushPlan
from luisy.cas.transfer.pulling import Puller, download
from luisy.cas.transfer.pushing import Committed, Pusher
from luisy.cas.transfer.questions import Questions
from luisy.cas.transfer.refs import believed
from luisy.cas.transfer.refs import read as read_refs
from luisy.cas.transfer.refs import write as write_refs
from luisy.cas.transfer.resigning import Resigned, Resigner, sign_refs
from luisy.cas.transfer.slots import commit, contended, open_slot
from luisy.cas.transfer.uploading import Uploader
from luisy.errors import StoreError
from luisy.model import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from luisy.cas.external_rows import RawBlob
    from luisy.cas.remote import Remote
    from luisy.cas.remote_parts import Lacking
    from luisy.cas.store import Store
    from luisy.cas.transfer.candidates import Candidate, Held, HeldRef
    from luisy.cas.transfer.refs import Offers, Ref
    from luisy.model import Action, Digest, Reason

    Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought.

    :param actions: the results that the store has now.
    :param failed: why others could not be had: they count as misses.
    :param bytes: of objects that came; what the store had is not among them.
    """

    actions: tuple[Action, ...]
    failed: dict[Key, Reason]
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    :param actions: keys of the actions that it committed.
    :param outvoted: keys for which the remote has another result, which stays.
    :param bytes: of objects that were sent, before compression.
    :param refs: names of the refs that were written.
    """

    actions: tuple[Key, ...]
    outvoted: tuple[Key, ...]
    objects: int
    bytes: int
    held_back: tuple[Held, ...]
    refs: tuple[str, ...]
    refs_held_back: tuple[HeldRef, ...]


class Mirror(Questions):
    """The results of one project in a remote.

    Questions are answered from what :meth:`refresh` merged last into the store's index; where that is a part of a large
    segment, a question may have to fetch another one first. It may be used by one thread at a time, and survives forks.
    Raised from everywhere that asks the remote: Unreachable, Misconfigured; and StoreError where the store cannot be
    written.

    :param authority: whose results count, and who signs what is pushed; without it everybody's, and nobody.
    :param guard: carries out what asks the remote on behalf of a question, and says whether that worked: if not, the answer
        is that there is nothing. Without it, such errors pass.
    """

    def __init__(
        self,
        store: Store,
        remote: Remote,
        project: str,
        authority: Authority | None = None,
        guard: Callable[[Callable[[], None]], bool] | None = None,
    ) -> None:
        self._store = store
        self._remote = remote
        self._namespace = Namespace(project)
        self._authority = authority or Authority()
        rows = database.in_memory() if store.read_only else store.database
        index = RemoteIndex(rows, remote.url, project)
        self._merger = Merger(remote, self._namespace, index, self._authority)
        super().__init__(index, self._authority, self._bring)
        self._guard = guard
        self._heard = RemoteRows(index, self._authority.heard, self._merger.bring)
        self._fetched = RemoteRows(index, self._authority.trusted, self._merger.bring)
        self._notes = RemoteNotes(index)
        self._planner = Planner(store, self._heard, self._notes, project)
        self._format: int | None = None
        self._server_time = 0.0

    @property
    def project(self) -> str:
        """The project whose results these are."""
        return self._namespace.project

    # --- looking

    def refresh(self, extent: Extent = Extent.PARTS) -> None:
        """Bring the merged index up to date: one listing, and what it shows that is new.

        :raises RemoteError: the remote was written by a newer luisy (slug ``newer-remote``).
        """
        self._check_format()
        self._server_time = self._merger.refresh(extent).listing.server_time

    def _bring(self, lacking: Lacking) -> bool:
        if self._guard is None:
            return self._merger.bring(lacking)

        def bring() -> None:
            self._merger.bring(lacking)

        return self._guard(bring)

    def _check_format(self) -> None:
        """Refuse what we do not know; asked once per process. A namespace without a format is a new one."""
        if self._format is not None:
            return
        try:
            told = json.loads(self._remote.get(self._namespace.format, 0, 4096))["format"]
        except BlobMissing:
            self._format = 0
            return
        except (ValueError, KeyError, TypeError) as error:
            raise newer_remote(self.url) from error
        if told != FORMAT:
            raise newer_remote(self.url)
        self._format = FORMAT

    # --- down

    def fetch(self, keys: Sequence[Key], *, progress: Progress | None = None, extras: bool = True) -> Fetched:
        """Bring results into the store, with their objects, and file them there.

        :param extras: also the parts of their keys and their sources, which explain them.
        """
        total = sum(result.size for result in self._fetched.results(list(keys)).values())
        puller = self._puller(progress, total)
        with self._store.telling():
            actions, failed = puller.results(list(dict.fromkeys(keys)), extras=extras)
        if progress is not None:
            progress(total, total)
        return Fetched(tuple(actions), failed, puller.objects, puller.received)

    def fetch_objects(self, digests: Iterable[Digest]) -> dict[Digest, Reason]:
        """Bring single objects (parts of keys, sources) into the store; those that could not be had, and why."""
        with self._store.telling():
            return self._puller(None, 0).objects_of(dict.fromkeys(digests), ())

    def fetch_contents(self, digests: Iterable[Digest]) -> dict[Digest, Reason]:
        """Bring manifests that refs name into the store, with their objects; those that could not be had, and why."""
        with self._store.telling():
            return self._puller(None, 0).contents(digests)

    def _puller(self, progress: Progress | None, total: int) -> Puller:
        return Puller(
            self._store,
            self._remote,
            self._namespace,
            self._fetched,
            self._notes,
            self._merger,
            Control(counted(progress, total)),
        )

    # --- up

    def missing(self, keys: Iterable[Key]) -> set[Key]:
        """Which of these local results the remote lacks, or lacks objects of, by what was merged last."""
        wanted = list(keys)
        own = {key: result.key for key, result in self._store.results(wanted).items()}
        plan = self._planner.plan(wanted, superseding=frozenset(), adopted=True, now=self._server_time)
        lacking = {*plan.actions, *(held.key for held in plan.held_back)}
        return {key for key in wanted if own.get(key) in lacking}

    def plan_push(
        self,
        keys: Iterable[Key] | None = None,
        *,
        superseding: frozenset[Key] = frozenset(),
        adopted: bool = False,
        offers: Offers | None = None,
        replace_refs: bool = False,
    ) -> PushPlan:
        """What pushing the results at *keys*, or all of the project, would do. Refreshes first.

        :param superseding: keys whose result is to replace another one in the remote.
        :param adopted: whether files that were there before luisy go up as well.
        :param offers: refs to be published with it.
        :param replace_refs: also where others moved them since this store last saw them.
        :raises RemoteError: somebody else moved a ref (slug ``ref-moved``).
        """
        self.refresh()
        refs = None
        if offers:
            theirs = believed(self._all_refs(), self.project, self._authority.heard)
            refs = self._planner.refs(offers, theirs, self.raw, replace=replace_refs, url=self.url)
        return self._planner.plan(
            keys, superseding=superseding, adopted=adopted, now=self._server_time, refs=refs
        )

    def push(
        self,
        wanted: PushPlan | Iterable[Key] | None = None,
        *,
        progress: Progress | None = None,
        **how: Any,
    ) -> Pushed:
        """Commit everything that the remote lacks, of a plan or of the results at keys (None: all).

        It may be killed at any point: what is committed is whole, and the next push goes on. All of a plan is
        decided again, by what the remote is by then.

        :param how: where *wanted* is no plan: as :meth:`plan_push`.
        :raises RemoteError: it did not complete (slug ``push-incomplete``); somebody else moved a ref (slug
            ``ref-moved``).
        :raises StoreError: the store lacks what a ref is to name (slug ``missing-object``); nothing was pushed.
        """
        plan = wanted if isinstance(wanted, PushPlan) else self.plan_push(wanted, **how)
        refs = plan.refs
        self._require(refs.contents)
        done, uploader = Committed((), (), ()), self._uploader(progress, plan.bytes)
        if plan.commits or refs.written:
            self._mark_format()
            with self._guarding(refs.contents):
                if plan.commits:
                    pusher = self._pusher(uploader, plan.superseding)
                    done = pusher.push([*plan.candidates, *refs.contents], plan.there)
                if refs.written:
                    seen = self._store.seen_refs(self.url, self.project)
                    write_refs(
                        self._remote,
                        self._namespace,
                        refs.written,
                        seen,
                        self._authority,
                        replace=refs.replace,
                    )
        if progress is not None:
            progress(plan.bytes, plan.bytes)
        self.saw_refs({**refs.agreed, **{name: offer.ref.manifest for name, offer in refs.written.items()}})
        return Pushed(
            done.actions,
            (*plan.outvoted, *done.outvoted),
            uploader.objects,
            uploader.sent,
            plan.held_back,
            tuple(refs.written),
            refs.held_back,
        )

    def resign(self, *, dry_run: bool = False) -> Resigned:
        """Sign what a trusted key, or this store's own content, vouches for, and is not signed by our key yet.

        :raises UsageError: there is no signing key (slug ``no-signing-key``).
        :raises RemoteError, StoreError: as :meth:`push`.
        """
        signer = self._authority.require_signer()
        self.refresh(Extent.WHOLE)
        puller = self._puller(None, 0)
        resigner = Resigner(self._store, self._index, self._planner, puller, self._authority)
        with self._store.telling():
            found = resigner.actions()
        keys = tuple(Key(one.name) for one in found.candidates)
        if dry_run:
            names = resigner.refs(self._all_refs(), self._namespace)
            return Resigned(keys, tuple(sorted(names)), found.there, tuple(found.left))
        if found.candidates:
            self._mark_format()
            pusher = self._pusher(self._uploader(None, 0), frozenset(found.outranking), resigner.rows)
            keys = pusher.push(found.candidates, {}).actions
        names = sign_refs(self._remote, self._namespace, resigner, signer)
        return Resigned(keys, tuple(sorted(names)), found.there, tuple(found.left))

    @contextlib.contextmanager
    def _guarding(self, contents: Collection[Candidate]) -> Iterator[None]:
        """A slot that is open until refs are written: no gc run deletes meanwhile the *contents* that they are to name.

        Plain blobs are no concern of gc.
        """
        if not contents:
            yield
            return
        slot = open_slot(self._remote, self._namespace, 0)
        yield
        if commit(self._remote, self._namespace, slot, encode(self.project, Records())) is None:
            raise contended("its slot was broken")

    def _require(self, contents: Iterable[Candidate]) -> None:
        """Make sure that the store has what refs are to name."""
        wanted = {digest for one in contents for digest in one.objects}
        if wanted - self._store.check(wanted):
            raise StoreError("the store lacks files that refs are to name", slug="missing-object")

    def _uploader(self, progress: Progress | None, total: int) -> Uploader:
        control = Control(counted(progress, total))
        return Uploader(self._store, self._remote, self._namespace, self._notes, control)

    def _pusher(
        self, uploader: Uploader, superseding: frozenset[Key], signed: RemoteRows | None = None
    ) -> Pusher:
        """:param signed: what of the index counts, where that is less than usual; then *superseding* outrank the rest."""
        return Pusher(
            self._store,
            self._remote,
            self._namespace,
            self._index,
            signed or self._heard,
            self._notes,
            self._merger,
            uploader,
            self._planner,
            superseding,
            superseding if signed else frozenset(),
        )

    def _mark_format(self) -> None:
        """Before anything is written: what the namespace is."""
        self._check_format()
        if self._format == FORMAT:
            return
        data = json.dumps({"format": FORMAT}).encode() + b"\n"
        try:
            self._remote.put(self._namespace.format, data, if_absent=True)
            self._format = FORMAT
        except ConditionFailed:
            self._format = None
            self._check_format()

    # --- refs and other systems' files

    def refs(self) -> dict[str, Ref]:
        """All refs of the project that count; one request."""
        found = self._all_refs()
        counting = believed(found, self.project, self._authority.trusted)
        if len(counting) < len(found):
            self._authority.refuses(f"{self.url} has refs that are signed")
        return counting

    def _all_refs(self) -> dict[str, Ref]:
        return read_refs(self._remote, self._namespace.refs)

    def saw_refs(self, refs: Mapping[str, Digest]) -> None:
        """This store took over what these refs name: from now on they may be pushed over."""
        if not self._store.read_only:
            self._store.see_refs(self.url, self.project, refs)

    def raw(self) -> Listing:
        """Other systems' files of the project; names relative to ``raw/``."""
        found = self._remote.list(self._namespace.raw)
        start = len(self._namespace.raw)
        return Listing(
            tuple(replace(blob, name=blob.name[start:]) for blob in found.blobs),
            found.server_time,
            tuple(name[start:] for name in found.refused),
        )

    def fetch_raw(self, blobs: Mapping[str, RawBlob], folder: str) -> None:
        """Download other systems' files to paths below *folder*; each is of the version that a listing told.

        :param blobs: by their names below ``raw/``.
        :raises BlobMissing: one is not there any more, or is another version.
        """
        jobs = (
            functools.partial(
                download, self._remote, self._namespace.raw + name, os.path.join(folder, name), version
            )
            for name, version in blobs.items()
        )
        with self._store.telling():
            for _ in in_parallel(jobs):
                pass

"""Signing again what somebody who is believed has signed, or what this store has itself: for a new key.

Its records stay as they were made. They are told once more, in a block of one's own, which comes later than the first:
where that could make another result win once the old key is trusted no more, the record is a superseding one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_limits import ATTEMPTS
from luisy.cas.remote_records import SUPERSEDING
from luisy.cas.remote_rows import RemoteRows
from luisy.cas.transfer import refs
from luisy.cas.transfer.candidates import Candidate, load, recorded
from luisy.cas.transfer.slots import contended

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from luisy.cas.remote import Remote
    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_records import ActionRecord
    from luisy.cas.signing import Authority, SigningKey
    from luisy.cas.store import Store
    from luisy.cas.transfer.planning import Planner
    from luisy.cas.transfer.pulling import Puller
    from luisy.cas.transfer.refs import Ref
    from luisy.model import Action, Key

_BATCH = 2048
"""Actions that are read at once."""


@dataclass(slots=True)
class Resigning:
    """What there is to sign.

    :ivar candidates: actions with what they need.
    :ivar outranking: those of them that are to win also over what else there is.
    :ivar there: how many are signed by this key already.
    :ivar left: keys for which nobody vouches.
    """

    candidates: list[Candidate] = field(default_factory=list)
    outranking: set[Key] = field(default_factory=set)
    there: int = 0
    left: list[Key] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Resigned:
    """What was signed, or would be.

    :param actions: keys of results.
    :param refs: names of refs.
    :param there: how many results had this key's signature already.
    :param left: keys of the results that nobody vouches for: neither a trusted key nor this store.
    """

    actions: tuple[Key, ...]
    refs: tuple[str, ...]
    there: int
    left: tuple[Key, ...]


@dataclass(slots=True)
class Resigner:
    """Finds what may be signed in one namespace, by what was merged last."""

    store: Store
    index: RemoteIndex
    planner: Planner
    puller: Puller
    authority: Authority

    def actions(self) -> Resigning:
        """The results to sign."""
        done = Resigning()
        everybody = RemoteRows(self.index, None, self.puller.merger.bring)
        keys = [item.key for item in everybody.listed(None)]
        for start in range(0, len(keys), _BATCH):
            self._batch(keys[start : start + _BATCH], everybody, done)
        return done

    def _batch(self, keys: Sequence[Key], everybody: RemoteRows, done: Resigning) -> None:
        own = self.rows.results(keys)
        bring = self.puller.merger.bring
        by = RemoteRows(self.index, self.authority.trusted or {self.authority.own}, bring)
        vouched = by.results(keys)
        signed = {key for key, found in vouched.items() if key in own and own[key].manifest == found.manifest}
        signed |= {key for key in own if key not in vouched}
        done.there += len(signed)
        again = [key for key in keys if key in vouched and key not in signed]
        here = self._here([key for key in keys if key not in vouched and key not in signed], everybody)
        records = by.actions(again)
        made = [*self._recorded(records), *here]
        lacking = self.planner.bytes_missing(made)
        lost = lacking.keys() - self.store.check(lacking)
        whole = [one for one in made if lost.isdisjoint(one.objects)]
        done.candidates += whole
        names = {one.name for one in whole}
        done.left += [key for key in keys if key not in signed and key not in names]
        contents = RemoteRows(self.index, self.authority.heard, bring).contents_at(again)
        done.outranking |= {
            key
            for key in again
            if len(contents[key]) > 1 or (key in records and records[key][1].flags & SUPERSEDING)
        }

    @property
    def rows(self) -> RemoteRows:
        """What is signed by this key."""
        return RemoteRows(self.index, {self.authority.own}, self.puller.merger.bring)

    def _here(self, keys: Sequence[Key], everybody: RemoteRows) -> list[Candidate]:
        """Those of which the store has the very content that the remote has, whoever has put it there."""
        ours = self.store.actions(keys)
        theirs = everybody.results(keys)
        same = [key for key, action in ours.items() if theirs[key].manifest == action.manifest]
        return load(self.store, same)[0]

    def _recorded(self, records: Mapping[Key, tuple[Action, ActionRecord]]) -> Iterable[Candidate]:
        whole = self.puller.manifests(
            {action.manifest: record.manifest for action, record in records.values()}
        )
        extras = [one for action, _ in records.values() for one in (action.parts, action.sources) if one]
        located = {digest: places[0].size for digest, places in self.planner.rows.locations(extras).items()}
        for action, record in records.values():
            if action.manifest in whole:
                yield recorded(action, record.action, whole[action.manifest], located)

    def refs(self, found: Mapping[str, Ref], namespace: Namespace) -> set[str]:
        """The names of the refs to sign."""
        project = namespace.project
        signed = refs.believed(found, project, {self.authority.own})
        vouched = refs.believed(found, project, self.authority.trusted or {self.authority.own})
        noted = self.store.externals(project)
        ours = {
            name
            for name, ref in found.items()
            if name in noted
            and noted[name].content == ref.manifest
            and (not noted[name].url or noted[name].raw)
        }
        return {name for name in found if (name in vouched or name in ours) and name not in signed}


def sign_refs(remote: Remote, namespace: Namespace, resigner: Resigner, signer: SigningKey) -> set[str]:
    """Sign the refs that may be; their names."""
    for _ in range(ATTEMPTS):
        head = remote.head(namespace.refs)
        found = refs.read(remote, namespace.refs)
        names = resigner.refs(found, namespace)
        if head is None or not names:
            return set()
        signed = {name: found[name].signed_by(signer, namespace.project, name) for name in names}
        try:
            remote.put(namespace.refs, refs.encode({**found, **signed}), if_match=head.etag)
        except (ConditionFailed, BlobMissing):
            continue
        return names
    raise contended("refs.json kept changing")

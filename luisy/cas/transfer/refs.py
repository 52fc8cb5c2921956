"""Refs: what the files of external tasks are, so that machines without them can key what is made of them.

``refs.json``::

    {"format": 1, "refs": {name: {"manifest": digest, "raw": {blob: {"etag": text, "size": bytes}},
                                  "key_id": hex, "signature": hex}}}

A name is that of the task's output below its project's folder. ``raw`` is empty where the content was pushed; else
the content was hashed from other systems' blobs, which it names relative to ``raw/``. The last two are there where
somebody has signed the ref.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from luisy.cas.envelope import Fields
from luisy.cas.external_rows import RawBlob
from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_limits import ATTEMPTS, REFS_STORED
from luisy.cas.remote_records import FORMAT
from luisy.cas.signing import PublicKey, counts, message
from luisy.cas.transfer.slots import contended
from luisy.errors import CorruptionError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Collection

    from luisy.cas.remote import ETag, Listing, Remote
    from luisy.cas.remote_names import Namespace
    from luisy.cas.signing import Authority, SigningKey
    from luisy.model import Digest, Manifest

REF_CONTEXT = "luisy 1 remote ref"


@dataclass(frozen=True, slots=True)
class Ref:
    """What an external task's output is.

    :param manifest: its content digest.
    :param raw: the plain blobs that it was hashed from, by their names below ``raw/``; empty if it was pushed.
    :param key_id: the public key of the signature, hexadecimal; empty where there is none. What a ref says is the same
        whoever says it.
    """

    manifest: Digest
    raw: Mapping[str, RawBlob] = field(default_factory=dict)
    key_id: str = field(default="", compare=False)
    signature: str = field(default="", compare=False)

    def signed(self, project: str, name: str) -> bytes:
        """The bytes that the signature covers."""
        parts = [str(FORMAT), project, name, self.manifest]
        for blob in sorted(self.raw):
            parts += [blob, self.raw[blob].etag, str(self.raw[blob].size)]
        return message(REF_CONTEXT, [part.encode("utf-8", "surrogatepass") for part in parts])

    def signed_by(self, signer: SigningKey | None, project: str, name: str) -> Ref:
        """This ref with a signature, or without one where there is no key."""
        if signer is None:
            return Ref(self.manifest, self.raw)
        signature = signer.sign(self.signed(project, name))
        return Ref(self.manifest, self.raw, signer.public.hex(), signature.hex())

    def counts(self, project: str, name: str, keys: Collection[PublicKey] | None) -> bool:
        """Whether it is by one of *keys*; None: whoever it is by."""
        try:
            by, signature = bytes.fromhex(self.key_id), bytes.fromhex(self.signature)
        except ValueError:
            return keys is None
        return counts(self.signed(project, name), signature, PublicKey(by), keys)

    def holds(self, raw: Listing) -> bool:
        """Whether one listing of ``raw/`` (:meth:`Mirror.raw`) confirms it; a pushed one always holds."""
        there = {blob.name: RawBlob(str(blob.etag), blob.size) for blob in raw.blobs}
        return all(there.get(name) == blob for name, blob in self.raw.items())


class Origin(Enum):
    """Where the files behind a ref come from."""

    OWN = "own"  # this machine's, or plain blobs that it has hashed: it knows what they are
    TAKEN = "taken"  # from a ref, of this remote or another: others may know better by now


@dataclass(frozen=True, slots=True)
class Offer:
    """A ref that a push would publish.

    :param find: gives the manifest of the files, where they are to be had; asked only for what is published.
    """

    ref: Ref
    origin: Origin = Origin.OWN
    find: Callable[[], Manifest | None] = lambda: None


Offers = Mapping[str, Offer]


def to_write(
    offers: Offers, theirs: Mapping[str, Ref], seen: Mapping[str, Digest], *, replace: bool
) -> set[str]:
    """The names of *offers* that have to be written over, or beside, the refs that are there.

    :param seen: what each named when this store last pushed or took it.
    :param replace: also where others have moved it since.
    :raises RemoteError: others have moved one since (slug ``ref-moved``).
    """
    wanting = {name for name, offer in offers.items() if _adds(offer, theirs.get(name))}
    moved = sorted(
        name
        for name in wanting
        if name in theirs and not offers[name].ref.raw and theirs[name].manifest != seen.get(name)
    )
    if moved and not replace:
        raise RemoteError(
            f"others have pushed other files since for {', '.join(moved)}",
            slug="ref-moved",
            hint="remove yours to take theirs with --download, or put yours in their place:"
            " `luisy cas push --replace-refs`",
        )
    return wanting


def _adds(offer: Offer, their: Ref | None) -> bool:
    """Whether *offer* says something that the ref which is there does not say."""
    ours = offer.ref
    if their is None:
        return True
    if offer.origin is Origin.TAKEN or ours == their:
        return False
    if (
        ours.raw
    ):  # of two that were hashed from plain blobs ours is the one that holds; a pushed ref comes before
        return bool(their.raw)
    return ours.manifest != their.manifest


def encode(refs: Mapping[str, Ref]) -> bytes:
    """The bytes of ``refs.json``."""
    found = {
        name: {
            "manifest": ref.manifest,
            "raw": {blob: {"etag": raw.etag, "size": raw.size} for blob, raw in ref.raw.items()},
            **({"key_id": ref.key_id, "signature": ref.signature} if ref.key_id else {}),
        }
        for name, ref in refs.items()
    }
    return json.dumps({"format": FORMAT, "refs": found}, sort_keys=True, indent=1).encode() + b"\n"


def decode(data: bytes) -> dict[str, Ref]:
    """What :func:`encode` wrote.

    :raises RemoteError: it is something else (slug ``bad-refs``).
    """
    try:
        document = json.loads(data)
        if len(data) > REFS_STORED or not isinstance(document, dict) or document.get("format") != FORMAT:
            raise _bad_refs()
        return {name: _ref(one) for name, one in Fields("refs", document).members("refs")}
    except (ValueError, RecursionError, CorruptionError) as error:
        raise _bad_refs() from error


def _ref(found: Fields) -> Ref:
    raw = {name: RawBlob(one.text("etag"), one.count("size")) for name, one in found.members("raw")}
    return Ref(found.digest("manifest"), raw, found.optional_text("key_id"), found.optional_text("signature"))


def read(remote: Remote, blob: str) -> dict[str, Ref]:
    """The refs; none where there is no such blob."""
    try:
        return decode(remote.get(blob, 0, REFS_STORED + 1))
    except BlobMissing:
        return {}


def believed(refs: Mapping[str, Ref], project: str, keys: Collection[PublicKey] | None) -> dict[str, Ref]:
    """Those of *refs* that are by one of *keys*; None: all."""
    return {name: ref for name, ref in refs.items() if ref.counts(project, name, keys)}


def write(
    remote: Remote,
    namespace: Namespace,
    offers: Offers,
    seen: Mapping[str, Digest],
    authority: Authority,
    *,
    replace: bool,
) -> None:
    """Put *offers* among the refs, unless somebody else has moved one of them meanwhile.

    :param seen: as for :func:`to_write`.
    :param authority: whose refs count, and who signs these; those that do not count stay unless they are in the way.
    :raises RemoteError: as :func:`to_write`; nothing was written.
    """
    project, blob = namespace.project, namespace.refs
    for _ in range(ATTEMPTS):
        etag = _etag(remote, blob)
        theirs = read(remote, blob)  # not older than the ETag; if it is newer, the write fails
        counting = believed(theirs, project, authority.heard)
        ours = {
            name: offers[name].ref.signed_by(authority.signer, project, name)
            for name in to_write(offers, counting, seen, replace=replace)
        }
        if not ours:
            return
        try:
            remote.put(blob, encode({**theirs, **ours}), if_absent=etag is None, if_match=etag)
        except (ConditionFailed, BlobMissing):
            continue
        return
    raise contended("refs.json kept changing")


def _etag(remote: Remote, blob: str) -> ETag | None:
    found = remote.head(blob)
    return None if found is None else found.etag


def _bad_refs() -> RemoteError:
    return RemoteError(
        "refs.json in the remote is not valid",
        slug="bad-refs",
        hint="Look at who else writes there; without it, `luisy cas push` makes it again.",
    )

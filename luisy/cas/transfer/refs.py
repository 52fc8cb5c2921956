"""Refs: what the files of external tasks are, so that machines without them can key what is made of them.

``refs.json``::

    {"format": 1, "refs": {name: {"manifest": digest, "raw": {blob: {"etag": text, "size": bytes}}}}}

A name is that of the task's output below its project's folder. ``raw`` is empty where the content was pushed; else
the content was hashed from other systems' blobs, which it names relative to ``raw/``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.envelope import Fields
from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_limits import ATTEMPTS, REFS_STORED
from luisy.cas.remote_records import FORMAT
from luisy.cas.transfer.slots import contended
from luisy.errors import CorruptionError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas.remote import ETag, Listing, Remote
    from luisy.model import Digest


@dataclass(frozen=True, slots=True)
class RawBlob:
    """A version of another system's blob.

    :param size: bytes.
    """

    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Ref:
    """What an external task's output is.

    :param manifest: its content digest.
    :param raw: the plain blobs that it was hashed from, by their names below ``raw/``; empty if it was pushed.
    """

    manifest: Digest
    raw: Mapping[str, RawBlob] = field(default_factory=dict)

    def holds(self, raw: Listing) -> bool:
        """Whether one listing of ``raw/`` (:meth:`Mirror.raw`) confirms it; a pushed one always holds."""
        there = {blob.name: RawBlob(str(blob.etag), blob.size) for blob in raw.blobs}
        return all(there.get(name) == blob for name, blob in self.raw.items())


def encode(refs: Mapping[str, Ref]) -> bytes:
    """The bytes of ``refs.json``."""
    found = {
        name: {
            "manifest": ref.manifest,
            "raw": {blob: {"etag": raw.etag, "size": raw.size} for blob, raw in ref.raw.items()},
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
    return Ref(found.digest("manifest"), raw)


def read(remote: Remote, blob: str) -> dict[str, Ref]:
    """The refs; none where there is no such blob."""
    try:
        return decode(remote.get(blob, 0, REFS_STORED + 1))
    except BlobMissing:
        return {}


def write(
    remote: Remote, blob: str, ours: Mapping[str, Ref], seen: Mapping[str, Digest], *, replace: bool
) -> None:
    """Put *ours* among the refs, unless somebody else moved one of them.

    :param seen: what each named when this client last pushed or took it.
    :param replace: put them there all the same.
    :raises RemoteError: one was moved (slug ``ref-moved``); nothing was written.
    """
    for _ in range(ATTEMPTS):
        etag = _etag(remote, blob)
        theirs = read(remote, blob)  # not older than the ETag; if it is newer, the write fails
        check(ours, theirs, seen, replace=replace)
        if all(theirs.get(name) == ref for name, ref in ours.items()):
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


def check(
    ours: Mapping[str, Ref], theirs: Mapping[str, Ref], seen: Mapping[str, Digest], *, replace: bool
) -> None:
    """Refuse to put *ours* over what somebody else put there since this client last looked.

    :raises RemoteError: slug ``ref-moved``.
    """
    moved = [] if replace else moved_refs(ours, theirs, seen)
    if moved:
        raise RemoteError(
            f"others have pushed other files since for {', '.join(moved)}",
            slug="ref-moved",
            hint="Get theirs with --download, or put yours in their place with --replace-refs.",
        )


def moved_refs(ours: Mapping[str, Ref], theirs: Mapping[str, Ref], seen: Mapping[str, Digest]) -> list[str]:
    """The names of refs that name other content than ours, and than this client last saw there."""
    return sorted(
        name
        for name, ref in ours.items()
        if name in theirs and theirs[name].manifest not in (ref.manifest, seen.get(name))
    )


def contents(refs: Iterable[Ref]) -> list[Digest]:
    """The manifests that have to be pushed before these refs may name them."""
    return list(dict.fromkeys(ref.manifest for ref in refs if not ref.raw))


def _bad_refs() -> RemoteError:
    return RemoteError(
        "refs.json in the remote is not valid",
        slug="bad-refs",
        hint="Look at who else writes there; without it, `luisy cas push` makes it again.",
    )

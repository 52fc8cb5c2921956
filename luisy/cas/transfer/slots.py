"""Slots: a push is announced before it looks and happens in one conditional write.

The slot is the segment's blob while it is empty. A gc run waits for the slots that it finds open, so whatever a
pusher saw *after* it had opened its slot is still there when it commits (REMOTE: "Commit and gc protocol").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_limits import ATTEMPTS
from luisy.cas.remote_names import new_uuid, segment_name
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.cas.remote import ETag, Remote
    from luisy.cas.remote_names import Namespace

WRITER = "writer"
"""Metadata of every blob that we write: tells after a lost answer whether it was us."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An open slot.

    :param name: last part of the blob's name.
    :param etag: of the empty blob.
    """

    name: str
    uuid: str
    level: int
    etag: ETag


def open_slot(
    remote: Remote, namespace: Namespace, level: int, *, told: Mapping[str, str] | None = None
) -> Slot:
    """Announce a push.

    :param level: 0, or more for a segment that is to supersede others.
    :param told: more metadata of the slot.
    """
    for _ in range(ATTEMPTS):
        uuid = new_uuid()
        name = segment_name(level, uuid)
        blob = namespace.index + name
        try:
            etag = remote.put(blob, b"", if_absent=True, metadata={WRITER: uuid, **(told or {})})
            return Slot(name, uuid, level, etag)
        except ConditionFailed:  # the first answer got lost: nobody else makes this name
            found = remote.head(blob)
            if found is not None and found.size == 0 and found.metadata.get(WRITER) == uuid:
                return Slot(name, uuid, level, found.etag)
    raise contended("no slot could be opened")


def put_new(remote: Remote, blob: str, data: bytes, writer: str) -> ETag:
    """Write a blob whose name nobody else makes; its ETag. Where it is there, the answer to a first try got lost.

    :param writer: a fresh uuid, which tells that it is ours.
    :raises ConditionFailed: it is somebody else's after all.
    """
    try:
        return remote.put(blob, data, if_absent=True, metadata={WRITER: writer})
    except ConditionFailed:
        found = remote.head(blob)
        if found is None or found.metadata.get(WRITER) != writer:
            raise
        return found.etag


def commit(remote: Remote, namespace: Namespace, slot: Slot, data: bytes) -> ETag | None:
    """Make the push happen; None if the slot was broken meanwhile: begin again with another one.

    :param data: the segment, not empty.
    """
    blob = namespace.index + slot.name
    try:
        return remote.put(blob, data, if_match=slot.etag, metadata={WRITER: slot.uuid})
    except (ConditionFailed, BlobMissing):
        found = remote.head(blob)
    # Only we write here. What has bytes in it is what we sent, and its answer got lost.
    return found.etag if found is not None and found.size == len(data) else None


def contended(what: str) -> RemoteError:
    """The error for a push that had to begin again too often."""
    return RemoteError(
        f"the push did not complete: {what}",
        slug="push-incomplete",
        hint="`luisy cas push` completes it; nothing is uploaded twice.",
    )

"""The tombstones of a namespace, as they stand in the remote."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from luisy.cas import tombstones
from luisy.cas.remote import BlobMissing
from luisy.cas.transfer.parallel import in_parallel

if TYPE_CHECKING:
    from luisy.cas.remote import Remote
    from luisy.cas.remote_names import Namespace
    from luisy.cas.tombstones import Tombstone


def standing(remote: Remote, namespace: Namespace) -> dict[str, Tombstone]:
    """All tombstones by the names of their blobs. One that goes meanwhile counts no more.

    What its gc run deleted is in no segment that is listed from then on.

    :raises CorruptionError: one cannot be read (slug ``bad-tombstone``).
    """
    listing = remote.list(namespace.gc)
    found = in_parallel(functools.partial(_read, remote, blob.name) for blob in listing.blobs)
    return {name: one for name, one in found if one is not None}


def _read(remote: Remote, name: str) -> tuple[str, Tombstone | None]:
    try:
        return name, tombstones.decode(remote.get(name))
    except BlobMissing:
        return name, None

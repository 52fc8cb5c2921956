"""The lease of a gc run: keeps two runs from doing the same work. Nothing that is safe rests on it.

It is a blob that its owner writes again and again; whoever finds it older than it may be, by the server's clock,
takes it over. So all adapters have it, by the conditional writes that they have anyway.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, ConditionFailed
from luisy.cas.remote_names import new_uuid
from luisy.cas.transfer.slots import WRITER

if TYPE_CHECKING:
    from luisy.cas.remote import Blob, ETag, Remote
    from luisy.cas.remote_gc.timing import Timing

logger = logging.getLogger("luisy")

_RENEWALS = 3
"""How often it is renewed in its time."""


class Lease:
    """One run's lease on a namespace.

    :param blob: its name.
    """

    def __init__(self, remote: Remote, blob: str, timing: Timing) -> None:
        self._remote = remote
        self._blob = blob
        self._timing = timing
        self._etag: ETag | None = None
        self._renewed = 0.0

    def acquire(self) -> bool:
        """Take it, also from a run that does not renew it any more; False if another run does."""
        found, age = self._look()
        if found is not None and age < self._timing.lease:
            left = self._timing.lease - age
            logger.warning(
                "another gc is under way in the remote, or was killed: waiting for %d seconds", left
            )
            self._timing.sleep(left)
            again, age = self._look()
            if again is not None and (again.etag != found.etag or age < self._timing.lease):
                return False
            found = again
        return self._write(None if found is None else found.etag)

    def keep(self) -> bool:
        """Renew it if that is due; False if another run has taken it."""
        if time.monotonic() - self._renewed < self._timing.lease / _RENEWALS:
            return True
        return self._write(self._etag)

    def release(self) -> None:
        """Let others have it."""
        if self._etag is not None:
            with contextlib.suppress(ConditionFailed):
                self._remote.delete(self._blob, if_match=self._etag)
            self._etag = None

    def _write(self, over: ETag | None) -> bool:
        owner = new_uuid()
        try:
            self._etag = self._remote.put(
                self._blob, owner.encode(), if_absent=over is None, if_match=over, metadata={WRITER: owner}
            )
        except (ConditionFailed, BlobMissing):
            self._etag = None
            return False
        self._renewed = time.monotonic()
        return True

    def _look(self) -> tuple[Blob | None, float]:
        """The blob, and its age in seconds by the server's clock."""
        listing = self._remote.list(self._blob)
        found = next((one for one in listing.blobs if one.name == self._blob), None)
        return found, 0.0 if found is None else listing.server_time - found.modified

"""Where the files of an external task are, if not on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.cas import RawBlob
    from luisy.cas.transfer import Mirror
    from luisy.model import Digest


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the files of an external task are to be had.

    :param content: what a ref says that they are; None for plain blobs that nobody has hashed.
    :param raw: the plain blobs behind it, by their names below ``raw/``.
    """

    mirror: Mirror
    content: Digest | None
    raw: Mapping[str, RawBlob] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the plain blobs; 0 where a ref does not say."""
        return sum(blob.size for blob in self.raw.values())

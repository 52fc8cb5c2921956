"""What the Azure SDK answers, as our values."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from luisy.cas.remote import Blob, ETag

if TYPE_CHECKING:
    from collections.abc import Mapping


def bare(etag: str) -> ETag:
    """Listings give ETags without quotes, answers with them."""
    return ETag(etag.strip('"'))


def as_blob(name: str, item: Any, metadata: Mapping[str, str] | None = None) -> Blob:
    """Properties of a blob, from a listing or by themselves."""
    return Blob(name, item.size, bare(item.etag), item.last_modified.timestamp(), metadata or {})


def seconds(date: str) -> float:
    """A ``Date`` header; this machine's clock if there was none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return time.time()

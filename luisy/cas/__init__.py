"""A content-addressed store: immutable objects, manifests and actions, with a SQLite index.

Usable by itself: it knows neither Luigi nor a terminal. ::

    from luisy.cas import Store

    with Store.open("/data/.luisy") as store:
        digest = store.put(b"bytes")
        store.materialise(digest, "/data/copy")
"""

from luisy.cas.acceptances import Acceptance, resting_on
from luisy.cas.action_rows import Listed, Recorded, Result
from luisy.cas.external_rows import ExternalFiles, RawBlob
from luisy.cas.manifests import output_names, output_of
from luisy.cas.pins import Pin
from luisy.cas.records import Rescued
from luisy.cas.searching import Match, MatchKind, is_prefix
from luisy.cas.stat_tokens import stat_token
from luisy.cas.store import Status, Store
from luisy.cas.table_rows import TableWrite
from luisy.cas.workspace_rows import Placement

__all__ = [
    "Acceptance",
    "ExternalFiles",
    "Listed",
    "Match",
    "MatchKind",
    "Pin",
    "Placement",
    "RawBlob",
    "Recorded",
    "Rescued",
    "Result",
    "Status",
    "Store",
    "TableWrite",
    "is_prefix",
    "output_names",
    "output_of",
    "resting_on",
    "stat_token",
]

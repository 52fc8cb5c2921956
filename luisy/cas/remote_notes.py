"""What this store remembers of its own doings in a remote: uploads under way, and bad bytes it met."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from luisy.cas.remote_records import BadRecord, LocationRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.cas.remote_index import RemoteIndex

_members = msgspec.msgpack.Decoder(list[LocationRecord])
_packer = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that no commit covers yet.

    :param blob: relative to the namespace.
    :param writer: uuid in its metadata.
    :param etag: None until it is known to be whole.
    """

    blob: str
    writer: str
    etag: str | None
    members: tuple[LocationRecord, ...]


class RemoteNotes:
    """Notes about one namespace. They are no cache: what is lost is uploaded or found out again."""

    def __init__(self, index: RemoteIndex) -> None:
        self._index = index
        self._database = index.database

    def doubts(self) -> list[BadRecord]:
        """What this store saw of bad locations and has not told yet."""
        rows = self._database.query(
            "SELECT digest, blob, etag FROM remote_doubts WHERE namespace = ?", (self._index.namespace,)
        )
        return [BadRecord(digest, blob, etag, 0) for digest, blob, etag in rows]

    def doubt(self, bad: BadRecord) -> None:
        """Remember a bad location until a push tells it."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO remote_doubts VALUES (?, ?, ?, ?)",
                (self._index.namespace, bad.digest, bad.blob, bad.etag),
            )

    def told(self, bads: Iterable[BadRecord]) -> None:
        """These were told in the remote."""
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM remote_doubts WHERE namespace = ? AND digest = ? AND blob = ? AND etag = ?",
                [(self._index.namespace, one.digest, one.blob, one.etag) for one in bads],
            )

    # --- the journal of uploads

    def uploads(self) -> list[Upload]:
        """Uploads that no commit covers yet."""
        rows = self._database.query(
            "SELECT blob, writer, etag, members FROM remote_uploads WHERE namespace = ?",
            (self._index.namespace,),
        )
        return [Upload(row[0], row[1], row[2], tuple(_members.decode(row[3]))) for row in rows]

    def note_upload(self, upload: Upload) -> None:
        """Before an upload begins, and again when it is whole."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO remote_uploads VALUES (?, ?, ?, ?, ?, ?)",
                (
                    self._index.namespace,
                    upload.blob,
                    upload.writer,
                    upload.etag,
                    _packer.encode(upload.members),
                    time.time(),
                ),
            )

    def forget_uploads(self, blobs: Iterable[str], *, older_than: float = 0.0) -> None:
        """A commit covers them, or they are gone; so do those that began before *older_than*."""
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM remote_uploads WHERE namespace = ? AND blob = ?",
                [(self._index.namespace, blob) for blob in blobs],
            )
            connection.execute(
                "DELETE FROM remote_uploads WHERE namespace = ? AND begun < ?",
                (self._index.namespace, older_than),
            )

"""Record files: small facts that the index must be able to learn again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from luisy.cas.envelope import seal, unseal
from luisy.cas.hashing import digest_bytes

if TYPE_CHECKING:
    from luisy.cas._layout import Layout
    from luisy.model import Digest, Key


class RecordKind(Enum):
    """The kinds of record files; the value is the folder's name."""

    ACCEPTANCE = "acceptance"
    ALIAS = "alias"
    PIN = "pin"
    RESCUED = "rescued"
    SEEN_REF = "ref"
    SUPERSEDED = "superseded"


class Record(Protocol):
    """A fact with a file of its own."""

    def encode(self) -> bytes:
        """The bytes of the record file."""

    def file(self, layout: Layout) -> str:
        """Where the record lies."""


@dataclass(frozen=True, slots=True)
class Alias:
    """Early cutoff found that *key* is answered by the action at *action_key*.

    :param created: seconds since the epoch, UTC.
    """

    key: Key
    action_key: Key
    created: float

    def encode(self) -> bytes:
        """The bytes of the record file."""
        fields = {"key": self.key, "action_key": self.action_key, "created": float(self.created)}
        return seal(RecordKind.ALIAS.value, fields)

    @classmethod
    def decode(cls, data: bytes) -> Alias:
        """What :meth:`encode` wrote; CorruptionError for anything else."""
        found = unseal(RecordKind.ALIAS.value, data)
        return cls(found.key("key"), found.key("action_key"), found.moment("created"))

    def file(self, layout: Layout) -> str:
        """Where the record lies: one per key."""
        return layout.record(RecordKind.ALIAS.value, self.key)


@dataclass(frozen=True, slots=True)
class Superseded:
    """The result at *key* gave way to another content.

    :param created: when that happened last, seconds since the epoch, UTC.
    """

    key: Key
    created: float

    def encode(self) -> bytes:
        """The bytes of the record file."""
        return seal(RecordKind.SUPERSEDED.value, {"key": self.key, "created": float(self.created)})

    @classmethod
    def decode(cls, data: bytes) -> Superseded:
        """What :meth:`encode` wrote; CorruptionError for anything else."""
        found = unseal(RecordKind.SUPERSEDED.value, data)
        return cls(found.key("key"), found.moment("created"))

    def file(self, layout: Layout) -> str:
        """Where the record lies: one per key."""
        return layout.record(RecordKind.SUPERSEDED.value, self.key)


@dataclass(frozen=True, slots=True)
class Rescued:
    """A file or folder that was edited by hand, kept before luisy replaced it.

    :param digest: the file's object; of a folder or an executable file, the manifest object.
    :param path: where it was.
    :param created: when it was rescued, seconds since the epoch, UTC.
    """

    digest: Digest
    path: str
    created: float

    def encode(self) -> bytes:
        """The bytes of the record file."""
        fields = {"digest": self.digest, "path": self.path, "created": float(self.created)}
        return seal(RecordKind.RESCUED.value, fields)

    @classmethod
    def decode(cls, data: bytes) -> Rescued:
        """What :meth:`encode` wrote; CorruptionError for anything else."""
        found = unseal(RecordKind.RESCUED.value, data)
        return cls(found.digest("digest"), found.text("path"), found.moment("created"))

    def file(self, layout: Layout) -> str:
        """Where the record lies: one per digest and path."""
        name = digest_bytes(self.digest.encode() + os.fsencode(self.path))
        return layout.record(RecordKind.RESCUED.value, name)


@dataclass(frozen=True, slots=True)
class SeenRef:
    """What a ref in a remote named when this store last pushed or took it.

    If it names something else later, that was somebody else.

    :param url: of the remote, without secrets.
    :param name: of the ref.
    :param manifest: digest of the content that it named.
    :param created: when it was seen, seconds since the epoch, UTC.
    """

    url: str
    project: str
    name: str
    manifest: Digest
    created: float

    def encode(self) -> bytes:
        """The bytes of the record file."""
        fields = {
            "url": self.url,
            "project": self.project,
            "name": self.name,
            "manifest": self.manifest,
            "created": float(self.created),
        }
        return seal(RecordKind.SEEN_REF.value, fields)

    @classmethod
    def decode(cls, data: bytes) -> SeenRef:
        """What :meth:`encode` wrote; CorruptionError for anything else."""
        found = unseal(RecordKind.SEEN_REF.value, data)
        return cls(
            found.unicode("url"),
            found.unicode("project"),
            found.unicode("name"),
            found.digest("manifest"),
            found.moment("created"),
        )

    def file(self, layout: Layout) -> str:
        """Where the record lies: one per ref."""
        parts = (self.url, self.project, self.name)
        name = digest_bytes(b"".join(len(part).to_bytes(8, "big") + part.encode() for part in parts))
        return layout.record(RecordKind.SEEN_REF.value, name)

"""Which actions an object belongs to, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.store import Store

# The bytes of a digest are found in a manifest of another one by chance only; large manifests have to be read.
_HOLDERS = """SELECT a.key, t.family, a.manifest, a.manifest_bytes IS NULL FROM actions a JOIN tasks t ON t.id = a.task
  WHERE a.manifest = :digest OR a.manifest_bytes IS NULL OR instr(a.manifest_bytes, :digest) > 0
  ORDER BY a.id DESC"""
_BATCH = 1024
"""Manifests that are read at once."""


class Role(Enum):
    """What an object is to an action."""

    MANIFEST = "manifest"
    OUTPUT = "output"
    PARTS = "parts"
    SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class User:
    """An action that an object belongs to."""

    key: Key
    family: str
    role: Role


def users(store: Store, digest: Digest) -> list[User]:
    """The actions that the object *digest* belongs to, newest first.

    One query, and the manifests that are too large for the index. Only what no manifest lists, since it explains an
    action, costs a look into all action files.
    """
    return list(_by_manifest(store, digest)) or list(_by_file(store, digest))


def _by_manifest(store: Store, digest: Digest) -> Iterator[User]:
    rows = store.database.query(_HOLDERS, {"digest": bytes.fromhex(digest)})
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        large = store.manifests({Digest(row[2].hex()) for row in batch if row[3]})
        for key, family, name, is_large in batch:
            manifest = Digest(name.hex())
            if manifest == digest:
                yield User(Key(key.hex()), family, Role.MANIFEST)
            elif not is_large or (manifest in large and digest in large[manifest].objects):
                yield User(Key(key.hex()), family, Role.OUTPUT)


def _by_file(store: Store, digest: Digest) -> Iterator[User]:
    for action in store.naming(digest):
        if action.parts == digest:
            yield User(action.key, action.family, Role.PARTS)
        elif action.sources == digest:
            yield User(action.key, action.family, Role.SOURCES)

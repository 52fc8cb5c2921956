"""Valid samples of every format that luisy reads: what the fuzzers change."""

from __future__ import annotations

import functools
import io
import os
import tempfile
from pathlib import Path

import pytest

from luisy.cas import Store, actions, exporting, manifests, segments
from luisy.cas.acceptances import Acceptance
from luisy.cas.external_rows import RawBlob
from luisy.cas.hashing import digest_bytes
from luisy.cas.packs import PackWriter
from luisy.cas.pins import Pin
from luisy.cas.records import Alias, Rescued, SeenRef, Superseded
from luisy.cas.remote_records import (
    ActionRecord,
    BadRecord,
    Block,
    ContentRecord,
    Encoding,
    LocationRecord,
    Records,
    UseRecord,
)
from luisy.cas.segments import encode as segment
from luisy.cas.tombstones import Tombstone
from luisy.cas.transfer import Ref
from luisy.cas.transfer.refs import encode as encoded_refs
from luisy.model import Digest, DynamicDependency, Entry, EntryKind, Manifest
from tests.unit.cas.exported import fill
from tests.unit.cas.values import action, digest, key

PROJECT = "weather"
PACK = "packs/" + "ab" * 16
CONTENT = b"some text " * 30

MANIFEST: Manifest = manifests.manifest_of(
    [
        Entry(b"out", EntryKind.DIRECTORY, Digest(""), 0),
        Entry(b"out/caf\xe9", EntryKind.FILE, digest_bytes(b"a"), 1, executable=True),
        Entry(b"out/empty", EntryKind.DIRECTORY, Digest(""), 0),
        Entry(b"out/link", EntryKind.SYMLINK, digest_bytes(b"caf\xe9"), 4),
        Entry(b"plain", EntryKind.FILE, digest_bytes(CONTENT), len(CONTENT)),
    ]
)
ACTION = action(
    MANIFEST,
    1,
    base_key=key(8),
    shallow_key=key(9),
    parts=digest(5),
    sources=digest(6),
    provenance={"luisy": "2"},
    trace=(DynamicDependency("pipe", "Day", {"n": "1"}, key(4)),),
)
RECORDS = {
    "action": actions.encode(ACTION),
    "alias": Alias(key(3), key(1), 2.0).encode(),
    "superseded": Superseded(key(3), 2.0).encode(),
    "rescued": Rescued(digest(1), "/data/caf\udce9", 2.0).encode(),
    "ref": SeenRef("file:///x", PROJECT, "raw/a.csv", digest(1), 2.0).encode(),
    "acceptance": Acceptance(
        key(3), key(1), PROJECT, "Clean", {"a": "b"}, digest(2), (key(5),), proved=True, created=2.0
    ).encode(),
    "pin": Pin("paper", key(1), 2.0).encode(),
}
"""The files of a store that prove themselves, by their kinds."""


def pack() -> tuple[bytes, tuple[LocationRecord, ...]]:
    """A pack of a text, bytes that do not compress, and nothing."""
    writer = PackWriter(PACK)
    for data in (CONTENT, bytes(range(256)), b""):
        writer.add(digest_bytes(data), data)
    made = writer.finish()
    return made.data, made.members


def records() -> Records:
    """A record of every kind."""
    data = actions.encode(ACTION)
    manifest = manifests.encode(MANIFEST)
    name = bytes.fromhex(ACTION.key)
    block = Block(bytes(16), 1000, bytes(64))
    return Records(
        (block,),
        [ActionRecord(name, 0, 0, data, manifest), ActionRecord(bytes(32), 0, 1, data, None)],
        [ContentRecord(bytes.fromhex(MANIFEST.digest), 0, manifest)],
        [*pack()[1], LocationRecord(bytes(32), f"objects/00/{'0' * 62}", 0, 9, Encoding.ZSTD, 99)],
        [UseRecord(name, 1000)],
        [BadRecord(bytes(32), PACK, "etag", 0)],
    )


def _with_lookups() -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "LOOKUPS_ABOVE", 0)
        patch.setattr(segments, "FRAME_RAW", 1)
        return segment(PROJECT, records())


SEGMENT = segment(PROJECT, records(), ["0000-" + "cd" * 16])
PARTED = _with_lookups()
"""A segment that may be read in part."""

TOMBSTONE = Tombstone(PROJECT, (bytes(32),), ((PACK, "etag"),)).encode()
REFS = encoded_refs({"raw/a.csv": Ref(digest(1), {"a.csv": RawBlob("etag", 3)}), "raw/b": Ref(digest(2))})


@functools.cache
def export() -> bytes:
    """An export of several results, without large objects."""
    with tempfile.TemporaryDirectory() as folder, Store.open(os.path.join(folder, "store")) as store:
        fill(store, Path(folder) / "workspace")
        target = io.BytesIO()
        exporting.write(store, exporting.plan(store, [key(1)]), target)
        return target.getvalue()

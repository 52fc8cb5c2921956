"""Segments that tests make by hand, with records of all kinds that have few names between them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.cas import actions, manifests
from luisy.cas.remote_names import Namespace, new_uuid, object_blob, pack_blob, segment_name
from luisy.cas.remote_records import (
    SUPERSEDING,
    ActionRecord,
    BadRecord,
    Block,
    ContentRecord,
    LocationRecord,
    Records,
    UseRecord,
    folded,
)
from luisy.cas.segments import encode, level_above, open_segment, records_of
from luisy.cas.transfer.deciding import superseded_by
from luisy.model import Digest, Entry, EntryKind, Input, Key
from tests.unit.cas.test_signing import signing_key
from tests.unit.cas.values import action

if TYPE_CHECKING:
    import random

    from luisy.cas.remote import Remote
    from luisy.model import Manifest

PROJECT = "weather"
INDEX = Namespace(PROJECT).index
FAMILIES = ("Clean", "Load")
NAMES = 14


def name(number: int) -> Key:
    """A key or digest; those of small numbers begin alike, the others do not."""
    if number % 2:
        return Key(f"{number:064x}")
    return Key(blake3(b"%d" % number).hexdigest())


def digest(number: int) -> Digest:
    """The same as a digest."""
    return Digest(name(number))


@functools.cache
def manifest(number: int) -> Manifest:
    """A file's."""
    return manifests.manifest_of([Entry(b"", EntryKind.FILE, digest(number), number)])


def pushed(rng: random.Random, count: int) -> Records:
    """What one push says: *count* records of each kind, some of which do not count, signed by one of two or nobody."""
    found = []
    for _ in range(count):
        of = manifest(rng.randrange(4))
        made = action(
            of,
            key=name(rng.randrange(NAMES)),
            project=PROJECT if rng.random() < 0.95 else "other",
            family=rng.choice(FAMILIES),
            params_digest=digest(rng.randrange(4)),
            fingerprint=digest(rng.randrange(3)),
            base_key=rng.choice([None, name(rng.randrange(NAMES))]),
            shallow_key=rng.choice([None, name(rng.randrange(NAMES))]),
            created=float(rng.randrange(5)),
            inputs=(Input(name(1), digest(2)),) * rng.randrange(3),
        )
        flags = SUPERSEDING if rng.random() < 0.3 else 0
        inline = rng.choice([None, manifests.encode(of)])
        data = actions.encode(made) if rng.random() < 0.95 else rng.randbytes(40)
        found.append(ActionRecord(bytes.fromhex(made.key), 0, flags, data, inline))
    wanted = [rng.randrange(NAMES) for _ in range(count)]
    contents = [ContentRecord(bytes.fromhex(name(one)), 0, b"x" if one % 3 else None) for one in wanted]
    places = [pack_blob("ab" * 16), pack_blob("cd" * 16)]
    locations = []
    for _ in range(count):
        of_object = digest(rng.randrange(NAMES))
        blob = rng.choice([*places, object_blob(of_object), "elsewhere"])
        offset = 0 if blob.startswith("objects/") else rng.randrange(99)
        locations.append(LocationRecord(bytes.fromhex(of_object), blob, offset, 5, 0, 5))
    uses = [UseRecord(bytes.fromhex(name(rng.randrange(NAMES))), rng.randrange(99)) for _ in range(count)]
    bads = [
        BadRecord(
            bytes.fromhex(name(rng.randrange(NAMES))), rng.choice(places), rng.choice("ef"), rng.randrange(2)
        )
        for _ in range(rng.randrange(3))
    ]
    told = [
        *(one.digest() for one in found),
        *(one.digest() for one in contents),
        *(one.told() for one in bads),
    ]
    listed = [one for one in told if rng.random() < 0.95]
    block = Block(rng.randbytes(16), rng.randrange(4), b"".join(sorted(listed)))
    signer = rng.choice([None, signing_key(1), signing_key(2)])
    block = block.signed_by(signer, PROJECT if rng.random() < 0.9 else "other")
    return Records((block,), found, contents, locations, uses, bads)


def others(rng: random.Random, count: int, project: str = PROJECT) -> Records:
    """What many pushes of somebody else say: *count* results that are like real ones in size."""

    def new() -> Digest:
        return Digest(rng.randbytes(32).hex())

    blocks: list[Block] = []
    found: list[ActionRecord] = []
    locations: list[LocationRecord] = []
    for start in range(0, count, 50):
        pack = pack_blob(rng.randbytes(16).hex())
        told = []
        for number in range(start, min(start + 50, count)):
            of = manifests.manifest_of([Entry(b"", EntryKind.FILE, new(), 12345)])
            made = action(
                of,
                key=Key(new()),
                project=project,
                params={"date": f"2026-01-{number % 28 + 1:02}", "region": "north"},
                params_digest=new(),
                fingerprint=new(),
                inputs=(Input(Key(new()), new()), Input(Key(new()), new())),
                shallow_key=Key(new()),
                parts=new(),
                sources=new(),
                provenance={"luisy": "2.0", "python": "3.11", "commit": new()[:40]},
            )
            data = actions.encode(made)
            record = ActionRecord(bytes.fromhex(made.key), len(blocks), 0, data, manifests.encode(of))
            found.append(record)
            told.append(record.digest())
            locations += [
                LocationRecord(bytes.fromhex(one), pack, rng.randrange(1 << 24), 3000, 1, 12345)
                for one in (of.entries[0].digest, made.parts, made.sources)
                if one is not None
            ]
        blocks.append(Block(rng.randbytes(16), start, b"".join(sorted(told)), b"", b""))
    return Records(tuple(blocks), found, [], locations)


def compact(remote: Remote, more: Records, project: str = PROJECT) -> str:
    """Make one segment of all that are there, with *more*, as gc does; its blob."""
    index = Namespace(project).index
    names = [blob.name.removeprefix(index) for blob in remote.list(index).blobs if blob.size]
    read = [records_of(open_segment(remote.get(index + one), project)) for one in names]
    blob = index + segment_name(level_above(names or ["0000"]), new_uuid())
    remote.put(blob, encode(project, folded([*read, more]), names))
    for one in names:
        remote.delete(index + one)
    return blob


@dataclass
class Segments:
    """The segments of one namespace, as others write and delete them.

    :ivar there: names of those that are there.
    :ivar says: what each says that it supersedes.
    """

    remote: Remote
    there: list[str] = field(default_factory=list)
    says: dict[str, set[str]] = field(default_factory=dict)

    def write(self, records: Records, supersedes: tuple[str, ...] = ()) -> str:
        """Put one there, of a higher level where it supersedes others."""
        found = segment_name(1 + max((int(one[:4], 16) for one in supersedes), default=-1), new_uuid())
        self.says[found] = superseded_by(supersedes, self.says, self.there)
        self.remote.put(INDEX + found, encode(PROJECT, records, self.says[found]))
        self.there.append(found)
        return found

    def remove(self, found: str) -> None:
        """Delete one."""
        self.there.remove(found)
        self.remote.delete(INDEX + found)

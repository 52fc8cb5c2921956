"""The records of a remote's index, and what becomes of them when segments are folded.

``luisy.cas.segments`` puts them into files.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
from blake3 import blake3

from luisy.cas.remote_limits import MEMBER_BYTES
from luisy.cas.remote_names import is_blob, object_blob
from luisy.cas.signing import message
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from luisy.cas.signing import SigningKey

RECORD_CONTEXT = "luisy 1 remote record"
BLOCK_CONTEXT = "luisy 1 remote block"
FORMAT = 1
"""Version of this format; part of what a signature covers."""

SUPERSEDING = 1
"""Flag of an action record: it wins over records of its key whose slots were opened before it."""

NAME_BYTES = 32
"""Bytes of a key or digest."""

UNPACKABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding MessagePack raises: texts that are not UTF-8 are an error of another kind (UnicodeDecodeError)."""

Name = Annotated[bytes, msgspec.Meta(min_length=NAME_BYTES, max_length=NAME_BYTES)]
Start = Annotated[bytes, msgspec.Meta(min_length=8, max_length=8)]
Uuid = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Short = Annotated[bytes, msgspec.Meta(max_length=256)]
Text = Annotated[str, msgspec.Meta(max_length=1024)]


class Encoding(IntEnum):
    """How an object's bytes are stored."""

    RAW = 0
    ZSTD = 1


class Kind(IntEnum):
    """What the records of a frame are."""

    ACTION = 1
    CONTENT = 2
    LOCATION = 3
    USE = 4
    BAD = 5


LOOKUP = 128
"""Kind of the frames that tell in which frames of actions to look: only for who reads a segment in part."""


class Record(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """A record is a MessagePack array of its fields in order, no more and no fewer."""


class Block(Record, frozen=True):
    """One push.

    :param slot: uuid of the slot through which it was committed.
    :param opened: the server's time when that was opened, ms since the epoch, UTC.
    :param records: digests of its records (:meth:`ActionRecord.digest`), 32 bytes each.
    :param key_id: the public key of the signature; empty where there is none.
    """

    slot: Uuid
    opened: Count
    records: bytes
    key_id: Short = b""
    signature: Short = b""

    def signed(self, project: str) -> bytes:
        """The bytes that the signature covers."""
        opened = str(self.opened).encode()
        return message(
            BLOCK_CONTEXT, (str(FORMAT).encode(), project.encode(), self.slot, opened, self.records)
        )

    def signed_by(self, signer: SigningKey | None, project: str) -> Block:
        """This block with a signature, or without one where there is no key."""
        if signer is None:
            return self
        signature = signer.sign(self.signed(project))
        return msgspec.structs.replace(self, key_id=signer.public, signature=signature)


class ActionRecord(Record, frozen=True):
    """A key has a result.

    :param block: number of its block in the directory.
    :param flags: :data:`SUPERSEDING` or 0.
    :param action: the bytes of the action file.
    :param manifest: the bytes of the manifest while they are few, else None: then it is an object.
    """

    key: Name
    block: Count
    flags: Count
    action: bytes
    manifest: bytes | None

    def digest(self) -> bytes:
        """What the block lists."""
        return _record_digest(Kind.ACTION, self.flags, self.action)


class ContentRecord(Record, frozen=True):
    """A manifest is wanted by itself: a ref is about to name it. It stays as long as an action of its age would.

    :param content: digest of the manifest.
    :param manifest: as in an action's record.
    """

    content: Name
    block: Count
    manifest: bytes | None

    def digest(self) -> bytes:
        """What the block lists."""
        return _record_digest(Kind.CONTENT, 0, self.content)


class LocationRecord(Record, frozen=True):
    """Where the bytes of an object are.

    :param blob: ``objects/..`` or ``packs/..``, relative to the namespace.
    :param length: bytes stored.
    :param size: bytes of the object.
    """

    digest: Name
    blob: Text
    offset: Count
    length: Count
    encoding: Count
    size: Count

    def is_sound(self) -> bool:
        """Whether it may be followed."""
        if not is_blob(self.blob) or self.encoding not in (Encoding.RAW, Encoding.ZSTD):
            return False
        if self.encoding == Encoding.RAW and self.length != self.size:
            return False
        if self.blob.startswith("objects/"):
            return self.offset == 0 and self.blob == object_blob(Digest(self.digest.hex()))
        return self.size <= MEMBER_BYTES and self.length <= MEMBER_BYTES and self.offset < 1 << 48


class UseRecord(Record, frozen=True):
    """An action was hit or skipped.

    :param used: the server's time, ms since the epoch, UTC.
    """

    key: Name
    used: Count


class BadRecord(Record, frozen=True):
    """Bytes at a location were not what its digest says, or not there.

    :param etag: of the blob then; empty if it was gone.
    :param mended: 1: a pusher has put them there or elsewhere since, and this word is the last one.
    """

    digest: Name
    blob: Text
    etag: Text
    mended: Count

    def told(self) -> bytes:
        """What the block of who says so lists."""
        blob = self.blob.encode()
        return _record_digest(
            Kind.BAD,
            self.mended,
            self.digest + len(blob).to_bytes(8, "big") + blob + self.etag.encode(),
        )


class LookupRecord(Record, frozen=True, order=True):
    """An action that is looked up by this is in that frame (``luisy.cas.remote_lookups``).

    :param frame: its number in the directory.
    """

    name: Start
    frame: Count


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a segment, or of several that are folded."""

    blocks: tuple[Block, ...] = ()
    actions: Sequence[ActionRecord] = field(default_factory=tuple)
    contents: Sequence[ContentRecord] = field(default_factory=tuple)
    locations: Sequence[LocationRecord] = field(default_factory=tuple)
    uses: Sequence[UseRecord] = field(default_factory=tuple)
    bads: Sequence[BadRecord] = field(default_factory=tuple)

    @property
    def size(self) -> int:
        """Bytes that the records will take unpacked, about and rather too many."""
        inline = sum(len(one.action) + len(one.manifest or b"") + 112 for one in self.actions)
        inline += sum(len(one.manifest or b"") + 64 for one in self.contents)
        blocks = sum(len(block.records) + 96 for block in self.blocks)
        return inline + blocks + 144 * len(self.locations) + 48 * len(self.uses) + 176 * len(self.bads)


def rank(record: ActionRecord, opened: int) -> int:
    """Of several records of one key the one with the smallest rank wins; of equal ones, that with the smaller slot.

    :param opened: when its slot was.
    """
    return -opened if record.flags & SUPERSEDING else opened


@functools.lru_cache(maxsize=1024)
def digests_in(block: Block) -> frozenset[bytes]:
    """The digests of records that a block lists."""
    return frozenset(block.records[at : at + NAME_BYTES] for at in range(0, len(block.records), NAME_BYTES))


def _record_digest(kind: Kind, flags: int, body: bytes) -> bytes:
    head = bytes((kind,)) + flags.to_bytes(8, "big")
    return blake3(head + body, derive_key_context=RECORD_CONTEXT, max_threads=1).digest()


def folded(several: Iterable[Records]) -> Records:
    """The union of the records of several segments, each once, blocks as they were.

    A block is told from others by all that it says: one that only has the slot of another does not take its place.

    Of use records the latest of each key is left; of a bad location that was mended, the last word.
    """
    blocks: dict[Block, int] = {}
    kept: list[Block] = []
    actions: dict[tuple[bytes, int, int], ActionRecord] = {}
    contents: dict[tuple[bytes, int], ContentRecord] = {}
    locations: dict[LocationRecord, None] = {}
    uses: dict[bytes, UseRecord] = {}
    bads: dict[tuple[bytes, str, str], BadRecord] = {}
    for records in several:
        numbers = []
        for block in records.blocks:
            if block not in blocks:
                blocks[block] = len(kept)
                kept.append(block)
            numbers.append(blocks[block])
        for action in records.actions:
            moved = msgspec.structs.replace(action, block=numbers[action.block])
            actions[moved.key, moved.block, moved.flags] = moved
        for content in records.contents:
            again = msgspec.structs.replace(content, block=numbers[content.block])
            contents[again.content, again.block] = again
        locations.update(dict.fromkeys(records.locations))
        for use in records.uses:
            uses[use.key] = max(use, uses.get(use.key, use), key=lambda one: one.used)
        for bad in records.bads:
            known = bads.get((bad.digest, bad.blob, bad.etag), bad)
            bads[bad.digest, bad.blob, bad.etag] = max(bad, known, key=lambda one: one.mended)
    return Records(
        tuple(kept),
        tuple(actions.values()),
        tuple(contents.values()),
        tuple(locations),
        tuple(uses.values()),
        tuple(bads.values()),
    )


def listed_bads(records: Records) -> Iterator[tuple[int, BadRecord]]:
    """The words about bad bytes that blocks list, with the number of the first block that does: it says whose they are."""
    if not records.bads:
        return
    told = {one.told(): one for one in records.bads}
    for number, block in enumerate(records.blocks):
        for digest in digests_in(block) & told.keys():
            yield number, told.pop(digest)


def renumbered(records: Records) -> Records:
    """The same with only those blocks that some record is of."""
    used = {*(one.block for one in records.actions), *(one.block for one in records.contents)}
    numbers = sorted(used | {number for number, _ in listed_bads(records)})
    if len(numbers) == len(records.blocks):
        return records
    blocks: tuple[Block, ...] = tuple(records.blocks[number] for number in numbers)
    new = {old: number for number, old in enumerate(numbers)}
    change = msgspec.structs.replace
    return replace(
        records,
        blocks=blocks,
        actions=[change(one, block=new[one.block]) for one in records.actions],
        contents=[change(one, block=new[one.block]) for one in records.contents],
    )

"""Results out of a store into an export file (``luisy.cas.exports``): looked at first, written then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.cas.exports import Head, Member, Part, Writer
from luisy.cas.hashing import THREADS
from luisy.cas.transfer.candidates import load
from luisy.errors import CorruptionError, NoSuchResult
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

    from luisy.cas.store import Store
    from luisy.model import Digest, Key

    Progress = Callable[[int, int], None]  # told the bytes that are done, and all of them

_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class Export:
    """What an export file will hold.

    :param objects: sizes in bytes.
    :param actions: bytes of the action files, by their keys.
    :param aliases: bytes of the records, by the keys that lead to these actions.
    """

    objects: Mapping[Digest, int]
    actions: Mapping[Key, bytes]
    aliases: Mapping[Key, bytes]

    @property
    def head(self) -> Head:
        """What the file says of itself."""
        size = sum(self.objects.values())
        return Head(len(self.objects), size, len(self.actions), len(self.aliases))


def plan(store: Store, keys: Iterable[Key]) -> Export:
    """The actions that answer *keys*, with all that they need and the aliases that lead to them.

    :raises NoSuchResult: a key has no result, or not all files of one are there and verified.
    """
    wanted = dict.fromkeys(keys)
    results = store.results(wanted)
    for key in wanted:
        if key not in results:
            raise NoSuchResult(
                f"the store {store.path} has no result at {key[:SHOWN_DIGITS]}",
                hint="`luisy cas ls` lists what it has",
            )
    own = sorted({result.key for result in results.values()})
    found, incomplete = load(store, own)
    for held in incomplete:
        raise NoSuchResult(
            f"not all files of {held.family} at {held.key[:SHOWN_DIGITS]} are in the store {store.path}",
            hint="run the task again, or see what `luisy cas verify` finds",
        )
    objects: dict[Digest, int] = {}
    for candidate in found:
        objects |= candidate.everything
        if candidate.inline is not None:
            objects[candidate.manifest] = len(candidate.inline)
    return Export(
        objects,
        {key: candidate.record for key, candidate in zip(own, found, strict=True)},
        {alias.key: alias.encode() for alias in store.aliases_to(own)},
    )


def write(store: Store, export: Export, target: BinaryIO, progress: Progress | None = None) -> None:
    """Write *export*; equal results give equal bytes. Objects are hashed on their way.

    :raises NoSuchResult: an object was deleted since it was planned.
    :raises CorruptionError: an object is damaged (``damaged-object``).
    :raises OSError: *target* cannot be written.
    """
    writer = Writer(target, export.head)
    done, total = 0, export.head.object_bytes
    for digest in sorted(export.objects):
        writer.begin(Member(Part.OBJECT, digest, export.objects[digest]))
        _copy(store, digest, export.objects[digest], writer)
        done += export.objects[digest]
        if progress is not None:
            progress(done, total)
    for part, records in ((Part.ACTION, export.actions), (Part.ALIAS, export.aliases)):
        for key in sorted(records):
            writer.begin(Member(part, key, len(records[key])))
            writer.write(records[key])
    writer.end()


def _copy(store: Store, digest: Digest, size: int, writer: Writer) -> None:
    hasher = blake3(max_threads=THREADS if size > _PIECE else 1)
    with store.open_object(digest) as file:
        left = size
        while piece := file.read(min(left, _PIECE)):
            hasher.update(piece)
            writer.write(piece)
            left -= len(piece)
    if left or hasher.hexdigest() != digest:
        raise CorruptionError(
            f"the object {digest} is damaged, so it was not exported",
            slug="damaged-object",
            hint="`luisy cas verify --repair` puts it aside; the task executes again then",
        )

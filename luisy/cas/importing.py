"""Results out of an export file (``luisy.cas.exports``) into a store.

The file may come from anybody. Objects are hashed while they are written, and installed as garbage at first. Actions
wait in a file of their own until the whole of the file has proved sound; then those are filed whose objects are all
there. So a file that is cut off, and an import that is killed, leave no result and nothing for ``verify`` to find.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.cas import actions
from luisy.cas.exports import Part, Reader, bad_export
from luisy.cas.hashing import THREADS, digest_bytes
from luisy.cas.receiving import Received
from luisy.cas.records import Alias
from luisy.errors import CorruptionError
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from luisy.cas.exports import Member
    from luisy.cas.store import Store
    from luisy.model import Action, Key, Manifest

    Progress = Callable[[int, int], None]  # told the bytes that are done, and all of them

_SMALL = 1 << 20
"""Bytes up to which an object passes through memory."""

_AT_ONCE = 512
"""Objects or actions that are in memory at a time; of small objects this many mebibytes at the worst, seldom a few."""

_WAITING_BYTES = 8 << 20


@dataclass(slots=True)
class Imported:
    """What became of an export file.

    :ivar actions: keys of the results that the store has now and had not before.
    :ivar present: how many it had already.
    :ivar outvoted: keys for which it has another result, which stays.
    :ivar aliases: how many keys more are answered now.
    :ivar objects: how many objects came, with their bytes.
    """

    actions: list[Key] = field(default_factory=list)
    present: int = 0
    outvoted: list[Key] = field(default_factory=list)
    aliases: int = 0
    objects: int = 0
    bytes: int = 0


def take(store: Store, source: BinaryIO, progress: Progress | None = None) -> Imported:
    """Bring what *source*, an export file, holds into *store*. What the store has stays as it is.

    :raises CorruptionError: it is no export file, or damaged, or promises what it does not hold (``bad-export``); no
        result was filed.
    :raises StoreError: a newer luisy made it (``newer-export``), or the store cannot be written.
    :raises UsageError: *source* cannot be read (``cannot-read``).
    :raises OSError: the disk is full.
    """
    done = Imported()
    reader = Reader(source)
    with ExitStack() as stack:
        # A gc that runs meanwhile deletes no results, and nothing that is younger than a day.
        stack.enter_context(store.running())
        folder = stack.enter_context(store.temporary_folder())
        waiting = stack.enter_context(open(os.path.join(folder, "records"), "w+b"))
        arriving = _Arriving(store, reader, done, progress)
        keys: set[str] = set()
        for member in reader.members():
            if member.part is Part.OBJECT:
                arriving.object(member)
            else:
                data = reader.whole(member)
                _expect_record(member, data, keys)
                waiting.write(len(data).to_bytes(4, "big") + data)
        arriving.flush()
        filing = _Filing(store, done, reader.head.actions)
        for batch in filing.actions(waiting):
            filing.expect_whole(batch)
        for batch in filing.actions(waiting):
            filing.file(batch)
        for alias in filing.aliases(waiting):
            filing.file_alias(alias)
    return done


def _expect_record(member: Member, data: bytes, keys: set[str]) -> None:
    """Refuse a record that is not valid.

    :param keys: of the actions that came before it; its own is added.
    """
    try:
        record: Action | Alias = (actions if member.part is Part.ACTION else Alias).decode(data)
    except CorruptionError as error:
        raise bad_export(f"{member.path} is damaged") from error
    if record.key != member.name:
        raise bad_export(f"{member.path} is about another key")
    if isinstance(record, Alias):
        if record.action_key not in keys:
            raise bad_export(f"{member.path} leads to a result that is not in the file")
    else:
        keys.add(member.name)


@dataclass(slots=True)
class _Arriving:
    """Objects on their way in."""

    store: Store
    reader: Reader
    done: Imported
    progress: Progress | None
    waiting: dict[Digest, bytes] = field(default_factory=dict)
    waiting_bytes: int = 0
    read: int = 0

    def object(self, member: Member) -> None:
        """Take the object that came last."""
        digest = Digest(member.name)
        if member.size > _SMALL:
            self._large(digest, member)
        else:
            data = b"".join(self.reader.pieces())
            _expect(digest_bytes(data), member)
            self.waiting[digest] = data
            self.waiting_bytes += len(data)
            if len(self.waiting) >= _AT_ONCE or self.waiting_bytes >= _WAITING_BYTES:
                self.flush()
        self.read += member.size
        if self.progress is not None:
            self.progress(self.read, self.reader.head.object_bytes)

    def flush(self) -> None:
        """Install those that wait in memory."""
        there = self.store.check(self.waiting)
        with self.store.transaction():
            for digest, data in self.waiting.items():
                if digest not in there:
                    self.store.accept(data, digest, len(data))
                    self._count(len(data))
        self.waiting.clear()
        self.waiting_bytes = 0

    def _large(self, digest: Digest, member: Member) -> None:
        hasher = blake3(max_threads=THREADS)
        if self.store.check([digest]):
            for piece in self.reader.pieces():
                hasher.update(piece)
            _expect(hasher.hexdigest(), member)
            return
        with self.store.incoming() as target:
            try:
                for piece in self.reader.pieces():
                    hasher.update(piece)
                    target.write(piece)
                _expect(hasher.hexdigest(), member)
            except BaseException:
                os.unlink(target.name)
                raise
        self.store.accept(target.name, digest, member.size)
        self._count(member.size)

    def _count(self, size: int) -> None:
        self.done.objects += 1
        self.done.bytes += size


def _expect(digest: str, member: Member) -> None:
    if digest != member.name:
        raise bad_export(f"{member.path} is damaged")


@dataclass(frozen=True, slots=True)
class _Filing:
    """From the records that waited to results.

    :param count: how many of the records are actions; aliases follow them.
    """

    store: Store
    done: Imported
    count: int

    def actions(self, waiting: BinaryIO) -> Iterator[list[tuple[Action, bytes]]]:
        """The actions, some at a time."""
        waiting.seek(0)
        records = ((actions.decode(data), data) for data in islice(_records(waiting), self.count))
        while batch := list(islice(records, _AT_ONCE)):
            yield batch

    def aliases(self, waiting: BinaryIO) -> Iterator[Alias]:
        """The aliases."""
        waiting.seek(0)
        return (Alias.decode(data) for data in islice(_records(waiting), self.count, None))

    def expect_whole(self, batch: Sequence[tuple[Action, bytes]]) -> None:
        """Refuse the file if an action's objects are not there, or not as large as its manifest says."""
        found = self._manifests(batch)
        sizes = self.store.sizes({digest for manifest in found.values() for digest in manifest.objects})
        for action, _ in batch:
            manifest = found.get(action.manifest)
            if manifest is None or any(
                sizes.get(entry.digest) != entry.size for entry in manifest.entries if entry.digest
            ):
                raise bad_export(f"it lacks files of {action.family} at {action.key}")

    def file(self, batch: Sequence[tuple[Action, bytes]]) -> None:
        """File those actions for which the store has no result."""
        found = self._manifests(batch)
        there = self.store.results([action.key for action, _ in batch])
        broken = {
            key: there[key].manifest
            for key in there.keys() - self._whole({k: r.manifest for k, r in there.items()})
        }
        left = []
        for action, data in batch:
            if action.key not in there or action.key in broken:
                left.append(Received(action, data, found[action.manifest]))
            elif there[action.key].manifest == action.manifest:
                self.done.present += 1
            else:
                self.done.outvoted.append(action.key)
        filed = {action.key for action in self.store.receive(left, only_over=broken)}
        self.done.actions += sorted(filed)
        # Somebody else has just filed one there; what he has stays.
        self.done.outvoted += [one.action.key for one in left if one.action.key not in filed]
        self.store.note_uses(filed)  # or the next gc takes what nobody has used since it was made

    def file_alias(self, alias: Alias) -> None:
        """Let an alias answer where nothing does."""
        there = self.store.results([alias.key, alias.action_key])
        led_here = alias.action_key in there and alias.action_key not in self.done.outvoted
        if alias.key not in there and led_here:
            self.store.alias(alias.key, alias.action_key)
            self.done.aliases += 1

    def _manifests(self, batch: Sequence[tuple[Action, bytes]]) -> dict[Digest, Manifest]:
        return self.store.manifests({action.manifest for action, _ in batch})

    def _whole(self, results: dict[Key, Digest]) -> set[Key]:
        """Which of these the store can serve."""
        found = self.store.manifests(set(results.values()))
        sound = self.store.check({digest for manifest in found.values() for digest in manifest.objects})
        return {
            key
            for key, digest in results.items()
            if digest in found and sound.issuperset(found[digest].objects)
        }


def _records(waiting: BinaryIO) -> Iterator[bytes]:
    while head := waiting.read(4):
        yield waiting.read(int.from_bytes(head, "big"))

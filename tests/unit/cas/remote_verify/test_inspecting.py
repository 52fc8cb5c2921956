"""A look at a remote: each damage is found and named, and what only looks like one is not."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from luisy.cas import Store
from luisy.cas.hashing import digest_bytes
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_names import Namespace, new_uuid, object_blob, segment_name
from luisy.cas.remote_records import Records
from luisy.cas.remote_verify import RemoteInspector, RemoteRepairer
from luisy.cas.segments import encode, open_segment, records_of
from luisy.cas.signing import Authority
from luisy.cas.tombstones import Tombstone
from luisy.cas.transfer import Mirror, Ref
from luisy.errors import StoreError
from tests.mirrors import Interposed, Killed, Machine, killed_at, machine, put_refs
from tests.unit.cas.test_signing import signing_key
from tests.unit.cas.transfer.segments_made import compact
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from luisy.cas.remote import Remote
    from luisy.cas.remote_verify import RemoteInspection

NAMESPACE = Namespace("weather")
LARGE = 3 << 20
FILES = {f"{number:03}": os.urandom(40) for number in range(60)}
"""So many that the manifest is an object."""


@pytest.fixture
def remote() -> MemoryRemote:
    return MemoryRemote()


@pytest.fixture
def one(tmp_path: Path, remote: MemoryRemote) -> Machine:
    """A machine that has pushed a small result, a large one, a folder of many files, and a ref."""
    made = machine(tmp_path, "one", remote, authority=Authority(None, signing_key(1)))
    made.result(1, b"small")
    made.result(2, os.urandom(LARGE))
    made.result(3, FILES)
    made.mirror.push()
    (made.folder / "raw.csv").write_bytes(b"raw")
    put_refs(made, {"raw/a.csv": Ref(made.store.keep([(b"", str(made.folder / "raw.csv"))]).digest)})
    return made


def looked_at(store: Store, remote: Remote, *, mending: bool = False, signer: int = 1) -> RemoteInspection:
    """One look with new eyes."""
    inspector = RemoteInspector(store, remote, "weather", Authority(None, signing_key(signer)))
    inspector.inspect()
    if mending:
        RemoteRepairer(inspector).repair()
    return inspector.found


def kinds(found: RemoteInspection) -> list[tuple[str, str | None]]:
    """What is wrong, and what became of it."""
    return sorted({(one.flaw.value, one.mended.value if one.mended else None) for one in found.problems})


def blobs(remote: Remote, prefix: str) -> list[str]:
    return [blob.name for blob in remote.list(NAMESPACE.blob(prefix)).blobs if blob.size]


def flip(remote: Remote, name: str, at: int = 20, bit: int = 1) -> None:
    """Change one byte of a blob."""
    data = bytearray(remote.get(name))
    data[at] ^= bit
    remote.put(name, bytes(data))


def pulled(folder: Path, remote: Remote, *keys: Any) -> dict[Any, Any]:
    return machine(folder, f"reader-{new_uuid()}", remote).pull(*keys)


def test_a_sound_remote_has_no_problems(one: Machine, remote: MemoryRemote) -> None:
    """And all of it was looked at, from a store that knows nothing of it."""
    with Store.ephemeral() as store:
        found = looked_at(store, remote)
    assert found.problems == []
    assert (found.actions, found.signed, found.unsigned, found.refs, found.orphans) == (3, 3, 0, 1, 0)
    assert found.objects == 1 + 1 + 60 + 1 + 1
    assert found.bytes > LARGE + 60 * 40
    assert found.segments == len(blobs(remote, "index/"))


def test_it_writes_nothing_there(one: Machine, remote: MemoryRemote) -> None:
    """A right to read is enough."""
    counting = Interposed(remote)
    looked_at(one.store, counting)
    assert set(counting.counted) <= {"list", "get", "read", "head"}


def test_other_process_merges_while_it_looks(one: Machine, remote: MemoryRemote) -> None:
    """Of the same store: what replaces a segment before it was its turn is looked at in its place."""
    for number in (4, 5):
        one.result(number, b"%d" % number)
        one.mirror.push()
    inspector = RemoteInspector(one.store, remote, "weather")
    inspector.merger.refresh()
    records = inspector.records()
    found = [next(records)]
    other = Mirror(Store.open(one.store.path), remote, "weather")
    compact(remote, Records(), "weather")
    other.refresh()
    found += records
    assert len({name for name, _ in found}) == len(found) == 2
    assert {action.key for _, some in found for action in some.actions} == {
        bytes.fromhex(key(number)) for number in range(1, 6)
    }


def _pack(remote: Remote) -> None:
    for name in blobs(remote, "packs/"):
        flip(remote, name)


def _own_blob(remote: Remote) -> None:
    flip(remote, blobs(remote, "objects/")[0])


def _cut_blob(remote: Remote) -> None:
    (name,) = blobs(remote, "objects/")
    remote.put(name, remote.get(name)[:-1])


def _lost_packs(remote: Remote) -> None:
    for name in blobs(remote, "packs/"):
        remote.delete(name)


def _lost_blob(remote: Remote) -> None:
    remote.delete(blobs(remote, "objects/")[0])


DAMAGES = [
    (_pack, "damaged-object"),
    (_own_blob, "damaged-object"),
    (_cut_blob, "damaged-object"),
    (_lost_packs, "lost-object"),
    (_lost_blob, "lost-object"),
]


@pytest.mark.parametrize(("damage", "kind"), DAMAGES)
def test_damage_is_found_and_mended_from_the_store(
    one: Machine, remote: MemoryRemote, tmp_path: Path, damage: Callable[[Remote], None], kind: str
) -> None:
    """What was wrong is told with the results that need it; after the repair everything comes down again."""
    damage(remote)
    found = {flaw for flaw, _ in kinds(looked_at(one.store, remote))}
    assert {kind, "dangling-action"} <= found <= {kind, "dangling-action", "dangling-ref"}
    repaired = looked_at(one.store, remote, mending=True)
    assert {mended for _, mended in kinds(repaired)} == {"replaced"}
    assert looked_at(one.store, remote).problems == []
    there = pulled(tmp_path, remote, key(1), key(2), key(3))
    assert (there[key(1)], there[key(3)]) == (b"small", FILES)
    assert len(there[key(2)]) == LARGE


@pytest.mark.parametrize(("damage", "kind"), DAMAGES)
def test_what_no_store_has_is_a_miss_after_the_repair(
    one: Machine, remote: MemoryRemote, tmp_path: Path, damage: Callable[[Remote], None], kind: str
) -> None:
    """The results that need it are gone from the index, and the others stay; who has the files pushes them again."""
    damage(remote)
    other = machine(tmp_path, "other", remote)
    repaired = looked_at(other.store, remote, mending=True)
    assert (kind, "quarantined") in kinds(repaired)
    assert ("dangling-action", "forgotten") in kinds(repaired)
    assert looked_at(other.store, remote).problems == []
    reader = machine(tmp_path, "reader", remote)
    reader.mirror.refresh()
    keys = {key(1), key(2), key(3)}
    there = reader.mirror.results(list(keys)).keys()
    assert there < keys
    assert all(content is not None for content in reader.pull(*there).values())
    one.mirror.push()
    assert None not in pulled(tmp_path, remote, *keys).values()


def test_what_was_told_to_be_bad_and_is_whole_is_not_taken_out(
    one: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """By who has no copy either: he has hashed it himself."""
    (name,) = blobs(remote, "objects/")
    whole = remote.get(name)
    _own_blob(remote)
    other = machine(tmp_path, "other", remote)
    assert other.pull(key(2)) == {key(2): None}
    remote.put(name, whole)
    other.result(9, b"tells what it has met")
    other.mirror.push([key(9)])
    assert looked_at(other.store, remote, mending=True).problems == []
    assert pulled(tmp_path, remote, key(2)) == {key(2): one.content(key(2))}


@pytest.fixture
def twice(tmp_path: Path, remote: MemoryRemote) -> Machine:
    """A machine that has pushed a result, and then, deliberately, another one in its place; each is a blob."""
    made = machine(tmp_path, "one", remote)
    made.result(1, b"1" * LARGE)
    made.mirror.push()
    made.result(1, b"2" * LARGE)
    made.mirror.push(superseding=frozenset([key(1)]))
    return made


def _blob_of(content: bytes) -> str:
    return NAMESPACE.blob(object_blob(digest_bytes(content)))


def test_damage_to_a_result_that_was_superseded_costs_only_that(
    twice: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """What took its place has its own bytes."""
    flip(remote, _blob_of(b"1" * LARGE))
    other = machine(tmp_path, "other", remote)
    assert ("dangling-action", "forgotten") in kinds(looked_at(other.store, remote, mending=True))
    assert looked_at(other.store, remote).problems == []
    assert pulled(tmp_path, remote, key(1)) == {key(1): b"2" * LARGE}


def test_damage_to_a_result_does_not_bring_back_what_it_superseded(
    twice: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """Wherever the repair is killed: somebody did not want that any more."""
    flip(remote, _blob_of(b"2" * LARGE))
    copies = {name: remote.get(name) for name in blobs(remote, "")}
    for number in itertools.count(1):
        again = MemoryRemote()
        for name, data in copies.items():
            again.put(name, data)
        other = machine(tmp_path, f"other-{number}", again)
        killed = False
        try:
            looked_at(other.store, cast("Remote", Interposed(again, killed_at(number))), mending=True)
        except Killed:
            killed = True
        looked_at(other.store, again, mending=True)
        assert looked_at(other.store, again).problems == []
        assert pulled(tmp_path / f"other-{number}", again, key(1)) == {key(1): None}
        if not killed:
            break
    assert number > 10


def test_a_killed_repair_loses_nothing_that_the_store_has(
    one: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """Killed at any of its requests: the next one puts all copies in place."""
    _pack(remote)
    _own_blob(remote)
    copies = {name: remote.get(name) for name in blobs(remote, "")}
    for number in itertools.count(1):
        for name in {*blobs(remote, "")} - copies.keys():
            remote.delete(name)
        for name, data in copies.items():
            remote.put(name, data)
        shutil.copytree(one.store.path, tmp_path / "copy" / "store", dirs_exist_ok=False)
        copy = Store.open(tmp_path / "copy" / "store")
        killed = False
        try:
            looked_at(copy, cast("Remote", Interposed(remote, killed_at(number))), mending=True)
        except Killed:
            killed = True
        looked_at(copy, remote, mending=True)
        assert looked_at(copy, remote).problems == []
        assert None not in pulled(tmp_path / "copy", remote, key(1), key(2), key(3)).values(), number
        shutil.rmtree(tmp_path / "copy")
        if not killed:
            break
    assert number > 10


def test_a_location_that_was_dropped_leaves_its_result_dangling(
    one: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """The index is held against itself, too."""
    name = next(name for name in blobs(remote, "index/") if _records(remote, name).actions)
    records = _records(remote, name)
    left = [one for one in records.locations if one.size != LARGE]
    remote.put(name, encode("weather", Records(records.blocks, records.actions, locations=left)))
    other = machine(tmp_path, "other", remote)
    found = looked_at(other.store, remote)
    assert [(one.flaw.value, one.name, one.family) for one in found.problems] == [
        ("dangling-action", key(2), "Clean")
    ]
    assert found.orphans == 1
    assert kinds(looked_at(other.store, remote, mending=True)) == [("dangling-action", "forgotten")]
    assert looked_at(other.store, remote).problems == []
    assert pulled(tmp_path, remote, key(1), key(2))[key(1)] == b"small"


def _records(remote: Remote, name: str) -> Records:
    return records_of(open_segment(remote.get(name), "weather"))


@pytest.mark.parametrize("merged", [True, False])
def test_a_damaged_segment_is_superseded(
    one: Machine, remote: MemoryRemote, tmp_path: Path, *, merged: bool
) -> None:
    """By what was merged of it, while nobody has changed it; else by nothing, and its results are pushed again."""
    name = next(name for name in blobs(remote, "index/") if _records(remote, name).actions)
    if merged:  # the bytes rot, the version stays
        rotten = bytearray(remote.get(name))
        rotten[30] ^= 1

        class Rotten(MemoryRemote):
            def get(self, blob: str, offset: int = 0, length: int | None = None) -> bytes:
                return bytes(rotten) if blob == name else remote.get(blob, offset, length)

            def __getattr__(self, attribute: str) -> Any:
                return getattr(remote, attribute)

        eyes: Any = Interposed(remote)
        eyes.get = Rotten().get
    else:
        flip(remote, name, 30)
        eyes = remote
    store = one.store if merged else machine(tmp_path, "other", remote).store
    assert ("damaged-segment", None) in kinds(looked_at(store, eyes))
    repaired = looked_at(store, eyes, mending=True)
    assert ("damaged-segment", "quarantined") in kinds(repaired)
    assert looked_at(store, eyes).problems == []
    if not merged:
        one.mirror.push()
    assert pulled(tmp_path, remote, key(1)) == {key(1): b"small"}


def test_forged_blocks_and_refs_are_found_and_left_out(
    one: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """Who names a key and has not signed with it; what that key has really signed stays."""
    name = next(name for name in blobs(remote, "index/") if _records(remote, name).actions)
    records = _records(remote, name)
    forged = msgspec.structs.replace(records.blocks[0], opened=1)
    remote.put(
        NAMESPACE.index + segment_name(0, new_uuid()), encode("weather", Records((forged,), records.actions))
    )
    assert kinds(looked_at(one.store, remote)) == [("forged-block", None)]
    assert kinds(looked_at(one.store, remote, mending=True)) == [("forged-block", "forgotten")]
    remote.put(NAMESPACE.refs, remote.get(NAMESPACE.refs).replace(b'"key_id": "', b'"key_id": "00'))
    assert kinds(looked_at(one.store, remote)) == [("forged-ref", None)]
    assert kinds(looked_at(one.store, remote, mending=True)) == [("forged-ref", "forgotten")]
    assert looked_at(one.store, remote).problems == []
    assert pulled(tmp_path, remote, key(1)) == {key(1): b"small"}


def test_refs_that_nobody_can_read_are_told(one: Machine, remote: MemoryRemote) -> None:
    """And left: what they said is not known."""
    remote.put(NAMESPACE.refs, b"rubbish")
    assert kinds(looked_at(one.store, remote, mending=True)) == [("damaged-refs", None)]


def test_one_good_place_is_enough(one: Machine, remote: MemoryRemote, tmp_path: Path) -> None:
    """One that was told to be bad is no problem any more, whatever becomes of it."""
    before = blobs(remote, "packs/")
    _pack(remote)
    looked_at(one.store, remote, mending=True)
    for name in before:
        flip(remote, name, bit=2)
    found = looked_at(one.store, remote)
    assert found.problems == []


def test_what_vanishes_while_it_is_looked_at_is_no_damage(one: Machine, remote: MemoryRemote) -> None:
    """A gc that ends in between takes the segment first: what it then deletes is in no index."""
    name = next(name for name in blobs(remote, "index/") if _records(remote, name).actions)

    def collect(call: Any) -> None:
        if call.method == "list" and "objects/" in call.args[0]:
            remote.delete(name)
            for blob in (*blobs(remote, "objects/"), *blobs(remote, "packs/")):
                if _content_of(remote, blob):
                    remote.delete(blob)

    def _content_of(remote: Remote, blob: str) -> bool:
        kept = {one.blob for other in blobs(remote, "index/") for one in _records(remote, other).locations}
        return blob.removeprefix(f"{NAMESPACE.root}/") not in kept

    found = looked_at(one.store, Interposed(remote, before=collect))
    assert found.problems == []


def test_a_repair_needs_a_store_that_can_be_written(one: Machine, remote: MemoryRemote) -> None:
    """Told before anything is done."""
    _own_blob(remote)
    one.store.refusal = StoreError("read-only", slug="store-read-only")
    before = {name: remote.get(name) for name in blobs(remote, "")}
    with pytest.raises(StoreError):
        looked_at(one.store, remote, mending=True)
    assert {name: remote.get(name) for name in blobs(remote, "")} == before


def test_a_segment_with_tombstoned_things_is_left_to_gc(
    one: Machine, remote: MemoryRemote, tmp_path: Path
) -> None:
    """Its records may be about to be dropped, and their bytes to be deleted."""
    _own_blob(remote)
    remote.put(NAMESPACE.gc + new_uuid(), Tombstone("weather", (bytes.fromhex(key(2)),)).encode())
    other = machine(tmp_path, "other", remote)
    repaired = looked_at(other.store, remote, mending=True)
    assert ("dangling-action", None) in kinds(repaired)

"""gc where readers trust different keys: what wins for any of them stays, and signatures stay good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from luisy.cas.gc import Policy
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_gc.compacting import parts
from luisy.cas.remote_names import new_uuid, segment_name
from luisy.cas.remote_records import BadRecord, Block, LocationRecord, Records, UseRecord, folded
from luisy.cas.segments import encode, open_segment, records_of
from luisy.cas.signing import Authority
from tests.collectors import NAMESPACE, collect, names_in
from tests.mirrors import machine
from tests.unit.cas.test_signing import signing_key
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

KEEP_LAST = Policy(older_than=0.0, keep_last=1)


def pushed(folder: Path, remote: Any, data: bytes, signer: int | None) -> None:
    """Somebody who heeds nobody else pushes another result of the same key."""
    own = None if signer is None else signing_key(signer)
    trusted = None if own is None else frozenset({own.public})
    one = machine(folder, f"pusher-{new_uuid()}", remote, authority=Authority(trusted, own))
    one.result(1, data)
    one.mirror.push([key(1)])


def pulled(folder: Path, remote: Any, *trusted: int) -> Any:
    """What somebody gets who trusts these."""
    keys = frozenset(signing_key(number).public for number in trusted) or None
    return machine(folder, f"reader-{new_uuid()}", remote, authority=Authority(keys)).pull(key(1))[key(1)]


def collected(folder: Path, remote: Any) -> None:
    """A gc that has something to delete: an orphan."""
    one = machine(folder, f"gc-{new_uuid()}", remote)
    remote.put(NAMESPACE.blob("packs/" + new_uuid()), b"orphan")
    for _ in range(3):
        collect(one.store, remote, KEEP_LAST)
    assert len(names_in(remote, "index/")) == 1


def test_what_wins_for_anybody_stays(tmp_path: Path) -> None:
    """The first result of a key, and the first of each signer; the second one of a signer goes with its bytes."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, b"first", None)
    pushed(tmp_path, remote, b"by 1", 1)
    pushed(tmp_path, remote, b"by 2", 2)
    before = [pulled(tmp_path, remote, *trusted) for trusted in ((), (1,), (2,), (1, 2))]
    collected(tmp_path, remote)
    assert [pulled(tmp_path, remote, *trusted) for trusted in ((), (1,), (2,), (1, 2))] == before
    assert before == [b"first", b"by 1", b"by 2", b"by 1"]


def test_who_only_names_a_key_takes_no_place(tmp_path: Path) -> None:
    """A forged record that would come first among those of a signer does not make gc drop the real one."""
    remote = MemoryRemote()
    pushed(tmp_path, remote, b"real", 1)
    (name,) = names_in(remote, "index/")
    real = records_of(open_segment(remote.get(NAMESPACE.blob(name)), "weather"))
    block = msgspec.structs.replace(real.blocks[0], slot=bytes(16), opened=1)
    remote.put(
        NAMESPACE.index + segment_name(0, new_uuid()), encode("weather", replace(real, blocks=(block,)))
    )
    collected(tmp_path, remote)
    assert pulled(tmp_path, remote, 1) == b"real"


BAD = BadRecord(b"d" * 32, "packs/" + "0" * 32, "e", 0)
LISTING = Block(b"b" * 16, 5, BAD.told())


def location(number: int) -> LocationRecord:
    """A sound one."""
    return LocationRecord(number.to_bytes(32, "big"), "packs/" + "1" * 32, number, 1, 0, 1)


@pytest.mark.parametrize("most", [300, 1000, 10_000])
def test_parts_hold_everything_once(most: int) -> None:
    """Cut into segments and put together again, records are what they were; who said a bad word is beside it."""
    records = Records(
        (LISTING,),
        locations=tuple(location(number) for number in range(20)),
        uses=tuple(UseRecord(number.to_bytes(32, "big"), 1) for number in range(20)),
        bads=(BAD, msgspec.structs.replace(BAD, etag="unlisted")),
    )
    found = parts(records, most)
    assert folded(found) == replace(records, bads=folded(found).bads)
    assert set(folded(found).bads) == set(records.bads)
    assert sum(len(part.locations) for part in found) == 20
    (saying,) = [part for part in found if BAD in part.bads]
    assert saying.blocks == (LISTING,)
    assert (len(found) > 1) == (most < 10_000)

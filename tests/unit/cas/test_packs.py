"""Packs: round trips, ranges, and what is not a pack."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.cas.hashing import digest_bytes
from luisy.cas.packs import MAGIC, PackWriter, coalesced, member, read_footer
from luisy.cas.remote_limits import GAP, OWN_BLOB, PACK, RANGE
from luisy.cas.remote_records import LocationRecord
from luisy.errors import CorruptionError

BLOB = "packs/" + "0" * 32


def packed(*contents: bytes) -> tuple[bytes, tuple[LocationRecord, ...]]:
    """A pack of these objects."""
    writer = PackWriter(BLOB)
    for data in contents:
        writer.add(digest_bytes(data), data)
    pack = writer.finish()
    return pack.data, pack.members


@given(st.lists(st.binary(max_size=100) | st.binary(min_size=1, max_size=3).map(lambda data: data * 3000)))
def test_every_object_comes_back_by_its_location(contents: list[bytes]) -> None:
    """Out of ranges as they would be read, compressed or not."""
    data, members = packed(*contents)
    found = []
    for span in coalesced(members):
        for location, stored in span.cut(data[span.offset : span.offset + span.length]):
            found.append(member(location, stored))
    assert sorted(one for one in found if one is not None) == sorted(contents)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_the_footer_tells_what_is_where(contents: list[bytes]) -> None:
    """The locations can be made again from a pack alone."""
    data, members = packed(*contents)
    assert read_footer(data, BLOB) == list(members)
    assert all(one.is_sound() for one in members)


def test_only_what_gets_smaller_is_compressed() -> None:
    """Random bytes stay as they are; text does not."""
    _, (noise, text) = packed(os.urandom(4096), b"text " * 1000)
    assert (noise.encoding, noise.length) == (0, 4096)
    assert text.encoding == 1
    assert text.length < 100


@pytest.mark.parametrize("at", [0, 1, -1])
def test_other_bytes_are_not_served(at: int) -> None:
    """Changed, cut, or compressed bytes that are none: no object."""
    for content in (b"text " * 1000, os.urandom(100)):
        data, (location,) = packed(content)
        stored = bytearray(data[location.offset : location.offset + location.length])
        stored[at] ^= 1
        assert member(location, bytes(stored)) is None
        assert member(location, bytes(stored[:-1])) is None


@given(st.binary(max_size=300))
def test_rubbish_has_no_footer(data: bytes) -> None:
    """Whatever it is."""
    for candidate in (data, MAGIC + data, data + b"luisyend"):
        with pytest.raises(CorruptionError):
            read_footer(candidate, BLOB)


def test_a_changed_footer_is_noticed() -> None:
    """Each of its bytes counts."""
    data, _ = packed(b"a", b"b")
    for at in range(len(MAGIC) + 2, len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(CorruptionError):
            read_footer(bytes(changed), BLOB)


@pytest.mark.parametrize("size", [100, OWN_BLOB - 1])
def test_a_pack_is_no_larger_than_it_may_be(size: int) -> None:
    """With its footer, however many objects are in it: one request takes it."""
    writer = PackWriter(BLOB)
    while not writer.is_full:
        data = os.urandom(size)
        writer.add(digest_bytes(data), data)
    assert PACK - 2 * OWN_BLOB < len(writer.finish().data) <= PACK


def place(offset: int, length: int, blob: str = BLOB) -> LocationRecord:
    """Somewhere in a pack."""
    return LocationRecord(os.urandom(32), blob, offset, length, 0, length)


def test_neighbours_are_one_range_also_over_a_small_gap() -> None:
    """What lies between is rather read than paid with another request."""
    near = [place(0, 100), place(100, 50), place(150 + GAP, 50)]
    far = place(200 + 2 * GAP + 1, 10)
    assert [(one.offset, one.length) for one in coalesced([far, *near])] == [
        (0, 200 + GAP),
        (far.offset, 10),
    ]


def test_a_range_does_not_grow_without_end() -> None:
    """Nor does it cross from one pack to another."""
    members = [place(n << 20, 1 << 20) for n in range(20)]
    assert all(one.length <= RANGE for one in coalesced(members))
    assert len(coalesced([place(0, 10), place(10, 10, "packs/" + "1" * 32)])) == 2


def test_empty_objects_need_no_bytes() -> None:
    """Their range is empty."""
    data, members = packed(b"")
    (span,) = coalesced(members)
    assert span.length == 0
    assert [member(location, stored) for location, stored in span.cut(b"")] == [b""]
    assert data

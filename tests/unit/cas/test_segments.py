"""Segments: round trips, frozen bytes, and whatever else may come out of a remote."""

from __future__ import annotations

import itertools
import struct
import tracemalloc
from dataclasses import replace

import msgspec
import pytest
import zstandard
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from luisy.cas import segments
from luisy.cas.actions import encode as encode_action
from luisy.cas.compression import compress
from luisy.cas.remote_limits import FRAME_RAW, SEGMENT_RAW, SEGMENT_STORED
from luisy.cas.remote_lookups import lookups_of
from luisy.cas.remote_records import (
    LOOKUP,
    ActionRecord,
    BadRecord,
    Block,
    ContentRecord,
    Kind,
    LocationRecord,
    Records,
    UseRecord,
    folded,
)
from luisy.cas.segments import encode, lookups_in, open_segment, records_in, records_of
from luisy.errors import CorruptionError
from tests.unit.cas.values import action, digest, key

names = st.binary(min_size=32, max_size=32)
counts = st.integers(0, (1 << 63) - 1)
blocks = st.builds(
    Block,
    slot=st.binary(min_size=16, max_size=16),
    opened=counts,
    records=st.lists(names, max_size=3).map(b"".join),
    key_id=st.binary(max_size=8),
    signature=st.binary(max_size=64),
)


@st.composite
def record_sets(draw: st.DrawFn) -> Records:
    """Records of every kind, whose blocks exist."""
    found = draw(st.lists(blocks, min_size=1, max_size=3, unique_by=lambda one: one.slot))
    number = st.integers(0, len(found) - 1)
    small = st.none() | st.binary(max_size=50)
    texts = st.text(max_size=20)
    return Records(
        tuple(found),
        draw(
            st.lists(st.builds(ActionRecord, names, number, st.integers(0, 1), st.binary(max_size=99), small))
        ),
        draw(st.lists(st.builds(ContentRecord, names, number, small))),
        draw(st.lists(st.builds(LocationRecord, names, texts, counts, counts, counts, counts))),
        draw(st.lists(st.builds(UseRecord, names, counts))),
        draw(st.lists(st.builds(BadRecord, names, texts, texts, st.integers(0, 1)))),
    )


def read(data: bytes) -> Records:
    """Open and read a segment of project ``p``."""
    return records_of(open_segment(data, "p"))


def same(one: Records, two: Records) -> bool:
    """Whether they hold the same, in whatever order."""
    return one.blocks == two.blocks and all(
        sorted(map(repr, getattr(one, name))) == sorted(map(repr, getattr(two, name)))
        for name in ("actions", "contents", "locations", "uses", "bads")
    )


@given(record_sets())
def test_what_was_written_is_read(records: Records) -> None:
    """Every record of every kind comes back, with its block."""
    assert same(read(encode("p", records)), records)


@given(st.lists(record_sets(), max_size=3))
def test_folding_loses_nothing_and_repeats_nothing(several: list[Records]) -> None:
    """Each block and each record once; of use records the latest of each key."""
    whole = folded(several)
    assert same(folded([whole, *several]), whole)
    assert {block.slot for block in whole.blocks} == {block.slot for one in several for block in one.blocks}
    found = {(record.key, whole.blocks[record.block].slot) for record in whole.actions}
    assert found == {
        (record.key, records.blocks[record.block].slot) for records in several for record in records.actions
    }
    assert set(whole.locations) == {record for records in several for record in records.locations}
    for use in whole.uses:
        assert use.used == max(one.used for records in several for one in records.uses if one.key == use.key)


def test_frames_are_sorted_and_of_one_size() -> None:
    """A later reader can look a key up by its frame: they follow each other, and are about 64 KiB each."""
    actions = [ActionRecord(blake3(b"%d" % n).digest(), 0, 0, b"x" * 1000, None) for n in range(1000)]
    opened = open_segment(encode("p", Records((Block(b"s" * 16, 1, b""),), actions)), "p")
    found = opened.directory.frames
    assert len(found) > 10
    assert all(frame.raw < FRAME_RAW + 1100 for frame in found)
    assert all(frame.first <= frame.last for frame in found)
    assert all(before.last <= after.first for before, after in itertools.pairwise(found))


GOLDEN = Records(
    (Block(b"S" * 16, 1_700_000_000_123, b"R" * 32),),
    (ActionRecord(b"K" * 32, 0, 1, b"action file", b"manifest"),),
    (ContentRecord(b"C" * 32, 0, None),),
    (LocationRecord(b"D" * 32, "packs/" + "0" * 32, 13, 100, 1, 200),),
    (UseRecord(b"K" * 32, 1_700_000_000_456),),
    (BadRecord(b"D" * 32, "packs/" + "0" * 32, "etag", 0),),
)

GOLDEN_FILE = (
    "6c756973792d7365676d656e742d310a28b52ffd203d250100f09195c4204b0001c40b616374696f6e2066696c65c408"
    "6d616e696665737401000dd00228b52ffd20266d0000389193c4204300c001000dd00228b52ffd2051dd0000989196c4"
    "2044d9267061636b732f300d6401ccc80200a0390dd00228b52ffd202da50000709192c4204bcf0000018bcfe569c801"
    "000dd00228b52ffd2052e50000a09194c42044d9267061636b732f30a465746167000200a0390dd00228b52ffd606501"
    "f50700040e94a170909195c41053cf0000018bcfe5687bc42052c400c400959801102d3d01c4204bef1223e5050dcc76"
    "9fe4aed8a3d3f7472e8b91773849c2ed1be4fd40860dcec798023d162601c4204396a36c1ce122f59106b0b69b9a6f1a"
    "d544b96de5aa6c9fb23b838cbbe930435b980353245101c42044403b0032bfdd67f0abc83379719a0a2f353cd68b5514"
    "cd14144a1a04f70dd8f89804771d2d48141628525e37ff5d22f58368d2703bb22a8ce6213f36690a72037d1fe3364b98"
    "05cc942552347d1ec4b3568c9ea9ce49536a047f2263b6c33b0b20cc0bd92ac4870f5b177b0a0026aea1af74b4d00f48"
    "105c530169836b6a51a4051a059ad4812300000000000000b90000010800000265ccf020b50e55977f5f0c2c755ba3c9"
    "5fbdf9bf14a37fe3d077efdf3c54ada2776c75697379656e64"
)


def test_records_have_these_bytes() -> None:
    """The format is frozen: other bytes are another format, and need an ADR and a new version."""
    found = {
        type(one[0]).__name__: msgspec.msgpack.encode(one[0]).hex()
        for one in (
            GOLDEN.blocks,
            GOLDEN.actions,
            GOLDEN.contents,
            GOLDEN.locations,
            GOLDEN.uses,
            GOLDEN.bads,
        )
    }
    name = "3030" * 16
    assert found == {
        "Block": "95c410" + "53" * 16 + "cf0000018bcfe5687b" + "c420" + "52" * 32 + "c400" + "c400",
        "ActionRecord": "95c420"
        + "4b" * 32
        + "00"
        + "01"
        + "c40b616374696f6e2066696c65"
        + "c4086d616e6966657374",
        "ContentRecord": "93c420" + "43" * 32 + "00" + "c0",
        "LocationRecord": "96c420" + "44" * 32 + "d9267061636b732f" + name + "0d" + "64" + "01" + "ccc8",
        "UseRecord": "92c420" + "4b" * 32 + "cf0000018bcfe569c8",
        "BadRecord": "94c420" + "44" * 32 + "d9267061636b732f" + name + "a465746167" + "00",
    }


def test_a_segment_of_the_first_version_is_read() -> None:
    """A file that was written once, byte for byte: every later luisy reads it."""
    assert same(read(bytes.fromhex(GOLDEN_FILE)), GOLDEN)


def test_digests_and_signed_bytes_are_these() -> None:
    """What a signature will cover is frozen with the format."""
    assert GOLDEN.actions[0].digest().hex() == (
        "37208f08815b0c7358691fe94160afd24acbd7a23d433fe5a0c06beb28b86e22"
    )
    assert GOLDEN.contents[0].digest().hex() == (
        "e7e5cdfc8dccfb01365289db6e4d02f3215ceafd2a4ed17765ad4be4193752da"
    )
    assert GOLDEN.blocks[0].signed("p").hex() == (
        "a57665e6adef5f7018ecb6ad5e42a9eb07848840905b98ff10a24dadfcb6f667"
    )


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_a_cut_segment_is_refused(cut: int) -> None:
    """No part of one is taken for one."""
    whole = encode("p", GOLDEN)
    with pytest.raises(CorruptionError):
        read(whole[:cut] if cut < len(whole) else whole[1:])


@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    """Wherever it is."""
    whole = bytearray(encode("p", GOLDEN))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptionError):
        read(bytes(whole))


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    """Whatever it is, it is one kind of error."""
    for candidate in (data, segments.MAGIC + data, segments.MAGIC + data + segments.END):
        with pytest.raises(CorruptionError):
            read(candidate)


def forged(
    directory: object, frames: bytes = b"", *, raw_length: int | None = None, packed: bytes = b""
) -> bytes:
    """A segment with a directory of our making, whose digests are right."""
    raw = msgspec.msgpack.encode(directory)
    packed = packed or zstandard.ZstdCompressor().compress(raw)
    offset = len(segments.MAGIC) + len(frames)
    digest = blake3(packed).digest()
    length = len(raw) if raw_length is None else raw_length
    trailer = struct.pack(">QII32s8s", offset, len(packed), length, digest, segments.END)
    return segments.MAGIC + frames + packed + trailer


def frame(data: bytes, raw: int, kind: int = 1, count: int = 1, length: int | None = None) -> list[object]:
    """A frame's row whose digest is right."""
    offset = len(segments.MAGIC)
    size = len(data) if length is None else length
    return [kind, offset, size, raw, count, b"k" * 32, b"k" * 32, blake3(data).digest()]


def bomb(size: int) -> bytes:
    """One zstd frame of *size* zeros."""
    return zstandard.ZstdCompressor().compress(bytes(size))


def unsized(data: bytes) -> bytes:
    """A frame that does not declare its size."""
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    return compressor.compress(data)


def wide(data: bytes) -> bytes:
    """A frame whose window is larger than may be."""
    parameters = zstandard.ZstdCompressionParameters(window_log=28, write_content_size=1)
    unpacked = zstandard.ZstdCompressor(compression_params=parameters)
    writer = unpacked.compressobj(size=len(data) + (1 << 28))
    return writer.compress(data) + writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


ONE = zstandard.ZstdCompressor().compress(msgspec.msgpack.encode([]))
HOSTILE = {
    "a directory of another shape": forged([1, 2, 3]),
    "a directory with more fields": forged(["p", [], [], [], "more"]),
    "names of another type": forged(["p", [1], [], []]),
    "a bomb for a directory": forged([], packed=bomb(1 << 30), raw_length=100),
    "a directory that is too large": forged([], packed=bomb(SEGMENT_RAW + 1), raw_length=SEGMENT_RAW + 1),
    "a directory without a size": forged([], packed=unsized(b"\x94" * 50)),
    "frames too large together": forged(["p", [], [], [frame(ONE, SEGMENT_RAW)] * 2], ONE),
    "a bomb for a frame": forged(["p", [], [], [frame(bomb(1 << 30), 100)]], bomb(1 << 30)),
    "a frame beyond the end": forged(["p", [], [], [frame(b"", 10, length=1 << 40)]]),
    "a frame that is no list": forged(["p", [], [], [frame(bomb(5), 5)]], bomb(5)),
    "a count that is not so": forged(["p", [], [], [frame(ONE, 1, count=2)]], ONE),
    "a window that is too large": forged(["p", [], [], [frame(wide(b"x" * 10), 1 << 25)]], wide(b"x" * 10)),
    "superseding what is no segment": forged(["p", ["../../x"], [], []]),
    "a block with half a digest": forged(["p", [], [[b"s" * 16, 1, b"x" * 31, b"", b""]], []]),
    "a negative time": forged(["p", [], [[b"s" * 16, -1, b"", b"", b""]], []]),
    "another project": forged(["q", [], [], []]),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_segment_is_refused_without_much_memory(data: bytes) -> None:
    """Sizes are checked before anything is unpacked."""
    tracemalloc.start()
    with pytest.raises(CorruptionError):
        read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_record_of_a_block_that_is_not_there_is_refused() -> None:
    """Who said it cannot be told."""
    records = Records((), (), (ContentRecord(b"C" * 32, 0, None),))
    stored = zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(list(records.contents)))
    with pytest.raises(CorruptionError):
        read(forged(["p", [], [], [frame(stored, 100, kind=2)]], stored))


def test_kinds_from_128_on_are_skipped() -> None:
    """A later version may add what this one need not know."""
    assert read(forged(["p", [], [], [frame(b"whatever", 8, kind=128)]], b"whatever")).actions == []


def test_too_many_records_are_not_written() -> None:
    """What no reader would accept is not committed."""
    big = [ActionRecord(bytes(31) + bytes([n]), 0, 0, bytes(1 << 20), None) for n in range(65)]
    with pytest.raises(CorruptionError) as caught:
        encode("p", Records((Block(b"s" * 16, 1, b""),), big))
    assert caught.value.slug == "segment-too-large"


def test_a_blob_that_is_too_large_is_not_looked_at() -> None:
    """Nor copied."""
    with pytest.raises(CorruptionError):
        read(bytes(SEGMENT_STORED + 1))


@pytest.mark.parametrize(
    "location",
    [
        LocationRecord(b"D" * 32, "../../etc/passwd", 0, 1, 0, 1),
        LocationRecord(b"D" * 32, "packs/../x", 0, 1, 0, 1),
        LocationRecord(b"D" * 32, "packs/" + "0" * 32, 0, 1, 7, 1),
        LocationRecord(b"D" * 32, "packs/" + "0" * 32, 0, 1, 0, 2),
        LocationRecord(b"D" * 32, "packs/" + "0" * 32, 0, 1 << 40, 0, 1 << 40),
        LocationRecord(b"D" * 32, "packs/" + "0" * 32, 1 << 60, 1, 0, 1),
        LocationRecord(b"D" * 32, "objects/44/" + "45" * 31, 0, 1, 0, 1),
        LocationRecord(b"D" * 32, "objects/44/" + "44" * 31, 5, 1, 0, 1),
    ],
)
def test_odd_locations_are_not_followed(location: LocationRecord) -> None:
    """Names, encodings, offsets and lengths are checked before anything is asked for by them."""
    assert not location.is_sound()


def test_a_large_segment_tells_in_which_frames_its_actions_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """By every name that they are looked up by; and the frames of lookups are sorted, and skipped by who reads all."""
    monkeypatch.setattr(segments, "LOOKUPS_ABOVE", 0)
    monkeypatch.setattr(segments, "FRAME_RAW", 700)
    files = [action(digest(5), number << 200, created=1.0, shallow_key=key(7)) for number in range(1, 9)]
    told = [ActionRecord(bytes.fromhex(one.key), 0, 0, encode_action(one), None) for one in files]
    opened = open_segment(encode("p", Records((Block(b"s" * 16, 1, b""),), told)), "p")
    directory = opened.directory
    leading = [number for number, one in enumerate(directory.frames) if one.kind == LOOKUP]
    found = [one for number in leading for one in lookups_in(directory, number, opened.frames[number])]
    assert found == sorted(found)
    wanted = {
        (name, number)
        for number, frame in enumerate(directory.frames)
        if frame.kind == Kind.ACTION
        for one in records_in(directory, number, opened.frames[number])
        for name in lookups_of(one)
    }
    assert {(one.name, one.frame) for one in found} == wanted
    assert len({number for _, number in wanted}) > 1
    assert list(records_of(opened).actions) == told


def test_a_small_segment_has_no_lookups() -> None:
    """It is fetched whole: what nobody reads is not written."""
    told = [ActionRecord(bytes([number]) * 32, 0, 0, b"x" * 100, None) for number in range(99)]
    opened = open_segment(encode("p", Records((Block(b"s" * 16, 1, b""),), told)), "p")
    assert {one.kind for one in opened.directory.frames} == {Kind.ACTION}


def test_a_lookup_that_leads_to_no_frame_of_actions_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before it is followed."""
    monkeypatch.setattr(segments, "LOOKUPS_ABOVE", 0)
    told = [ActionRecord(bytes(32), 0, 0, b"x", None)]
    opened = open_segment(encode("p", Records((Block(b"s" * 16, 1, b""),), told)), "p")
    raw = msgspec.msgpack.encode([[bytes(8), 1]])
    frames = [opened.directory.frames[0], msgspec.structs.replace(opened.directory.frames[1], raw=len(raw))]
    with pytest.raises(CorruptionError):
        lookups_in(msgspec.structs.replace(opened.directory, frames=frames), 1, compress(raw))


def test_frames_that_leave_a_gap_are_refused() -> None:
    """What lies between them would be read by nobody."""
    data = encode("p", Records((Block(b"s" * 16, 1, b""),), [ActionRecord(bytes(32), 0, 0, b"x", None)]))
    opened = open_segment(data, "p")
    trailer = segments.trailer_of(data, len(data))
    for moved in (replace(trailer, offset=trailer.offset + 1), replace(trailer, offset=trailer.offset - 1)):
        with pytest.raises(CorruptionError):
            segments.directory_of(opened.stored, moved, "p")

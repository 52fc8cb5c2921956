"""Every decoder of bytes that others wrote: luisy's own error or a value, and never more memory than honest input takes."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import zstandard
from blake3 import blake3
from hypothesis import example, given
from hypothesis import strategies as st

from luisy.cas import actions, manifests, segments, tombstones
from luisy.cas.compression import compress, decompress, decompressed
from luisy.cas.exports import Reader
from luisy.cas.packs import MAGIC as PACK_MAGIC
from luisy.cas.packs import member, read_footer
from luisy.cas.rebuilding import DECODERS
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_records import LocationRecord
from luisy.cas.transfer import refs
from luisy.cas.transfer.ranging import beginning, cut, read, spans
from luisy.errors import CorruptionError, LuisyError
from tests.fuzz import samples
from tests.fuzz.bounds import answer, bounded_memory, fuzzed
from tests.fuzz.changes import ODD_NUMBERS, changed, packable, values, with_one_changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def whole_segment(data: bytes) -> object:
    """Read everything in a segment."""
    return segments.records_of(segments.open_segment(data, samples.PROJECT))


def parted_segment(data: bytes) -> object:
    """Read a segment part by part: its directory, what leads to its frames, and each of these."""
    remote = MemoryRemote()
    remote.put("segment", data)
    blob = remote.head("segment")
    assert blob is not None
    found = beginning(remote, "segment", blob, samples.PROJECT)
    if found is None:
        return None
    numbers = set(range(len(found.directory.frames)))
    frames = dict(found.frames)
    for span in spans(found.directory, numbers - frames.keys()):
        frames |= cut(found.directory, span, read(remote, blob.name, span.offset, span.offset + span.length))
    assert frames.keys() == numbers
    return frames


def whole_export(data: bytes) -> object:
    """Read everything in an export file."""
    reader = Reader(io.BytesIO(data))
    return [(one, sum(map(len, reader.pieces()))) for one in reader.members()]


def streamed(data: bytes) -> object:
    """Unpack a frame in pieces, as a large object comes."""
    return sum(map(len, decompressed(iter([data[:7], data[7:]]), size=len(samples.CONTENT))))


def _record_decoders() -> Iterator[tuple[str, Callable[[bytes], object], list[bytes]]]:
    for kind, decode in ((kind.value, decode) for kind, decode in DECODERS.items()):
        yield kind, decode, [samples.RECORDS[kind]]
    yield "action", actions.decode, [samples.RECORDS["action"]]


FRAMES = [
    compress(samples.CONTENT),
    zstandard.ZstdCompressor(write_content_size=False).compress(samples.CONTENT),
]
DECODE: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "manifest": (manifests.decode, [manifests.encode(samples.MANIFEST)]),
    "segment": (whole_segment, [samples.SEGMENT, samples.PARTED]),
    "parts": (parted_segment, [samples.PARTED]),
    "pack": (lambda data: read_footer(data, samples.PACK), [samples.pack()[0]]),
    "frame": (lambda data: decompress(data, most=len(samples.CONTENT)), FRAMES),
    "streamed": (streamed, FRAMES),
    "tombstone": (tombstones.decode, [samples.TOMBSTONE]),
    "refs": (refs.decode, [samples.REFS]),
    "export": (whole_export, [samples.export()]),
    **{kind: (decode, found) for kind, decode, found in _record_decoders()},
}


@pytest.mark.parametrize("kind", DECODE)
@given(data=st.data())
@fuzzed(40)
def test_changed_bytes(kind: str, data: st.DataObject) -> None:
    """Bits, cuts, splices and lengths: refused, or read as what they say."""
    decode, found = DECODE[kind]
    answer(lambda: decode(data.draw(changed(found))))


@pytest.mark.parametrize("kind", DECODE)
@given(data=st.binary(max_size=300))
@fuzzed(10)
def test_any_bytes(kind: str, data: bytes) -> None:
    """What never was luisy's is refused."""
    assert isinstance(answer(lambda: DECODE[kind][0](data)), LuisyError)


# --- behind the digests: bodies that are sealed as they should be, but say what none does


def sealed(kind: str, body: bytes) -> bytes:
    """A record file whose digest is right."""
    return f"luisy-{kind}-1 {blake3(body).hexdigest()}\n".encode() + body


@pytest.mark.parametrize("kind", [kind for kind, _, _ in _record_decoders()])
@given(data=st.data())
@fuzzed(60)
def test_sealed_records(kind: str, data: st.DataObject) -> None:
    """Fields that are missing, of another type, out of range or nested: an error, never a surprise further on."""
    fields = json.loads(samples.RECORDS[kind].partition(b"\n")[2])
    body = json.dumps(data.draw(with_one_changed(fields, values))).encode()
    found = answer(lambda: DECODE[kind][0](sealed(kind, body)))
    if not isinstance(found, LuisyError) and "created" in fields:
        created = found.created  # type: ignore[attr-defined]  # all of them tell when they were made
        assert 0 <= created < 1 << 38


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created", 1e300),
        ("created", -1),
        ("created", float("nan")),
        ("created", 10**400),
        ("seconds", 10**400),
        ("seconds", float("inf")),
        ("size", 1 << 63),
        ("size", True),
        ("project", "\ud800"),
        ("family", "caf\udce9"),
    ],
)
def test_fields_out_of_range(name: str, value: object) -> None:
    """Times that no calendar knows, numbers that nothing holds and texts that the index cannot hold were errors later."""
    fields = json.loads(samples.RECORDS["action"].partition(b"\n")[2]) | {name: value}
    with pytest.raises(CorruptionError):
        actions.decode(sealed("action", json.dumps(fields).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"created":1e400}',
        b'{"created":' + b"9" * 5000 + b"}",
        b'{"created":NaN}',
        b"\xff\xfe",
        b"",
        b"null",
    ],
    ids=lambda body: body[:16].decode(errors="replace"),
)
def test_sealed_rubbish(body: bytes) -> None:
    """JSON that is too deep, too large a number, none at all."""
    for kind, (decode, _) in DECODE.items():
        if kind in samples.RECORDS:
            assert isinstance(answer(lambda: decode(sealed(kind, body))), LuisyError)  # noqa: B023 - called at once


def built_segment(directory: Any, frames: bytes) -> bytes:
    """A segment whose digests and lengths are right, whatever it says."""
    raw = msgspec.msgpack.encode(directory)
    packed = compress(raw)
    head = segments.MAGIC + frames
    trailer = len(head).to_bytes(8, "big") + len(packed).to_bytes(4, "big") + len(raw).to_bytes(4, "big")
    return head + packed + trailer + blake3(packed).digest() + segments.END


READERS = [(whole_segment, samples.SEGMENT), (parted_segment, samples.PARTED)]


def _parts(data: bytes) -> tuple[list[Any], bytes]:
    opened = segments.open_segment(data, samples.PROJECT)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(opened.directory)), b"".join(opened.frames)


@pytest.mark.parametrize(("read_all", "sample"), READERS)
@given(data=st.data())
@fuzzed(100)
def test_sealed_directories(read_all: Callable[[bytes], object], sample: bytes, data: st.DataObject) -> None:
    """A directory with a place, size, count or name that cannot be."""
    directory, frames = _parts(sample)
    wrong = data.draw(with_one_changed(directory, packable | st.sampled_from(ODD_NUMBERS)))
    answer(lambda: read_all(built_segment(wrong, frames)))


@pytest.mark.parametrize(("read_all", "sample"), READERS)
@given(data=st.data())
@fuzzed(150)
def test_sealed_frames(read_all: Callable[[bytes], object], sample: bytes, data: st.DataObject) -> None:
    """Records that are none, in frames whose digests are right."""
    directory, frames = _parts(sample)
    number = data.draw(st.integers(0, len(directory[3]) - 1))
    row = directory[3][number]
    start = row[1] - len(segments.MAGIC)
    before, after = frames[:start], frames[start + row[2] :]
    found = msgspec.msgpack.decode(decompress(frames[start : start + row[2]], most=1 << 20))
    wrong = data.draw(with_one_changed(found, packable | st.sampled_from(ODD_NUMBERS)))
    raw = msgspec.msgpack.encode(wrong)
    packed = compress(raw)
    moved = len(packed) - row[2]
    row[2:5] = [len(packed), len(raw), len(wrong) if isinstance(wrong, list) else row[4]]
    row[7] = blake3(packed).digest()
    for later in directory[3][number + 1 :]:
        later[1] += moved
    answer(lambda: read_all(built_segment(directory, before + packed + after)))


@given(data=st.data())
@fuzzed(60)
def test_sealed_footers(data: st.DataObject) -> None:
    """A pack whose footer names what cannot be in it."""
    rows = [list(msgspec.structs.astuple(msgspec.structs.replace(one, blob=""))) for one in samples.pack()[1]]
    footer = msgspec.msgpack.encode(
        data.draw(with_one_changed(rows, packable | st.sampled_from(ODD_NUMBERS)))
    )
    trailer = len(footer).to_bytes(8, "big") + blake3(footer).digest() + b"luisyend"
    answer(lambda: read_footer(PACK_MAGIC + footer + trailer, samples.PACK))


@given(data=st.data())
@fuzzed(60)
def test_sealed_tombstones(data: st.DataObject) -> None:
    """A tombstone that names what is no blob or key."""
    value = [samples.PROJECT, [bytes(32)], [[samples.PACK, "etag"]]]
    frame = compress(msgspec.msgpack.encode(data.draw(with_one_changed(value, packable))))
    answer(lambda: tombstones.decode(tombstones.MAGIC + blake3(frame).digest() + frame))


@given(data=st.data())
@fuzzed(80)
def test_refs(data: st.DataObject) -> None:
    """A ``refs.json`` that other programs have written to."""
    found = json.loads(samples.REFS)
    answer(lambda: refs.decode(json.dumps(data.draw(with_one_changed(found, values))).encode()))


_BROKEN_TEXT = b"\xa2\xfe\xff"
"""A text of two bytes that are no UTF-8, as MessagePack has it. It was a UnicodeDecodeError in each of these."""


def test_a_directory_with_a_text_that_is_none() -> None:
    """A project's name that is not UTF-8 is damage."""
    whole = msgspec.msgpack.encode(_parts(samples.SEGMENT)[0])
    name = msgspec.msgpack.encode(samples.PROJECT)
    directory = msgspec.Raw(whole.replace(name, _BROKEN_TEXT, 1))
    assert isinstance(answer(lambda: whole_segment(built_segment(directory, b""))), CorruptionError)


def test_a_footer_with_a_text_that_is_none() -> None:
    """So is the name of a blob in a pack."""
    footer = b"\x91\x96" + b"\xc4\x20" + bytes(32) + _BROKEN_TEXT + bytes(4)
    trailer = len(footer).to_bytes(8, "big") + blake3(footer).digest() + b"luisyend"
    assert isinstance(
        answer(lambda: read_footer(PACK_MAGIC + footer + trailer, samples.PACK)), CorruptionError
    )


def test_a_tombstone_with_a_text_that_is_none() -> None:
    """And the project of a tombstone."""
    frame = compress(b"\x93" + _BROKEN_TEXT + b"\x90\x90")
    data = tombstones.MAGIC + blake3(frame).digest() + frame
    assert isinstance(answer(lambda: tombstones.decode(data)), CorruptionError)


# --- bombs


def lying_frame(size: int, declared: int) -> bytes:
    """A frame of *size* zeros that declares another size."""
    frame = bytearray(zstandard.ZstdCompressor(level=19).compress(bytes(size)))
    parameters = zstandard.get_frame_parameters(bytes(frame))
    assert parameters.content_size == size
    flag = frame[4] >> 6
    width, less = ((1, 0), (2, 256), (4, 0), (8, 0))[flag]
    at = 5 if frame[4] & 0x20 else 6
    frame[at : at + width] = ((declared - less) % (1 << 8 * width)).to_bytes(width, "little")
    return bytes(frame)


BOMBS = {
    "honest": (compress(bytes(1 << 28)), 1 << 20),
    "undeclared": (zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 28)), 1 << 20),
    "declares less": (lying_frame(1 << 28, 1 << 19), 1 << 20),
    "declares more": (lying_frame(1 << 20, (1 << 32) - 1), 1 << 20),
    "nested": (compress(compress(bytes(1 << 28))), 1 << 20),
    "two frames": (compress(b"x") + compress(bytes(1 << 28)), 1),
    "skippable": (b"\x50\x2a\x4d\x18" + (1 << 31).to_bytes(4, "little") + b"x", 1 << 20),
    "window": (zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(
        window_log=30, write_content_size=True)).compress(bytes(1 << 20)), 1 << 20),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_no_memory(bomb: str) -> None:
    """What unpacks to more than it may is refused before it is unpacked, in one piece and in many."""
    data, most = BOMBS[bomb]
    for unpacked in (
        lambda: len(decompress(data, most=most)),
        lambda: sum(map(len, decompressed(iter([data]), size=most))),
    ):
        with bounded_memory(160 << 20):
            found = answer(unpacked)
        assert found.slug == "bad-frame" if isinstance(found, LuisyError) else found <= most


@given(st.sampled_from(ODD_NUMBERS), st.sampled_from(ODD_NUMBERS), st.integers(0, 3))
@example(1 << 62, 1 << 62, 1)
@fuzzed(40)
def test_a_member_of_a_pack_is_never_more_than_its_bytes(length: int, size: int, encoding: int) -> None:
    """A location that promises exabytes has at most what is there."""
    location = LocationRecord(
        bytes(32), samples.PACK, 0, min(length, (1 << 63) - 1), encoding, min(size, (1 << 63) - 1)
    )
    with bounded_memory():
        assert location.is_sound() in (True, False)
        assert member(location, FRAMES[0]) is None

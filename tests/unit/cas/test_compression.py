"""zstd from outside: declared sizes, capped output, bounded windows."""

from __future__ import annotations

import io
import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from luisy.cas.compression import (
    compress,
    compress_file,
    compressed_if_worthwhile,
    decompress,
    decompressed,
)
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(st.binary(max_size=5000), st.integers(1, 99))
def test_what_was_compressed_comes_back(data: bytes, piece: int) -> None:
    """At once, or in pieces of any length."""
    packed = compress(data)
    pieces = [packed[at : at + piece] for at in range(0, len(packed), piece)]
    assert decompress(packed, most=len(data)) == data
    assert b"".join(decompressed(pieces, size=len(data))) == data


def test_a_file_is_compressed_into_one_frame_that_declares_its_size() -> None:
    """So that a reader can check before it unpacks."""
    data = b"text " * 100_000
    target = io.BytesIO()
    written = compress_file(io.BytesIO(data), target, len(data))
    assert written == len(target.getvalue()) < len(data)
    assert decompress(target.getvalue(), most=len(data)) == data


def test_what_gets_hardly_smaller_is_left_alone() -> None:
    """Unpacking costs, too."""
    assert compressed_if_worthwhile(os.urandom(10_000)) is None
    assert compressed_if_worthwhile(b"") is None
    assert compressed_if_worthwhile(b"a" * 100) is not None


def bad_frames() -> dict[str, bytes]:
    """Frames that must not be unpacked, for a reader that expects 1,000 bytes at most."""
    whole = compress(b"x" * 1000)
    streaming = zstandard.ZstdCompressor(write_content_size=False)
    return {
        "empty": b"",
        "rubbish": b"rubbish" * 9,
        "cut": whole[:-1],
        "with more behind it": whole + b"x",
        "larger than may be": compress(b"x" * 1001),
        "a bomb": compress(bytes(1 << 30)),
        "of undeclared size": streaming.compress(b"x" * 1000),
        "two": whole + whole,
    }


@pytest.mark.parametrize("name", bad_frames())
def test_bad_frames_are_refused_without_much_memory(name: str) -> None:
    """One kind of error, before anything is allocated."""
    data = bad_frames()[name]
    tracemalloc.start()
    with pytest.raises(CorruptionError) as caught:
        decompress(data, most=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.slug == "bad-frame"
    assert peak < 1 << 20


@pytest.mark.parametrize("name", sorted(bad_frames().keys() - {"with more behind it", "two"}))
def test_bad_frames_are_refused_in_pieces(name: str) -> None:
    """What lies behind the frame does not count there: nothing of it is served."""
    data = bad_frames()[name]
    with pytest.raises(CorruptionError):
        b"".join(decompressed([data[at : at + 7] for at in range(0, len(data), 7)], size=1000))


def test_a_stream_takes_bounded_memory() -> None:
    """64 MiB of zeros are a few KiB compressed: what comes out of them comes piece by piece."""
    size = 64 << 20
    packed = compress(bytes(size))

    def pieces() -> Iterator[bytes]:
        yield packed

    tracemalloc.start()
    assert sum(len(piece) for piece in decompressed(pieces(), size=size)) == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_frame_that_holds_more_than_it_declares_is_refused() -> None:
    """Its header is a lie."""
    whole = bytearray(compress(b"x" * 1000))
    honest = zstandard.get_frame_parameters(bytes(whole)).content_size
    assert honest == 1000
    at = whole.index((1000 - 256).to_bytes(2, "little"))
    whole[at : at + 2] = (500 - 256).to_bytes(2, "little")
    with pytest.raises(CorruptionError):
        b"".join(decompressed([bytes(whole)], size=500))
    with pytest.raises(CorruptionError):
        decompress(bytes(whole), most=500)

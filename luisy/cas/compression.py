"""zstd with the limits that bytes from outside need: declared size, capped output, bounded window."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, cast

import zstandard

from luisy.cas.remote_limits import MIB, SAMPLE, WINDOW, WORTHWHILE, ZSTD_LEVEL
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, BinaryIO


class _Packers(threading.local):
    """A thread's own: making one costs more than it takes to pack a small object."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW)


_packers = _Packers()


def compress(data: bytes) -> bytes:
    """One frame that declares its size."""
    return _packers.compressor.compress(data)


def compressed_if_worthwhile(data: bytes) -> bytes | None:
    """The frame of *data*; None where that saves too little to be worth unpacking."""
    if len(data) > SAMPLE and not pays(data[:SAMPLE]):
        return None
    packed = compress(data)
    return packed if len(packed) <= len(data) * WORTHWHILE else None


def pays(sample: bytes) -> bool:
    """Whether bytes like *sample* get enough smaller."""
    return len(sample) > 0 and len(compress(sample)) <= len(sample) * WORTHWHILE


def compress_file(source: BinaryIO, target: BinaryIO, size: int) -> int:
    """One frame of the *size* bytes of *source*, with bounded memory; returns the bytes written."""
    _, written = zstandard.ZstdCompressor(level=ZSTD_LEVEL).copy_stream(source, target, size=size)
    return written


def decompress(data: bytes, *, most: int) -> bytes:
    """What one frame holds. Nothing is allocated before its declared size is found to be within *most* bytes.

    :raises CorruptionError: it is none, declares no size or too large a one, or holds something else
        (slug ``bad-frame``).
    """
    _check(data, most)
    try:
        return _packers.decompressor.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise bad_frame(str(error)) from error


def decompressed(pieces: Iterable[bytes], *, size: int) -> Iterator[bytes]:
    """What one frame of exactly *size* bytes holds, piece by piece, with bounded memory.

    :raises CorruptionError: as :func:`decompress`.
    """
    source = _Pieces(pieces)
    _check(source.peek(_LONGEST_HEAD), size)
    unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    left = size
    try:
        # Not decompressobj: a few bytes given to it may become any number at once.
        with unpacker.stream_reader(cast("IO[bytes]", source), read_size=MIB) as reader:
            while data := reader.read(MIB):
                left -= len(data)
                if left < 0:
                    break
                yield data
    except zstandard.ZstdError as error:
        raise bad_frame(str(error)) from error
    if left:
        raise bad_frame("it holds more or less than it declares")


class _Pieces(io.RawIOBase):
    """An iterator of bytes as a file to read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """The first *size* bytes, or all where there are fewer; they can be read again."""
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        return self._rest

    def read(self, size: int = -1) -> bytes:
        """At most *size* bytes; none at the end."""
        while not self._rest:
            if (piece := next(self._pieces, None)) is None:
                return b""
            self._rest = piece
        data, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return data


_LONGEST_HEAD = 18  # bytes of a frame's header at most (RFC 8878, 3.1.1.1)


def _check(data: bytes, most: int) -> None:
    try:
        told = zstandard.get_frame_parameters(data)
    except zstandard.ZstdError as error:
        raise bad_frame(str(error)) from error
    if told.content_size > most:  # an undeclared size is the largest number there is
        raise bad_frame("it declares no size, or more than there may be")
    if told.window_size > WINDOW:
        raise bad_frame("its window is too large")


def bad_frame(problem: str) -> CorruptionError:
    """The error for compressed bytes that are not what they should be."""
    return CorruptionError(
        f"compressed bytes are not valid: {problem}",
        slug="bad-frame",
        hint="They count as missing; the next push that has them replaces them.",
    )

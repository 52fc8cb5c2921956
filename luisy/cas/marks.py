"""Marks: the first eight bytes of digests. By them the index tells what an action needs, and gc tells objects apart.

A mark takes a quarter of a digest's room, and whole sets of marks are made and compared without a line of Python for
each. Should two objects ever have one mark, the one stays for as long as the other is needed. Neither goes too early.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.model import Digest

BYTES = 8
_CHECK_BYTES = 4
_RESIDUE = 0x2144DF1C
"""The CRC-32 of whatever ends in its own CRC-32, the lowest byte first."""


def mark(digest: Digest) -> int:
    """The mark of one object."""
    return int.from_bytes(bytes.fromhex(digest[: 2 * BYTES]), sys.byteorder)


def packed(manifest: Digest, objects: Iterable[Digest]) -> bytes:
    """What ``actions.needs`` holds: the marks of all *objects*, sorted, each once, and a check.

    :param manifest: of the action. The check is over it, too, so that marks never count for another content.
    """
    marks = b"".join(sorted({bytes.fromhex(digest[: 2 * BYTES]) for digest in objects}))
    return marks + crc32(marks, crc32(bytes.fromhex(manifest))).to_bytes(_CHECK_BYTES, "little")


def checked(manifest: bytes, needs: bytes | None) -> bytes | None:
    """The marks in *needs*; None if it holds nothing, or not what :func:`packed` has made for this manifest."""
    if needs is None or len(needs) % BYTES != _CHECK_BYTES or crc32(needs, crc32(manifest)) != _RESIDUE:
        return None
    return needs[:-_CHECK_BYTES]


def unpacked(marks: bytes) -> array[int]:
    """The marks that stand in *marks* one after the other."""
    return array("Q", marks)

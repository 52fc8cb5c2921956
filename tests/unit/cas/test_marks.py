"""Marks of objects, and how the index holds those that an action needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from luisy.cas import marks
from luisy.model import Digest
from tests.unit.cas.values import digest

DIGESTS = st.binary(min_size=32, max_size=32).map(lambda data: Digest(data.hex()))
MANIFEST = digest(1)
SOME = [Digest(f"{number:016x}" + "0" * 48) for number in (1, 5, 3)]


@given(DIGESTS, st.lists(DIGESTS))
def test_what_is_packed_can_be_unpacked(manifest: Digest, objects: list[Digest]) -> None:
    """The marks of all objects, each once, and the same bytes in whatever order they came."""
    packed = marks.packed(manifest, objects)
    found = marks.checked(bytes.fromhex(manifest), packed)
    assert found is not None
    assert sorted(marks.unpacked(found)) == sorted({marks.mark(one) for one in objects})
    assert marks.packed(manifest, reversed([*objects, *objects])) == packed


@given(st.integers(0, 8 * 28 - 1))
def test_one_wrong_bit_is_noticed(bit: int) -> None:
    """Anywhere: then it is as if nothing was there."""
    packed = bytearray(marks.packed(MANIFEST, SOME))
    packed[bit // 8] ^= 1 << bit % 8
    assert marks.checked(bytes.fromhex(MANIFEST), bytes(packed)) is None


@given(st.binary(max_size=40) | st.none())
def test_what_is_not_ours_is_nothing(data: bytes | None) -> None:
    """No bytes are an error."""
    assert marks.checked(bytes.fromhex(MANIFEST), data) is None


def test_marks_count_for_their_manifest_only() -> None:
    """Beside another content they are nothing."""
    assert marks.checked(bytes.fromhex(digest(2)), marks.packed(MANIFEST, SOME)) is None

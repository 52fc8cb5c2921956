"""What an action keeps of a fingerprint."""

from __future__ import annotations

import pytest

from luisy.fingerprint.kept import Kept, decode, encode
from luisy.fingerprint.result import Source


def test_what_is_kept_can_be_read_again() -> None:
    """Parts and sources come back as they were, whatever their characters."""
    what = Kept(
        {"code pkg.tasks:T": "ab", "package numpy": "2.0"},
        {"code pkg.tasks:T": (Source("pkg/tasks.py", 3, "x = 'ä\\ud800'\n"), Source("pkg/b.py", 1, ""))},
    )
    assert decode(encode(what)) == what


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"parts": 1, "sources": {}}', b"\xff"])
def test_rubbish_is_no_fingerprint(content: bytes) -> None:
    """Bytes that are something else are refused with a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011  # the library's own texts
        decode(content)

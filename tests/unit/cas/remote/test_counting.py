"""What a remote costs is counted."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from luisy.cas.remote import BlobMissing, Traffic
from luisy.cas.remote.counting import Counting, Meter
from luisy.cas.remote.memory import MemoryRemote


def test_each_call_is_a_request() -> None:
    """Every method counts once, also when it fails."""
    counting = Counting(MemoryRemote())
    etag = counting.put("a", b"")
    counting.touch("a", if_match=etag)
    counting.head("a")
    counting.list("")
    counting.check(write=True)
    counting.delete("a")
    with pytest.raises(BlobMissing):
        counting.get("a")
    with pytest.raises(BlobMissing):
        list(counting.read("a"))
    assert counting.traffic == Traffic(requests=8)


def test_bytes_are_counted_both_ways() -> None:
    """Bytes and files up, ranges and streams down."""
    counting = Counting(MemoryRemote())
    counting.put("a", b"12345")
    file = io.BytesIO(b"1234567")
    file.seek(4)
    counting.put("b", file)
    counting.get("a", 1, 2)
    assert list(counting.read("b")) == [b"567"]
    assert counting.traffic == Traffic(requests=4, bytes_down=5, bytes_up=8)


def test_remotes_may_share_a_meter() -> None:
    """The traffic of several is added up."""
    meter = Meter()
    for _ in range(2):
        Counting(MemoryRemote(), meter).put("a", b"12")
    assert meter.traffic == Traffic(requests=2, bytes_up=4)


def test_threads_lose_no_counts() -> None:
    """Counting is safe between threads."""
    meter = Meter()

    def count(_: int) -> None:
        for _ in range(2000):
            meter.count(down=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert meter.traffic == Traffic(requests=16_000, bytes_down=16_000)


def test_a_snapshot_does_not_change() -> None:
    """What came since is a difference of two."""
    meter = Meter()
    meter.count(up=1)
    before = meter.traffic
    meter.count(2, down=3)
    assert before == Traffic(requests=1, bytes_up=1)
    assert meter.traffic - before == Traffic(requests=2, bytes_down=3)
    assert before + (meter.traffic - before) == meter.traffic

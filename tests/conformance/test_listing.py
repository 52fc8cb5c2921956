"""Listings are complete, sorted and exact."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luisy.cas.remote import Remote
    from tests.conformance.conftest import Place


def names(remote: Remote, prefix: str) -> list[str]:
    return [blob.name for blob in remote.list(prefix).blobs]


def test_a_listing_has_what_was_written(remote: Remote) -> None:
    """Name, size and ETag of each blob, as its write told them."""
    etags = {f"index/{i}": remote.put(f"index/{i}", bytes(i)) for i in range(3)}
    listed = remote.list("index/").blobs
    assert [(blob.name, blob.size, blob.etag) for blob in listed] == [
        (name, size, etag) for size, (name, etag) in enumerate(etags.items())
    ]


def test_a_listing_is_sorted_by_name(remote: Remote) -> None:
    """By code points, whatever the order of writing, also across folders."""
    for name in ("b/c", "b", "a~", "a/z", "b.c", "a/é", "B", "a/b/c", "b0"):
        remote.put(name, b"")
    assert names(remote, "") == sorted(("b/c", "b", "a~", "a/z", "b.c", "a/é", "B", "a/b/c", "b0"))


def test_a_prefix_is_exact(remote: Remote) -> None:
    """What starts with the prefix is listed and nothing else, wherever the prefix ends."""
    for name in ("a", "a/b", "a/bc/d", "ab", "ab/c", "b/a/b"):
        remote.put(name, b"")
    assert names(remote, "a/") == ["a/b", "a/bc/d"]
    assert names(remote, "a") == ["a", "a/b", "a/bc/d", "ab", "ab/c"]
    assert names(remote, "a/b") == ["a/b", "a/bc/d"]
    assert names(remote, "b/a/") == ["b/a/b"]


def test_a_listing_of_nothing_is_empty(remote: Remote) -> None:
    """Also of folders that never were, or whose blobs are gone."""
    remote.put("a/b", b"")
    remote.delete("a/b")
    assert (names(remote, "a/"), names(remote, "no/such/"), names(remote, "")) == ([], [], [])


def test_a_listing_has_current_versions_only(remote: Remote) -> None:
    """A blob that was replaced and touched is listed once, as it is."""
    etag = remote.put("a", b"1")
    etag = remote.put("a", b"22", if_match=etag)
    etag = remote.touch("a", if_match=etag)
    assert [(blob.size, blob.etag) for blob in remote.list("").blobs] == [(2, etag)]


def test_a_listing_over_pages_is_complete(place: Place) -> None:
    """Each blob is listed once, however many pages the service makes of them."""
    remote = place.open()
    expected = [f"many/{i:04d}" for i in range(25)]
    for name in reversed(expected):
        remote.put(name, b"")
    assert names(remote, "many/") == expected


def test_a_listing_tells_the_servers_time(remote: Remote) -> None:
    """It lies between the writes before and after it (the clock of this machine is the server's here)."""
    before = time.time()
    remote.put("a", b"")
    listing = remote.list("")
    assert before - 2 <= listing.server_time <= time.time() + 2
    assert abs(listing.blobs[0].modified - listing.server_time) <= 2

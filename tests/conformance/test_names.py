"""Names are checked on the way in and on the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import ETag, checked_name, checked_prefix
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from luisy.cas.remote import Remote

BAD = [
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "../a",
    "a/./b",
    "a\\b",
    "a\nb",
    "a\x00b",
    "a" * 1025,
    "a\udc80",
]

CALLS: list[Callable[[Remote, str], object]] = [
    lambda remote, name: remote.head(name),
    lambda remote, name: remote.get(name),
    lambda remote, name: list(remote.read(name)),
    lambda remote, name: remote.put(name, b""),
    lambda remote, name: remote.touch(name, if_match=ETag("0")),
    lambda remote, name: remote.delete(name),
]


@pytest.mark.parametrize("call", range(len(CALLS)))
@pytest.mark.parametrize("name", ["a/../../b", "/a", "a//b", "a\\b"])
def test_bad_names_are_refused(remote: Remote, call: int, name: str) -> None:
    """No method takes a name that leaves the remote or that another adapter could not hold."""
    with pytest.raises(RemoteError) as raised:
        CALLS[call](remote, name)
    assert raised.value.slug == "bad-blob-name"


@pytest.mark.parametrize("prefix", ["../", "/", "a//", "a/../"])
def test_bad_prefixes_are_refused(remote: Remote, prefix: str) -> None:
    """Nor does a listing."""
    with pytest.raises(RemoteError) as raised:
        remote.list(prefix)
    assert raised.value.slug == "bad-blob-name"


@pytest.mark.parametrize("name", BAD)
def test_bad_names(name: str) -> None:
    """Absolute, empty, too long, with empty, dot or control parts."""
    with pytest.raises(RemoteError) as raised:
        checked_name(name)
    assert raised.value.slug == "bad-blob-name"


@pytest.mark.parametrize(
    "name", ["a", "a/b.c", "a/..b", "é/ü", "a b", "~a", "a~b", "a%2Fb", "a?b#c&d+e", "%", "a:b"]
)
def test_odd_names_come_back(remote: Remote, name: str) -> None:
    """What is allowed is held and listed under the very same name."""
    remote.put(name, name.encode())
    assert remote.get(name) == name.encode()
    assert [blob.name for blob in remote.list("").blobs] == [name]


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/."])
def test_good_prefixes(prefix: str) -> None:
    """A prefix may end anywhere in a name."""
    assert checked_prefix(prefix) == prefix

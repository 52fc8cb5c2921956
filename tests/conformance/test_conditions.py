"""Conditional writes: what the protocol of commits and gc stands on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import BlobMissing, ConditionFailed, ETag

if TYPE_CHECKING:
    from luisy.cas.remote import Remote

LARGE = 20 << 20  # goes up in blocks


def etag_of(remote: Remote, name: str) -> ETag:
    blob = remote.head(name)
    assert blob is not None
    return blob.etag


def test_put_if_absent_happens_once(remote: Remote) -> None:
    """The second one fails and changes nothing."""
    etag = remote.put("a", b"first", if_absent=True)
    with pytest.raises(ConditionFailed):
        remote.put("a", b"second", if_absent=True)
    assert (remote.get("a"), etag_of(remote, "a")) == (b"first", etag)


def test_put_if_absent_of_a_streamed_file_happens_once(remote: Remote) -> None:
    """It holds for what goes up in blocks, too."""
    remote.put("a", b"first")
    with pytest.raises(ConditionFailed):
        remote.put("a", io.BytesIO(bytes(LARGE)), if_absent=True)
    assert remote.get("a") == b"first"


def test_put_over_the_right_version(remote: Remote) -> None:
    """It replaces the bytes, and the blob gets a new ETag."""
    etag = remote.put("a", b"old")
    new = remote.put("a", b"new", if_match=etag)
    assert (remote.get("a"), etag_of(remote, "a")) == (b"new", new)
    assert new != etag


def test_put_over_another_version(remote: Remote) -> None:
    """It fails and changes nothing."""
    stale = remote.put("a", b"old")
    etag = remote.put("a", b"new")
    with pytest.raises(ConditionFailed):
        remote.put("a", b"mine", if_match=stale)
    assert (remote.get("a"), etag_of(remote, "a")) == (b"new", etag)


def test_put_of_a_streamed_file_over_another_version(remote: Remote) -> None:
    """It holds for what goes up in blocks, too."""
    stale = remote.put("a", b"old")
    remote.put("a", b"new")
    with pytest.raises(ConditionFailed):
        remote.put("a", io.BytesIO(bytes(LARGE)), if_match=stale)
    assert remote.get("a") == b"new"


def test_put_over_a_version_that_is_gone(remote: Remote) -> None:
    """A slot that was broken cannot be committed."""
    etag = remote.put("slot", b"")
    remote.delete("slot")
    with pytest.raises(ConditionFailed):
        remote.put("slot", b"segment", if_match=etag)
    assert remote.head("slot") is None


def test_a_slot_is_opened_and_committed(remote: Remote) -> None:
    """An empty blob that is put if absent and then replaced by its ETag: once, by one."""
    slot = remote.put("index/0000-u", b"", if_absent=True, metadata={"writer": "u"})
    remote.put("index/0000-u", b"records", if_match=slot, metadata={"writer": "v"})
    with pytest.raises(ConditionFailed):
        remote.put("index/0000-u", b"others", if_match=slot)
    assert remote.get("index/0000-u") == b"records"


def test_equal_bytes_make_a_new_version(remote: Remote) -> None:
    """The ETag names the write, not the bytes."""
    assert remote.put("a", b"same") != remote.put("a", b"same")


def test_a_blob_made_again_is_a_new_version(remote: Remote) -> None:
    """A deleted blob's ETag does not come back with equal bytes."""
    etag = remote.put("a", b"same")
    remote.delete("a")
    assert remote.put("a", b"same", if_absent=True) != etag


def test_touch_makes_a_new_version_of_the_same_bytes(remote: Remote) -> None:
    """Bytes and metadata stay, the old ETag holds no more."""
    etag = remote.put("a", b"bytes", metadata={"writer": "w"})
    new = remote.touch("a", if_match=etag)
    blob = remote.head("a")
    assert blob is not None
    assert (remote.get("a"), blob.etag, blob.metadata) == (b"bytes", new, {"writer": "w"})
    assert new != etag


def test_each_touch_makes_a_new_version(remote: Remote) -> None:
    """However quickly they follow each other."""
    etags = [remote.put("a", b"bytes")]
    for _ in range(20):
        etags.append(remote.touch("a", if_match=etags[-1]))
    assert len(set(etags)) == 21


def test_touch_of_another_version(remote: Remote) -> None:
    """It fails and changes nothing."""
    stale = remote.put("a", b"1")
    etag = remote.put("a", b"2")
    with pytest.raises(ConditionFailed):
        remote.touch("a", if_match=stale)
    assert etag_of(remote, "a") == etag


def test_touch_of_nothing(remote: Remote) -> None:
    """It says that the blob is not there: upload it."""
    with pytest.raises(BlobMissing):
        remote.touch("no/such", if_match=ETag("0x1"))


def test_touch_of_what_was_deleted(remote: Remote) -> None:
    """It says that the blob is not there, also where its folder is."""
    etag = remote.put("a/b", b"1")
    remote.delete("a/b")
    with pytest.raises(BlobMissing):
        remote.touch("a/b", if_match=etag)


def test_delete_of_the_right_version(remote: Remote) -> None:
    """It removes the blob."""
    etag = remote.put("a", b"1")
    remote.delete("a", if_match=etag)
    assert remote.head("a") is None


def test_delete_of_another_version(remote: Remote) -> None:
    """What was touched since it was found dead is not deleted."""
    stale = remote.put("a", b"1")
    remote.touch("a", if_match=stale)
    with pytest.raises(ConditionFailed):
        remote.delete("a", if_match=stale)
    assert remote.get("a") == b"1"

"""Bytes and metadata come back as they were given."""

from __future__ import annotations

import io
import random
import tempfile
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import BlobMissing, ETag

if TYPE_CHECKING:
    from luisy.cas.remote import Remote

LARGE = 24 << 20  # several blocks up and several ranges down


def test_bytes_come_back(remote: Remote) -> None:
    """What was put is what is got."""
    data = random.Random(1).randbytes(100_000)
    remote.put("a/b", data)
    assert remote.get("a/b") == data


def test_an_empty_blob_comes_back(remote: Remote) -> None:
    """A blob may have no bytes: slots have none."""
    remote.put("slot", b"")
    assert (remote.get("slot"), list(remote.read("slot"))) == (b"", [])


def test_a_large_file_comes_back_in_pieces(remote: Remote) -> None:
    """A file is streamed up, and down again in pieces of bounded size, in order."""
    data = random.Random(2).randbytes(LARGE + 12_345)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        remote.put("large", file)
    pieces = list(remote.read("large"))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 16 << 20


def test_a_file_is_put_from_where_it_stands(remote: Remote) -> None:
    """What was read of a file before is not uploaded."""
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    remote.put("part", file)
    assert remote.get("part") == b"456789"


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 3, b"012"),
        (4, 3, b"456"),
        (4, None, b"456789"),
        (8, 5, b"89"),
        (10, 5, b""),
        (12, None, b""),
        (3, 0, b""),
    ],
)
def test_ranges(remote: Remote, offset: int, length: int | None, expected: bytes) -> None:
    """A range has the bytes from offset, at most length, and none past the end."""
    remote.put("digits", b"0123456789")
    assert remote.get("digits", offset, length) == expected


def test_a_range_of_an_empty_blob_is_empty(remote: Remote) -> None:
    """Asking an open slot for bytes gives none, and no error."""
    remote.put("slot", b"")
    assert remote.get("slot", 0, 10) == b""


def test_head_tells_what_put_was_given(remote: Remote) -> None:
    """Size, ETag and metadata of a blob are those of the write."""
    etag = remote.put("a", b"12345", metadata={"writer": "w-1", "kind": "pack"})
    blob = remote.head("a")
    assert blob is not None
    assert (blob.name, blob.size, blob.etag) == ("a", 5, etag)
    assert blob.metadata == {"writer": "w-1", "kind": "pack"}


def test_metadata_of_a_streamed_file(remote: Remote) -> None:
    """A file that goes up in blocks carries its metadata as well."""
    remote.put("large", io.BytesIO(bytes(LARGE)), metadata={"writer": "w-2"})
    blob = remote.head("large")
    assert blob is not None
    assert (blob.size, blob.metadata) == (LARGE, {"writer": "w-2"})


def test_a_write_replaces_the_metadata(remote: Remote) -> None:
    """Metadata belongs to one version: the next one has only its own."""
    remote.put("a", b"1", metadata={"writer": "w-1"})
    remote.put("a", b"2")
    blob = remote.head("a")
    assert blob is not None
    assert blob.metadata == {}


def test_head_of_nothing(remote: Remote) -> None:
    """A blob that is not there has no head."""
    assert remote.head("no/such") is None


def test_get_of_nothing(remote: Remote) -> None:
    """Reading what is not there says so."""
    with pytest.raises(BlobMissing):
        remote.get("no/such")


def test_read_of_nothing(remote: Remote) -> None:
    """Streaming what is not there says so with the first piece."""
    with pytest.raises(BlobMissing):
        next(iter(remote.read("no/such")))


def test_a_deleted_blob_is_gone(remote: Remote) -> None:
    """After a delete there is neither head nor bytes."""
    remote.put("a", b"1", metadata={"writer": "w"})
    remote.delete("a")
    assert remote.head("a") is None
    with pytest.raises(BlobMissing):
        remote.get("a")


def test_deleting_nothing_is_no_error(remote: Remote) -> None:
    """A delete may be sent twice."""
    remote.delete("no/such")
    remote.delete("no/such", if_match=ETag("0"))


def test_a_blob_and_a_folder_may_have_one_name(remote: Remote) -> None:
    """``a`` and ``a/b`` are two blobs, in either order."""
    remote.put("a", b"1")
    remote.put("a/b", b"2")
    remote.put("c/d", b"3")
    remote.put("c", b"4")
    assert [remote.get(name) for name in ("a", "a/b", "c/d", "c")] == [b"1", b"2", b"3", b"4"]

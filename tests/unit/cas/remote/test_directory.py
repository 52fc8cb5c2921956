"""What is particular to folders: crashes at each step, files of others, shares that are gone, rights."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import BlobMissing, ConditionFailed, ETag, Misconfigured, Unreachable
from luisy.cas.remote.directory import DirectoryRemote
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG_AGO = 1_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The remote's folder."""
    folder = tmp_path / "remote"
    folder.mkdir()
    return folder


@pytest.fixture
def remote(folder: Path) -> DirectoryRemote:
    """A remote in it."""
    return DirectoryRemote(str(folder))


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "~lock")


def test_a_blob_is_a_plain_file(remote: DirectoryRemote, folder: Path) -> None:
    """Its bytes are the blob's, its name ends in the ETag."""
    etag = remote.put("a/b", b"bytes")
    assert (folder / "a" / f"b~{etag}").read_bytes() == b"bytes"


def test_nothing_is_left_of_older_versions(remote: DirectoryRemote, folder: Path) -> None:
    """After writes, touches and deletes there are the current version and the lock."""
    etag = remote.put("a", b"1", metadata={"writer": "w"})
    etag = remote.put("a", b"2", if_match=etag, metadata={"writer": "x"})
    etag = remote.touch("a", if_match=etag)
    assert files(folder) == [f"a~{etag}", f"~meta-{etag}"]
    remote.delete("a")
    assert files(folder) == []


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[1]", b"\xff"])
def test_damaged_metadata_is_none(remote: DirectoryRemote, folder: Path, rubbish: bytes) -> None:
    """The blob is there all the same, and nobody's."""
    etag = remote.put("a", b"1", metadata={"writer": "w"})
    (folder / f"~meta-{etag}").write_bytes(rubbish)
    found = remote.head("a")
    assert found is not None
    assert (found.metadata, found.etag) == ({}, etag)


def killed_in(call: Callable[[], object], syscall: str, number: int) -> bool:
    """True if a child was killed just before the *number*-th *syscall* of *call*; False if there is none."""
    pid = os.fork()
    if pid == 0:
        real, left = getattr(os, syscall), iter(range(number - 1))

        def dying(*args: object, **options: object) -> object:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        setattr(os, syscall, dying)
        try:
            call()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def change(action: str, remote: DirectoryRemote, name: str, etag: ETag) -> None:
    if action == "create":
        remote.put(name, b"new", if_absent=True, metadata={"writer": "w"})
    elif action == "replace":
        remote.put(name, b"new", if_match=etag, metadata={"writer": "w"})
    elif action == "touch":
        remote.touch(name, if_match=etag)
    else:
        remote.delete(name, if_match=etag)


STATES: dict[str, tuple[bytes | None, bytes | None]] = {
    "create": (None, b"new"),
    "replace": (b"old", b"new"),
    "touch": (b"old", b"old"),
    "delete": (b"old", None),
}
STEPS = ["open", "fsync", "rename", "unlink", "utime"]


@pytest.mark.parametrize("syscall", STEPS)
@pytest.mark.parametrize("action", STATES)
def test_a_crash_at_any_step(folder: Path, action: str, syscall: str) -> None:
    """After a kill before any system call there is the old blob or the new, whole, and everything works on."""
    for number in range(1, 30):
        name = f"blob-{number}"
        remote = DirectoryRemote(str(folder))
        before = STATES[action][0]
        etag = remote.put(name, before, metadata={"writer": "w"}) if before is not None else ETag("")
        was_killed = killed_in(partial(change, action, remote, name, etag), syscall, number)
        blob = remote.head(name)
        found = None if blob is None else remote.get(name)
        assert found in STATES[action]
        assert [b.name for b in remote.list(name).blobs] == ([] if blob is None else [name])
        if blob is not None:
            assert blob.metadata == {"writer": "w"}
            assert (blob.etag == etag) <= (found == before)
            remote.put(name, b"after", if_match=blob.etag)
            assert [b.size for b in remote.list(name).blobs] == [5]
        remote.delete(name)
        assert remote.head(name) is None
        if not was_killed:
            return
    pytest.fail("the loop must end where the call makes no more such system calls")


def test_of_two_versions_the_greater_counts(remote: DirectoryRemote, folder: Path) -> None:
    """A crash between rename and unlink leaves both; everybody sees the new one, and the next change tidies up."""
    old = remote.put("a", b"old")
    new = f"{int(old[:16], 16) + 1:016x}" + "0" * 16
    (folder / f"a~{new}").write_bytes(b"new")
    assert (remote.get("a"), [b.etag for b in remote.list("").blobs]) == (b"new", [new])
    with pytest.raises(ConditionFailed):
        remote.touch("a", if_match=old)
    etag = remote.touch("a", if_match=ETag(new))
    assert files(folder) == [f"a~{etag}"]


def test_a_crash_brings_no_older_version_back(folder: Path) -> None:
    """Where a crash left two versions, a delete that is killed half-way leaves the new one or none."""
    for number in range(1, 10):
        name = f"blob-{number}"
        remote = DirectoryRemote(str(folder))
        old = remote.put(name, b"old")
        (folder / f"{name}~{int(old[:16], 16) + 1:016x}{'0' * 16}").write_bytes(b"new")
        was_killed = killed_in(partial(remote.delete, name), "unlink", number)
        assert remote.head(name) is None or remote.get(name) == b"new"
        if not was_killed:
            return
    pytest.fail("the loop must end where the delete unlinks nothing more")


def test_leftovers_are_no_blobs(remote: DirectoryRemote, folder: Path) -> None:
    """What is being written is listed by nobody."""
    remote.put("a", b"1")
    (folder / "~new-0123").write_bytes(b"half")
    assert [blob.name for blob in remote.list("").blobs] == ["a"]


def test_leftovers_go_after_a_day(remote: DirectoryRemote, folder: Path) -> None:
    """The next change in the folder removes them; younger ones may still be needed."""
    remote.put("a", b"1", metadata={"writer": "w"})
    for name in ("~new-old", "~meta-old"):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    for path in folder.glob("~meta-*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    (folder / "~new-young").write_bytes(b"half")
    remote.put("b", b"2")
    assert [name for name in files(folder) if "old" in name] == []
    assert "~new-young" in files(folder)
    blob = remote.head("a")
    assert blob is not None
    assert blob.metadata == {"writer": "w"}


def test_a_clock_that_goes_back(remote: DirectoryRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions grow all the same."""
    first = remote.put("a", b"1")
    monkeypatch.setattr(time, "time_ns", lambda: 5)
    second = remote.put("a", b"2", if_match=first)
    assert second > first
    assert remote.get("a") == b"2"


def test_files_of_other_systems_are_read(remote: DirectoryRemote, folder: Path) -> None:
    """Raw files that somebody put there are blobs, with an ETag that changes with them."""
    (folder / "raw").mkdir()
    (folder / "raw/a.csv").write_bytes(b"1,2")
    before = remote.head("raw/a.csv")
    assert before is not None
    assert (remote.get("raw/a.csv"), before.size) == (b"1,2", 3)
    assert remote.list("raw/").blobs == (before,)
    (folder / "raw/a.csv").write_bytes(b"1,2,3")
    after = remote.head("raw/a.csv")
    assert after is not None
    assert after.etag != before.etag


def test_reading_others_files_leaves_no_trace(remote: DirectoryRemote, folder: Path) -> None:
    """Neither a lock nor anything else appears in a folder that is only read."""
    (folder / "raw").mkdir()
    (folder / "raw/a.csv").write_bytes(b"1,2")
    remote.list("raw/")
    remote.get("raw/a.csv")
    assert files(folder / "raw") == ["a.csv"]
    assert not (folder / "raw/~lock").exists()


def test_others_files_are_not_overwritten_as_absent(remote: DirectoryRemote, folder: Path) -> None:
    """Put-if-absent respects them."""
    (folder / "a").write_bytes(b"theirs")
    with pytest.raises(ConditionFailed):
        remote.put("a", b"ours", if_absent=True)
    assert remote.get("a") == b"theirs"


def test_names_that_are_refused_are_listed_apart(remote: DirectoryRemote, folder: Path) -> None:
    """A file whose name no blob can have is told, not hidden and not passed off as one."""
    (folder / "a\\b").write_bytes(b"1")
    (folder / "good").write_bytes(b"2")
    listing = remote.list("")
    assert ([blob.name for blob in listing.blobs], listing.refused) == (["good"], ("a\\b",))


def test_links_to_folders_are_not_followed(remote: DirectoryRemote, folder: Path) -> None:
    """A link that leads back up does not make listings endless."""
    remote.put("a/b", b"1")
    (folder / "a/loop").symlink_to(folder)
    assert [blob.name for blob in remote.list("").blobs] == ["a/b"]


def test_check_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The path and the setting are named, and nothing is created."""
    remote = DirectoryRemote(str(tmp_path / "no"), setting="remote")
    with pytest.raises(Misconfigured) as raised:
        remote.check(write=True)
    assert str(tmp_path / "no") in raised.value.text
    assert "remote" in raised.value.hint
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("call", ["list", "head", "get", "put", "touch", "delete"])
def test_a_share_that_is_gone_is_not_an_empty_one(tmp_path: Path, call: str) -> None:
    """Nothing is found missing, and nothing is written, where the folder itself is missing."""
    remote = DirectoryRemote(str(tmp_path / "gone"))
    calls: dict[str, Callable[[], object]] = {
        "list": lambda: remote.list("a/"),
        "head": lambda: remote.head("a/b"),
        "get": lambda: remote.get("a/b"),
        "put": lambda: remote.put("a/b", b""),
        "touch": lambda: remote.touch("a/b", if_match=ETag("0")),
        "delete": lambda: remote.delete("a/b"),
    }
    with pytest.raises(Unreachable):
        calls[call]()
    assert not (tmp_path / "gone").exists()


def test_a_file_where_a_folder_is_needed(remote: DirectoryRemote, folder: Path) -> None:
    """It says so, and reading finds nothing."""
    (folder / "a").write_bytes(b"1")
    with pytest.raises(Misconfigured):
        remote.put("a/b", b"2")
    assert remote.head("a/b") is None
    with pytest.raises(BlobMissing):
        remote.get("a/b")


def test_a_name_that_is_too_long_for_a_file(remote: DirectoryRemote) -> None:
    """It is refused as a name."""
    with pytest.raises(RemoteError) as raised:
        remote.put("x" * 300, b"")
    assert raised.value.slug == "bad-blob-name"


def test_a_writer_does_not_wait_for_readers_of_bytes(remote: DirectoryRemote) -> None:
    """A stream that is being read holds no lock, and goes on over what replaces it."""
    remote.put("a", b"1" * (3 << 20))
    pieces = remote.read("a")
    first = next(pieces)
    remote.put("a", b"2")
    assert b"".join((first, *pieces)) == b"1" * (3 << 20)


def test_the_time_is_the_file_systems(remote: DirectoryRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client whose clock is wrong is told the right time."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: 5.0)
    assert abs(remote.list("").server_time - now) < 60


def test_a_listing_of_many_folders_is_complete(remote: DirectoryRemote) -> None:
    """More than one page of any service, over many folders."""
    expected = sorted(f"objects/{i % 256:02x}/{i}" for i in range(5200))
    for name in expected:
        os.makedirs(os.path.dirname(f"{remote.url[7:]}/{name}"), exist_ok=True)
        with open(f"{remote.url[7:]}/{name}~{'0' * 32}", "wb"):
            pass
    assert [blob.name for blob in remote.list("objects/").blobs] == expected

"""Outputs: into the store and back (invariants 1, 2 and 7)."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Placement, Store, manifests, output_of, stat_token
from luisy.cas.hashing import digest_descriptor
from luisy.errors import CorruptionError, NoSuchResult, StoreError
from luisy.model import Digest, Entry, EntryKind, LinkMode
from tests.unit.cas.values import kept, object_file, power_cut

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = Entry(b"", EntryKind.DIRECTORY, Digest(""), 0)


def tree(root: Path) -> dict[bytes, tuple[str, bytes, bool]]:
    """All that is below a folder: kind, bytes or target, execute bit."""
    found: dict[bytes, tuple[str, bytes, bool]] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, os.fsencode(root))
            if os.path.islink(path):
                found[relative] = ("link", os.readlink(path), False)
            elif os.path.isdir(path):
                found[relative] = ("folder", b"", False)
            else:
                with open(path, "rb") as file:
                    found[relative] = ("file", file.read(), os.access(path, os.X_OK))
    return found


def make_tree(root: Path) -> None:
    """A folder with all that an output may hold."""
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "sub" / "file").write_text("abc")
    (root / "large").write_bytes(os.urandom(200_000))
    (root / "tool").write_text("#!/bin/sh\n")
    (root / "tool").chmod(0o755)
    (root / "sub" / "up").symlink_to("../tool")
    with open(os.path.join(os.fsencode(root), b"not-utf8-\xff"), "wb") as file:
        file.write(b"x")


def test_a_folder_comes_back_as_it_was(store: Store, workspace: Path) -> None:
    """Empty folders, links, execute bits and names that are not UTF-8 survive."""
    make_tree(workspace / "out")
    before = tree(workspace / "out")
    manifest = store.keep([(b"", str(workspace / "out"))])
    store.restore(manifest, {b"": str(workspace / "again")})
    assert tree(workspace / "again") == before
    assert store.snapshot([(b"", str(workspace / "again"))]) == manifest


def test_several_outputs_come_back(store: Store, workspace: Path) -> None:
    """Files and folders under their names; any of them can be restored alone."""
    make_tree(workspace / "d")
    (workspace / "f").write_text("f")
    manifest = store.keep([(b"folder", str(workspace / "d")), (b"file", str(workspace / "f"))])
    assert store.restore(manifest, {b"file": str(workspace / "only")}) == {b"file": LinkMode.COPY}
    assert (workspace / "only").read_text() == "f"


def test_the_manifest_is_an_object(store: Store, workspace: Path) -> None:
    """It is stored as its canonical bytes under its own digest."""
    manifest = kept(store, workspace / "f")
    assert store.get(manifest.digest) == manifests.encode(manifest)
    assert store.manifests([manifest.digest]) == {manifest.digest: manifest}


def test_the_umask_does_not_change_a_manifest(store: Store, workspace: Path) -> None:
    """Of the mode only the execute bit counts, or early cutoff would break between users."""
    one = kept(store, workspace / "f")
    (workspace / "f").chmod(0o600)
    assert store.keep([(b"", str(workspace / "f"))]) == one
    (workspace / "f").chmod(0o700)
    assert store.keep([(b"", str(workspace / "f"))]) != one


def test_snapshot_and_keep_agree(store: Store, workspace: Path) -> None:
    """Hashing in place gives the same manifest as storing, and stores nothing."""
    make_tree(workspace / "out")
    outputs = [(b"", str(workspace / "out"))]
    taken = store.snapshot(outputs)
    assert store.status().objects == 0
    assert store.keep(outputs) == taken


@pytest.mark.parametrize("call", ["snapshot", "keep"])
def test_an_output_that_is_not_there_is_told(store: Store, workspace: Path, call: str) -> None:
    """FileNotFoundError with its path, and nothing of the others is left staged."""
    (workspace / "f").write_text("abc")
    with pytest.raises(FileNotFoundError, match="absent"):
        getattr(store, call)([(b"f", str(workspace / "f")), (b"g", str(workspace / "absent"))])
    assert store.status().objects == 0
    assert os.listdir(store.path / "tmp") == []


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside"])
def test_a_link_that_leaves_its_output_is_not_kept(store: Store, workspace: Path, target: str) -> None:
    """Restored elsewhere it would mean something else, or something harmful."""
    (workspace / "out").mkdir()
    (workspace / "out" / "l").symlink_to(target)
    with pytest.raises(StoreError) as caught:
        store.keep([(b"", str(workspace / "out"))])
    assert caught.value.slug == "bad-output"


def test_a_pipe_is_no_output(store: Store, workspace: Path) -> None:
    """Neither at the top nor in a folder, and nobody waits for its other end."""
    (workspace / "out").mkdir()
    os.mkfifo(workspace / "out" / "p")
    for path in (workspace / "out", workspace / "out" / "p"):
        with pytest.raises(StoreError) as caught:
            store.snapshot([(b"", str(path))])
        assert caught.value.slug == "bad-output"


def test_an_output_that_is_a_link_is_what_it_leads_to(store: Store, workspace: Path) -> None:
    """As the task's reader sees it."""
    manifest = kept(store, workspace / "f")
    (workspace / "l").symlink_to("f")
    assert store.snapshot([(b"", str(workspace / "l"))]) == manifest


# --- restoring


def test_a_missing_object_is_told_before_anything_is_written(store: Store, workspace: Path) -> None:
    """A half-restored task would look like a complete one."""
    (workspace / "a").write_text("a")
    (workspace / "b").write_text("b")
    manifest = store.keep([(b"a", str(workspace / "a")), (b"b", str(workspace / "b"))])
    object_file(store, output_of(manifest, b"b").entries[0].digest).unlink()
    target = {b"a": str(workspace / "new-a"), b"b": str(workspace / "new-b")}
    with pytest.raises(NoSuchResult):
        store.restore(manifest, target)
    assert sorted(os.listdir(workspace)) == ["a", "b"]


@pytest.mark.parametrize("old", ["nothing", "file", "folder", "link"])
@pytest.mark.parametrize("new", ["file", "folder"])
def test_restoring_replaces_whatever_is_there(store: Store, workspace: Path, old: str, new: str) -> None:
    """Nothing of the old output shines through, and no temporary name is left."""
    source, target = workspace / "source", workspace / "target"
    if new == "file":
        source.write_text("new")
    else:
        make_tree(source)
    if old == "file":
        target.write_text("old")
    elif old == "folder":
        (target / "old").mkdir(parents=True)
    elif old == "link":
        target.symlink_to("elsewhere")
    manifest = store.keep([(b"", str(source))])
    store.restore(manifest, {b"": str(target)})
    assert store.snapshot([(b"", str(target))]) == manifest
    assert not target.is_symlink()
    assert sorted(os.listdir(workspace)) == ["source", "target"]


def test_folders_are_swapped_without_exchange_too(
    store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel cannot exchange two names, the old folder is moved aside first."""
    from luisy.cas import materialise

    make_tree(workspace / "source")
    (workspace / "target" / "old").mkdir(parents=True)
    manifest = store.keep([(b"", str(workspace / "source"))])
    monkeypatch.setattr(materialise, "_exchange", lambda *_: False)
    store.restore(manifest, {b"": str(workspace / "target")})
    assert tree(workspace / "target") == tree(workspace / "source")
    assert sorted(os.listdir(workspace)) == ["source", "target"]


@pytest.mark.parametrize("path", [b"../evil", b"/evil", b"a/../../evil"])
def test_a_manifest_that_leads_outside_is_not_restored(store: Store, workspace: Path, path: bytes) -> None:
    """Not even one that a caller made by hand."""
    name = store.put(b"abc")
    good = manifests.manifest_of([FOLDER])
    evil = replace(good, entries=(FOLDER, Entry(path, EntryKind.FILE, name, 3)))
    with pytest.raises(CorruptionError):
        store.restore(evil, {b"": str(workspace / "out")})
    assert os.listdir(workspace) == []


@pytest.mark.parametrize("target", [b"/etc/passwd", b"..", b"l/../.."])
def test_a_link_from_outside_that_leaves_its_output_is_not_made(
    store: Store, workspace: Path, target: bytes
) -> None:
    """The target stands in an object, so it is checked when the link is made; nothing is left."""
    name = store.put(target)
    link = Entry(b"l", EntryKind.SYMLINK, name, len(target))
    with pytest.raises(CorruptionError):
        store.restore(manifests.manifest_of([FOLDER, link]), {b"": str(workspace / "out")})
    assert os.listdir(workspace) == []


def test_restored_files_do_not_share_the_objects_fate(store: Store, workspace: Path) -> None:
    """Writing to a restored file leaves the object as it is: hard links are made on request only."""
    manifest = kept(store, workspace / "f")
    store.restore(manifest, {b"": str(workspace / "g")})
    (workspace / "g").write_text("xyz")
    assert store.get(manifest.entries[0].digest) == b"abc"


def test_hard_links_on_request(store: Store, workspace: Path) -> None:
    """A folder's files are links to the objects, which stay trusted."""
    make_tree(workspace / "out")
    manifest = store.keep([(b"", str(workspace / "out"))])
    used = store.restore(manifest, {b"": str(workspace / "again")}, mode=LinkMode.HARDLINK)
    file = (workspace / "again" / "sub" / "file").stat()
    assert file.st_ino == object_file(store, store.put(b"abc")).stat().st_ino
    assert used == {b"": LinkMode.COPY}  # one file is executable, so it had to be copied
    assert tree(workspace / "again") == tree(workspace / "out")


# --- placements and stat tokens


def test_kept_and_restored_paths_are_known(store: Store, workspace: Path) -> None:
    """The index says which content each path holds, with a token that matches while it does."""
    make_tree(workspace / "d")
    (workspace / "f").write_text("abc")
    manifest = store.keep([(b"d", str(workspace / "d")), (b"f", str(workspace / "f"))])
    store.restore(manifest, {b"d": str(workspace / "d2"), b"f": str(workspace / "f2")})
    names = {b"d": ("d", "d2"), b"f": ("f", "f2")}
    for name, files in names.items():
        for file in files:
            path = str(workspace / file)
            row = store.placements([path])[path]
            assert row.content == output_of(manifest, name).digest
            assert row.token == stat_token(path)


CHANGES = {
    "bytes": lambda root: (root / "sub" / "file").write_text("abd"),
    "times": lambda root: os.utime(root / "sub" / "file", (1, 1)),
    "execute bit": lambda root: (root / "sub" / "file").chmod(0o755),
    "new file": lambda root: (root / "sub" / "new").write_text(""),
    "new empty folder": lambda root: (root / "new").mkdir(),
    "renamed": lambda root: (root / "sub" / "file").rename(root / "sub" / "other"),
    "removed": lambda root: (root / "sub" / "file").unlink(),
    "link changed": lambda root: (
        (root / "sub" / "up").unlink(),
        (root / "sub" / "up").symlink_to("../other"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_in_a_folder_changes_its_token(workspace: Path, change: object) -> None:
    """Whatever may have changed the content is seen without reading a file."""
    make_tree(workspace / "out")
    before = stat_token(str(workspace / "out"))
    assert stat_token(str(workspace / "out")) == before
    change(workspace / "out")  # type: ignore[operator] # lambdas in a dict
    assert stat_token(str(workspace / "out")) != before


def test_a_file_that_is_not_there_has_no_token(workspace: Path) -> None:
    """Nor has one below a file."""
    (workspace / "f").write_text("")
    assert stat_token(str(workspace / "absent")) is None
    assert stat_token(str(workspace / "f" / "below")) is None


def test_placements_of_an_earlier_boot_are_not_trusted(store: Store, workspace: Path) -> None:
    """A workspace file whose bytes never reached the disk may have its stat all the same; synced ones count."""
    kept(store, workspace / "f")
    store.sync()
    kept(store, workspace / "g")
    power_cut(store)
    paths = [str(workspace / "f"), str(workspace / "g")]
    assert set(store.placements(paths)) == {paths[0]}


def test_paths_that_are_not_utf8_are_remembered(store: Store, workspace: Path) -> None:
    """In the index they stand as bytes."""
    path = os.fsdecode(os.path.join(os.fsencode(workspace), b"\xff"))
    with open(path, "w", encoding="ascii") as file:
        file.write("abc")
    store.keep([(b"", path)])
    assert set(store.placements([path])) == {path}
    store.unplace([path])
    assert store.placements([path]) == {}


def test_placements_of_many_paths(store: Store) -> None:
    """More paths than one statement takes are asked for in chunks, none is lost."""
    rows = [Placement(f"/w/{number}", Digest("0" * 64), b"t", LinkMode.COPY) for number in range(1501)]
    store.place(rows)
    assert store.placements([*(row.path for row in rows), "/x"]) == {row.path: row for row in rows}


# --- the stat cache


def age(path: Path, seconds: float = 10) -> None:
    """Make a file look older; its ctime stays."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def reads(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many files a snapshot reads."""
    count: list[int] = []

    def counting(descriptor: int) -> Digest:
        count.append(descriptor)
        return digest_descriptor(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("luisy.cas.outputs.digest_descriptor", counting)
        store.snapshot([(b"", str(path))])
    return len(count)


def test_an_old_file_is_read_once(store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest comes from the stat cache afterwards, and from its bytes again once it was touched."""
    from luisy.cas import workspace_rows

    (workspace / "f").write_text("abc")
    monkeypatch.setattr(workspace_rows, "RACY_SECONDS", -1.0)
    assert [reads(store, workspace / "f", monkeypatch) for _ in range(2)] == [1, 0]
    (workspace / "f").write_text("abd")
    assert reads(store, workspace / "f", monkeypatch) == 1


def test_a_file_modified_just_now_is_read_again(
    store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within two seconds it could change once more without another time stamp."""
    (workspace / "f").write_text("abc")
    assert [reads(store, workspace / "f", monkeypatch) for _ in range(2)] == [1, 1]
    age(workspace / "f")  # an old mtime can be set; the ctime tells
    assert [reads(store, workspace / "f", monkeypatch) for _ in range(2)] == [1, 1]

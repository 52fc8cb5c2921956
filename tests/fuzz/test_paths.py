"""Manifests and places that lead elsewhere: nothing outside of an output's folder is ever written, read or removed."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luisy.cas import Store, manifests, outputs
from luisy.cas.hashing import digest_bytes
from luisy.cas.materialise import discard
from luisy.errors import CorruptionError, LuisyError, StoreError
from luisy.model import Digest, Entry, EntryKind, LinkMode, Manifest
from tests.fuzz.bounds import answer, bounded_memory, fuzzed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NASTY = [
    *(b"..", b"../escape", b"a/../../escape", b"/escape", b"//escape", b".", b"a/.", b"a//b", b"a/", b"", b"\0", b"a\0b"),
    *(b"C:", b"C:\\escape", b"c:/escape", b"..\\escape", b"\\\\host\\share", b"a/C:b", b"CON", b"a:b", b"%2e%2e/escape"),
    *("é".encode(), unicodedata.normalize("NFD", "é").encode(), "\uff0e\uff0e/escape".encode(), "\u2024\u2024/escape".encode()),
    *(b"caf\xe9", b"\xff\xfe", b"A", b"a", b"\n", b"\x1b[31m", b"-rf", b"~", b"$HOME", b".luisy", b"x" * 255, b"x" * 256),
    *(b"/".join([b"d"] * 40), b"/".join([b"d"] * 200), b"y" * 70_000),
]  # fmt: skip
TARGETS = [
    b"..",
    b"../..",
    b"../../escape",
    b"/escape",
    b"a",
    b"a/../..",
    b".",
    b"",
    b"x" * 5000,
    b"a\0b",
    b"C:\\x",
    b"a/../../../escape",
]
SECRET = b"not to be touched"

paths = st.sampled_from(NASTY) | st.lists(
    st.sampled_from([b"a", b"b", b"..", b".", b"", b"a:b", b"\xe9", b"C:", b"\\"]), min_size=1, max_size=4
).map(b"/".join)


@st.composite
def entries(draw: st.DrawFn) -> tuple[list[Entry], dict[Digest, bytes]]:
    """A tree of files, folders and links at places that were badly chosen; and the objects that it needs."""
    found: dict[bytes, Entry] = {}
    objects: dict[Digest, bytes] = {}
    if draw(st.booleans()):
        found[b""] = Entry(b"", EntryKind.DIRECTORY, Digest(""), 0)
    for path in draw(st.lists(paths, min_size=1, max_size=5)):
        kind = draw(st.sampled_from(EntryKind))
        data = draw(st.sampled_from(TARGETS)) if kind is EntryKind.SYMLINK else b"content"
        digest = Digest("") if kind is EntryKind.DIRECTORY else digest_bytes(data)
        objects[digest] = data
        found[path] = Entry(path, kind, digest, len(data) if digest else 0)
        if draw(st.booleans()):  # its parents, so that it may be a sound one
            for depth in range(1, path.count(b"/") + 1):
                parent = b"/".join(path.split(b"/")[:depth])
                found.setdefault(parent, Entry(parent, EntryKind.DIRECTORY, Digest(""), 0))
    return list(found.values()), objects


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where outputs go, in the middle of what must stay."""
    (tmp_path / "world" / "workspace" / "place").mkdir(parents=True)
    for folder in (tmp_path / "world", tmp_path / "world" / "workspace"):
        (folder / "escape").write_bytes(SECRET)
    return tmp_path / "world" / "workspace" / "place"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store beside it."""
    with Store.open(tmp_path / "store") as opened:
        yield opened


def world(place: Path) -> dict[str, Any]:
    """All but the output's own folder: names, and what files hold."""
    top = place.parent.parent
    found: dict[str, Any] = {}
    for folder, names, files in os.walk(top):
        if folder == str(place):
            names.clear()
            continue
        found |= {f"{folder}/{name}": None for name in names}
        for name in files:
            with open(f"{folder}/{name}", "rb") as file:
                found[f"{folder}/{name}"] = file.read()
    return found


def encoded(found: list[Entry]) -> bytes:
    """The bytes of a manifest whatever is in it."""
    ordered = tuple(sorted(found, key=lambda entry: entry.path))
    return manifests.encode(Manifest(ordered, Digest("0" * 64)))


@given(entries(), st.sampled_from(LinkMode))
@example(
    (
        [Entry(b"../escape", EntryKind.FILE, digest_bytes(b"content"), 7)],
        {digest_bytes(b"content"): b"content"},
    ),
    LinkMode.COPY,
)
@example(([Entry(b"", EntryKind.DIRECTORY, Digest(""), 0), Entry(b"a", EntryKind.SYMLINK, digest_bytes(b".."), 2),
           Entry(b"a/escape", EntryKind.FILE, digest_bytes(b"content"), 7)], {digest_bytes(b".."): b"..", digest_bytes(b"content"): b"content"}),
         LinkMode.COPY)  # fmt: skip
@fuzzed(200)
def test_no_manifest_leads_out_of_its_output(
    store: Store, place: Path, made: tuple[list[Entry], dict[Digest, bytes]], mode: LinkMode
) -> None:
    """Whatever a manifest says, restoring it is an error or stays inside; links in it lead nowhere outside."""
    found, objects = made
    with store.transaction():
        for data in objects.values():
            store.put(data)
    before = world(place)
    with bounded_memory():
        try:
            manifest = manifests.decode(encoded(found))
            store.restore(
                manifest,
                {name: str(place / "out") for name in manifests.output_names(manifest)[:1]},
                mode=mode,
            )
        except (LuisyError, OSError):  # a name may be longer than the file system takes
            pass
    assert world(place) == before
    for folder, names, files in os.walk(place):
        for name in (*names, *files):
            real = os.path.realpath(os.path.join(folder, name))
            assert real.startswith(os.path.realpath(place)), f"{folder}/{name} leads to {real}"
    discard(str(place / "out"))
    assert os.listdir(place) == []


@given(entries())
@fuzzed(100)
def test_a_manifest_in_memory_is_held_to_the_same(
    store: Store, place: Path, made: tuple[list[Entry], dict[Digest, bytes]]
) -> None:
    """What was built by hand and never decoded passes the same checks before anything is written."""
    found, _ = made
    manifest = Manifest(tuple(sorted(found, key=lambda entry: entry.path)), Digest("0" * 64))
    sound = answer(lambda: manifests.decode(encoded(found)))
    if isinstance(sound, LuisyError):
        with pytest.raises((CorruptionError, LuisyError)):
            store.restore(manifest, {b"": str(place / "out")})
    assert os.listdir(place) == []


# --- links in outputs that are kept


@given(
    st.sampled_from([*TARGETS, b"b", b"../place/out/b", b"b/../../escape", b"./b", b"c/d"]), st.integers(0, 3)
)
@fuzzed(60)
def test_links_that_lead_out_are_not_kept(store: Store, place: Path, target: bytes, depth: int) -> None:
    """What is kept can be restored: a link that leaves its output, by whatever way, is refused when it is met."""
    out = os.fsencode(place / "out")
    inner = b"/".join([out, *[b"d"] * depth])
    os.makedirs(inner)
    try:
        try:
            os.symlink(target, inner + b"/link")
        except (OSError, ValueError):
            return  # the system refuses it first
        kept = answer(lambda: store.keep([(b"", str(place / "out"))]))
        if isinstance(kept, LuisyError):
            assert kept.slug == "bad-output"
            return
        real = os.path.realpath(os.path.join(inner, b"link"))
        assert real == os.path.realpath(out) or real.startswith(os.path.realpath(out) + b"/")
    finally:
        discard(str(place / "out"))


# --- places that are changed behind our back


def kept_folder(store: Store, place: Path) -> Manifest:
    """A folder of two files as the store has it; it is gone from the workspace."""
    folder = place / "made"
    (folder / "inner").mkdir(parents=True)
    for name in ("escape", "inner/escape"):
        (folder / name).write_text("content")
    manifest = store.keep([(b"", str(folder))])
    discard(str(folder))
    return manifest


def test_a_link_at_the_place_of_an_output_is_replaced_not_followed(store: Store, place: Path) -> None:
    """Where a link stands in place of a file or folder, it goes; what it led to stays."""
    manifest = kept_folder(store, place)
    single = store.keep([(b"", str(place.parent / "escape"))])
    before = world(place)
    for wanted in (manifest, single):
        for target in ("..", "../escape", "nowhere"):
            (place / "out").symlink_to(target)
            store.restore(wanted, {b"": str(place / "out")})
            assert not (place / "out").is_symlink()
            assert world(place) == before
            discard(str(place / "out"))


def test_links_inside_a_folder_that_is_replaced_are_not_followed(store: Store, place: Path) -> None:
    """A folder is built anew beside the old one: links that somebody has put into that one lead nowhere."""
    manifest = kept_folder(store, place)
    before = world(place)
    (place / "out").mkdir()
    (place / "out" / "inner").symlink_to(place.parent.parent)
    (place / "out" / "escape").symlink_to("../../escape")
    store.restore(manifest, {b"": str(place / "out")})
    assert world(place) == before
    assert (place / "out" / "inner" / "escape").read_text() == "content"


@pytest.mark.parametrize("moment", ["fill", "swap"])
def test_a_link_that_is_swapped_in_while_we_write_leads_nowhere(
    store: Store, place: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Somebody replaces the old output by a link after we have looked and before we write: what it leads to stays."""
    manifest = kept_folder(store, place)
    before = world(place)
    real = getattr(outputs, moment)

    def swapped(*args: Any, **kwargs: Any) -> Any:
        discard(str(place / "out"))
        (place / "out").symlink_to("..")
        return real(*args, **kwargs)

    monkeypatch.setattr(outputs, moment, swapped)
    store.restore(manifest, {b"": str(place / "out")})
    assert world(place) == before
    assert not (place / "out").is_symlink()


def test_a_link_in_the_store_serves_no_other_bytes(store: Store, place: Path) -> None:
    """An object that was replaced by a link to another file is not served with that file's bytes."""
    manifest = kept_folder(store, place)
    name = manifest.objects[0]
    path = store.path / "objects" / name[:2] / name[2:]
    path.unlink()
    path.symlink_to(place.parent / "escape")
    with pytest.raises(LuisyError):
        store.restore(manifest, {b"": str(place / "out")})
    assert not (place / "out").exists()
    assert (place.parent / "escape").read_bytes() == SECRET


def test_names_that_differ_by_case_or_form_are_different_files(store: Store, place: Path) -> None:
    """On a file system that tells them apart nothing is lost; where it does not, it is an error and not a mixture."""
    folder = place / "made"
    folder.mkdir()
    names = ["a", "A", "é", unicodedata.normalize("NFD", "é"), "ﬁ", "fi"]
    for name in names:
        (folder / name).write_text(name)
    manifest = store.keep([(b"", str(folder))])
    store.restore(manifest, {b"": str(place / "out")})
    assert {name: (place / "out" / name).read_text() for name in os.listdir(place / "out")} == {
        n: n for n in names
    }


def test_an_output_that_is_no_file_is_refused(store: Store, place: Path) -> None:
    """A pipe, a socket or a device is not read: that might never end."""
    os.mkfifo(place / "pipe")
    for path in (str(place / "pipe"), "/dev/zero"):
        with pytest.raises(StoreError) as caught:
            store.keep([(b"", path)])
        assert caught.value.slug == "bad-output"
    (place / "out").mkdir()
    os.mkfifo(place / "out" / "pipe")
    with pytest.raises(StoreError):
        store.keep([(b"", str(place / "out"))])

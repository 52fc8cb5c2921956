"""Canonical bytes of manifests, and what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luisy.cas import manifests, output_names, output_of
from luisy.errors import CorruptionError, StoreError
from luisy.model import Digest, Entry, EntryKind, Manifest
from tests.unit.cas.values import digest

FILE, DIRECTORY, SYMLINK = EntryKind.FILE, EntryKind.DIRECTORY, EntryKind.SYMLINK
NONE = Digest("")

names = st.binary(min_size=1, max_size=6).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..") and b":" not in name
)
digests = st.binary(min_size=32, max_size=32).map(lambda raw: Digest(raw.hex()))


@st.composite
def trees(draw: st.DrawFn, path: bytes, depth: int = 2) -> list[Entry]:
    """One output: a file, or a folder with what is below it."""
    if depth == 0 or draw(st.booleans()):
        size = draw(st.integers(0, 2**62))
        return [Entry(path, FILE, draw(digests), size, draw(st.booleans()))]
    entries = [Entry(path, DIRECTORY, NONE, 0)]
    for name in draw(st.sets(names, max_size=3)):
        below = path + b"/" + name if path else name
        if draw(st.integers(0, 4)) == 0:
            entries.append(Entry(below, SYMLINK, draw(digests), draw(st.integers(1, 4096))))
        else:
            entries += draw(trees(below, depth - 1))
    return entries


@st.composite
def some_manifests(draw: st.DrawFn) -> Manifest:
    """A single output, or several with names."""
    if draw(st.booleans()):
        return manifests.manifest_of(draw(trees(b"")))
    return manifests.manifest_of(e for name in draw(st.sets(names, max_size=3)) for e in draw(trees(name)))


@given(some_manifests())
def test_decoding_gives_what_was_encoded(manifest: Manifest) -> None:
    """A manifest survives its canonical bytes, and these are its digest's object."""
    assert manifests.decode(manifests.encode(manifest)) == manifest


@given(some_manifests(), some_manifests())
def test_the_encoding_is_injective(one: Manifest, other: Manifest) -> None:
    """Two manifests have equal bytes only if they are equal."""
    assert (manifests.encode(one) == manifests.encode(other)) == (one.entries == other.entries)


@given(some_manifests(), st.data())
def test_changed_bytes_are_refused_or_mean_something_else(manifest: Manifest, data: st.DataObject) -> None:
    """Whatever one changed byte makes of a manifest, it never decodes to the same one."""
    raw = bytearray(manifests.encode(manifest))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        found = manifests.decode(bytes(raw))
    except CorruptionError:
        return
    assert found.entries != manifest.entries
    assert manifests.encode(found) == bytes(raw)


@given(some_manifests(), st.integers(1, 40))
def test_a_truncated_manifest_never_decodes_to_the_whole(manifest: Manifest, cut: int) -> None:
    """Bytes that are cut off are refused, or are the canonical bytes of fewer entries."""
    raw = manifests.encode(manifest)[:-cut]
    try:
        found = manifests.decode(raw)
    except CorruptionError:
        return
    assert manifests.encode(found) == raw


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    """Any bytes behind the magic either decode canonically or raise CorruptionError."""
    try:
        found = manifests.decode(manifests.MAGIC + raw)
    except CorruptionError:
        return
    assert manifests.encode(found) == manifests.MAGIC + raw


GOLDEN = [
    (
        (),
        "6c756973792d6d616e69666573742d310a",
        "076768dbcd4605dcdfa6b70ca3865429d329e24a9f96130cfc25eaa973d6cf92",
    ),
    (
        (Entry(b"", FILE, digest(1), 3),),
        "6c756973792d6d616e69666573742d310a660000000000000000000000030000000000000000000000000000000000000000000000000000000000000001",
        "afdfbc0f8d0cc6c7c0728b8a2deed74bfb1d57ce249562d81ef7441f7ae04f04",
    ),
    (
        (
            Entry(b"a", DIRECTORY, NONE, 0),
            Entry(b"a/\xff", FILE, digest(2), 5, executable=True),
            Entry(b"a/l", SYMLINK, digest(3), 1),
            Entry(b"b", FILE, digest(4), 6),
        ),
        "6c756973792d6d616e69666573742d310a6400000001616c00000003612f6c000000000000000100000000000000000000000000000000000000000000000000000000000000037800000003612fff0000000000000005000000000000000000000000000000000000000000000000000000000000000266000000016200000000000000060000000000000000000000000000000000000000000000000000000000000004",
        "c242a5209b82675a2e4f658afe881b8228ecf2061df67757624e6af36f726217",
    ),
]


@pytest.mark.parametrize(("entries", "raw", "name"), GOLDEN)
def test_the_canonical_bytes_are_frozen(entries: tuple[Entry, ...], raw: str, name: str) -> None:
    """Manifests written by an earlier luisy keep their bytes and digests."""
    manifest = manifests.manifest_of(entries)
    assert (manifests.encode(manifest).hex(), manifest.digest) == (raw, name)


BAD = {
    "absolute": [Entry(b"/etc/passwd", FILE, digest(1), 1)],
    "parent": [Entry(b"a/../b", FILE, digest(1), 1)],
    "parent at the end": [Entry(b"..", FILE, digest(1), 1)],
    "dot": [Entry(b"./a", FILE, digest(1), 1)],
    "empty part": [Entry(b"a//b", FILE, digest(1), 1)],
    "drive letter": [Entry(b"C:", DIRECTORY, NONE, 0)],
    "drive letter inside": [Entry(b"a", DIRECTORY, NONE, 0), Entry(b"a/c:x", FILE, digest(1), 1)],
    "zero byte": [Entry(b"a\0b", FILE, digest(1), 1)],
    "path too long": [Entry(b"a" * 70_000, FILE, digest(1), 1)],
    "twice": [Entry(b"a", FILE, digest(1), 1), Entry(b"a", FILE, digest(2), 1)],
    "below a file": [Entry(b"a", FILE, digest(1), 1), Entry(b"a/b", FILE, digest(2), 1)],
    "below a link": [
        Entry(b"a", DIRECTORY, NONE, 0),
        Entry(b"a/l", SYMLINK, digest(1), 1),
        Entry(b"a/l/x", FILE, digest(2), 1),
    ],
    "folder between not listed": [Entry(b"a", DIRECTORY, NONE, 0), Entry(b"a/b/c", FILE, digest(1), 1)],
    "beside a nameless file": [Entry(b"", FILE, digest(1), 1), Entry(b"a", FILE, digest(2), 1)],
    "output is a link": [Entry(b"a", SYMLINK, digest(1), 1)],
    "nameless output is a link": [Entry(b"", SYMLINK, digest(1), 1)],
    "no digest": [Entry(b"a", FILE, NONE, 1)],
    "short digest": [Entry(b"a", FILE, Digest("ab" * 31), 1)],
    "upper-case digest": [Entry(b"a", FILE, Digest("AB" * 32), 1)],
    "negative size": [Entry(b"a", FILE, digest(1), -1)],
    "size beyond SQLite": [Entry(b"a", FILE, digest(1), 1 << 63)],
    "folder with a digest": [Entry(b"a", DIRECTORY, digest(1), 0)],
    "folder with a size": [Entry(b"a", DIRECTORY, NONE, 1)],
    "executable folder": [Entry(b"a", DIRECTORY, NONE, 0, executable=True)],
    "executable link": [
        Entry(b"a", DIRECTORY, NONE, 0),
        Entry(b"a/l", SYMLINK, digest(1), 1, executable=True),
    ],
    "link too long": [Entry(b"a", DIRECTORY, NONE, 0), Entry(b"a/l", SYMLINK, digest(1), 5000)],
}


@pytest.mark.parametrize("entries", BAD.values(), ids=BAD)
def test_unsafe_entries_are_not_made_into_a_manifest(entries: list[Entry]) -> None:
    """What could not be materialised safely is refused on the way in, and where a caller hands it over."""
    with pytest.raises(StoreError) as caught:
        manifests.manifest_of(entries)
    assert caught.value.slug == "bad-output"
    with pytest.raises(CorruptionError):
        manifests.check(Manifest(tuple(entries), digest(9)))


def _raw(kind: bytes, path: bytes) -> bytes:
    body = b"" if kind == b"d" else (1).to_bytes(8, "big") + bytes(32)
    return kind + len(path).to_bytes(4, "big") + path + body


@pytest.mark.parametrize(
    "body",
    [
        _raw(b"f", b"/etc/passwd"),
        _raw(b"f", b"../x"),
        _raw(b"f", b"C:\\x"),
        _raw(b"f", b"b") + _raw(b"f", b"a"),
        _raw(b"f", b"a") + _raw(b"f", b"a"),
        _raw(b"z", b"a"),
        b"f\xff\xff\xff\xffa",
        _raw(b"f", b"a")[:-1],
        _raw(b"f", b"a") + b"\0",
        b"f" + (1).to_bytes(4, "big") + b"a" + b"\xff" * 8 + bytes(32),
    ],
)
def test_unsafe_bytes_are_not_decoded(body: bytes) -> None:
    """Names, order and sizes from outside are checked before anything is made of them."""
    with pytest.raises(CorruptionError) as caught:
        manifests.decode(manifests.MAGIC + body)
    assert caught.value.slug == "bad-manifest"


def test_another_version_is_refused() -> None:
    """Bytes that do not start as a manifest of this version are none."""
    with pytest.raises(CorruptionError):
        manifests.decode(b"luisy-manifest-2\n")


@pytest.mark.parametrize(
    ("path", "target", "inside"),
    [
        (b"l", b"a", True),
        (b"d/l", b"../a", True),
        (b"d/e/l", b"../../a/b", True),
        (b"l", b"./a", True),
        (b"l", b"..", False),
        (b"d/l", b"../..", False),
        (b"l", b"/etc/passwd", False),
        (b"l", b"x/../y", False),
        (b"d/l", b".././../y", False),
        (b"l", b"", False),
        (b"l", b"C:/x", False),
        (b"l", b"a" * 5000, False),
    ],
)
def test_links_may_not_leave_their_output(path: bytes, target: bytes, *, inside: bool) -> None:
    """A target climbs at most to the top of its output, and only with dots at its front."""
    assert manifests.link_stays_inside(path, target) is inside


@given(some_manifests())
def test_outputs_are_told_apart_and_re_rooted(manifest: Manifest) -> None:
    """The outputs together are the whole manifest, each under its name."""
    entries = []
    for name in output_names(manifest):
        output = output_of(manifest, name)
        assert output_names(output) == (b"",)
        for entry in output.entries:
            path = b"/".join(part for part in (name, entry.path) if part)
            entries.append(Entry(path, entry.kind, entry.digest, entry.size, entry.executable))
    assert tuple(sorted(entries, key=lambda entry: entry.path)) == manifest.entries


def test_an_outputs_content_does_not_depend_on_its_name() -> None:
    """Equal files under other names have equal content digests."""
    one = manifests.manifest_of([Entry(b"x", FILE, digest(1), 1)])
    other = manifests.manifest_of([Entry(b"", FILE, digest(1), 1)])
    assert output_of(one, b"x") == other


def test_a_nested_name_is_one_output() -> None:
    """Output names may have several parts (their place in nested structures)."""
    manifest = manifests.manifest_of([Entry(b"a/0", FILE, digest(1), 1), Entry(b"a/1", FILE, digest(2), 1)])
    assert output_names(manifest) == (b"a/0", b"a/1")


def test_an_unknown_output_is_an_error() -> None:
    """Asking for an output that is not there, or for a file inside one, raises KeyError."""
    manifest = manifests.manifest_of([Entry(b"a", DIRECTORY, NONE, 0), Entry(b"a/f", FILE, digest(1), 1)])
    for name in (b"b", b"a/g"):
        with pytest.raises(KeyError):
            output_of(manifest, name)

r"""The canonical bytes of a manifest, and what may stand in one.

::

    manifest = "luisy-manifest-1\n" entry*        entries strictly ascending by path bytes
    entry    = kind path-length path [size digest]
    kind     = "f" file | "x" executable file | "l" symbolic link | "d" directory (has no size and digest)
    path-length, size = unsigned, big-endian, 4 and 8 bytes;  digest = 32 bytes

Every value has one encoding and every encoding one value: lengths come before what they measure, and
:func:`decode` refuses whatever :func:`encode` would not have written.

An *output* is a root of the tree: an entry whose parent is not listed. Its path is its name (the place in
``output()``). A directory output lists itself and all that is below it; the parent of everything else is a
listed directory. So outputs are told from files inside outputs whatever their names are.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from luisy.cas.hashing import digest_bytes
from luisy.errors import CorruptionError, StoreError
from luisy.model import Digest, Entry, EntryKind, Manifest, is_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC = b"luisy-manifest-1\n"
MAX_PATH_BYTES = 1 << 16
MAX_LINK_BYTES = 4096
_LENGTH = struct.Struct(">I")
_BODY = struct.Struct(">Q32s")
_KINDS = {b"f": EntryKind.FILE, b"x": EntryKind.FILE, b"l": EntryKind.SYMLINK, b"d": EntryKind.DIRECTORY}
_DRIVE = re.compile(rb"[A-Za-z]:")
_NO_DIGEST = Digest("")


def manifest_of(entries: Iterable[Entry]) -> Manifest:
    """The manifest of *entries*, sorted and checked.

    :raises StoreError: an entry's path could not be materialised safely (slug ``bad-output``).
    """
    ordered = tuple(sorted(entries, key=lambda entry: entry.path))
    problem = _problem(ordered)
    if problem:
        raise bad_output(problem)
    return Manifest(ordered, digest_bytes(_encode(ordered)))


def bad_output(problem: str) -> StoreError:
    """The error for outputs that no manifest can hold."""
    return StoreError(
        f"an output cannot be kept: {problem}",
        slug="bad-output",
        hint="Make outputs of plain files, folders, and links that stay inside their output.",
    )


def check(manifest: Manifest) -> None:
    """Refuse a manifest that was not made here and would write outside its outputs.

    :raises CorruptionError: slug ``bad-manifest``.
    """
    problem = _problem(manifest.entries)
    if problem:
        raise bad_manifest(problem)


def encode(manifest: Manifest) -> bytes:
    """The canonical bytes, those that the manifest's digest names."""
    return _encode(manifest.entries)


def decode(data: bytes) -> Manifest:
    """The manifest whose canonical bytes *data* is.

    :raises CorruptionError: *data* is no manifest, or names something unsafe (slug ``bad-manifest``).
    """
    try:
        entries = _decode(data)
    except (struct.error, KeyError) as error:
        raise bad_manifest("it is cut off or has an unknown kind") from error
    problem = _problem(entries)
    if problem:
        raise bad_manifest(problem)
    return Manifest(entries, digest_bytes(data))


def output_names(manifest: Manifest) -> tuple[bytes, ...]:
    """The names of the outputs in *manifest*, sorted."""
    listed = {entry.path for entry in manifest.entries}
    return tuple(entry.path for entry in manifest.entries if _parent(entry.path, listed) is None)


def output_of(manifest: Manifest, name: bytes) -> Manifest:
    """One output by itself, re-rooted: its own path becomes ``b""``. Its digest is the output's content.

    For a task with the single output ``b""`` this is *manifest*.

    :raises KeyError: there is no such output.
    """
    if name == b"":
        return manifest
    below = name + b"/"
    found = [entry for entry in manifest.entries if entry.path == name or entry.path.startswith(below)]
    if not found or found[0].path != name:
        raise KeyError(name)
    cut = len(below)
    return manifest_of(
        Entry(entry.path[cut:], entry.kind, entry.digest, entry.size, entry.executable) for entry in found
    )


def link_stays_inside(path: bytes, target: bytes) -> bool:
    """Whether a link at *path* (relative to its output) with this target leads nowhere out of the output.

    ``..`` counts only at the front and no deeper than the link lies: behind another name it could climb
    through a link (``x/../y`` where ``x`` is a link leaves the output although it does not look so).
    """
    if not target or len(target) > MAX_LINK_BYTES or target.startswith(b"/") or b"\0" in target:
        return False
    parts = [part for part in target.split(b"/") if part not in (b"", b".")]
    ups = 0
    while ups < len(parts) and parts[ups] == b"..":
        ups += 1
    return b".." not in parts[ups:] and ups <= path.count(b"/") and not any(map(_DRIVE.match, parts))


def _encode(entries: tuple[Entry, ...]) -> bytes:
    out = [MAGIC]
    for entry in entries:
        kind = b"x" if entry.executable else entry.kind.value[:1].encode()
        out += (kind, _LENGTH.pack(len(entry.path)), entry.path)
        if entry.kind is not EntryKind.DIRECTORY:
            out.append(_BODY.pack(entry.size, bytes.fromhex(entry.digest)))
    return b"".join(out)


def _decode(data: bytes) -> tuple[Entry, ...]:
    if not data.startswith(MAGIC):
        raise bad_manifest("it does not start as one")
    entries = []
    at = len(MAGIC)
    while at < len(data):
        tag = data[at : at + 1]
        kind = _KINDS[tag]
        (length,) = _LENGTH.unpack_from(data, at + 1)
        at += 5 + length
        path = data[at - length : at]
        if length > MAX_PATH_BYTES or len(path) != length:
            raise bad_manifest("a path is longer than it may be or than what is there")
        if kind is EntryKind.DIRECTORY:
            entries.append(Entry(path, kind, _NO_DIGEST, 0))
            continue
        size, digest = _BODY.unpack_from(data, at)
        at += _BODY.size
        entries.append(Entry(path, kind, Digest(digest.hex()), size, tag == b"x"))
    return tuple(entries)


def verified(digest: Digest, data: bytes) -> Manifest | None:
    """The manifest that *data*, from elsewhere, is; None if it is another, or none."""
    if digest_bytes(data) != digest:
        return None
    try:
        return decode(data)
    except CorruptionError:
        return None


def bad_manifest(problem: str) -> CorruptionError:
    """The error for manifests from outside that are not valid."""
    return CorruptionError(
        f"a manifest is not valid: {problem}",
        slug="bad-manifest",
        hint="Run the task again with --force; `luisy cas verify` tells what else is damaged.",
    )


def _problem(entries: tuple[Entry, ...]) -> str:
    """Why *entries* are no manifest; empty if they are one. One walk for encoding and decoding."""
    kinds: dict[bytes, EntryKind] = {}
    previous = None
    for entry in entries:
        path = entry.path
        if previous is not None and path <= previous:
            return f"{path!r} is listed twice or out of order"
        previous = path
        problem = _path_problem(path) or _shape_problem(entry) or _place_problem(entry, kinds)
        if problem:
            return problem
        kinds[path] = entry.kind
    return ""


def _path_problem(path: bytes) -> str:
    if path == b"":
        return ""
    if len(path) > MAX_PATH_BYTES or b"\0" in path:
        return "a path is too long or holds a zero byte"
    for part in path.split(b"/"):
        if part in (b"", b".", b"..") or _DRIVE.match(part):
            return f"{path!r} is absolute, or holds an empty part, '.', '..' or a drive letter"
    return ""


def _shape_problem(entry: Entry) -> str:
    if entry.kind is EntryKind.DIRECTORY:
        plain = not entry.digest and not entry.size and not entry.executable
        return "" if plain else f"the directory {entry.path!r} has a size, a digest or an execute bit"
    if not is_digest(entry.digest):
        return f"{entry.path!r} has no digest"
    if entry.kind is EntryKind.SYMLINK and (entry.executable or entry.size > MAX_LINK_BYTES):
        return f"the link {entry.path!r} is executable or too long"
    return "" if 0 <= entry.size < 1 << 63 else f"{entry.path!r} has an impossible size"


def _parent(path: bytes, listed: Iterable[bytes]) -> bytes | None:
    """The listed parent of *path*; None for an output."""
    if path == b"":
        return None
    parent = path.rpartition(b"/")[0]
    return parent if parent in listed else None


def _place_problem(entry: Entry, kinds: dict[bytes, EntryKind]) -> str:
    # Sorted by bytes, a parent stands before what is below it, though not always right before.
    path = entry.path
    parent = _parent(path, kinds)
    if parent is not None:
        inside = kinds[parent] is EntryKind.DIRECTORY
        return "" if inside else f"{path!r} lies below {parent!r}, which is no directory"
    if entry.kind is EntryKind.SYMLINK:
        return f"the output {path!r} is a symbolic link"
    while path:
        path = path.rpartition(b"/")[0]
        if path in kinds:
            return f"{entry.path!r} lies below {path!r}, and a folder between them is not listed"
    return ""

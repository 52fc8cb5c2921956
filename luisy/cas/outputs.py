"""From outputs in the workspace to a manifest, and back."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from luisy.cas import manifests
from luisy.cas.hashing import digest_bytes, digest_descriptor
from luisy.cas.materialise import beside, discard, fill, place_file, swap
from luisy.cas.objects import expect_unchanged
from luisy.cas.stat_tokens import folder_token, stat_token, token_of, walk
from luisy.cas.workspace_rows import Placement
from luisy.model import Digest, Entry, EntryKind, LinkMode, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from luisy.cas._layout import Layout
    from luisy.cas.objects import Objects
    from luisy.cas.workspace_rows import WorkspaceRows

_ANY_EXECUTE = 0o111


class Reader(Protocol):
    """What becomes of each file and link that a scan meets."""

    def file(self, path: str, status: os.stat_result) -> tuple[Digest, LinkMode]:
        """Digest of a file; *status* is what the scan saw, anything else is an error."""

    def link(self, target: bytes) -> Digest:
        """Digest of a link's target."""


class KeepingReader:
    """Stages every file as an object."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def file(self, path: str, status: os.stat_result) -> tuple[Digest, LinkMode]:
        """Stage the file."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self._objects.stage_file(descriptor, status, path)
        finally:
            os.close(descriptor)

    def link(self, target: bytes) -> Digest:
        """Stage the target."""
        return self._objects.stage_bytes(target)


class HashingReader:
    """Hashes every file in place, or asks the stat cache; stores nothing.

    :ivar hashed: what the stat cache should learn.
    :ivar began: when the first file can have been hashed, seconds since the epoch.
    """

    def __init__(self, rows: WorkspaceRows) -> None:
        self._rows = rows
        self.began = time.time()
        self.hashed: list[tuple[str, os.stat_result, Digest]] = []

    def file(self, path: str, status: os.stat_result) -> tuple[Digest, LinkMode]:
        """Hash the file unless its digest is known."""
        absolute = os.path.abspath(path)
        digest = self._rows.cached(absolute, status)
        if digest is None:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                expect_unchanged(descriptor, status, path)
                digest = digest_descriptor(descriptor)
                expect_unchanged(descriptor, status, path)
            finally:
                os.close(descriptor)
            self.hashed.append((absolute, status, digest))
        return digest, LinkMode.COPY

    def link(self, target: bytes) -> Digest:
        """Hash the target."""
        return digest_bytes(target)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found: the manifest, and the state of each output that it is true of."""

    manifest: Manifest
    placements: tuple[Placement, ...]


def scan(outputs: Sequence[tuple[bytes, str]], reader: Reader) -> Scanned:
    """The manifest of files and folders as they are now.

    :param outputs: name and path of each.
    :raises FileNotFoundError: an output is not there.
    :raises StoreError: one changes meanwhile (``source-changed``) or cannot be kept (``bad-output``).
    """
    entries: list[Entry] = []
    seen: list[tuple[bytes, str, bytes, LinkMode]] = []
    for name, path in outputs:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            entry, mode = _file_entry(name, path, status, reader)
            entries.append(entry)
            token = token_of(status)
        elif stat.S_ISDIR(status.st_mode):
            token, mode = _scan_folder(name, path, reader, entries)
        else:
            raise manifests.bad_output(f"{path} is neither a file nor a folder")
        seen.append((name, path, token, mode))
    manifest = manifests.manifest_of(entries)
    return Scanned(
        manifest,
        tuple(
            Placement(path, manifests.output_of(manifest, name).digest, token, mode)
            for name, path, token, mode in seen
        ),
    )


def _file_entry(name: bytes, path: str, status: os.stat_result, reader: Reader) -> tuple[Entry, LinkMode]:
    digest, mode = reader.file(path, status)
    executable = bool(status.st_mode & _ANY_EXECUTE)
    return Entry(name, EntryKind.FILE, digest, status.st_size, executable), mode


def _scan_folder(name: bytes, path: str, reader: Reader, entries: list[Entry]) -> tuple[bytes, LinkMode]:
    """Add the entries of one folder; its token, and REFLINK if every large file in it was."""
    root = os.fsencode(path)
    found = list(walk(root))
    modes = set()
    prefix = name + b"/" if name else b""
    entries.append(Entry(name, EntryKind.DIRECTORY, Digest(""), 0))
    for relative, status in found:
        here = os.path.join(root, relative)
        if stat.S_ISREG(status.st_mode):
            entry, mode = _file_entry(prefix + relative, os.fsdecode(here), status, reader)
            modes.add(mode)
        elif stat.S_ISDIR(status.st_mode):
            entry = Entry(prefix + relative, EntryKind.DIRECTORY, Digest(""), 0)
        elif stat.S_ISLNK(status.st_mode):
            target = os.readlink(here)
            if not manifests.link_stays_inside(relative, target):
                raise manifests.bad_output(f"the link {os.fsdecode(here)} leads out of its folder")
            entry = Entry(prefix + relative, EntryKind.SYMLINK, reader.link(target), len(target))
        else:
            raise manifests.bad_output(f"{os.fsdecode(here)} is neither file, folder nor link")
        entries.append(entry)
    return folder_token(found), LinkMode.COPY if LinkMode.COPY in modes else LinkMode.REFLINK


class Restorer:
    """Materialises outputs. The caller has checked that the objects are there."""

    def __init__(self, layout: Layout, objects: Objects, mode: LinkMode) -> None:
        self._layout = layout
        self._objects = objects
        self._mode = mode

    def outputs(self, manifest: Manifest, paths: Mapping[bytes, str]) -> list[Placement]:
        """Materialise the outputs named in *paths*.

        :raises KeyError: the manifest has no such output.
        :raises CorruptionError: it would write outside of an output.
        :raises OSError: the disk is full or read-only; what was there before is there still.
        """
        manifests.check(manifest)
        return [self._output(manifests.output_of(manifest, name), path) for name, path in paths.items()]

    def file(self, digest: Digest, path: str, *, executable: bool) -> LinkMode:
        """Materialise one object at *path*, making its folder if need be."""
        source = self._layout.object(digest)
        before = os.lstat(source) if self._mode is LinkMode.HARDLINK else None
        try:
            used = place_file(source, path, self._mode, executable=executable)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            used = place_file(source, path, self._mode, executable=executable)
        if used is LinkMode.HARDLINK and before is not None:
            self._objects.accept_link(digest, before)
        return used

    def _output(self, output: Manifest, path: str) -> Placement:
        root = output.entries[0]
        if root.kind is EntryKind.FILE:
            mode = self.file(root.digest, path, executable=root.executable)
        else:
            mode = self._folder(output.entries, path)
        return Placement(path, output.digest, stat_token(path) or b"", mode)

    def _folder(self, entries: Sequence[Entry], path: str) -> LinkMode:
        """Build the folder beside *path*, then swap: readers see the old or the new one, never a half."""
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        temporary = beside(path)
        try:
            modes = self._build(entries, os.fsencode(temporary))
        except BaseException:
            discard(temporary)
            raise
        swap(temporary, path)
        return next((mode for mode in (LinkMode.COPY, LinkMode.REFLINK) if mode in modes), self._mode)

    def _build(self, entries: Sequence[Entry], root: bytes) -> set[LinkMode]:
        modes = set()
        for entry in entries:
            path = root + b"/" + entry.path if entry.path else root
            if entry.kind is EntryKind.DIRECTORY:
                os.mkdir(path)
            elif entry.kind is EntryKind.FILE:
                modes.add(self._fill(entry, os.fsdecode(path)))
        # Links last: no file of ours is ever written through one.
        for entry in entries:
            if entry.kind is EntryKind.SYMLINK:
                self._make_link(entry, root)
        return modes

    def _fill(self, entry: Entry, path: str) -> LinkMode:
        source = self._layout.object(entry.digest)
        before = os.lstat(source) if self._mode is LinkMode.HARDLINK else None
        used = fill(source, path, self._mode, executable=entry.executable)
        if used is LinkMode.HARDLINK and before is not None:
            self._objects.accept_link(entry.digest, before)
        return used

    def _make_link(self, entry: Entry, root: bytes) -> None:
        target = self._objects.read(entry.digest)
        if not manifests.link_stays_inside(entry.path, target):
            raise manifests.bad_manifest(f"the link {entry.path!r} leads out of its output")
        os.symlink(target, root + b"/" + entry.path)


def needed(found: Iterable[Manifest]) -> set[Digest]:
    """The objects that several manifests need."""
    return {digest for manifest in found for digest in manifest.objects}

"""What tells cheaply that a file or folder has not changed since it was hashed."""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOKEN = struct.Struct("<QQqq")
"""Inode, size, mtime_ns, ctime_ns. The device is left out: it may change with a remount."""


def token_of(status: os.stat_result) -> bytes:
    """The 32-byte token of a file by its ``stat`` result."""
    return _TOKEN.pack(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def stat_token(path: str | bytes) -> bytes | None:
    """32 bytes that change whenever the content at *path* may have changed; None if nothing is there.

    For a file one ``stat``; for a folder a digest over the sorted walk of what is below it. Links at *path*
    itself are followed, as the task's reader would.

    :raises OSError: what is there cannot be looked at.
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(status.st_mode):
        return token_of(status)
    try:
        return folder_token(walk(os.fsencode(path)))
    except FileNotFoundError:  # it is being changed as we look: a token that matches no other
        return os.urandom(32)


def folder_token(found: Iterable[tuple[bytes, os.stat_result]]) -> bytes:
    """The token of a folder by what :func:`walk` found in it."""
    hasher = blake3(max_threads=1)
    for relative, status in found:
        kind = stat.S_IFMT(status.st_mode)
        # A folder's own times change with any temporary file in it; its name is what counts.
        token = b"" if stat.S_ISDIR(status.st_mode) else token_of(status)
        hasher.update(struct.pack("<II", len(relative), kind) + relative + token)
    return hasher.digest()


def walk(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """All that is below folder *root*: path relative to it and ``lstat``, parents before children.

    The order is that of the path's parts, the same on every file system.
    """
    pending = [b""]
    while pending:
        prefix = pending.pop()
        with os.scandir(os.path.join(root, prefix)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        folders = []
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            yield prefix + entry.name, status
            if stat.S_ISDIR(status.st_mode):
                folders.append(prefix + entry.name + b"/")
        pending.extend(reversed(folders))

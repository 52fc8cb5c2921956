"""A lock per key between the processes of one machine: ``flock`` on a file in the store's ``tmp/``.

The kernel lets go of it when its holder dies, so a killed run leaves nothing to clean up but an empty file.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def exclusive(path: str) -> Iterator[bool]:
    """Hold the lock that *path* stands for; yields whether somebody else held it first.

    Without the right to write there is nothing to protect, and the lock counts as held.
    """
    try:
        descriptor, waited = _acquire(path)
    except OSError:
        yield False
        return
    try:
        yield waited
    finally:
        # Removed while held: whoever waits for this file finds it gone and starts again on a new one.
        with suppress(OSError):
            os.unlink(path)
        os.close(descriptor)


def _acquire(path: str) -> tuple[int, bool]:
    waited = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _still_named(descriptor, path):
            return descriptor, waited
        waited = True
        os.close(descriptor)


def _still_named(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


OWN = "luisy-"
"""How the names of folders begin that a living process holds."""


@contextmanager
def own_folder(parent: str) -> Iterator[str]:
    """A new empty folder in *parent* for the length of the block; first, those of dead processes are removed."""
    remove_ownerless(parent)
    folder, descriptor = _make_own(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_ownerless(parent: str) -> int:
    """Remove the folders of :func:`own_folder` whose processes have died; returns how many there were."""
    count = 0
    for name in os.listdir(parent):
        if not name.startswith(OWN):
            continue
        with suppress(OSError):  # somebody holds it, or has been faster
            descriptor = os.open(f"{parent}/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(f"{parent}/{name}")
                count += 1
            finally:
                os.close(descriptor)
    return count


def _make_own(parent: str) -> tuple[str, int]:
    """A new folder and the descriptor that holds it."""
    while True:
        folder = tempfile.mkdtemp(prefix=OWN, dir=parent)
        with suppress(FileNotFoundError):  # somebody took it for ownerless
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _still_named(descriptor, folder):
                return folder, descriptor
            os.close(descriptor)

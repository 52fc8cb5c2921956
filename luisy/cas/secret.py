"""The store's secret: it keys the digests of what nobody else may guess."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas._layout import write_new
from luisy.errors import CorruptionError

if TYPE_CHECKING:
    from luisy.cas._layout import Layout

_SECRET_BYTES = 32


def secret_of(layout: Layout, *, writable: bool) -> bytes:
    """Read the secret, or make it: whoever links its file first has made it."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found = Path(layout.secret).read_bytes()
            if len(found) == _SECRET_BYTES:
                return found
            raise CorruptionError(
                f"{layout.secret} is damaged",
                slug="corrupt-secret",
                hint="Restore it from a backup, or remove it: tasks with private parameters execute once more.",
            )
        if not writable:
            break
        temporary = layout.temporary()
        write_new(temporary, os.urandom(_SECRET_BYTES), 0o600)
        _sync(temporary)  # of all files the one that nothing could make again, or find out to be missing
        with contextlib.suppress(FileExistsError):
            os.link(temporary, layout.secret)
        os.unlink(temporary)
    return os.urandom(_SECRET_BYTES)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

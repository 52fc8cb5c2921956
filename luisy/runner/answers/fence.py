"""Keeps a block of code from changing files below some folders, as far as Python opens them (PEP 578)."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGING = {
    "os.link": 2,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.symlink": 2,
    "os.truncate": 1,
    "shutil.rmtree": 1,
}
"""Audit events that change files, and how many paths their arguments begin with."""


@contextmanager
def fenced(folders: Sequence[str], *, but: Sequence[str]) -> Iterator[None]:
    """Refuse to change *folders* and what is below them while the block runs, but for those below *but*.

    For a process that ends soon: the hook cannot be taken away again. What C code opens by itself is not seen, nor what
    is named relative to an open folder (``dir_fd``).

    :raises PermissionError: in the block, where it tries.
    """
    closed, free = (tuple(f"{folder.rstrip(os.sep)}{os.sep}" for folder in some) for some in (folders, but))
    up = True

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if not up:
            return
        for path in _changed(event, args):
            absolute = os.path.abspath(os.fsdecode(path))
            inside = f"{absolute}{os.sep}"  # a folder itself belongs to what lies below it
            if inside.startswith(closed) and not inside.startswith(free):
                raise PermissionError(f"it would change {absolute}")

    sys.addaudithook(hook)
    try:
        yield
    finally:
        up = False


def _changed(event: str, args: tuple[Any, ...]) -> Iterator[str | bytes | os.PathLike[str]]:
    paths = args[: _CHANGING.get(event, 0)]
    if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
        paths = args[:1]
    yield from (path for path in paths if isinstance(path, (str, bytes, os.PathLike)))

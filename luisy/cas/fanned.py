"""Folders whose files are named by digests or keys and fanned out by their first two digits: ``ab/cdef...``."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from luisy.model import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_T = TypeVar("_T")


def files_in(folder: str) -> Iterator[str]:
    """The files of such a folder, sorted; what has another name is left out."""
    try:
        fans = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for fan in fans:
        for name in sorted(os.listdir(f"{folder}/{fan}")):
            if is_digest(fan + name):
                yield f"{folder}/{fan}/{name}"


def name_of(path: str) -> str:
    """The digest or key that a file is named by."""
    fan, name = path.split(os.sep)[-2:]
    return fan + name


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """*items*, so many at a time."""
    pending = iter(items)
    while batch := list(islice(pending, size)):
        yield batch

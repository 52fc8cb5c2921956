"""What killed processes leave in a workspace, beside outputs whose place it was to take.

::

    <folder>/.luisy-<random>        a file, link or folder that was materialised, or that gave way (``materialise``)
    <folder>/.luisy-tmp-<random>/   what a task wrote through a target of luisy's (``luisy.targets``)
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from luisy.cas.materialise import discard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SHAPE = re.compile(r"\.luisy-(?:[0-9a-f]{16}|tmp-[0-9a-z_]{8})")


def sweep(folders: Iterable[str], age: Callable[[str], float], oldest: float) -> int:
    """Remove leftovers in *folders*, not those below; returns how many there were.

    Nobody can say whose they are, so they are taken for left behind by when something in them changed last.

    :param age: seconds since a file, link or folder changed.
    :param oldest: seconds for which a living process may leave one as it is.
    """
    count = 0
    for path in (path for folder in folders for path in _in(folder)):
        if all(age(one) >= oldest for one in _everything(path)):
            with suppress(OSError):  # in a folder that others own
                discard(path)
            count += not os.path.lexists(path)
    return count


def _in(folder: str) -> Iterator[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    yield from (os.path.join(folder, name) for name in names if _SHAPE.fullmatch(name))


def _everything(path: str) -> Iterator[str]:
    """*path*, and what lies below it."""
    yield path
    for above, folders, files in os.walk(path):
        yield from (os.path.join(above, name) for name in (*folders, *files))

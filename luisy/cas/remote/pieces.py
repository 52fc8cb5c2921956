"""Large blobs in pieces: several on their way at once, a bounded number in memory."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from typing import BinaryIO

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(work: Callable[[_Item], _Result], items: Iterable[_Item], *, at_once: int) -> Iterator[_Result]:
    """What *work* makes of each of *items*, in their order.

    Threads work ahead; items are taken one by one as there is room, so no more than ``at_once + 1`` are in memory.
    The threads end with the iterator, or when it is closed.
    """
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="luisy-remote") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                del item
                if len(waiting) == at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def left(file: BinaryIO) -> int:
    """Bytes from where *file* stands to its end."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return max(0, end - here)


def exactly(file: BinaryIO, length: int, name: str) -> bytes:
    """The next *length* bytes.

    :raises RemoteError: there are fewer: somebody writes to the file.
    """
    data = file.read(length)
    while len(data) < length and (more := file.read(length - len(data))):
        data += more
    if len(data) < length:
        raise RemoteError(f"the file for {name} became shorter while it was uploaded", hint="try again")
    return data

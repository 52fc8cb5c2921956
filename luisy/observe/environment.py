"""``os.environ`` that tells who reads it: its class is replaced, so that everybody's reference to it stays good."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from luisy.observe.hook import is_paused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reader = Callable[[str | None, str | None], None]

_readers: tuple[Reader, ...] = ()


def listen(reader: Reader) -> None:
    """Call *reader* with name and value of each variable that is read, in any thread from now on.

    The value is None for a variable that is not set; both are None where somebody goes through all of them.
    """
    global _readers  # noqa: PLW0603 - replaced as a whole: another thread may be walking it
    _readers = (*_readers, reader)
    _watch()


def _tell(name: Any, value: Any) -> None:
    if is_paused():
        return
    if isinstance(name, bytes):
        name, value = os.fsdecode(name), None if value is None else os.fsdecode(value)
    with suppress(Exception):  # an observer must not break what it observes
        for reader in _readers:
            reader(name, value)


class _Watched(os._Environ):  # type: ignore[type-arg]  # noqa: SLF001 - the class of os.environ has no other name
    """Of all that reads it, ``[]`` and iteration are what the rest is made of (``collections.abc.Mapping``)."""

    def __getitem__(self, key: Any) -> Any:
        try:
            value = super().__getitem__(key)
        except KeyError:
            if _readers:
                _tell(key, None)
            raise
        if _readers:
            _tell(key, value)
        return value

    def __iter__(self) -> Iterator[Any]:
        if _readers:
            _tell(None, None)
        return super().__iter__()


def _watch() -> None:
    for environ in (os.environ, getattr(os, "environb", None)):
        if type(environ) is os._Environ:  # noqa: SLF001 - as above; what somebody else put there is left alone
            environ.__class__ = _Watched

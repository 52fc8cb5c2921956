"""State that belongs to one process and must not be carried into its forks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class PerProcess(Generic[_T]):
    """A value that a forked child makes anew: what its parent was about to write is not the child's to write.

    :param make: makes the value; called once in each process.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._pid = os.getpid()
        self._value = make()

    def get(self) -> _T:
        """This process's value."""
        if self._pid != os.getpid():
            self._value = self._make()
            self._pid = os.getpid()
        return self._value

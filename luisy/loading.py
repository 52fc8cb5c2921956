"""When the source of each module was read: what is on disk since may not be the code that runs.

luisy watches imports from its own import on, by a finder that notes the time and finds nothing. A module that was
there before was read before.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

_began = time.time_ns()
_moments: dict[str, int] = {}
_listeners: list[Callable[[str], None]] = []


class _Witness:
    """A finder on ``sys.meta_path`` that only notes what is looked for, just before it is read."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None) -> None:
        """Note the time; somebody else finds the module."""
        _moments[name] = time.time_ns()
        for listener in _listeners:
            listener(name)


def moment(module: str) -> int:
    """A moment, in nanoseconds since the epoch, before which the source of a loaded module was last changed.

    A file that changed later may differ from the code in memory.
    """
    return _moments.get(module, _began)


def listen(listener: Callable[[str], None]) -> None:
    """Call *listener* with the name of each module that is looked for from now on, by whoever imports it."""
    _listeners.append(listener)


_finder: Any = _Witness  # as much of a finder as the import system asks for
sys.meta_path.insert(0, _finder)

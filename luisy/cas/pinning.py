"""Pins in the store: set, listed, taken away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from luisy.cas.filing import Left, leaving
from luisy.cas.opened import OpenedStore
from luisy.cas.pins import Pin, PinRows
from luisy.errors import NoSuchResult, UsageError
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from luisy.model import Key

_LONGEST = 200


class Pinning(OpenedStore):
    """Remembers which actions must stay."""

    @property
    def _pins(self) -> PinRows:
        return PinRows(self._database)

    def pins(self) -> list[Pin]:
        """All pins, by name."""
        return self._pins.all()

    def pinned(self) -> dict[Key, list[str]]:
        """The names that keep each action."""
        names: dict[Key, list[str]] = {}
        for pin in self.pins():
            names.setdefault(pin.key, []).append(pin.name)
        return names

    def pin(self, name: str, key: Key) -> None:
        """Keep the action at *key* under *name*. Idempotent.

        :raises UsageError: *name* is none (``bad-pin``), or keeps another action (``pin-taken``).
        :raises NoSuchResult: there is no such action.
        :raises StoreError: the store cannot be written.
        """
        self._must_write()
        if not name.isprintable() or name != name.strip() or not 0 < len(name) <= _LONGEST:
            raise UsageError(
                f"{name!r} cannot be the name of a pin",
                slug="bad-pin",
                hint=f"give 1 to {_LONGEST} printable characters",
            )
        with self._database.writing():
            taken = {pin.name: pin.key for pin in self.pins()}.get(name)
            if taken not in (None, key):
                raise UsageError(
                    f"the pin {name} keeps {taken[:SHOWN_DIGITS]}",
                    slug="pin-taken",
                    hint=f"take it away first: `luisy cas unpin {name}`",
                )
            if self._actions.own(key) is None:
                raise NoSuchResult(f"the store {self.path} has no result at {key}")
            if taken is None:
                self._file_record(Pin(name, key, time.time()), self._pins.put)

    def unpin(self, name: str) -> Pin:
        """Take a pin away; what it was.

        :raises NoSuchResult: there is none of this name.
        :raises StoreError: the store cannot be written.
        """
        self._must_write()
        with leaving(self._database) as (connection, left):
            found = {pin.name: pin for pin in self.pins()}.get(name)
            if found is None:
                raise NoSuchResult(
                    f"the store {self.path} has no pin {name}", hint="`luisy cas pins` lists them"
                )
            self._pins.drop(connection, name)
            left.append(Left(found.file(self._layout), lambda: any(pin.name == name for pin in self.pins())))
        return found

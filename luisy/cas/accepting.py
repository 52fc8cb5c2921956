"""Acceptances in the store: filed, listed, withdrawn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from luisy.cas.acceptances import AcceptanceRows, resting_on
from luisy.cas.filing import Left, leaving
from luisy.cas.opened import OpenedStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.cas.acceptances import Acceptance
    from luisy.model import Key


class Accepting(OpenedStore):
    """Remembers which earlier results count for the keys of changed code."""

    @property
    def _acceptances(self) -> AcceptanceRows:
        return AcceptanceRows(self._database)

    def acceptances(self) -> list[Acceptance]:
        """All acceptances, newest first."""
        return self._acceptances.all()

    def file_acceptances(self, acceptances: Iterable[Acceptance]) -> None:
        """Remember all of *acceptances*, or none of them. Idempotent.

        :raises StoreError: the store cannot be written.
        :raises OSError: the disk is full.
        """
        self._must_write()
        self._file_records(acceptances, self._acceptances.put)

    def withdraw(self, keys: Iterable[Key]) -> list[Acceptance]:
        """Forget the acceptances at *keys* and all that came through them; returns what was forgotten.

        :raises StoreError: the store cannot be written.
        """
        self._must_write()
        with leaving(self._database) as (connection, left):
            fallen = resting_on(keys, self.acceptances())
            for acceptance in fallen:
                self._acceptances.drop(connection, acceptance.key)
                left.append(
                    Left(acceptance.file(self._layout), partial(self._acceptances.has, acceptance.key))
                )
        return fallen

"""What the store remembers of tables."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, TableWrite
from luisy.errors import StoreError
from luisy.model import Digest
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

WRITE = TableWrite("main.weather.daily", key(1), (Digest("a" * 64), Digest("b" * 64)), "7 2026", 12.5)


def test_the_last_write_counts(store: Store) -> None:
    """Of each location the newest is known, as it was noted."""
    other = dataclasses.replace(WRITE, location="elsewhere", inputs=())
    newer = dataclasses.replace(WRITE, key=key(2), version="8 2026")
    store.note_writes([WRITE, other])
    store.note_writes([newer])
    assert store.last_write(WRITE.location) == newer
    assert store.last_write("elsewhere") == other
    assert store.last_write("nowhere") is None


def test_it_outlives_the_process(tmp_path: Path) -> None:
    """Another process of the same store knows it."""
    with Store.open(tmp_path / "store") as store:
        store.note_writes([WRITE])
    with Store.open(tmp_path / "store") as store:
        assert store.last_write(WRITE.location) == WRITE


def test_a_rebuild_forgets_it(store: Store) -> None:
    """No file stands behind it: where the index was lost, nobody knows who wrote the table."""
    store.note_writes([WRITE])
    store.close()
    for file in store.path.glob("index.db*"):
        file.unlink()
    with Store.open(store.path) as again:
        assert again.last_write(WRITE.location) is None


def test_a_store_without_files_refuses() -> None:
    """What cannot be remembered is not noted in silence."""
    with Store.ephemeral() as store, pytest.raises(StoreError):
        store.note_writes([WRITE])

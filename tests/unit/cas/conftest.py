"""A store and a workspace for each test, and the values to fill them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from luisy.cas import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# No test asserts a time, also not by Hypothesis' deadline: the machine may be busy.
settings.register_profile("luisy", deadline=None)
settings.load_profile("luisy")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty folder on the store's file system."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder

"""The pipelines of the end-to-end tests, to be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import warm as warm  # noqa: PLC0414 - a fixture
from tests.faults.victims import Victim

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.projects import Warm


@pytest.fixture
def victim(tmp_path: Path, warm: Warm) -> Victim:
    """A pipeline of three tasks over a raw file, never run so far, with an empty folder as its remote."""
    return Victim(tmp_path, warm)

"""A pipeline of its own for each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.e2e.projects import Project, Warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# pytest tests/e2e/test_histories.py --hypothesis-profile soak
settings.register_profile("soak", max_examples=3000)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The process that forks the others, one for all scenarios."""
    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture
def project(tmp_path: Path, warm: Warm) -> Project:
    """An empty pipeline in an empty workspace."""
    return Project(tmp_path, warm)

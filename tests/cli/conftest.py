"""Projects to run ``luisy`` on, and snapshots of what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.project import Project
from tests.cli.redaction import redacted
from tests.e2e.projects import Warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The process that forks the others."""
    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture
def project(tmp_path: Path, warm: Warm) -> Project:
    """A pipeline that has not run."""
    return Project(tmp_path / "project", warm)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Project:
    """A pipeline that has run once; tests of one module share it and only look."""
    project = Project(tmp_path_factory.mktemp("finished") / "project", warm)
    done = project.luisy("run", "Both")
    assert done.code == 0, done.err
    return project


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text, redacted, with the file of this name; ``--update-snapshots`` writes the file."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        found = redacted(text)
        if request.config.getoption("--update-snapshots"):
            path.write_text(found, encoding="utf-8")
        assert found == path.read_text(encoding="utf-8")

    return compare

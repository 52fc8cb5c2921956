"""Each kind of remote, empty, for each test of the suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote.directory import DirectoryRemote
from luisy.cas.remote.memory import MemoryRemote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from luisy.cas.remote import Remote


@dataclass(frozen=True)
class Place:
    """Where blobs are kept.

    :param open: another client of it, which shares nothing in memory with the others unless all of it is there.
    """

    open: Callable[[], Remote]


@pytest.fixture(params=["memory", "directory"])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty place of each kind."""
    made: Place = request.getfixturevalue(f"{request.param}_place")
    return made


@pytest.fixture(params=["directory"])
def shared_place(request: pytest.FixtureRequest) -> Place:
    """An empty place of each kind that processes share."""
    made: Place = request.getfixturevalue(f"{request.param}_place")
    return made


@pytest.fixture
def memory_place() -> Place:
    """A dict."""
    remote = MemoryRemote()
    return Place(lambda: remote)


@pytest.fixture
def directory_place(tmp_path: Path) -> Place:
    """A folder."""
    folder = tmp_path / "remote"
    folder.mkdir()
    return Place(lambda: DirectoryRemote(str(folder)))


@pytest.fixture
def remote(place: Place) -> Iterator[Remote]:
    """A client of an empty place."""
    remote = place.open()
    yield remote
    remote.close()

"""Each kind of remote, empty, for each test of the suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote.azure import AzureRemote
from luisy.cas.remote.directory import DirectoryRemote
from luisy.cas.remote.memory import MemoryRemote
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from luisy.cas.remote import Remote
    from tests.azurite import Azurite


@dataclass(frozen=True)
class Place:
    """Where blobs are kept.

    :param open: another client of it, which shares nothing in memory with the others unless all of it is there.
    """

    open: Callable[[], Remote]


@pytest.fixture(params=["memory", "directory", "azure"])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty place of each kind."""
    made: Place = request.getfixturevalue(f"{request.param}_place")
    return made


@pytest.fixture(params=["directory", "azure"])
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
def azure_place(azurite: Azurite) -> Place:
    """A folder in a container of a real Azurite, listed three blobs a page."""
    container = azurite.new_container()
    return Place(lambda: AzureRemote(container, "pre/fix", credentials=azurite.credentials, page_size=3))


@pytest.fixture
def remote(place: Place) -> Iterator[Remote]:
    """A client of an empty place."""
    remote = place.open()
    yield remote
    remote.close()

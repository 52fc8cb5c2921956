"""An Azurite of the bench's own, and containers in it that each measured process finds in its environment."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.azurite import Azurite

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Container:
    """A container for one side, made anew as often as that side needs an empty one.

    :ivar environment: tells a process where it is, and a token for it; changes with :meth:`renew`.
    """

    azurite: Azurite
    name: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def renew(self) -> None:
        """From now on this is another, empty container; the old one is deleted."""
        old = self.name
        self.name = self.azurite.new_container()
        token = self.azurite.sas(self.name, "racwdl", hours=12).sas_token
        self.environment.update(
            BENCH_ENDPOINT=self.azurite.endpoint,
            BENCH_CONTAINER=self.name,
            BENCH_SAS=token,
            RCLONE_AZUREBLOB_SAS_URL=f"{self.azurite.endpoint}/{self.name}?{token}",
            RCLONE_CONFIG="",
        )
        if old:
            self.azurite.service().delete_container(old)

    def sizes(self) -> dict[str, int]:
        """Bytes of each blob."""
        blobs = self.azurite.service().get_container_client(self.name).list_blobs()
        return {blob.name: blob.size for blob in blobs}


@dataclass(frozen=True, slots=True)
class Emulator:
    """One Azurite for one workload."""

    azurite: Azurite

    def container(self) -> Container:
        """A new empty container."""
        container = Container(self.azurite)
        container.renew()
        return container


@contextmanager
def emulator() -> Iterator[Emulator]:
    """Start it in a folder of its own; end it and remove the folder."""
    with tempfile.TemporaryDirectory() as folder:
        azurite = Azurite(Path(folder) / "azurite")
        azurite.start()
        try:
            yield Emulator(azurite)
        finally:
            azurite.kill()

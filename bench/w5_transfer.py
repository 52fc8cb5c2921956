"""W5: results into a container and back, beside clients that move the files; W5b: one large file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.dvc import Dvc
from bench.emulator import Emulator, emulator
from bench.measure import Command, compare, header, note, run, show_traffic
from bench.results import Results, clear

if TYPE_CHECKING:
    import argparse

PIPELINES = Path(__file__).parent / "pipelines"
FILES, FILES_DEFAULT = 2_000, 500
FILE_BYTES = 4 << 10
LARGE_BYTES, LARGE_DEFAULT_BYTES = 512 << 20, 64 << 20

_SDK_SETTINGS = ((4, 8), (8, 8), (8, 32), (16, 16))
"""Threads and MiB per block among which the SDK's best is looked for."""

_RCLONE = (
    "exec rclone copyto --ignore-checksum --no-check-dest --azureblob-disable-checksum "
    "--multi-thread-cutoff 16M --multi-thread-streams 8 "
)
"""It hashes nothing, and splits the file; luisy hashes on both ways."""


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    files = FILES if options.full else FILES_DEFAULT
    large = LARGE_BYTES if options.full else LARGE_DEFAULT_BYTES
    with tempfile.TemporaryDirectory() as folder, emulator() as azurite:
        header(f"W5 push and pull, {files:,} x {FILE_BYTES >> 10} KiB")
        small = Ways(azurite, Results.make(Path(folder, "small"), files, FILE_BYTES), options.pairs)
        small.compare("W5", small.script("raw HTTP", "raw_http.py"), target=0.3)
        small.compare("W5", small.script("Azure SDK", "sdk.py"))
        if options.peers:
            dvc = Dvc(options.peers, small.results, small.container)
            small.compare("W5", Both(dvc.push, dvc.pull))
        header(f"W5b push and pull, 1 x {large >> 20} MiB")
        one = Ways(azurite, Results.make(Path(folder, "large"), 1, large), options.pairs)
        one.compare("W5b", _best_sdk(one), target=1.1)
        if shutil.which("rclone") is None:
            note("NOT MEASURED: rclone (it is not installed)")
        else:
            one.compare("W5b", _rclone(one), target=1.1)


@dataclass(frozen=True, slots=True)
class Both:
    """One side's commands: the second gets back what the first sent."""

    push: Command
    pull: Command


class Ways:
    """Results to be moved both ways, by luisy and by peers; each side has a container of its own."""

    def __init__(self, azurite: Emulator, results: Results, pairs: int) -> None:
        self.azurite = azurite
        self.results = results
        self.container = azurite.container()  # the peer's
        self._pairs = pairs

    @property
    def returned(self) -> Path:
        """Where the peer puts what it gets back."""
        return self.results.folder / "returned"

    def compare(self, title: str, peer: Both, *, target: float | None = None) -> None:
        """Check that the peer brings back what it sent; then measure pushes, then pulls."""
        run(peer.push)
        run(peer.pull)
        ours = self._luisy()
        for name, mine, other in (("push", ours.push, peer.push), ("pull", ours.pull, peer.pull)):
            show_traffic(compare(f"{title} {name}", mine, other, pairs=self._pairs, target=target))

    def _luisy(self) -> Both:
        container, store = self.azurite.container(), self.results.folder / "pulled"
        script, count = str(PIPELINES / "mirror_store.py"), str(self.results.count)

        def command(action: str, path: Path) -> Command:
            arguments = [sys.executable, script, action, str(path), count]
            return Command("luisy", arguments, environment=container.environment)

        return Both(
            replace(
                command("push", self.results.store),
                prepare=container.renew,
                check=lambda: self.results.expect_pushed(container),
            ),
            replace(
                command("pull", store),
                prepare=lambda: clear(store),
                check=lambda: self.results.expect_store(store),
            ),
        )

    def script(self, name: str, file: str, *more: int) -> Both:
        """A peer that is one of the scripts in ``pipelines``."""
        words = [str(number) for number in (self.results.count, *more)]
        script = [sys.executable, str(PIPELINES / file)]
        return self.both(
            name,
            [*script, "push", str(self.results.source), *words],
            [*script, "pull", str(self.returned), *words],
        )

    def both(self, name: str, push: list[str], pull: list[str]) -> Both:
        """A peer's two commands, which move each file as a blob of its name."""
        environment = self.container.environment
        return Both(
            Command(
                name,
                push,
                environment=environment,
                prepare=self.container.renew,
                check=lambda: self.results.expect_blobs(self.container),
            ),
            Command(
                name,
                pull,
                environment=environment,
                prepare=lambda: clear(self.returned),
                check=lambda: self.results.expect_folder(self.returned),
            ),
        )


def _best_sdk(ways: Ways) -> Both:
    """The SDK at the settings that are fastest here, each way by itself."""
    peers = [
        ways.script(f"SDK, {threads} x {block} MiB", "sdk.py", threads, block)
        for threads, block in _SDK_SETTINGS
    ]
    push = min(peers, key=lambda peer: run(peer.push).wall).push
    return Both(push, min(peers, key=lambda peer: run(peer.pull).wall).pull)


def _rclone(ways: Ways) -> Both:
    blob = '":azureblob:$BENCH_CONTAINER/00000"'
    source, target = ways.results.source / "00000", ways.returned / "00000"
    return ways.both(
        "rclone",
        ["sh", "-c", f'{_RCLONE} "$0" {blob}', str(source)],
        ["sh", "-c", f'{_RCLONE} {blob} "$0"', str(target)],
    )

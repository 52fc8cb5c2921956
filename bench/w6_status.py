"""W6: is everything there? Asked of a container that holds all results, by who made them and by who has only keys."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.emulator import Container, Emulator, emulator
from bench.measure import Command, compare, header, note, run, show_traffic
from bench.results import Results, clear

if TYPE_CHECKING:
    import argparse

PIPELINES = Path(__file__).parent / "pipelines"
OBJECTS, OBJECTS_DEFAULT = 10_000, 1_000
OBJECT_BYTES = 64


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    count = OBJECTS if options.full else OBJECTS_DEFAULT
    header(f"W6 is everything there? {count:,} objects")
    with tempfile.TemporaryDirectory() as folder, emulator() as azurite:
        results = Results.make(Path(folder) / "results", count, OBJECT_BYTES)
        asking = Asking(results, Path(folder) / "fresh", azurite.container(), options.pairs)
        asking.luisy_alone()
        asking.beside_clients(azurite)


class Asking:
    """The question, put in several ways to one container.

    :param fresh: a store that is emptied before each run of a machine that never saw the remote.
    """

    def __init__(self, results: Results, fresh: Path, container: Container, pairs: int) -> None:
        self._count = results.count
        self._results = results
        self._pairs = pairs
        self._fresh = fresh
        self._container = container
        self._own = self.luisy("luisy, its store", "ask")
        self._keys = replace(self.luisy("luisy, new machine", "known", fresh), prepare=lambda: clear(fresh))
        # Neither may say yes to a container that is empty.
        for command in (self._own, self._keys):
            run(replace(command, arguments=[*command.arguments[:-1], str(results.count)]))
        run(self.luisy("luisy", "push"))
        results.expect_pushed(container)

    def luisy(self, name: str, action: str, store: Path | None = None) -> Command:
        """One of the actions of ``mirror_store.py``; of the two that ask, nothing must be lacking."""
        script, path = PIPELINES / "mirror_store.py", store or self._results.store
        arguments = [sys.executable, str(script), action, str(path), str(self._count)]
        if action in {"ask", "known"}:
            arguments.append("0")
        return Command(name, arguments, environment=self._container.environment)

    def luisy_alone(self) -> None:
        """Beside its own start: with one request, which is what imports the SDK, and without any."""
        start = self.luisy("start, 1 request", "start")
        show_traffic(compare("W6", self._own, start, pairs=self._pairs, target=1.5))
        show_traffic(compare("W6", self._keys, start, pairs=self._pairs, target=1.5))
        compare("W6", self._own, self.luisy("start, no request", "open"), pairs=self._pairs)

    def beside_clients(self, azurite: Emulator) -> None:
        """Beside one request for each of as many blobs."""
        container = azurite.container()

        def client(name: str, file: str, action: str, *more: int) -> Command:
            words = [action, str(self._results.source), str(self._count), *map(str, more)]
            arguments = [sys.executable, str(PIPELINES / file), *words]
            return Command(name, arguments, environment=container.environment)

        run(client("raw HTTP", "raw_http.py", "ask", self._count))
        run(client("raw HTTP", "raw_http.py", "push"))
        self._results.expect_blobs(container)
        show_traffic(compare("W6", self._own, client("raw HTTP", "raw_http.py", "ask"), pairs=self._pairs))
        compare("W6", self._own, client("Azure SDK", "sdk.py", "ask"), pairs=self._pairs)
        note("the clients were asked about an empty container first, and so was luisy: all said no")

"""dvc with its Azure remote, from a venv of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from bench.measure import Command, WrongResult
from bench.results import clear

if TYPE_CHECKING:
    from pathlib import Path

    from bench.emulator import Container
    from bench.results import Results


class Dvc:
    """A dvc repository, without git, that tracks a copy of the files.

    :param venvs: ``<venvs>/dvc`` is a venv with ``dvc[azure]``.
    """

    def __init__(self, venvs: Path, results: Results, container: Container) -> None:
        self._dvc = str(venvs.absolute() / "dvc" / "bin" / "dvc")
        self._results = results
        self._container = container
        self._repo = results.folder / "dvc"
        self._data = self._repo / "data"
        shutil.copytree(results.source, self._data)
        self._run("init", "--no-scm")
        self._run("config", "core.analytics", "false")
        self._run("add", "data")

    @property
    def push(self) -> Command:
        """The files into an empty container."""
        return Command("dvc", [self._dvc, "push"], cwd=self._repo, prepare=self._renew, check=self._pushed)

    @property
    def pull(self) -> Command:
        """The files back into a repository that has neither them nor a cache."""

        def check() -> None:
            self._results.expect_folder(self._data)

        return Command("dvc", [self._dvc, "pull"], cwd=self._repo, prepare=self._forget, check=check)

    def _run(self, *words: str) -> None:
        environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
        subprocess.run([self._dvc, *words], cwd=self._repo, check=True, capture_output=True, env=environment)

    def _renew(self) -> None:
        self._container.renew()
        environment = self._container.environment
        self._run("remote", "add", "--default", "--force", "bench", f"azure://{self._container.name}")
        told = (
            f"BlobEndpoint={environment['BENCH_ENDPOINT']};SharedAccessSignature={environment['BENCH_SAS']}"
        )
        self._run("remote", "modify", "bench", "connection_string", told)

    def _pushed(self) -> None:
        sizes = self._container.sizes().values()
        if sum(size == self._results.size for size in sizes) != self._results.count:
            raise WrongResult("dvc did not push all files")

    def _forget(self) -> None:
        clear(self._data, self._repo / ".dvc" / "cache", self._repo / ".dvc" / "tmp")

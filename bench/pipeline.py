"""The pipelines of ``bench/pipelines`` in a folder of their own, and the commands that run them."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Command, WrongResult

_SOURCES = Path(__file__).parent / "pipelines"
_SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A copy of the pipelines, and a working dir beside it.

    :param tasks: how many links the DAG has; the root comes on top.
    """

    folder: Path
    tasks: int

    @classmethod
    def make(cls, folder: Path, tasks: int) -> Pipeline:
        """Copy the sources into *folder*."""
        shutil.copytree(_SOURCES, folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
        return cls(folder, tasks)

    @property
    def working_dir(self) -> Path:
        """Where the pipeline's files lie."""
        return self.folder / "data"

    def clear(self) -> None:
        """Remove all outputs, and the store."""
        shutil.rmtree(self.working_dir, ignore_errors=True)
        self.working_dir.mkdir(parents=True)

    def change(self, number: int) -> None:
        """Change the code of one class: what its tasks write is *number* more.

        Python tells a module's source from the one that it compiled by its size and its time in seconds: what is
        written within the second of the last run would not be seen.
        """
        time.sleep(1.0)
        source = self.folder / "code" / "chains.py"
        lines = source.read_text().splitlines(keepends=True)
        changed = [f"CHANGE = {number}\n" if line.startswith("CHANGE = ") else line for line in lines]
        source.write_text("".join(changed))

    def expect(self, total: int | None = None) -> None:
        """Check what the root wrote.

        :raises WrongResult: something else.
        """
        wanted = self.tasks if total is None else total
        found = (self.working_dir / f"Root_{self.tasks}.txt").read_text().strip()
        if found != str(wanted):
            raise WrongResult(f"the root wrote {found}, not {wanted}")

    def _command(self, name: str, *arguments: str) -> Command:
        return Command(
            name,
            arguments,
            cwd=self.folder / "code",
            environment={"WORKING_DIR": str(self.working_dir), "PYTHONPATH": _beside(".")},
        )

    def luisy(self, name: str = "luisy run") -> Command:
        """``luisy run`` of the root."""
        script = str(_SCRIPTS / "luisy")
        return self._command(name, script, "run", "--module", "chains", "Root", "--tasks", str(self.tasks))

    def luigi(self, name: str = "luigi") -> Command:
        """``luigi --local-scheduler`` of the root, as silent as luisy is."""
        script = str(_SCRIPTS / "luigi")
        options = ("--local-scheduler", "--no-lock", "--log-level", "WARNING")
        return self._command(name, script, *options, "--module", "chains", "Root", "--tasks", str(self.tasks))

    def script(self, name: str, file: str) -> Command:
        """One of the scripts in ``pipelines``."""
        return self._command(name, sys.executable, file, str(self.tasks))


def _beside(folder: str) -> str:
    """*folder* before what PYTHONPATH names already (another checkout of luisy, say)."""
    return os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))


def luisy_script() -> str:
    """The ``luisy`` of this environment."""
    return str(_SCRIPTS / "luisy")

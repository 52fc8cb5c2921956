"""Tasks of some ten milliseconds of work that read files and variables as tasks do."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import time

import luigi

DATA = os.environ["WORKING_DIR"]
WORK = 0.010
"""Seconds of CPU time that each task works, at least."""


class Raw(luigi.ExternalTask):
    """A file of some lines."""

    def output(self) -> luigi.LocalTarget:
        """In the working dir."""
        return luigi.LocalTarget(os.path.join(DATA, "raw.txt"))


class Part(luigi.Task):
    """Reads its input ten times, a variable a hundred times, writes and reads a draft, and works."""

    number = luigi.IntParameter()

    def requires(self) -> Raw:
        """The raw file."""
        return Raw()

    def output(self) -> luigi.LocalTarget:
        """A file of its own."""
        return luigi.LocalTarget(os.path.join(DATA, f"Part_{self.number}.txt"))

    def run(self) -> None:
        """Read, and work."""
        end = time.process_time() + WORK
        total = 0
        for _ in range(10):
            with open(self.input().path) as file:
                total += sum(map(int, file))
        for _ in range(100):
            os.environ.get("READERS_MODE")
        draft = f"{self.output().path}.draft"
        for mode in ("w", "r"):
            with open(draft, mode):
                pass
        os.unlink(draft)
        while time.process_time() < end:
            sum(range(1000))
        with self.output().open("w") as file:
            file.write(f"{total}\n")


class Readers(luigi.WrapperTask):
    """All parts."""

    tasks = luigi.IntParameter()

    def requires(self) -> list[Part]:
        """One for each number."""
        return [Part(number) for number in range(self.tasks)]

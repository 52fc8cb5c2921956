"""The DAG of W1 to W3 as plain Luigi tasks: chains of depth 10 under one fan-in root, tiny outputs.

The benches copy this file beside their working dir and run it there, under ``luisy run`` and under ``luigi``.
"""

# Luigi is untyped.
# mypy: disable-error-code="misc, no-untyped-call"

from __future__ import annotations

import os

import luigi

DEPTH = 10
CHANGED_CHAINS = 5  # so many chains end in a task of another class, which W3 changes
CHANGE = 0


class Link(luigi.Task):
    """Adds one to the number that its predecessor wrote."""

    chain = luigi.IntParameter()
    place = luigi.IntParameter()

    def requires(self) -> list[luigi.Task]:
        """The task before, if there is one."""
        return [Link(chain=self.chain, place=self.place - 1)] if self.place else []

    def output(self) -> luigi.LocalTarget:
        """One line of text."""
        name = f"{type(self).__name__}_{self.chain}_{self.place}.txt"
        return luigi.LocalTarget(os.path.join(os.environ["WORKING_DIR"], "chains", name))

    def run(self) -> None:
        """Read one line, write one."""
        number = 0
        for target in self.input():
            with target.open() as file:
                number = int(file.read().split()[1])
        with self.output().open("w") as file:
            file.write(f"{self.chain} {self.result(number)}\n")

    def result(self, number: int) -> int:
        """What comes after *number*."""
        return number + 1


class Last(Link):
    """The last link of a few chains."""

    def result(self, number: int) -> int:
        """What comes after *number*."""
        return number + 1 + CHANGE


class Root(luigi.Task):
    """Adds up the ends of all chains."""

    tasks = luigi.IntParameter()

    def requires(self) -> list[luigi.Task]:
        """The ends of all chains."""
        return [
            (Last if chain < CHANGED_CHAINS else Link)(chain=chain, place=DEPTH - 1)
            for chain in range(self.tasks // DEPTH)
        ]

    def output(self) -> luigi.LocalTarget:
        """One line of text."""
        return luigi.LocalTarget(os.path.join(os.environ["WORKING_DIR"], f"Root_{self.tasks}.txt"))

    def run(self) -> None:
        """Read all ends, write their sum."""
        total = 0
        for target in self.input():
            with target.open() as file:
                total += int(file.read().split()[1])
        with self.output().open("w") as file:
            file.write(f"{total}\n")

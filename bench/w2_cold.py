"""W2: everything is executed; and what a task more costs when there are ten times as many."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, compare, header, note, run, told
from bench.pipeline import Pipeline

if TYPE_CHECKING:
    import argparse

SMALL = 1_000
LARGE = 10_000
LARGE_DEFAULT = 3_000


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    small = options.tasks or SMALL
    header(f"W2 cold, {small:,} tasks")
    with tempfile.TemporaryDirectory() as folder:
        ours = _cold(Pipeline.make(Path(folder) / "luisy", small), luisy=True)
        peer = _cold(Pipeline.make(Path(folder) / "luigi", small), luisy=False)
        compare("W2", ours, peer, pairs=options.pairs, target=1.25)
    _grow(small, LARGE if options.full else LARGE_DEFAULT, options.pairs)


def _cold(pipeline: Pipeline, *, luisy: bool) -> Command:
    command = pipeline.luisy() if luisy else pipeline.luigi()
    return Command(
        command.name,
        command.arguments,
        command.cwd,
        command.environment,
        prepare=pipeline.clear,
        check=pipeline.expect,
    )


def _grow(small: int, large: int, pairs: int) -> None:
    """Our time per task at *large* over that at *small*."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = [
            (size, _cold(Pipeline.make(Path(folder) / str(size), size), luisy=True))
            for size in (small, large)
        ]
        ratios = []
        for _ in range(max(3, pairs // 2)):
            few, many = (run(command).wall / size for size, command in sizes)
            ratios.append(many / few)
    ratio = statistics.median(ratios)
    note(f"wall per task, {large:,} over {small:,} tasks: {ratio:.2f}x   {told(ratio, 1.2)}")

"""What it costs to note what ``run()`` reads, in a pipeline of tasks of ten milliseconds."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, WrongResult, compare, header
from bench.pipeline import Pipeline

if TYPE_CHECKING:
    import argparse

TASKS = 200


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    tasks = options.tasks or TASKS
    header(f"Audit, {tasks:,} tasks of 10 ms")
    with tempfile.TemporaryDirectory() as folder:
        warn, off = (_cold(Pipeline.make(Path(folder) / audit, tasks), audit) for audit in ("warn", "off"))
        compare("audit", warn, off, pairs=options.pairs, target=1.03)


def _cold(pipeline: Pipeline, audit: str) -> Command:
    def prepare() -> None:
        pipeline.clear()
        (pipeline.working_dir / "raw.txt").write_text("1\n" * 100)

    def check() -> None:
        made = len(list(pipeline.working_dir.glob("Part_*.txt")))
        if made != pipeline.tasks:
            raise WrongResult(f"{made} of {pipeline.tasks} parts were made")

    command = pipeline.luisy(f"luisy run --audit {audit}")
    words = ["readers" if word == "chains" else word for word in command.arguments]
    words = ["Readers" if word == "Root" else word for word in words]
    return replace(command, arguments=[*words, "--audit", audit], prepare=prepare, check=check)

"""W3: the code of one class has changed; what depends on it executes, and nothing else."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, WrongResult, compare, header, run
from bench.pipeline import Pipeline

if TYPE_CHECKING:
    import argparse

DEFAULT = 1_000
CHANGED = 5  # tasks of the class that changes; the root depends on them


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    tasks = options.tasks or DEFAULT
    header(f"W3 one class changed, {tasks:,} tasks, {CHANGED + 1} to execute")
    with tempfile.TemporaryDirectory() as folder:
        changing = Pipeline.make(Path(folder) / "changing", tasks)
        resting = Pipeline.make(Path(folder) / "resting", tasks)
        for pipeline in (changing, resting):
            pipeline.clear()
            run(pipeline.luisy())
        edits = itertools.count(1)
        edit = [0]

        def prepare() -> None:
            edit[0] = next(edits)
            changing.change(edit[0])

        def check() -> None:
            changing.expect(tasks + CHANGED * edit[0])

        _expect_executed(changing, next(edits))
        command = changing.luisy("luisy run, changed")
        ours = Command(command.name, command.arguments, command.cwd, command.environment, prepare, check)
        compare("W3", ours, resting.luisy("luisy run, no-op"), pairs=options.pairs, target=1.3)


def _expect_executed(pipeline: Pipeline, edit: int) -> None:
    """Change the class, run, and count what was executed."""
    pipeline.change(edit)
    command = pipeline.luisy()
    process = subprocess.run(
        [*command.arguments, "--json"],
        cwd=command.cwd,
        env={**os.environ, **command.environment},
        capture_output=True,
        check=True,
    )
    executed = json.loads(process.stdout)["counts"]["executed"]
    if executed != CHANGED + 1:
        raise WrongResult(f"{executed} tasks were executed, not {CHANGED + 1}")

"""W0: what a start costs, before anything is done."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, compare, header, run
from bench.pipeline import Pipeline, luisy_script

if TYPE_CHECKING:
    import argparse


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    header("W0 start")
    version = Command("luisy --version", [luisy_script(), "--version"])
    compare("W0 version", version, _importing("click"), pairs=options.pairs, target=2.0)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline.make(Path(folder), tasks=0)
        pipeline.clear()
        run(pipeline.luisy())
        compare(
            "W0 one finished task", pipeline.luisy(), _importing("luigi"), pairs=options.pairs, target=1.4
        )


def _importing(module: str) -> Command:
    return Command(f"import {module}", [sys.executable, "-c", f"import {module}"])

"""W1: nothing to do, the whole DAG keyed and verified."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import compare, header, run
from bench.pipeline import Pipeline

if TYPE_CHECKING:
    import argparse

FULL = 10_000
DEFAULT = 10_000


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    header(f"W1 no-op, {options.tasks or DEFAULT:,} tasks")
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline.make(Path(folder), options.tasks or DEFAULT)
        pipeline.clear()
        run(pipeline.luisy())
        pipeline.expect()
        walk = pipeline.script("luigi walks", "luigi_walk.py")
        compare("W1 process", pipeline.luisy(), walk, pairs=options.pairs, target=1.0)
        compare("W1 build()", pipeline.script("luisy.build", "luisy_noop.py"), walk, pairs=options.pairs)

"""The fuzzers again, with ten times as many examples."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.soak
def test_ten_times_as_many_examples() -> None:
    """More of the same finds nothing either."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", os.fspath(Path(__file__).parent)],
        env={**os.environ, "LUISY_FUZZ_FACTOR": "10"},
        check=False,
    )
    assert done.returncode == 0

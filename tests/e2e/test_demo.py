"""``make demo`` does what it says, and would notice if luisy did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "weather"

pytestmark = pytest.mark.slow


def play(example: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo as ``make demo`` does, into *folder*."""
    command = [sys.executable, str(example / "demo.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_demo_keeps_all_its_promises(tmp_path: Path) -> None:
    """Each of the six runs executes exactly what the demo announces, and it ends in a table of them."""
    done = play(EXAMPLE, tmp_path / "demo")

    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout[done.stdout.rindex("executed  reused") :].splitlines()[1:7]
    numbers = [tuple(int(n) for n in line.split()[-5:-1]) for line in table]
    assert numbers == [
        (24, 0, 0, 3),
        (0, 0, 24, 3),
        (0, 0, 24, 3),
        (7, 0, 17, 3),
        (1, 20, 3, 3),
        (0, 0, 24, 3),
    ]


def test_the_demo_fails_when_luisy_does_something_else(tmp_path: Path) -> None:
    """A run that executes other tasks than announced ends the demo with exit code 1."""
    example = tmp_path / "weather"
    shutil.copytree(EXAMPLE, example)
    demo = example / "demo.py"
    announced = demo.read_text(encoding="utf-8")
    assert '"CleanWeather": 1,' in announced
    demo.write_text(announced.replace('"CleanWeather": 1,', '"CleanWeather": 2,', 1), encoding="utf-8")

    done = play(example, tmp_path / "demo")

    assert done.returncode == 1
    assert "This should not have happened: expected to be executed" in done.stderr

"""A disk that is full after so much: whole runs of a pipeline, whose store and workspace lie on it."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import pytest

from tests.e2e.machines import Machine
from tests.system.test_full_disk import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.system

_TASKS = """
import luigi

import luisy


class Part(luisy.Task):
    number = luigi.IntParameter()

    def run(self):
        self.write(bytes([self.number]) * 300_000)


class Final(luisy.Task):
    def requires(self):
        return [Part(number=number) for number in range(4)]

    def run(self):
        self.write(sum(sum(target.read()) for target in self.input()))
"""
_RIGHT = 300_000 * (0 + 1 + 2 + 3)


@pytest.mark.parametrize("kibibytes", [0, 64, 200, 700, 1400, 2000, 2700, 4000])
def test_a_disk_that_fills_up_in_a_run_leaves_right_outputs_or_an_honest_failure(
    mounted: Callable[..., AbstractContextManager[Path]], tmp_path: Path, kibibytes: int
) -> None:
    """A run that says success has right outputs; with space again the store is sound and a run completes."""
    with mounted("mkfs.ext4", "-q", "-m", "0", mebibytes=24) as folder:
        machine = Machine(folder / "one", _TASKS, {"TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"})
        assert machine.luisy("cas", "status").code == 0
        fill(folder)
        filler = folder / "filler"
        os.truncate(filler, filler.stat().st_size - (kibibytes << 10))
        said = machine.run("Final")
        if said.code in (0, 5):  # 5: not all of it was kept
            assert result(machine) == _RIGHT
        elif said.code == 1:  # the task's own failure
            assert "OSError: [Errno 28] No space left on device" in said.stderr
        else:
            assert (said.code, said.document["error"]["slug"]) == (2, "store-full")
        filler.unlink()
        verified = machine.luisy("cas", "verify", "--json")
        assert (verified.code, verified.document["problems"]) == (0, [])
        again = machine.run("Final")
        assert again.code == 0, again.stderr
        assert result(machine) == _RIGHT


def result(machine: Machine) -> object:
    """What ``Final`` wrote."""
    (path,) = (machine.root / "data").rglob("Final.pkl")
    return pickle.loads(path.read_bytes())

"""The power goes: what was renamed but never synced is empty, and so may be the end of the index's log."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, stat_token
from tests.faults.points import spread
from tests.faults.victims import KILLED
from tests.unit.cas.values import power_cut

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.victims import Victim

RUN = ("run", "--json", "--module", "pipe", "Root")
DATABASE = ("index.db", "index.db-wal", "index.db-shm")


class Loss(Enum):
    """What is left of what was never synced."""

    EMPTY = "empty files, and the log of the index as far as it was written"
    EMPTY_LOG = "empty files, and nothing of the log of the index"
    ZEROS = "files of the right size and time, full of zeros"


def files(victim: Victim) -> dict[int, Path]:
    """All files of workspace and store, but SQLite's and raw ones, by inode."""
    found = (path for path in victim.data.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        path.stat().st_ino: path for path in found if path.name not in DATABASE and "raw" not in path.parts
    }


def lose_power(victim: Victim, loss: Loss) -> int:
    """Spoil what was never synced; how many files these were."""
    synced = victim.synced()
    lost = [path for inode, path in files(victim).items() if inode not in synced and path.stat().st_size]
    for path in lost:
        size = path.stat().st_size
        path.chmod(path.stat().st_mode | 0o200)
        path.write_bytes(bytes(size) if loss is Loss.ZEROS else b"")
    if loss is Loss.EMPTY_LOG and (victim.store / "index.db-wal").exists():
        os.truncate(victim.store / "index.db-wal", 0)
        (victim.store / "index.db-shm").unlink(missing_ok=True)
    if (victim.store / "index.db").exists():
        with Store.open(victim.store) as store:
            power_cut(store)
            if loss is Loss.ZEROS:
                take_stat(store, lost)
    return len(lost)


def take_stat(store: Store, lost: list[Path]) -> None:
    """Let the index believe that nothing has changed, as where a file system wrote a file's size before its bytes."""
    with store.database.writing() as connection:
        for path in lost:
            token = stat_token(str(path))
            name = (path.parent.name + path.name) if path.is_relative_to(store.path / "objects") else ""
            connection.execute("UPDATE objects SET token = ? WHERE digest = ?", (token, bytes.fromhex(name)))
            connection.execute("UPDATE placements SET token = ? WHERE path = ?", (token, str(path)))


def cut_power(victim: Victim, loss: Loss, most: int) -> None:
    """At up to *most* steps of a first run, the last of which is the one before the disk is synced."""
    victim.remember()
    victim.kill(RUN, 0)
    steps, expected = victim.steps_until_synced(), victim.outputs().items()
    lost = []
    for at in spread(steps - 5, most):  # runs may differ by a step or two
        victim.restore()
        assert victim.kill(RUN, at).code == KILLED
        lost.append(lose_power(victim, loss))
        assert victim.complete().items() >= expected  # a killed task may leave files of its own
        victim.luisy("cas", "verify", "--repair")
        victim.assert_sound()
    assert any(lost)


@pytest.mark.parametrize("loss", Loss)
def test_no_wrong_bytes_after_a_power_cut(victim: Victim, loss: Loss) -> None:
    """The next run completes with the right bytes."""
    cut_power(victim, loss, 3)


@pytest.mark.soak
@pytest.mark.parametrize("loss", Loss)
def test_no_wrong_bytes_after_a_power_cut_at_any_step(victim: Victim, loss: Loss) -> None:
    """The same at every single step."""
    cut_power(victim, loss, 1 << 30)


@pytest.mark.parametrize("loss", [Loss.EMPTY, Loss.ZEROS])
def test_results_of_a_run_that_ended_survive_a_power_cut(victim: Victim, loss: Loss) -> None:
    """It ended with a sync, so nothing executes again."""
    assert victim.kill(RUN, 0).code == 0
    expected = victim.outputs()
    lose_power(victim, loss)
    victim.remove_outputs()
    assert victim.run().ran == []
    assert victim.outputs() == expected

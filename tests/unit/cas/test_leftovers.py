"""What killed processes left beside outputs: gc takes it, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from luisy.cas.materialise import beside
from luisy.targets import PickleTarget
from tests.cli.project import obey_modes
from tests.unit.cas.test_collecting import collected
from tests.unit.cas.values import kept

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from luisy.cas import Store


def leave(workspace: Path) -> set[str]:
    """A file, a folder that is not empty, and a link, as a kill would leave them; their names."""
    file, folder, link = (beside(str(workspace / "f")) for _ in range(3))
    with open(file, "x", encoding="utf-8"):
        pass
    os.makedirs(f"{folder}/deep")
    os.symlink("nowhere", link)
    return {os.path.basename(path) for path in (file, folder, link)}


def place(store: Store, workspace: Path) -> None:
    """Let the store know that *workspace* holds an output, without anything of another name beside it."""
    store.restore(kept(store, workspace / "f", "content"), {b"": str(workspace / "f")})


def test_what_a_kill_left_beside_outputs_goes_after_a_day(store: Store, workspace: Path) -> None:
    """What is younger may be in use."""
    place(store, workspace)
    names = leave(workspace)
    assert collected(store, days=0.5).temporary == 0
    assert names < {*os.listdir(workspace)}
    assert collected(store, days=1.5).temporary == 3
    assert os.listdir(workspace) == ["f"]


def test_what_a_task_was_writing_goes_too(
    store: Store, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scratch folder of a target of luisy's, whose process was killed within ``write()``."""
    place(store, workspace)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # as if it had been killed before
    target = PickleTarget(workspace / "other.pkl")
    target.write("content")
    monkeypatch.undo()
    assert len(os.listdir(workspace)) == 3
    assert collected(store, days=1.5).temporary == 1
    assert {*os.listdir(workspace)} == {"f", "other.pkl"}


def test_what_is_written_to_somewhere_below_stays(store: Store, workspace: Path) -> None:
    """A folder is as young as the youngest file in it."""
    place(store, workspace)
    (folder,) = [name for name in leave(workspace) if (workspace / name / "deep").is_dir()]
    late = workspace / folder / "deep" / "file"
    late.touch()
    day_after_tomorrow = late.stat().st_mtime + 2 * 86400
    os.utime(late, (day_after_tomorrow, day_after_tomorrow))
    assert collected(store, days=1.5).temporary == 2
    assert late.exists()


def test_names_that_only_begin_alike_stay(store: Store, workspace: Path) -> None:
    """Somebody else may have chosen them."""
    place(store, workspace)
    names = {".luisy", ".luisy-", ".luisy-notes", ".luisy-0123456789abcdef.bak", ".luisy-tmp-notes"}
    for name in names:
        (workspace / name).touch()
    assert collected(store, days=1.5).temporary == 0
    assert {*os.listdir(workspace)} == {"f", *names}


_TOMORROW = """
import sys, time
from luisy.cas import Store, collecting, gc
with Store.open(sys.argv[1]) as store:
    collector = collecting.Collector(store, gc.Policy(1e9), now=time.time() + 1.5 * 86400)
    print(collector.collect(collector.plan()).temporary)
"""


def test_what_may_not_be_removed_stays_and_stops_nothing(store: Store, workspace: Path) -> None:
    """In a folder that we may not write to."""
    place(store, workspace)
    names = leave(workspace)
    store.close()
    workspace.chmod(0o555)
    command = [sys.executable, "-c", _TOMORROW, os.fspath(store.path)]
    done = subprocess.run(command, preexec_fn=obey_modes, capture_output=True, text=True, check=False)
    workspace.chmod(0o755)
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert {*os.listdir(workspace)} == {"f", *names}

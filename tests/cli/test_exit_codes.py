"""Exit codes that the errors' own tests do not show: interrupts, what is not kept, Luigi's own code."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store

if TYPE_CHECKING:
    from tests.cli.project import Project

SLOW = """
import time


class Quick(luisy.Task):
    def output(self):
        return luigi.LocalTarget("data/quick.txt")

    def run(self):
        Path(self.output().path).write_text("quick")


class Slow(luisy.Task):
    def requires(self):
        return Quick()

    def output(self):
        return luigi.LocalTarget("data/slow.txt")

    def run(self):
        Path("data/pid").write_text("started")
        time.sleep(60)
"""


@pytest.mark.parametrize(
    ("number", "code", "slug"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_ends_the_run_and_leaves_the_store_sound(
    project: Project, number: signal.Signals, code: int, slug: str, workers: str
) -> None:
    """Ctrl-C is 130, SIGTERM 143; what was done before is kept, nothing half done is, and no process stays."""
    project.odd(SLOW)
    process = project.start("run", "Slow", "--workers", workers)
    while not (project.data / "pid").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, f"error[{slug}]" in err) == (code, True)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    with Store.open(project.store, create=False) as store:
        (action,) = store.list_actions()
        (manifest,) = store.manifests([action.manifest]).values()
        assert (action.family, store.check(manifest.objects)) == ("Quick", set(manifest.objects))
    assert not (project.data / "slow.txt").exists()
    assert project.luisy("plan", "Slow", "--json").document["counts"]["local"] == 1


def test_what_cannot_be_kept_is_exit_code_5(project: Project) -> None:
    """With a read-only store the task's output is in the workspace, the run says that it was not kept, status success."""
    project.luisy("run", "Upper")
    for folder, _, _ in os.walk(project.store):
        os.chmod(folder, 0o555)
    (project.store / "index.db").chmod(0o444)
    done = project.obeying_modes("run", "Count", "--json")
    for folder, _, _ in os.walk(project.store):
        os.chmod(folder, 0o755)
    assert (done.code, done.document["status"]) == (5, "success")
    assert json.loads(project.output("final/Count_at_least=0_letter=A.json").read_text()) == {"A": 5}
    assert "not kept: Count(" in done.err
    assert "read-only" in done.err


@pytest.mark.parametrize("name", ["task_failed", "task-failed"])
def test_retcode_of_luigi_cfg_replaces_1(project: Project, name: str) -> None:
    """``[retcode] task_failed`` is the exit code of a failed task; other codes stay."""
    (project.folder / "luigi.cfg").write_text(f"[retcode]\n{name} = 77\n")
    project.output("raw/Words.json").unlink()
    assert project.luisy("run", "Both").code == 77
    assert project.luisy("run", "Cuont").code == 2


def test_a_plan_is_0_hit_or_not(finished: Project) -> None:
    """``plan`` exits with 0 whether everything, or nothing of its root, has a result."""
    assert finished.luisy("plan", "Both").code == 0
    assert finished.luisy("plan", "Count", "--letter", "Z").code == 0

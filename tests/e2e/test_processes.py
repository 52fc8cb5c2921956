"""Several processes, killed ones, a store that is read-only or goes away: right bytes, or a word about it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

FAN = """
    class Part(Text):
        number = luigi.IntParameter()

        def requires(self):
            return Raw()

        def run(self):
            import time
            time.sleep(SLEEP)
            self.put(f"{self.taken()}{self.number}")


    class Root(Text):
        def requires(self):
            return [Part(number) for number in range(PARTS)]

        def run(self):
            self.put(self.taken())
"""


def fan(project: Project, parts: int = 6, sleep: float = 0.0) -> str:
    """A root over some parts; what it writes."""
    project.tasks(FAN.replace("SLEEP", str(sleep)).replace("PARTS", str(parts)))
    project.raw("r")
    return "".join(f"r{number}" for number in range(parts))


def verified(project: Project) -> int:
    """How many objects lie in the store; each holds what its name says."""
    done = project.python(
        """
        import os
        from pathlib import Path

        from blake3 import blake3

        objects = Path(os.environ["WORKING_DIR"]) / ".luisy" / "objects"
        files = [path for path in objects.rglob("*") if path.is_file()]
        for path in files:
            assert blake3(path.read_bytes()).hexdigest() == path.parent.name + path.name, path
        print(len(files))
        """
    )
    return int(done.stdout)


def test_two_workers_do_the_same_as_one(project: Project) -> None:
    """Every task is executed once, kept, and served to one worker as to two."""
    text = fan(project)
    first = project.run("--workers", "2")
    assert sorted(first.ran) == sorted([*(f"Part(number={n})" for n in range(6)), "Root"])
    assert project.text("Root") == text
    assert project.run().ran == []
    project.remove_outputs()
    assert project.run("--workers", "2").ran == []
    assert project.text("Root") == text


def test_early_cutoff_with_two_workers(project: Project) -> None:
    """Equal bytes from changed code: decided in the parent, nothing else is executed."""
    fan(project)
    project.run("--workers", "2")
    project.edit('f"{self.taken()}{self.number}"', 'self.taken() + f"{self.number}"')
    again = project.run("--workers", "2")
    assert len(again.ran) == 6
    assert again.outcomes["Root"] == "reused"


def test_two_runs_at_once_on_a_new_store(project: Project) -> None:
    """Both succeed, and each task is executed once in all."""
    text = fan(project, parts=5, sleep=0.1)
    runs = [project.start() for _ in range(2)]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert project.text("Root") == text
    assert Counter(project.trail()) == Counter([*(f"Part(number={n})" for n in range(5)), "Root"])
    assert project.run().ran == []
    verified(project)


def test_two_runs_at_once_with_two_workers_each(project: Project) -> None:
    """The same where children of both wait for each other."""
    text = fan(project, parts=5, sleep=0.1)
    runs = [project.start("--workers", "2") for _ in range(2)]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert project.text("Root") == text
    assert Counter(project.trail()) == Counter([*(f"Part(number={n})" for n in range(5)), "Root"])


def test_two_runs_of_two_versions_of_the_code(project: Project) -> None:
    """Two checkouts share a workspace: whoever is last owns the files, and neither result is filed under the other."""
    fan(project, parts=3, sleep=0.1)
    other = project.folder / "other"
    shutil.copytree(project.code, other)
    path = other / "pipe.py"
    path.write_text(path.read_text().replace("{self.taken()}{self.number}", "{self.taken()}-{self.number}"))
    runs = [
        subprocess.Popen(
            project.words("run"), cwd=folder, env=project.environment, stdout=-3, stderr=subprocess.PIPE
        )
        for folder in (project.code, other)
    ]
    for run in runs:
        run.communicate()
    project.run()
    assert project.text("Root") == "r0r1r2"
    shutil.copy(path, project.code / "pipe.py")
    project.run()
    assert project.text("Root") == "r-0r-1r-2"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_is_made_up_for(project: Project, workers: str) -> None:
    """Kill -9 in the middle: what was kept is served, the rest executed, every object is what its name says."""
    text = fan(project, parts=8, sleep=0.15)
    run = project.start("--workers", workers)
    while len(project.trail()) < 4:
        time.sleep(0.01)
        assert run.poll() is None
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    done = len(project.trail())
    again = project.run()
    assert project.text("Root") == text
    assert len(again.ran) <= 9 - (done - int(workers))
    verified(project)
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Root") == text


def test_runs_killed_at_any_moment_leave_no_wrong_result(project: Project) -> None:
    """Kill -9 after longer and longer times; in the end everything is right."""
    text = fan(project, parts=4, sleep=0.02)
    for attempt in range(6):
        run = project.start()
        time.sleep(0.3 + 0.1 * attempt)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    project.run()
    assert project.text("Root") == text
    verified(project)
    assert project.run().ran == []


def test_an_interrupted_run_says_so(project: Project) -> None:
    """SIGINT: exit code 130, what was executed before is kept."""
    fan(project, parts=8, sleep=0.2)
    run = project.start()
    while len(project.trail()) < 3:
        time.sleep(0.01)
        assert run.poll() is None
    os.kill(run.pid, signal.SIGINT)
    run.communicate()
    assert run.returncode == 130
    assert len(project.run().ran) <= 7


def test_the_store_disappears_during_a_run(project: Project) -> None:
    """No task fails for it; the outputs are there, and the run says that they were not kept."""
    text = fan(project, parts=3)
    project.edit(
        'self.put(f"{self',
        'import shutil\n        shutil.rmtree(DATA / ".luisy", ignore_errors=True)\n        self.put(f"{self',
    )
    project.run(expected=5)
    assert project.text("Root") == text
    project.edit('import shutil\n        shutil.rmtree(DATA / ".luisy", ignore_errors=True)\n        ', "")
    project.run()
    assert project.text("Root") == text


def test_a_read_only_store_fails_no_task(project: Project) -> None:
    """As a user who may not write the store: exit code 5, the output is in the workspace, results are still served."""
    project.tasks(
        """
        class Known(Text):
            def run(self):
                self.put("known")


        class Root(Text):
            def requires(self):
                return Known()

            def run(self):
                self.put(self.taken() + " root")
        """
    )
    project.run("Known")
    for path in [project.store, *project.store.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    done = project.cold(expected=5, preexec_fn=be_nobody_special)
    assert done.ran == ["Root"]
    assert project.text("Root") == "known root"
    assert "read-only" in done.stderr


def be_nobody_special() -> None:
    """Before exec: drop what lets root write where the mode forbids it (CAP_DAC_OVERRIDE, Linux)."""
    if os.geteuid() == 0:
        prctl_capbset_drop, cap_dac_override = 24, 1
        assert ctypes.CDLL(None).prctl(prctl_capbset_drop, cap_dac_override) == 0


def test_an_index_newer_than_the_code_is_refused(project: Project) -> None:
    """Exit code 2, nothing is touched."""
    fan(project)
    project.run()
    index = sqlite3.connect(project.store / "index.db")
    index.execute("pragma user_version = 9999")
    index.close()
    refused = project.run(expected=2)
    assert refused.document["error"]["slug"] == "newer-index"


def test_several_projects_in_one_run(project: Project) -> None:
    """Each has its folder in the workspace; a change in one executes what depends on it in both."""
    other = """
        import luisy

        @luisy.json_output
        @luisy.interim
        class Other(luisy.Task):
            def run(self):
                self.write({"a": 1})
    """
    (project.code / "second").mkdir()
    project.write("second/__init__", "")
    project.write("second/tasks", other)
    project.tasks(
        """
        from second.tasks import Other


        @luisy.json_output
        @luisy.final
        @luisy.requires(Other)
        class Root(luisy.Task):
            def run(self):
                self.write([self.input().read()])
        """
    )
    assert project.run().ran == ["Other", "Root"]
    assert (project.data / "second" / "interim" / "Other.json").exists()
    assert (project.data / "pipe" / "final" / "Root.json").exists()
    project.edit('{"a": 1}', '{"a": 2}', module="second/tasks")
    assert project.run().ran == ["Other", "Root"]
    project.remove_outputs()
    assert project.run().ran == []


def test_a_result_is_not_restored_over_the_output_of_a_running_task(project: Project) -> None:
    """Another checkout is executing a task when this one's result is to be put in the same place."""
    project.tasks('class Root(Text):\n    def run(self):\n        self.put("first")')
    project.run()
    first = project.folder / "first"
    shutil.copytree(project.code, first)
    project.edit('self.put("first")', 'self.put("second")\n        import time\n        time.sleep(1)')
    slow = project.start()
    text = ""
    while text != "second":
        time.sleep(0.01)
        assert slow.poll() is None
        with contextlib.suppress(FileNotFoundError, ValueError):  # the old output is taken away first
            text = project.text("Root")
    subprocess.run(
        project.words("run"), cwd=first, env=project.environment, check=True, stdout=subprocess.DEVNULL
    )
    assert project.text("Root") == "first"
    slow.communicate()
    project.run()
    assert project.text("Root") == "second"

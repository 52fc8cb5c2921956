"""``luisy run --executor dask``: a real cluster whose machines share nothing but a remote."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.e2e.clusters import cluster
from tests.e2e.machines import Machine, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azurite import Azurite
    from tests.e2e.clusters import Cluster

pytestmark = pytest.mark.slow

_TASKS = """
import os
import random
import time

import luigi
import luisy
from luigi.parameter import ParameterVisibility


def note(name, trail=os.environ.get("TRAIL", os.devnull)):
    with open(trail, "a") as file:
        file.write(f"{name} {os.environ.get('MACHINE')}\\n")


def times(name):
    with open(os.environ["TRAIL"]) as file:
        return sum(line.split()[0] == name for line in file)


class Step(luisy.Task):
    chain = luigi.IntParameter()
    number = luigi.IntParameter()

    def requires(self):
        return Step(chain=self.chain, number=self.number - 1) if self.number else []

    def run(self):
        note(f"Step-{self.chain}-{self.number}")
        self.write(self.input().read() + 1 if self.number else 1)


class Total(luisy.Task):
    chains = luigi.IntParameter(default=2)

    def requires(self):
        return [Step(chain=chain, number=2) for chain in range(self.chains)]

    def run(self):
        note("Total")
        self.write(sum(target.read() for target in self.input()))


class Broken(luisy.Task):
    def run(self):
        note("Broken")
        raise ValueError("it is " + "broken here")


class OverBroken(luisy.Task):
    def requires(self):
        return Broken(), Step(chain=7, number=0)

    def run(self):
        note("OverBroken")
        self.write(1)


class Flaky(luisy.Task):
    retry_count = 2

    def run(self):
        note("Flaky")
        if times("Flaky") == 1:
            raise ValueError("not yet")
        self.write(1)


class Yielding(luisy.Task):
    def run(self):
        note("Yielding")
        first = yield Step(chain=20, number=1)
        several = yield [Step(chain=21, number=0), Step(chain=22, number=0)]
        self.write(first.read() + sum(target.read() for target in several))


class OverYielding(luisy.Task):
    def requires(self):
        return Yielding()

    def run(self):
        note("OverYielding")
        self.write(self.input().read() + 1)


class Uncached(luigi.Task):
    def requires(self):
        return Step(chain=30, number=0)

    def output(self):
        return luigi.LocalTarget(os.path.join(os.environ["WORKING_DIR"], "uncached"))

    def complete(self):
        return os.path.exists(self.output().path)

    def run(self):
        note("Uncached")
        with self.output().open("w") as file:
            file.write(str(self.input().read()))


class OverUncached(luisy.Task):
    def requires(self):
        return Uncached()

    def run(self):
        note("OverUncached")
        with self.input().open() as file:
            self.write(int(file.read()))


class FarOverUncached(luisy.Task):
    def requires(self):
        return OverUncached()

    def run(self):
        note("FarOverUncached")
        self.write(self.input().read() + 1)


@luisy.raw
class Raw(luisy.ExternalTask):
    def get_file_name(self):
        return "numbers"


class OverRaw(luisy.Task):
    def requires(self):
        return Raw()

    def run(self):
        note("OverRaw")
        self.write(self.input().read())


class Private(luisy.Task):
    word = luigi.Parameter(visibility=ParameterVisibility.PRIVATE)
    fails = luigi.BoolParameter()

    def run(self):
        note("Private")
        if self.fails:
            os._exit(3)
        self.write(len(self.word))


class Sleepy(luisy.Task):
    number = luigi.IntParameter(default=0)

    def run(self):
        note(f"Sleepy-{self.number}")
        with open(os.environ["TRAIL"] + ".pid", "w") as file:
            file.write(str(os.getpid()))
        while not os.path.exists(os.environ["TRAIL"] + ".wake"):
            time.sleep(0.05)
        self.write(self.number)


class Drawn(luisy.Task):
    def run(self):
        note("Drawn")
        self.write(random.random())


class OverDrawn(luisy.Task):
    def requires(self):
        return Drawn()

    def run(self):
        note("OverDrawn")
        self.write(self.input().read())


class Leaky(luisy.Task):
    def run(self):
        note("Leaky")
        with open(os.path.join(os.environ["WORKING_DIR"], "beside"), "w") as file:
            file.write("x")
        self.write(1)
"""
_CONFIG = """
[scheduler]
retry_delay = 0

[worker]
keep_alive = true
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite) -> Iterator[Cluster]:
    """A cluster of two workers with a remote in Azure; each test uses tasks of its own."""
    settings = settings_of(azurite.new_container(), azurite.credentials)
    with cluster(tmp_path_factory.mktemp("dask"), _TASKS, "one", "two", settings=settings) as made:
        yield made


def _told(document: dict[str, Any], outcome: str) -> list[dict[str, Any]]:
    return [task for task in document["tasks"] if task["outcome"] == outcome]


def _await(path: Path) -> str:
    until = time.monotonic() + 120
    while not path.exists() or not path.read_text():
        assert time.monotonic() < until, f"{path} does not appear"
        time.sleep(0.05)
    return path.read_text()


def test_each_task_executes_once_on_some_worker_and_never_again(two: Cluster) -> None:
    """A cold run executes everything on the workers, the driver has the root, and a second run executes nothing."""
    cold = two.driver.run("Total", *two.words)
    assert (cold.code, cold.document["counts"]["executed"]) == (0, 7), cold.stderr
    names = {"Total", *(f"Step-{chain}-{number}" for chain in range(2) for number in range(3))}
    assert {name: number for name, number in two.times.items() if name in names} == dict.fromkeys(names, 1)
    assert {machine for _, machine in two.ran} <= {"one", "two"}
    root = next(task for task in cold.document["tasks"] if task["family"] == "Total")
    assert os.path.exists(root["outputs"][0])
    warm = two.driver.run("Total", *two.words)
    assert (warm.code, warm.document["counts"]["executed"]) == (0, 0)
    assert two.times["Total"] == 1


def test_a_failing_task_is_told_with_its_traceback(two: Cluster) -> None:
    """The driver fails as it does for a task of its own; what does not depend on it is done."""
    said = two.driver.run("OverBroken", *two.words)
    assert said.code == 1
    assert "ValueError: it is broken here" in said.stderr
    assert "Traceback" in said.stderr
    assert [task["reason"]["text"] for task in _told(said.document, "failed")] == [
        "ValueError: it is broken here"
    ]
    assert [task["family"] for task in _told(said.document, "blocked")] == ["OverBroken"]
    assert [task["family"] for task in _told(said.document, "executed")] == ["Step"]


@pytest.mark.soak
def test_a_failed_task_is_tried_again(two: Cluster) -> None:
    """Luigi's retries hold on a cluster, too."""
    (two.driver.root / "code" / "luigi.cfg").write_text(_CONFIG)
    try:
        said = two.driver.run("Flaky", *two.words)
    finally:
        (two.driver.root / "code" / "luigi.cfg").unlink()
    assert (said.code, two.times["Flaky"]) == (0, 2), said.stderr


def test_yielded_tasks_run_on_the_cluster_and_the_rest_waits_for_them(two: Cluster) -> None:
    """Dynamic dependencies come back to the driver, which schedules them; a second run finds the traced result."""
    said = two.driver.run("OverYielding", *two.words)
    assert said.code == 0, said.stderr
    steps = {name: number for name, number in two.times.items() if name.startswith("Step-2")}
    assert steps == dict.fromkeys(["Step-20-0", "Step-20-1", "Step-21-0", "Step-22-0"], 1)
    assert "driver" not in {machine for task, machine in two.ran if "Yielding" in task}
    again = two.driver.run("OverYielding", *two.words)
    assert again.document["counts"]["executed"] == 0


def test_what_is_not_cacheable_runs_on_the_driver(two: Cluster) -> None:
    """So does what reads its files; what is further down goes to the cluster again, and the run says so."""
    said = two.driver.run("FarOverUncached", *two.words)
    assert said.code == 0, said.stderr
    where = {task: machine for task, machine in two.ran if "Uncached" in task}
    assert (where["Uncached"], where["OverUncached"]) == ("driver", "driver")
    assert where["FarOverUncached"] in ("one", "two")
    assert "runs-here" in said.stderr


def test_raw_files_of_the_driver_come_to_the_workers(two: Cluster) -> None:
    """An external task's file is published, and a worker that lacks it fetches it."""
    raw = two.driver.root / "data" / "pipe" / "raw"
    raw.mkdir(parents=True)
    (raw / "numbers.pkl").write_bytes(pickle.dumps([1, 2]))
    said = two.driver.run("OverRaw", *two.words)
    assert said.code == 0, said.stderr
    assert two.times["OverRaw"] == 1


def test_what_was_forced_takes_the_place_of_earlier_results_everywhere(two: Cluster) -> None:
    """The driver has the earlier results, and neither keeps them nor pushes them over the workers' new ones."""
    assert two.driver.run("OverDrawn", "--materialise", "all", *two.words).code == 0
    before = (two.driver.root / "data" / "OverDrawn.pkl").read_bytes()
    assert two.driver.run("OverDrawn", "--force-all", *two.words).code == 0
    after = (two.driver.root / "data" / "OverDrawn.pkl").read_bytes()
    assert after != before
    assert two.driver.run("OverDrawn", "--download").document["counts"]["executed"] == 0
    other = Machine(two.root / "other", _TASKS, two.driver.settings)
    said = other.run("OverDrawn", "--download", "--materialise", "all")
    assert said.document["counts"]["remote"] == 2, said.stderr
    assert (other.root / "data" / "OverDrawn.pkl").read_bytes() == after


@pytest.mark.soak
def test_a_worker_reuses_what_only_its_own_store_has(tmp_path: Path) -> None:
    """Early cutoff on a worker: its earlier result of equal inputs is pushed, and the task keeps its own key."""
    with cluster(tmp_path / "dask", _TASKS, "one") as made:
        assert made.machines["one"].run("Total", "--chains", "1").document["counts"]["executed"] == 4
        for machine in made.machines.values():
            code = machine.root / "code" / "pipe" / "tasks.py"
            code.write_text(_TASKS.replace("else 1)", "else 2 - 1)"))
        said = made.driver.run("Total", "--chains", "1", *made.words)
        assert said.code == 0, said.stderr
        assert said.outcomes == {"Step": "executed", "Total": "remote"}
        assert (made.times["Step-0-2"], made.times["Total"]) == (2, 1)
        key = said.document["root"]["key"]
        assert made.driver.luisy("key", "Total", "--chains", "1", "--json").document["key"] == key


@pytest.mark.soak
def test_a_build_in_python_goes_to_the_cluster(two: Cluster) -> None:
    """``luisy.build`` takes the same settings, and the process that calls it loads nothing of Dask."""
    code = f"""
import sys
import luisy, pipe.tasks
built = luisy.build(pipe.tasks.Step(chain=60, number=1), executor="dask", dask_scheduler="{two.address}")
print(built.counts["executed"], "distributed" in sys.modules)
"""
    environment, folder = two.driver.environment, two.driver.root / "code"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["2", "False"]
    assert (two.times["Step-60-0"], two.times["Step-60-1"]) == (1, 1)


@pytest.mark.soak
def test_what_cannot_be_shared_fails(two: Cluster) -> None:
    """A task whose result may not be pushed fails with the reason: nobody else could have it."""
    said = two.driver.run("Leaky", *two.words)
    assert said.code == 1
    assert "wrote" in _told(said.document, "failed")[0]["reason"]["text"]


def test_secrets_appear_in_no_log(two: Cluster, azurite: Azurite) -> None:
    """Dask's workers, its scheduler and the driver tell neither private parameters, also of a task that dies, nor keys."""
    words = ("Private", "--word", "open-sesame", *two.words)
    assert two.driver.run(*words).code == 0
    died = two.driver.run(*words, "--fails")
    assert died.code == 1
    assert "exit code 3" in _told(died.document, "failed")[0]["reason"]["text"]
    remembered = two.memory_of_scheduler()
    assert "Private-" in remembered
    logs = "".join(two.log(name) for name in two.processes) + remembered + died.stdout + died.stderr
    assert "open-sesame" not in logs
    assert azurite.credentials.storage_key not in logs


def test_without_a_scheduler_nothing_begins(two: Cluster) -> None:
    """An address that is not set is told before any work."""
    said = two.driver.run("Step", "--chain", "90", "--number", "0", "--executor", "dask")
    assert (said.code, said.document["error"]["slug"]) == (2, "no-dask-scheduler"), said.stderr


@pytest.mark.soak
def test_a_scheduler_that_does_not_answer_is_told(two: Cluster) -> None:
    """An address where nobody listens is told before any work."""
    words = ("--executor", "dask", "--dask-scheduler", "tcp://127.0.0.1:9")
    said = two.driver.run("Step", "--chain", "90", "--number", "0", *words)
    assert (said.code, said.document["error"]["slug"]) == (2, "no-dask-scheduler"), said.stderr


def test_without_a_remote_nothing_begins(two: Cluster) -> None:
    """Results could not come back."""
    settings = {name: value for name, value in two.driver.settings.items() if "AZURE" not in name}
    del settings["LUISY_REMOTE"]
    alone = Machine(two.root / "alone", _TASKS, settings)
    said = alone.run("Step", "--chain", "91", "--number", "0", *two.words)
    assert (said.code, said.document["error"]["slug"]) == (3, "remote-misconfigured"), said.stderr
    assert two.times["Step-91-0"] == 0


def test_an_interrupt_ends_what_runs_on_the_cluster(two: Cluster) -> None:
    """Ctrl-C at the driver cancels the future, and the task's process on the worker is gone."""
    process = two.driver.start("run", "Sleepy", *two.words)
    pid = int(_await(two.root / "trail.pid"))
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    _await_end(pid)


def _await_end(pid: int) -> None:
    """Wait until a process is gone, or would be if somebody looked after orphans."""
    until = time.monotonic() + 60
    with contextlib.suppress(FileNotFoundError):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < until, "it still runs"
            time.sleep(0.05)


def test_what_a_lost_worker_ran_runs_elsewhere(tmp_path: Path) -> None:
    """A worker is killed in the middle of a task: another one runs it, and the first attempt ends with its machine."""
    with cluster(tmp_path / "dask", _TASKS, "one", "two") as made:
        process = made.driver.start("run", "--json", "Sleepy", *made.words)
        pid = int(_await(made.root / "trail.pid"))
        (lost,) = {machine for _, machine in made.ran}
        made.kill(lost)
        _await_end(pid)
        until = time.monotonic() + 120
        while made.times["Sleepy-0"] < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        (made.root / "trail.wake").touch()
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert '"executed": 1' in output
        assert {machine for _, machine in made.ran} == {"one", "two"}


def test_a_scheduler_that_is_gone_is_told(tmp_path: Path) -> None:
    """The run fails instead of waiting for ever, and says what is gone."""
    with cluster(tmp_path / "dask", _TASKS, "one") as made:
        process = made.driver.start("run", "--json", "Sleepy", *made.words)
        _await(made.root / "trail.pid")
        made.kill("scheduler")
        output, errors = process.communicate()
        assert process.returncode == 1, errors
        assert f"the Dask scheduler at {made.address} is gone" in output


def test_other_code_on_a_worker_is_no_result(tmp_path: Path) -> None:
    """A worker that has another version of the code refuses, and nothing is filed under the wrong key."""
    with cluster(tmp_path / "dask", _TASKS) as made:
        made.start_worker("one", _TASKS.replace("else 1)", "else 2)"))
        made.await_workers()
        said = made.driver.run("Step", "--chain", "0", "--number", "0", *made.words)
        assert said.code == 1
        (failed,) = _told(said.document, "failed")
        assert failed["reason"]["slug"] == "worker-mismatch"
        assert "its code" in failed["reason"]["text"]
        assert made.times["Step-0-0"] == 0


@pytest.mark.soak
def test_forty_tasks_on_three_workers_execute_once_though_one_is_lost(tmp_path: Path) -> None:
    """Only what the lost worker had at hand is repeated."""
    with cluster(tmp_path / "dask", _TASKS, "one", "two", "three") as made:
        process = made.driver.start("run", "--json", "Total", "--chains", "13", *made.words)
        while sum(made.times.values()) < 15:
            assert process.poll() is None
            time.sleep(0.05)
        made.kill("three")
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        counts = json.loads(output)["counts"]
        assert counts["executed"] + counts["remote"] == 40, (
            "pushed by the lost worker, if it could not say so"
        )
        assert len(made.times) == 40
        assert sum(made.times.values()) <= 41
        assert made.driver.run("Total", "--chains", "13", *made.words).document["counts"]["executed"] == 0

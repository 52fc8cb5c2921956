"""Several machines on one central scheduler, each with its own store, and only a remote between them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests import luigid
from tests.azurite import Azurite
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.e2e.machines import Machine, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MACHINES = ("one", "two", "three")
_CHAINS, _DEPTH = 40, 5
_TASKS = f"""
import os
import time

import luigi
import luisy


def note(name):
    with open(os.path.join(os.environ["TRAIL"], name + " " + os.environ["MACHINE"]), "a") as file:
        file.write("x")


class Step(luisy.Task):
    chain = luigi.IntParameter()
    number = luigi.IntParameter()

    def requires(self):
        return Step(chain=self.chain, number=self.number - 1) if self.number else []

    def run(self):
        note(f"Step {{self.chain}} {{self.number}}")
        time.sleep(0.02)
        self.write(self.input().read() + 1 if self.number else 1)


class Total(luisy.Task):
    def requires(self):
        return [Step(chain=chain, number={_DEPTH - 1}) for chain in range({_CHAINS})]

    def run(self):
        note("Total")
        self.write(sum(target.read() for target in self.input()))
"""
_CONFIG = """
[scheduler]
retry_delay = 1
prune_on_get_work = true
worker_disconnect_delay = 4

[worker]
ping_interval = 0.5
wait_interval = 0.2
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[int]:
    """A real ``luigid``; its port."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "luigi.cfg").write_text(_CONFIG)
    (code / "machines.py").write_text(_TASKS)
    with luigid.serving(code, tmp_path / "state") as port:
        yield port


def _start(tmp_path: Path, machine: str, port: int, settings: dict[str, str]) -> subprocess.Popen[str]:
    for folder in (machine, "trail"):
        (tmp_path / folder).mkdir(exist_ok=True)
    environment = {
        **os.environ,
        **settings,
        "MACHINE": machine,
        "TRAIL": str(tmp_path / "trail"),
        "WORKING_DIR": str(tmp_path / machine),
        "LUISY_MODULE": "machines",
    }
    scheduler = ("--scheduler-host", "127.0.0.1", "--scheduler-port", str(port))
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "luisy",
            "run",
            "Total",
            "--json",
            "--download",
            "--upload",
            "--workers",
            "2",
            *scheduler,
        ],
        cwd=tmp_path / "code",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / f"{machine}.log").open("w"),
        text=True,
        start_new_session=True,
    )


def _executions(tmp_path: Path) -> Counter[str]:
    """How often each task was executed, on any machine."""
    counted: Counter[str] = Counter()
    for path in (tmp_path / "trail").iterdir():
        counted[path.name.rsplit(" ", 1)[0]] += len(path.read_text())
    return counted


def _ended(tmp_path: Path, machine: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, (tmp_path / f"{machine}.log").read_text()[-3000:]
    document: dict[str, Any] = json.loads(output)
    return document


@pytest.mark.slow
def test_each_task_is_executed_once_though_a_machine_is_lost(
    tmp_path: Path, daemon: int, azurite: Azurite
) -> None:
    """Inputs made elsewhere are fetched, results are there before they are told; only what was running is repeated."""
    settings = {
        "LUISY_REMOTE": f"azure://{azurite.new_container()}",
        "LUISY_AZURE_ACCOUNT_NAME": azurite.credentials.account_name,
        "LUISY_AZURE_STORAGE_KEY": azurite.credentials.storage_key,
        "LUISY_AZURE_ENDPOINT": azurite.credentials.endpoint,
    }
    processes = {machine: _start(tmp_path, machine, daemon, settings) for machine in _MACHINES}
    while sum(_executions(tmp_path).values()) < _CHAINS * _DEPTH // 2:
        assert any(process.poll() is None for process in processes.values())
        time.sleep(0.05)
    lost = processes.pop("three")
    os.killpg(lost.pid, signal.SIGKILL)
    lost.wait()
    for machine, process in processes.items():
        document = _ended(tmp_path, machine, process)
        assert document["status"] == "success"
        root = next(task for task in document["tasks"] if task["family"] == "Total")
        assert root["outcome"] in ("executed", "remote")
    executions = _executions(tmp_path)
    assert len(executions) == _CHAINS * _DEPTH + 1
    repeated = [task for task, times in executions.items() if times > 1]
    assert len(repeated) <= 2, f"more than the lost machine's two workers had at hand: {repeated}"
    assert {(tmp_path / machine / "Total.pkl").exists() for machine in processes} == {True}


def _shared(tmp_path: Path, daemon: int, tasks: str, settings: dict[str, str]) -> tuple[Machine, list[str]]:
    """A machine of its own, and the words by which it joins the daemon."""
    words = ["--download", "--upload", "--scheduler-host", "127.0.0.1", "--scheduler-port", str(daemon)]
    return Machine(tmp_path, tasks, settings), words


def _done(daemon: int) -> set[str]:
    """The families of the tasks that the daemon takes for done."""
    query = urlencode({"data": json.dumps({"status": "DONE", "upstream_status": ""})})
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon}/api/task_list?{query}") as answer:
        return {task["name"] for task in json.load(answer)["response"].values()}


_KILLING = """
import os
import signal

import luisy


class First(luisy.Task):
    def run(self):
        with open(os.environ["TRAIL"], "a") as trail:
            trail.write("First\\n")
        if "KILL" in os.environ:
            os.kill(int(os.environ["KILL"]), signal.SIGKILL)
        self.write(1)


class Second(luisy.Task):
    def requires(self):
        return First()

    def run(self):
        with open(os.environ["TRAIL"], "a") as trail:
            trail.write("Second\\n")
        self.write(self.input().read() + 1)
"""


def test_a_shared_scheduler_needs_the_remote(tmp_path: Path, daemon: int, azurite: Azurite) -> None:
    """Where it does not answer, the run fails before any work: nobody could have what it makes."""
    nobody = replace(azurite.credentials, endpoint="http://127.0.0.1:9/devstoreaccount1")
    machine, words = _shared(tmp_path / "one", daemon, _KILLING, settings_of("results", nobody))
    said = machine.run("Second", *words)
    assert (said.code, said.document["error"]["slug"]) == (3, "remote-unreachable")
    assert (machine.ran, _done(daemon)) == ([], set())
    assert machine.run("Second", "--download", "--local-scheduler").code == 0


@pytest.mark.slow
def test_a_task_is_not_told_done_while_its_result_is_not_there(tmp_path: Path, daemon: int) -> None:
    """The remote dies in the run: it fails, what it made stays on its machine, and another one makes it again."""
    mortal = Azurite(tmp_path / "azurite")
    mortal.start()
    container = mortal.new_container()
    database = mortal.folder / "__azurite_db_blob__.json"
    while not database.exists() or container not in database.read_text():  # it is written now and then
        time.sleep(0.05)
    assert mortal.process is not None
    settings = {**settings_of(container, mortal.credentials), "KILL": str(mortal.process.pid)}
    one, words = _shared(tmp_path / "one", daemon, _KILLING, settings)
    try:
        said = one.run("Second", *words)
        assert said.code == 3, said.stderr
        assert (one.ran, _done(daemon)) == (["First"], set())
        mortal.kill()
        mortal.start()
        two, words = _shared(tmp_path / "two", daemon, _KILLING, settings_of(container, mortal.credentials))
        said = two.run("Second", *words)
        assert said.code == 0, said.stderr
        assert (two.ran, _done(daemon)) == (["First", "Second"], {"First", "Second"})
        one.settings = settings_of(container, mortal.credentials)
        assert one.run("Second", *words).code == 0
        assert one.ran == ["First"]
    finally:
        mortal.kill()

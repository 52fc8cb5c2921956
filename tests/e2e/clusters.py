"""Dask clusters on this machine: a scheduler, and workers whose machines share nothing but a remote."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.machines import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STARTED = 60.0
"""Seconds in which a process of Dask has to be up."""


_ASK = """
import sys
from distributed import Client

def remembered(dask_scheduler):
    return repr([list(dask_scheduler.tasks), list(dask_scheduler.transition_log), dask_scheduler.get_events()])

with Client(sys.argv[1]) as client:
    print(client.run_on_scheduler(remembered))
"""


@dataclass
class Cluster:
    """A scheduler with workers, each a machine with a workspace, a store and a checkout of its own.

    :param root: the folder of everything; ``driver`` and the workers lie in it.
    :param settings: environment variables of all.
    """

    root: Path
    tasks: str
    settings: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the driver."""
        self.driver = self._machine("driver", self.tasks)

    def _machine(self, name: str, tasks: str) -> Machine:
        own = {"MACHINE": name, "TRAIL": str(self.root / "trail"), **self.settings}
        self.machines[name] = Machine(self.root / name, tasks, own)
        return self.machines[name]

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return (self.root / "address").read_text()

    def start_scheduler(self) -> None:
        """Start it, and wait until it listens."""
        self._start(
            "scheduler",
            self.root,
            dict(os.environ),
            ("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        )
        self._await("scheduler", "Scheduler at:")
        line = next(line for line in self.log("scheduler").splitlines() if "Scheduler at:" in line)
        (self.root / "address").write_text(line.split()[-1])

    def start_worker(self, name: str, tasks: str | None = None, threads: int = 1, **variables: str) -> None:
        """Start a worker on a machine of its own.

        :param tasks: its code, where it is not the driver's.
        """
        machine = self._machine(name, self.tasks if tasks is None else tasks)
        self._start(
            name,
            machine.root / "code",
            {**machine.environment, **variables},
            ("dask_worker", self.address, "--no-nanny", "--no-dashboard", "--nthreads", str(threads)),
            ("--host", "127.0.0.1", "--name", name, "--local-directory", str(machine.root)),
        )

    def await_workers(self) -> None:
        """Wait until all have registered."""
        for name in self.processes:
            if name != "scheduler":
                self._await(name, "Registered to:")

    def _start(self, name: str, folder: Path, environment: dict[str, str], *words: tuple[str, ...]) -> None:
        (module, *first), *rest = words
        self.processes[name] = subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"distributed.cli.{module}",
                *first,
                *(word for more in rest for word in more),
            ],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.root / f"{name}.log").open("wb"),
        )

    def _await(self, name: str, words: str) -> None:
        until = time.monotonic() + _STARTED
        while words not in self.log(name):
            assert self.processes[name].poll() is None, self.log(name)
            assert time.monotonic() < until, self.log(name)
            time.sleep(0.05)

    def log(self, name: str) -> str:
        """What a process of Dask logged."""
        return (self.root / f"{name}.log").read_text(errors="replace")

    def memory_of_scheduler(self) -> str:
        """All that it remembers of what it was told: tasks, their states, events."""
        asked = subprocess.run(
            [sys.executable, "-c", _ASK, self.address], capture_output=True, text=True, check=True
        )
        return asked.stdout

    def kill(self, name: str) -> None:
        """End a process as a machine does that loses power."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    @property
    def words(self) -> tuple[str, ...]:
        """The options that make the driver hand out its tasks."""
        return ("--executor", "dask", "--dask-scheduler", self.address)

    @property
    def ran(self) -> Counter[tuple[str, str]]:
        """How often each task was started on which machine."""
        trail = self.root / "trail"
        lines = trail.read_text().splitlines() if trail.exists() else []
        pairs = (line.split() for line in lines)
        return Counter((task, machine) for task, machine in pairs)

    @property
    def times(self) -> Counter[str]:
        """How often each task was started."""
        counted: Counter[str] = Counter()
        for (task, _), number in self.ran.items():
            counted[task] += number
        return counted


@contextmanager
def cluster(
    root: Path, tasks: str, *workers: str, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A cluster with *workers*; with no settings, its remote is a folder."""
    root.mkdir(exist_ok=True)
    remote = root / "remote"
    remote.mkdir()
    made = Cluster(root, tasks, {"LUISY_REMOTE": f"file://{remote}"} if settings is None else settings)
    try:
        made.start_scheduler()
        for name in workers:
            made.start_worker(name)
        made.await_workers()
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()

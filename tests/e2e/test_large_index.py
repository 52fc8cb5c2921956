"""A small pipeline of a project whose index is large, on a machine that has nothing, against a real Azurite."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote.azure import AzureRemote
from luisy.cas.remote_limits import MIB
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.e2e.machines import Machine, settings_of
from tests.faults.proxy import Fault, running
from tests.unit.cas.transfer.segments_made import compact, others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.azurite import Azurite
    from tests.faults.proxy import Proxy

_TASKS = """
import os

import luigi
import luisy


def note(name):
    with open(os.environ["TRAIL"], "a") as trail:
        trail.write(name + "\\n")


class Step(luisy.Task):
    number = luigi.IntParameter()

    def requires(self):
        return Step(number=self.number - 1) if self.number else []

    def run(self):
        note(f"Step{self.number}")
        self.write(self.input().read() + 1 if self.number else 1)


class Total(luisy.Task):
    def requires(self):
        return Step(number=4)

    def run(self):
        note("Total")
        self.write(self.input().read())
"""


class Large:
    """A container in which others have pushed much, and one machine this pipeline; gc has made one segment of it."""

    def __init__(self, folder: Path, azurite: Azurite) -> None:
        self.folder, self.count = folder, 0
        self.container = container = azurite.new_container()
        self.settings: Mapping[str, str] = settings_of(container, azurite.credentials)
        self.first = self.machine()
        assert self.first.run("--upload", "Total").code == 0
        remote = AzureRemote(container, credentials=azurite.credentials)
        blob = compact(remote, others(random.Random(1), 6000, "pipe"), "pipe")
        self.size = len(remote.get(blob))
        assert self.size > 4 * MIB
        remote.close()

    def machine(self, tasks: str = _TASKS, settings: Mapping[str, str] | None = None) -> Machine:
        """A machine with nothing but the code."""
        self.count += 1
        root = self.folder / f"machine-{self.count}"
        root.mkdir()
        return Machine(root, tasks, settings or self.settings)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite) -> Large:
    return Large(tmp_path_factory.mktemp("large"), azurite)


def test_a_small_pipeline_reads_a_part_of_the_index(large: Large) -> None:
    """A run, a plan, a result that is put in place and a pull: each on a machine of its own."""
    one = large.machine()
    done = one.run("--download", "Total")
    assert (done.code, done.outcomes["Total"], one.ran) == (0, "remote", [])
    assert done.document["remote"]["bytes_down"] < large.size / 4
    assert done.document["remote"]["requests"] <= 16
    planned = large.machine().luisy("plan", "--json", "--download", "Total")
    assert planned.outcomes["Total"] == "remote"
    assert planned.document["remote"]["bytes_down"] < large.size / 4
    put = large.machine().luisy("get", "--download", "Total")
    assert (put.code, Path(put.stdout.strip()).exists()) == (0, True)
    assert large.machine().luisy("cas", "pull", "Total").code == 0


def test_changed_code_is_executed_on_what_is_there(large: Large) -> None:
    """What misses is known to miss without reading all; what it needs comes; and `why` tells the reason."""
    one = large.machine(_TASKS.replace("self.write(self.input().read())", "self.write(-self.input().read())"))
    why = one.luisy("why", "--download", "Total")
    done = one.run("--download", "Total")
    assert (done.code, one.ran) == (0, ["Total"])
    assert done.document["remote"]["bytes_down"] < large.size / 4
    assert (why.code, "code" in why.stdout) == (0, True)


def test_what_is_uploaded_after_a_part_was_read_is_whole(large: Large) -> None:
    """The push reads the rest of the index first, and the next machine finds both."""
    changed = _TASKS.replace("self.write(self.input().read())", "self.write(2 * self.input().read())")
    one = large.machine(changed)
    assert one.run("--download", "--upload", "Total").code == 0
    for tasks in (_TASKS, changed):
        other = large.machine(tasks)
        assert (other.run("--download", "Total").outcomes["Total"], other.ran) == ("remote", [])


def test_what_cannot_be_known_does_not_count_as_not_pushed(large: Large) -> None:
    """A machine that has pushed everything has read a part of what gc made of it."""
    assert large.first.luisy("plan", "--download", "Step", "--number", "5").code == 0
    (told,) = large.first.luisy("cas", "status", "--json").document["not_pushed"]
    assert (told["project"], told["actions"]) == ("pipe", 0)


def _die_after_the_directory(proxy: Proxy) -> None:
    parts: list[str] = []

    def decide(method: str, path: str) -> Fault | None:
        if method == "GET" and "/index/" in path and "list" not in path:
            parts.append(path)
        return Fault(status=503) if len(parts) > 1 else None

    proxy.fault = decide


def test_a_remote_that_dies_between_two_parts_costs_one_warning(large: Large, azurite: Azurite) -> None:
    """The directory came, what it leads to does not: the run goes on as without the remote."""
    with running(azurite) as proxy:
        _die_after_the_directory(proxy)
        one = large.machine(settings=settings_of(large.container, proxy.credentials))
        done = one.run("--download", "Total")
    assert (done.code, len(one.ran)) == (0, 6)
    assert done.stderr.count("does not answer") == 1


def test_a_required_remote_that_dies_between_two_parts_fails(large: Large, azurite: Azurite) -> None:
    """Who needs it is told, before anything is executed."""
    with running(azurite) as proxy:
        _die_after_the_directory(proxy)
        one = large.machine(settings=settings_of(large.container, proxy.credentials))
        done = one.run("--download", "--require-remote", "Total")
    assert (done.code, one.ran) == (3, [])

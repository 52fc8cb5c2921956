"""Machines that share a remote, against each kind of it: memory, a folder, Azurite."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from luisy.cas.remote.counting import Counting, Meter
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_limits import MIB
from luisy.cas.transfer import Mirror
from luisy.errors import RemoteError
from luisy.model import Key
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.conformance.conftest import (
    azure_place as azure_place,  # noqa: PLC0414 - a fixture
)
from tests.conformance.conftest import (
    directory_place as directory_place,  # noqa: PLC0414 - a fixture
)
from tests.conformance.conftest import (
    memory_place as memory_place,  # noqa: PLC0414 - a fixture
)
from tests.conformance.conftest import (
    place as place,  # noqa: PLC0414 - a fixture
)
from tests.mirrors import machine, put_refs
from tests.unit.cas.transfer.segments_made import compact, others
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conformance.conftest import Place


def test_results_travel_between_machines(place: Place, tmp_path: Path) -> None:
    """Small and large files, folders and empty ones: byte for byte, and back."""
    one, two = (machine(tmp_path, name, place.open()) for name in ("one", "two"))
    contents: dict[int, bytes | dict[str, bytes]] = {
        1: b"small",
        2: os.urandom(5 << 20),
        3: b"zeros" * (1 << 20),
        4: {"a": b"", "b": b"b" * 5000, "c": os.urandom(2 << 20)},
        5: b"",
    }
    for number, data in contents.items():
        one.result(number, data)
    assert len(one.mirror.push().actions) == 5
    assert two.pull(*map(key, contents)) == {key(number): data for number, data in contents.items()}
    two.result(6, b"back")
    two.mirror.push()
    assert one.pull(key(6)) == {key(6): b"back"}


def test_twenty_pushes_fold_and_nothing_is_lost(place: Place, tmp_path: Path) -> None:
    """Two machines push by turns; a third finds everything with few requests."""
    machines = [machine(tmp_path, name, place.open()) for name in ("one", "two")]
    for number in range(20):
        machines[number % 2].result(number, b"%d" % number)
        machines[number % 2].mirror.push([key(number)])
    three = machine(tmp_path, "three", place.open())
    three.mirror.refresh()
    assert three.mirror.results(map(key, range(20))).keys() == set(map(key, range(20)))
    assert len(three.mirror._index.merged()) < 10
    fetched = three.mirror.fetch([key(number) for number in range(20)])
    assert fetched.failed == {}


def test_machines_that_push_at_once_all_succeed(place: Place, tmp_path: Path) -> None:
    """Four of them, each with results of its own and one that all of them have."""
    machines = [machine(tmp_path, f"m{number}", place.open()) for number in range(4)]
    shared = os.urandom(2 << 20)
    for number, one in enumerate(machines):
        one.result(100, shared)
        one.result(number, b"%d" % number * 100)
    failed: list[BaseException] = []

    def push(mirror: Mirror) -> None:
        try:
            mirror.push()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=push, args=(one.mirror,)) for one in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    wanted = {key(number): b"%d" % number * 100 for number in range(4)} | {key(100): shared}
    assert machine(tmp_path, "other", place.open()).pull(*wanted) == wanted


def test_a_ref_and_its_file_travel(place: Place, tmp_path: Path) -> None:
    """refs.json is written by If-Match; who did not see the last change is told."""
    from luisy.cas.transfer import Ref

    one, two = (machine(tmp_path, name, place.open()) for name in ("one", "two"))
    refs = []
    for each in (one, two):
        path = each.folder / "a.csv"
        path.write_text(each.folder.name)
        refs.append(Ref(each.store.keep([(b"", str(path))]).digest))
    put_refs(one, {"raw/a.csv": refs[0]})
    with pytest.raises(RemoteError):
        put_refs(two, {"raw/a.csv": refs[1]})
    two.mirror.refresh()
    assert two.mirror.fetch_contents([refs[0].manifest]) == {}


_KILLED = """
import os, sys
from luisy.cas import Store
from luisy.cas.remote.directory import DirectoryRemote
from luisy.cas.transfer import Mirror
class Dying:
    def __init__(self, remote, left):
        self.remote, self.left = remote, left
    def __getattr__(self, name):
        found = getattr(self.remote, name)
        if name not in ("put", "touch", "list", "get", "head"):
            return found
        def call(*args, **kwargs):
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), 9)
            return found(*args, **kwargs)
        return call
store, remote, left = sys.argv[1:]
with Store.open(store) as opened:
    Mirror(opened, Dying(DirectoryRemote(remote), int(left)), "weather").push()
"""


@pytest.mark.parametrize("calls", [3, 5, 6, 7])
def test_a_process_that_is_killed_goes_on_where_it_was(tmp_path: Path, calls: int) -> None:
    """Kill -9 in the middle of a push, and no more of its memory than is in the store."""
    from luisy.cas.remote.directory import DirectoryRemote

    folder = tmp_path / "remote"
    folder.mkdir()
    one = machine(tmp_path, "one", DirectoryRemote(str(folder)))
    for number in range(4):
        one.result(number, os.urandom(3 << 20 if number else 1000))
    one.store.close()
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "one" / "store"), str(folder), str(calls)]
    assert subprocess.run(command, check=False).returncode == -9
    blobs = sum(
        len(DirectoryRemote(str(folder)).list(f"weather/.luisy/v1/{kind}/").blobs)
        for kind in ("objects", "packs")
    )
    meter = Meter()
    again = machine(tmp_path, "one", Counting(DirectoryRemote(str(folder)), meter))
    again.mirror.push()
    assert meter.traffic.bytes_up < (4 - blobs) * (3 << 20) + (1 << 20)
    contents = {key(number): one.content(key(number)) for number in range(4)}
    assert machine(tmp_path, "two", DirectoryRemote(str(folder))).pull(*contents) == contents


def test_two_processes_of_one_store_push_at_once(tmp_path: Path) -> None:
    """They share the rows of the merged index, and neither decides on what the other took away."""
    from luisy.cas.remote.directory import DirectoryRemote

    folder = tmp_path / "remote"
    folder.mkdir()
    one = machine(tmp_path, "one", DirectoryRemote(str(folder)))
    for number in range(40):
        one.result(number, b"%d" % number)
    one.store.close()
    children = []
    for half in (0, 1):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with Store.open(tmp_path / "one" / "store") as store:
                    mirror = Mirror(store, DirectoryRemote(str(folder)), "weather")
                    for number in range(half, 40, 2):
                        mirror.push([key(number)])
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    two = machine(tmp_path, "two", DirectoryRemote(str(folder)))
    two.mirror.refresh()
    assert len(two.mirror.fetch([key(number) for number in range(40)]).actions) == 40


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> MemoryRemote:
    """A remote with one result of ours and 28,000 of others, in one segment of 20 MiB."""
    remote = MemoryRemote()
    one = machine(tmp_path_factory.mktemp("large"), "one", remote)
    one.result(1, b"root")
    one.mirror.push()
    compact(remote, others(random.Random(1), 28_000))
    return remote


def test_a_root_hit_reads_little_of_a_large_index(place: Place, tmp_path: Path, large: MemoryRemote) -> None:
    """Of 20 MiB not a tenth, in few requests; and no more to know that others are not there."""
    for blob in large.list("").blobs:
        place.open().put(blob.name, large.get(blob.name))
    (size,) = (blob.size for blob in large.list("weather/.luisy/v1/index/").blobs)
    assert size > 20 * MIB
    remote = Counting(place.open())
    two = machine(tmp_path, "two", remote)
    assert two.pull(key(1)) == {key(1): b"root"}
    assert remote.traffic.bytes_down < size / 10
    assert remote.traffic.requests <= 8
    before = remote.traffic
    missing = [Key(random.Random(number).randbytes(32).hex()) for number in range(40)]
    assert two.mirror.results(missing) == {}
    assert (remote.traffic - before).requests <= 16
    assert remote.traffic.bytes_down < size / 6

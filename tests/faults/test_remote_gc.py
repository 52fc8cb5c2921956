"""Two machines push and a third one runs gc on one container, and all of them are killed again and again."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from luisy.cas.gc import Policy
from luisy.cas.remote.opening import open_remote
from luisy.cas.remote_gc import Timing
from luisy.errors import RemoteError
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.collectors import blobs_in, collect, names_in, promised
from tests.mirrors import machine
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from luisy.cas.remote import Remote
    from tests.azurite import Azurite

FORK = multiprocessing.get_context("fork")
EVERYTHING_ELSE = Policy(older_than=0.0)
IMPATIENT = Timing(lease=0.5, slot_ttl=2.0, patience=4.0, poll=0.05, orphan_age=0.0)


def content(number: int) -> bytes:
    """What the result of this number is: of a kept one and a dead one the same, every fifth pair a blob of its own."""
    pair = number // 2
    return random.Random(pair).randbytes((1 << 20) + 1 if pair % 5 == 0 else 500 + pair)


def kept(number: int) -> bool:
    """Whether gc has to keep the result of this number."""
    return number % 2 == 0


def done(folder: Path) -> set[int]:
    """The numbers whose push was reported as committed to some machine."""
    logs = folder.glob("pushed-*")
    return {int(line) for log in logs for line in log.read_text(encoding="utf-8").split()}


def push_all(folder: Path, name: str, connect: Callable[[], Remote], numbers: Sequence[int]) -> None:
    """Push one result after the other, and write down each that is committed."""
    one = machine(folder, name, connect())
    log = os.open(folder / f"pushed-{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    known = done(folder)
    for number in numbers:
        if number in known:
            continue
        if one.content(key(number)) is None:
            one.result(number, content(number))
        while True:
            with suppress(RemoteError):  # its slots were broken too often
                one.mirror.push([key(number)])
                break
        os.write(log, b"%d\n" % number)


def gc_always(folder: Path, connect: Callable[[], Remote]) -> None:
    """Run gc until somebody says that it is enough."""
    one = machine(folder, "gc", connect())
    while not (folder / "enough").exists():
        with suppress(RemoteError):  # something changed under it: the next run goes on
            collect(one.store, one.mirror._remote, EVERYTHING_ELSE, IMPATIENT)


def run(roles: Mapping[str, Callable[[], None]], kills: int, chance: random.Random, folder: Path) -> None:
    """All roles at once; so many times one of them is killed at any moment and begins again."""
    processes: dict[str, BaseProcess] = {name: FORK.Process(target=role) for name, role in roles.items()}
    for process in processes.values():
        process.start()
    while any(process.is_alive() for name, process in processes.items() if name != "gc"):
        time.sleep(chance.uniform(0.02, 0.8))
        victim = chance.choice([*sorted(roles), "gc"])
        if kills and processes[victim].is_alive():
            kills -= 1
            processes[victim].kill()
            processes[victim].join()
            processes[victim] = FORK.Process(target=roles[victim])
            processes[victim].start()
    (folder / "enough").touch()
    for process in processes.values():
        process.join()
    assert {name: process.exitcode for name, process in processes.items()} == dict.fromkeys(roles, 0)


def check(folder: Path, azurite: Azurite, *, numbers: int, kills: int, seed: int) -> None:
    """Let them run, and compare what an empty machine finds with what must have survived."""
    container = azurite.new_container()

    def connect() -> Remote:
        return open_remote(f"azure://{container}", credentials=azurite.credentials)

    chance = random.Random(seed)
    order = list(range(numbers))
    third = machine(folder, "gc", connect())
    third.store.note_complete_run("weather", [key(number) for number in order if kept(number)])
    third.store.close()
    roles: dict[str, Callable[[], None]] = {"gc": lambda: gc_always(folder, connect)}
    for name in ("one", "two"):
        wanted = chance.sample(order, len(order))
        roles[name] = lambda name=name, wanted=wanted: push_all(folder, name, connect, wanted)  # type: ignore[misc]
    run(roles, kills, chance, folder)
    assert done(folder) == set(order)
    remote = connect()
    survivors = {key(number): content(number) for number in order if kept(number)}
    found = promised(folder, "reader", remote)
    assert {name: found.get(name) for name in survivors} == survivors
    assert None not in found.values()
    time.sleep(IMPATIENT.slot_ttl)  # what killed pushes have left open counts as left behind
    for _ in range(4):
        assert not collect(third.store, remote, EVERYTHING_ELSE, IMPATIENT).busy
    assert promised(folder, "last", remote) == survivors
    assert len(names_in(remote, "index/")) == 1
    assert names_in(remote, "gc/") == []
    large = {name for name in blobs_in(remote) if name.startswith("objects/")}
    assert len(large) == len({number // 2 for number in order if kept(number) and number // 2 % 5 == 0})


@pytest.mark.slow
def test_what_was_committed_and_is_kept_survives(tmp_path: Path, azurite: Azurite) -> None:
    """Every kept result that any push reported is served, nothing else is promised, and the rest is collected."""
    check(tmp_path, azurite, numbers=16, kills=6, seed=7)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_it_survives_for_longer(tmp_path: Path, azurite: Azurite, seed: int) -> None:
    """The same with more of everything, other numbers each time."""
    check(tmp_path, azurite, numbers=120, kills=60, seed=seed)

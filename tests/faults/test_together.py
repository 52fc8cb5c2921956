"""Eight processes put, get, pin, collect and verify in one store, held against a model of what must survive."""

from __future__ import annotations

import multiprocessing
import random
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store, verify
from luisy.cas.collecting import Collector
from luisy.cas.gc import Policy
from luisy.errors import NoSuchResult, StoreError
from tests.unit.cas.values import action, key

if TYPE_CHECKING:
    from pathlib import Path

FORK = multiprocessing.get_context("fork")
PROCESSES = 8
NUMBERS = 24
"""Results that all of them make, read and collect."""


def content(number: int) -> str:
    """What the output of action *number* must be, whoever made it; every third shares its bytes with another."""
    return f"content {number // 3 if number % 3 else number}" * (20_000 if number % 5 == 0 else 1)


class Ahead(Collector):
    """Two days ahead, so that nothing is too young for it; but what lies in ``tmp/`` has only its age to protect it."""

    def _sweep_tmp(self) -> int:
        return 0


class Worker:
    """One process, and what it has been promised."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.number = number
        self.chance = random.Random(number)
        self.store = Store.open(folder / "store")
        self.pinned: list[int] = []

    def make(self) -> None:
        """What is made, or found, in a run is there until it ends."""
        with self.store.running():
            made = [self._record(self.chance.randrange(NUMBERS)) for _ in range(3)]
            for number in made:
                assert self._text(number) == content(number), number

    def pin(self) -> None:
        """What is pinned stays until the end."""
        number = self.chance.randrange(NUMBERS)
        with self.store.running():
            self._record(number)
            self.store.pin(f"{self.number} {number}", key(number))
        self.pinned.append(number)

    def get(self) -> None:
        """What is there has the right bytes, and may go at any moment."""
        number = self.chance.randrange(NUMBERS)
        try:
            found = self._text(number)
        except (NoSuchResult, KeyError):
            return
        assert found == content(number), number

    def collect(self) -> None:
        """A gc of all that is not pinned."""
        collector = Ahead(self.store, Policy(0.0), now=time.time() + 2 * 86400)
        collector.collect(collector.plan())

    def verify(self) -> None:
        """Nothing is ever wrong."""
        assert verify.inspect(self.store).problems == []

    def work(self, count: int) -> None:
        """Do *count* things."""
        deeds = [self.make] * 4 + [self.get] * 4 + [self.pin, self.collect, self.collect, self.verify]
        for _ in range(count):
            self.chance.choice(deeds)()
        for number in self.pinned:
            assert self._text(number) == content(number), number
        (self.folder / f"pinned-{self.number}").write_text(" ".join(map(str, self.pinned)))
        self.store.close()

    def _record(self, number: int) -> int:
        path = self.folder / f"output-{self.number}"
        path.write_text(content(number))
        while not self._filed(number, path):  # as a run does: what gc takes in between is stored once more
            pass
        return number

    def _filed(self, number: int, path: Path) -> bool:
        try:
            self.store.record(action(self.store.keep([(b"", str(path))]), number, created=time.time()))
        except StoreError as error:
            if error.slug != "missing-object":
                raise
            return False
        return True

    def _text(self, number: int) -> str:
        manifest = self.store.results([key(number)])[key(number)].outputs
        assert manifest is not None
        return self.store.get(manifest.entries[0].digest).decode()


def started(folder: Path, number: int, count: int) -> None:
    """A process's life; what went wrong goes to a file."""
    try:
        Worker(folder, number).work(count)
    except BaseException:
        (folder / f"failed-{number}").write_text(traceback.format_exc())
        raise


def together(folder: Path, count: int) -> None:
    """Let all of them do *count* things each, and look at what is left."""
    Store.open(folder / "store").close()
    children = [FORK.Process(target=started, args=(folder, number, count)) for number in range(PROCESSES)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [path.read_text() for path in folder.glob("failed-*")] == []
    assert [child.exitcode for child in children] == [0] * PROCESSES
    last = Worker(folder, PROCESSES)
    pinned = {int(number) for path in folder.glob("pinned-*") for number in path.read_text().split()}
    assert pinned
    last.collect()
    last.verify()
    assert last.store.check(row.manifest for row in last.store.list_actions()) == {
        row.manifest for row in last.store.list_actions()
    }
    assert {int(row.key, 16) for row in last.store.list_actions()} == pinned
    last.pinned = sorted(pinned)
    last.work(0)


def test_eight_processes_in_one_store_lose_nothing(tmp_path: Path) -> None:
    """What a run has is there until it ends, what is pinned for ever, all bytes are right, nothing is left over."""
    together(tmp_path, 12)


@pytest.mark.soak
def test_eight_processes_in_one_store_lose_nothing_for_long(tmp_path: Path) -> None:
    """The same, fifty times as long."""
    together(tmp_path, 600)

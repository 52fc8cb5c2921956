"""Whatever a person does at the same time, in any order, killed at any moment: nothing committed is lost."""

from __future__ import annotations

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.e2e.projects import Before, Warm
from tests.faults.victims import KILLED, POINTS, Victim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.projects import Run

_TASKS = """
    class Part(Text):
        number = luigi.IntParameter()

        def run(self):
            self.put(f"part {self.number}" * (50_000 if self.number % 3 == 0 else 1))


    class Tree(luigi.Task):
        number = luigi.IntParameter()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / f"tree-{self.number}")

        def run(self):
            tree = Path(self.output().path)
            (tree / "deep").mkdir(parents=True)
            (tree / "deep" / "file").write_text(f"tree {self.number}")
            (tree / "link").symlink_to("deep")


    class Root(Text):
        number = luigi.IntParameter()

        def requires(self):
            return [Part(self.number), Tree(self.number)]

        def run(self):
            part, tree = (Path(target.path) for target in self.input())
            self.put(part.read_text() + (tree / "link" / "file").read_text())
"""
_LONGEST = 0.6
"""Seconds: in most of the cases what is begun would be done by then."""

_STEPS = 40
"""Of those that leave something on the disk, so many of a command are expected before it was seen to take more."""

_DAYS = 5 * 86400.0
_COMMANDS = {
    "run": ("run", "--json", "--module", "pipe", "Root", "--workers", "2"),
    "push": ("cas", "push"),
    "pull": ("cas", "pull", "--all"),
    "gc": ("cas", "gc", "--yes"),
    "verify": ("cas", "verify"),
}
_BESIDE_GC = ("push", "verify")
"""What may run beside a gc whose clock is days ahead: it takes the temporary files of others for old ones."""


def right(family: str, number: int) -> str:
    """What ``Part`` or ``Root`` must write."""
    part = f"part {number}" * (50_000 if number % 3 == 0 else 1)
    return part if family == "Part" else part + f"tree {number}"


@dataclass
class Chaos:
    """Two processes at a time, and what has been promised by them.

    :param numbers: how many roots there are so far, each with results of its own.
    :param pushed: the results in the store when a push began that then ended well.
    :param steps: the most that each command was seen to take.
    """

    victim: Victim
    lanes: tuple[Warm, Warm]
    chance: random.Random
    numbers: int = 1
    pushed: set[str] = field(default_factory=set)
    steps: dict[str, int] = field(default_factory=dict)
    kills: int = 0

    def round(self) -> None:
        """Two commands at the same time, each killed at some moment or not; what was there before is there after."""
        if self.chance.random() < 0.3:
            self.victim.remove_outputs()
        first = self.chance.choice(list(_COMMANDS))
        second = self.chance.choice(
            _BESIDE_GC if first == "gc" else [name for name in _COMMANDS if name != "gc"]
        )
        before = self.victim.results()
        both = [
            (lane, self._words(name), self._blow(lane, name))
            for lane, name in zip(self.lanes, (first, second), strict=True)
        ]
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda one: self._do(*one), both))
        self._count_steps((first, second))
        said = [(first, done[0].code, done[0].stderr), (second, done[1].code, done[1].stderr)]
        assert all(code in (0, KILLED) and "Traceback" not in stderr for _, code, stderr in said), said
        self.kills += sum(code == KILLED for _, code, _ in said)
        if ("push", 0) in ((name, code) for name, code, _ in said):
            self.pushed |= before
        assert self.victim.results() >= before, said

    def _words(self, name: str) -> list[str]:
        if name != "run":
            return [*_COMMANDS[name]]
        number = self.chance.randrange(self.numbers)
        if self.chance.random() < 0.7:  # one that has nothing yet
            number, self.numbers = self.numbers, self.numbers + 1
        return [*_COMMANDS[name], "--number", str(number)]

    def _blow(self, lane: Warm, name: str) -> Before:
        """When it is killed: after some time, or, since what must not be torn apart takes no time, at some step."""
        ahead = _DAYS if name == "gc" else 0.0
        if self.chance.random() < 0.5:
            seconds = self.chance.uniform(0.02, _LONGEST)
            return Before(str(POINTS), "die_after", {"seconds": seconds, "ahead": ahead})
        victim = self.victim
        arguments = {
            "roots": [str(victim.data), str(victim.remote)],
            "at": self.chance.randint(1, self.steps.get(name, _STEPS)),
            "log": str(self._said(lane) / "steps"),
            "ahead": ahead,
        }
        return Before(str(POINTS), "arm", arguments)

    def _said(self, lane: Warm) -> Path:
        folder = self.victim.folder / f"lane-{self.lanes.index(lane)}"
        folder.mkdir(exist_ok=True)
        return folder

    def _count_steps(self, names: tuple[str, str]) -> None:
        for lane, name in zip(self.lanes, names, strict=True):
            log = self._said(lane) / "steps"
            if log.exists():
                self.steps[name] = max(self.steps.get(name, _STEPS), len(log.read_text().splitlines()))
                log.unlink()

    def _do(self, lane: Warm, words: list[str], blow: Before) -> Run:
        victim = self.victim
        return lane.run(words, victim.code, victim.environment, self._said(lane), blow)

    def look_after(self) -> None:
        """Everything is sound, the workspace becomes right, and an empty store gets what was pushed."""
        victim = self.victim
        victim.assert_sound()
        victim.assert_remote_sound()
        self._assert_right_bytes()
        shutil.rmtree(victim.store)
        victim.remove_outputs()
        victim.luisy("cas", "pull", "--all", expected=0)
        assert victim.results() >= self.pushed
        victim.assert_sound()
        self._assert_right_bytes()

    def _assert_right_bytes(self) -> None:
        """Two more runs, and whatever lies in the workspace after them, are right."""
        for _ in range(2):
            self.victim.run("Root", "--number", str(self.chance.randrange(self.numbers)))
        paths = [path for path in (self.victim.data / "pipe").glob("*.txt") if path.name[0] != "."]
        assert paths
        for path in paths:
            family, of, _ = path.name.split("_")
            assert path.read_text() == right(family, int(of)), path.name


@pytest.fixture
def lanes(warm: Warm) -> Iterator[tuple[Warm, Warm]]:
    """Two that work at the same time."""
    second = Warm()
    yield warm, second
    second.close()


def kill_at_random(victim: Victim, lanes: tuple[Warm, Warm], kills: int, seed: int) -> None:
    """Go on until so many processes were killed, and look after each dozen of them."""
    victim.tasks(_TASKS)
    victim.run("Root", "--number", "0")
    victim.luisy("cas", "push", expected=0)
    chaos = Chaos(victim, lanes, random.Random(seed))
    while chaos.kills < kills:
        looked = chaos.kills
        while chaos.kills < min(kills, looked + 12):
            chaos.round()
        chaos.look_after()


def test_random_kills_of_real_processes_lose_nothing_committed(
    victim: Victim, lanes: tuple[Warm, Warm]
) -> None:
    """After each, what was there before is there; in the end all is sound, with right bytes, here and in the remote."""
    kill_at_random(victim, lanes, 12, seed=6)


@pytest.mark.soak
def test_many_random_kills_of_real_processes_lose_nothing_committed(
    victim: Victim, lanes: tuple[Warm, Warm]
) -> None:
    """The same, two hundred times."""
    kill_at_random(victim, lanes, 200, seed=200)

"""One mutant against the cases and tests that run the changed line: killers first, then the cheap ones."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from tests.mutation import cases, units
from tests.mutation.changed import Copy
from tests.mutation.children import in_child
from tests.mutation.results import Result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mutation.mutants import Mutant


_FINDING = frozenset({"luisy.fingerprint.project", "luisy.fingerprint.distributions"})
"""Modules that find modules: with a change of one of them, every case finds its own."""


_LONG = 1.0
"""Seconds of wall time."""


class Trial:
    """Tries mutants, in *folder*; remembers which case kills.

    :param most: for a quick trial, how many cases are asked at most, and no test that takes long; None for all.

    :raises AssertionError: the tests do not pass as they are.
    """

    def __init__(self, folder: Path, most: int | None) -> None:
        self._most = most
        self._copy = Copy(folder / "copy")
        self._cases = cases.written(folder / "cases")
        log = str(folder / "log")
        wrong = cases.recorded(self._cases, self._copy.folder, log)
        assert not wrong, f"cases go wrong as they are: {wrong}"
        self._tests = units.recorded(self._copy.folder, log)

    @property
    def size(self) -> tuple[int, int]:
        """How many cases and tests there are."""
        return len(self._cases), len(self._tests)

    def of(self, mutant: Mutant) -> Result:
        """What becomes of *mutant*."""
        lines = {f"{mutant.module}:{line}" for line in mutant.lines}
        chosen = self._chosen(mutant, lines)
        tests = [t for t in self._tests if not lines or t.starts or lines & t.lines]
        if self._most is not None:
            tests = [t for t in tests if not t.starts and t.seconds < _LONG]
        began = time.monotonic()
        with self._copy.changed(mutant):
            said: dict[str, Any] = {"killer": None, "others": []}
            if chosen:
                warm = mutant.module not in _FINDING
                said = in_child(lambda: cases.first_wrong(chosen, warm=warm), cases.PATIENCE) or {
                    "killer": "(died)"
                }
            if said["killer"] is None and tests:
                names = [test.name for test in tests]
                patience = 30 + 3 * sum(test.seconds for test in tests)
                killer = in_child(lambda: [units.first_failing(names, self._copy.folder)], patience)
                said["killer"] = killer[0] if killer else "(died)"
        self._remember(mutant, said["killer"])
        others = tuple(said.get("others", ()))
        seconds = round(time.monotonic() - began, 1)
        return Result(mutant.name, mutant.line, said["killer"], len(chosen) + len(tests), seconds, others)

    def _chosen(self, mutant: Mutant, lines: set[str]) -> list[cases.Case]:
        """The cases that run one of *lines*: those first that killed here, then those that killed, then the quick."""
        if mutant.module == "luisy.keys":
            return []
        place = f"{mutant.module}:{mutant.place}"
        chosen = [case for case in self._cases if not lines or lines & case.lines]
        if self._most is not None:
            random.Random(mutant.name).shuffle(chosen)  # a sample, no secret
            chosen = sorted(chosen, key=lambda case: (place not in case.killed_in, -case.kills))[: self._most]
        return sorted(chosen, key=lambda case: (place not in case.killed_in, -case.kills, case.seconds))

    def _remember(self, mutant: Mutant, killer: str | None) -> None:
        for case in self._cases:
            if case.name == killer:
                case.kills += 1
                case.killed_in.add(f"{mutant.module}:{mutant.place}")

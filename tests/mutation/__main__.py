"""Mutation testing of the fingerprint and the keys: which small change of their code does no test notice.

    python -m tests.mutation [--sample N] [--cases N] [--seed N] [--seconds S] [MODULE ...]

For each mutant a forked child imports the changed module and runs the corpus (for ``luisy.keys``: its unit tests),
those cases first that killed mutants before, up to the first that fails. A mutant that survives the corpus is given
to the unit tests of the fingerprint too. Survivors are printed with file, line and change; docs/mutation-testing.md
judges them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import signal
import sys
import tempfile
import time
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import luigi  # noqa: F401  # before the forks: it is most of what a child would import
import pytest

from tests.mutation.mutants import ROOT, Mutant, install, mutants_of

if TYPE_CHECKING:
    from collections.abc import Callable

FINGERPRINT = sorted(
    f"luisy.fingerprint.{path.stem}" for path in (ROOT / "luisy/fingerprint").glob("[!_]*.py")
)
UNIT_TESTS = {"luisy.keys": ["tests/unit/test_keys.py"]}
PATIENCE = 300
"""Seconds of CPU until a mutant counts as one that never ends."""


def main() -> None:
    options = _options()
    os.chdir(ROOT)
    os.nice(10)
    chosen = [m for module in options.modules or [*FINGERPRINT, "luisy.keys"] for m in mutants_of(module)]
    random.Random(options.seed).shuffle(chosen)  # a sample, no secret
    chosen = chosen[: options.sample]
    end, survivors, tried = time.monotonic() + options.seconds, [], 0
    with tempfile.TemporaryDirectory() as folder:
        trial = _Trial(Path(folder), options.cases)
        for mutant in chosen:
            if time.monotonic() > end:
                break
            tried += 1
            if not trial.kills(mutant):
                survivors.append(mutant)
                _say(f"survived: {mutant.tree()[1]}")
    _say(f"{tried} of {len(chosen)} mutants tried, {len(survivors)} survived")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # what a program is for


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--sample", type=int, default=None)
    parser.add_argument("--cases", type=int, default=None, help="of the corpus; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("modules", nargs="*")
    return parser.parse_args()


class _Trial:
    """Runs the tests on mutants; remembers which case kills."""

    def __init__(self, folder: Path, number_of_cases: int | None) -> None:
        from tests.unit.fingerprint import corpus
        from tests.unit.fingerprint.cases import CASES

        self._cases = []
        for number, case in enumerate(CASES):
            folders = (folder / "before" / str(number), folder / "after" / str(number))
            for side, files in zip(folders, (case.before, case.after), strict=True):
                corpus.write(side, files)
            changed = case.expectation == "changed" or case.limit
            self._cases.append((str(folders[0]), str(folders[1]), case.target, changed))
        random.Random(0).shuffle(self._cases)  # so that many kinds come early
        self._cases = self._cases[:number_of_cases]
        for name in [n for n in sys.modules if n.partition(".")[0] == "luisy"]:
            del sys.modules[name]  # the children import it, changed

    def kills(self, mutant: Mutant) -> bool:
        """True if a test notices *mutant*."""
        if mutant.module in UNIT_TESTS:
            return self._in_child(mutant, lambda: _fails(UNIT_TESTS[mutant.module])) is not None
        killer = self._in_child(mutant, self._first_wrong)
        if killer is not None and 0 <= killer < len(self._cases):
            self._cases.insert(0, self._cases.pop(killer))
        if killer is None:
            killer = self._in_child(
                mutant,
                lambda: _fails(
                    ["tests/unit/fingerprint", "--deselect=tests/unit/fingerprint/test_corpus.py"]
                ),
            )
        return killer is not None

    def _first_wrong(self) -> int | None:
        """The place of the first case that goes wrong."""
        from tests.unit.fingerprint.corpus_worker import fingerprint

        warnings.simplefilter("ignore")
        for index, (before, after, target, changed) in enumerate(self._cases):
            old, new = fingerprint(before, target), fingerprint(after, target)
            if "error" in old or "error" in new or (old["digest"] != new["digest"]) != changed:
                return index
        return None

    def _in_child(self, mutant: Mutant, test: Callable[[], int | None]) -> int | None:
        """What *test* says in a child that has *mutant*; -1 if the child dies or never ends."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                signal.setitimer(signal.ITIMER_PROF, PATIENCE)
                answer = b"-1"
                try:
                    sys.modules["__main__"] = types.ModuleType(
                        "__main__"
                    )  # this program is no part of the cases
                    install(mutant)
                    found = test()
                    answer = b"none" if found is None else str(found).encode()
                finally:
                    os.write(writing, answer)
                    os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as stream:
            said = stream.read()
        os.waitpid(child, 0)
        return None if said == "none" else int(said or "-1")


def _fails(tests: list[str]) -> int | None:
    return None if pytest.main(["-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests]) == 0 else -1


if __name__ == "__main__":
    main()

"""Unit tests as killers of mutants: which lines each test runs, and whether one fails."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.mutation.cases import PATIENCE, by_context
from tests.mutation.children import in_child
from tests.mutation.mutants import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import coverage
    import pytest

FOLDERS = [
    "tests/unit/test_keys.py",
    "tests/unit/fingerprint",
    "tests/unit/explain",
    "tests/unit/runner/pipeline/test_params.py",
]
_ARGUMENTS = [
    *("-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-p", "no:cov"),
    *(f"--rootdir={ROOT}", f"--confcutdir={ROOT}"),
    # The corpus is asked by itself.
    *(f"--deselect=tests/unit/{folder}/test_corpus.py" for folder in ("fingerprint", "explain")),
]


def _arguments(copied: Path) -> list[str]:
    return [*_ARGUMENTS, "-o", f"pythonpath={copied} {ROOT}"]


@dataclass(frozen=True)
class Test:
    """One unit test.

    :param lines: ``module:line`` of what it runs in its own process.
    :param seconds: of wall time.
    :param starts: whether it starts processes, which may run any line.
    """

    name: str
    lines: frozenset[str]
    seconds: float
    starts: bool


def recorded(copied: Path, log: str) -> list[Test]:
    """The unit tests with what each runs of the copy of luisy in *copied*, the quick ones first."""
    rows = in_child(lambda: list(_record(copied)), PATIENCE, log)
    assert rows, f"the unit tests do not pass as they are: {log}"
    tests = [Test(name, frozenset(lines), seconds, starts) for name, lines, seconds, starts in rows]
    return sorted(tests, key=lambda test: (test.starts, test.seconds))


def _record(copied: Path) -> Iterator[tuple[str, list[str], float, bool]]:
    import coverage
    import pytest

    watching = coverage.Coverage(data_file=None, include=[f"{copied}/*"], config_file=False, messages=False)
    witness = _Witness(watching)
    watching.start()
    status = pytest.main([*_arguments(copied), *FOLDERS], plugins=[witness])
    watching.stop()
    if status != 0:
        return
    ran = by_context(watching.get_data(), copied)
    for number, (name, seconds) in enumerate(witness.tests):
        yield name, sorted(ran.get(str(number), ())), seconds, number in witness.starting


class _Witness:
    """A plugin that tells the recording which test runs."""

    def __init__(self, watching: coverage.Coverage) -> None:
        self._watching = watching
        self._began = 0.0
        self.tests: list[tuple[str, float]] = []
        self.starting: set[int] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _: Any) -> None:
        if event in {"subprocess.Popen", "os.fork"}:
            self.starting.add(len(self.tests))

    def pytest_runtest_logstart(self) -> None:
        self._watching.switch_context(str(len(self.tests)))
        self._began = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.tests.append((nodeid, time.monotonic() - self._began))


def first_failing(names: Collection[str], copied: Path) -> str | None:
    """The first of the tests of these *names*, in that order, that fails; a word for what is no test's failure.

    :param copied: the folder with the copy of luisy that they test.
    """
    import pytest

    chooser = _Chooser(names)
    os.chdir(ROOT)
    files = sorted({name.partition("::")[0] for name in names})
    status = pytest.main([*_arguments(copied), *files], plugins=[chooser])
    return None if status == 0 else chooser.failed or f"exit {int(status)}"


class _Chooser:
    """A plugin that runs some tests only, in an order of its own."""

    def __init__(self, names: Collection[str]) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda i: self._places[i.nodeid]
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

"""The corpus as killers of mutants: which lines each case runs, and whether it goes wrong."""

from __future__ import annotations

import gc
import hashlib
import json
import signal
import sys
import time
import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.mutation.children import in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PATIENCE = 600
"""Seconds of CPU until the recording counts as one that never ends."""
SLACK, FACTOR = 2.0, 10
"""Seconds of CPU that a case has with a mutant: so many, and so many times those that it takes without."""
GOLDEN = "(golden)"
"""The program whose digest is frozen, as a case."""


@dataclass(slots=True)
class Case:
    """One case of the corpus, written to disk.

    :param same: whether the edit must not change the fingerprint.
    :param frozen: the digest of the golden program.
    :param lines: ``module:line`` of what it runs.
    :param seconds: of CPU.
    :param answer: digest of all that luisy says of both sides when nothing is changed.
    """

    name: str
    before: str
    after: str
    target: str
    same: bool
    frozen: str = ""
    lines: frozenset[str] = frozenset()
    seconds: float = 0.0
    answer: str = ""
    kills: int = 0
    killed_in: set[str] = field(default_factory=set)


def written(folder: Path) -> list[Case]:
    """The corpus in *folder*."""
    return [Case(*row) for row in in_child(lambda: list(_write(folder)), PATIENCE)]


def _write(folder: Path) -> Iterator[tuple[str, str, str, str, bool, str]]:
    from tests.unit.fingerprint import corpus, test_fingerprinter
    from tests.unit.fingerprint.cases import CASES

    for number, case in enumerate(CASES):
        sides = (folder / "before" / str(number), folder / "after" / str(number))
        for side, files in zip(sides, (case.before, case.after), strict=True):
            corpus.write(side, files)
        same = case.expectation == "same" and not case.limit
        yield case.name, str(sides[0]), str(sides[1]), case.target, same, ""
    corpus.write(folder / "golden", test_fingerprinter.PROJECT)
    golden = str(folder / "golden")
    yield GOLDEN, golden, golden, "tasks:T", True, test_fingerprinter.GOLDEN


def recorded(cases: Sequence[Case], copied: Path, log: str) -> list[str]:
    """Note at each of *cases* what it runs of the copy of luisy in *copied*; the names of those that go wrong."""
    rows = in_child(lambda: list(_record(cases, copied)), PATIENCE, log)
    assert rows is not None, f"the recording died: {log}"
    for case, (lines, seconds, answer, _) in zip(cases, rows, strict=True):
        case.lines, case.seconds, case.answer = frozenset(lines), seconds, answer
    return [case.name for case, row in zip(cases, rows, strict=True) if row[3]]


def _record(cases: Sequence[Case], copied: Path) -> Iterator[tuple[list[str], float, str, bool]]:
    import coverage

    watching = coverage.Coverage(data_file=None, include=[f"{copied}/*"], config_file=False, messages=False)
    watching.start()
    _prepare(warm=True)
    rows = []
    for number, case in enumerate(cases):
        watching.switch_context(str(number))
        began = time.process_time()
        wrong, answer = _goes_wrong(case)
        rows.append((time.process_time() - began, answer, wrong))
    watching.stop()
    data, ran = watching.get_data(), by_context(watching.get_data(), copied)
    assert data.measured_files(), "nothing was recorded"
    for number, (seconds, answer, wrong) in enumerate(rows):
        yield sorted(ran.get(str(number), ())), seconds, answer, wrong


def by_context(data: Any, copied: Path) -> dict[str, set[str]]:
    """The lines that ran, ``module:line``, by what ran them. Source: coverage.py's ``CoverageData``."""
    ran: dict[str, set[str]] = {}
    for file in data.measured_files():
        module = ".".join(Path(file).relative_to(copied).with_suffix("").parts).removesuffix(".__init__")
        for line, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                ran.setdefault(context, set()).add(f"{module}:{line}")
    return ran


def first_wrong(cases: Iterable[Case], *, warm: bool = True) -> dict[str, Any]:
    """The name of the first of *cases* that goes wrong, and which ones answer otherwise, though not wrongly."""
    _prepare(warm=warm)
    others = []
    for case in cases:
        signal.setitimer(signal.ITIMER_PROF, SLACK + FACTOR * case.seconds)
        wrong, answer = _goes_wrong(case)
        if wrong:
            return {"killer": case.name}
        if answer != case.answer:
            others.append(case.name)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    return {"killer": _cause_not_named(others), "others": others}


def _prepare(*, warm: bool) -> None:
    """Make what comes quick.

    :param warm: find each module of this process once, and not once a case: half of the time is for that.
    """
    warnings.simplefilter("ignore")
    gc.freeze()
    gc.set_threshold(100_000)  # what was there stays, and of what comes little goes in circles
    if not warm:
        return
    from luisy.fingerprint import resolve
    from luisy.fingerprint.project import Locator

    finder = Locator()
    known = {name: finder.locate(name) for name in list(sys.modules) if name != "__main__"}

    class Warm(Locator):
        def __init__(self) -> None:
            super().__init__()
            self._known.update(known)

    resolve.Locator = Warm  # type: ignore[attr-defined]  # the resolvers of all cases take it from there


def _goes_wrong(case: Case) -> tuple[bool, str]:
    old = _worker()(case.before, case.target)
    new = _worker()(case.after, case.target)
    answer = hashlib.sha256(json.dumps([old, new]).encode()).hexdigest()
    if "error" in old or "error" in new:
        return True, answer
    same = old["digest"] == new["digest"]
    return same is not case.same or (case.frozen not in ("", old["digest"])), answer


@cache
def _worker() -> Callable[[str, str], dict[str, object]]:
    from tests.unit.fingerprint.corpus_worker import fingerprint

    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # project code, which the cases know nothing of
    return fingerprint


def _cause_not_named(names: Sequence[str]) -> str | None:
    """Which of the cases of these *names* luisy explains wrongly, if any."""
    if not names:
        return None
    import tempfile

    from tests.unit.explain import test_corpus as explained
    from tests.unit.fingerprint import corpus
    from tests.unit.fingerprint.cases import CASES
    from tests.unit.fingerprint.corpus_worker import fingerprint

    for case in CASES:
        if case.name not in names or case.expectation != "changed":
            continue
        with tempfile.TemporaryDirectory() as folder:
            answers = {}
            for side, files in (("before", case.before), ("after", case.after)):
                corpus.write(Path(folder, side), files)
                answers[side] = fingerprint(str(Path(folder, side)), case.target)
            sides = corpus.kept_of([case], {case.name: (answers["before"], answers["after"])})
        try:
            explained.test_the_cause_is_named(case, sides)
        except AssertionError:
            return f"explained: {case.name}"
    return None

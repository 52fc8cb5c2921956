"""Mutation testing of the fingerprint and the keys: which small change of their code does no test notice.

    python -m tests.mutation [--sample N] [--seed N] [--seconds S] [--most N] [--again] [--results FILE] [MODULE[:START] ...]

Once, it is recorded which lines each case of the corpus and each unit test runs. Each mutant then is the one change
of a copy of luisy, and only what runs the changed line is asked, in a forked child, up to the first that fails.
Results are kept in a file: what is there is not tried again, but for survivors with ``--again`` (after a new case, or
after a quick trial with ``--most``).
Survivors are printed with file, line and change, unless ``judged/`` says why they may survive.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

# Before the forks: these three are most of what a child would import.
import hypothesis  # noqa: F401
import luigi  # noqa: F401
import pytest  # noqa: F401

from tests.mutation.judging import judgements
from tests.mutation.mutants import ROOT, mutants_of, path_of
from tests.mutation.results import Result, Results
from tests.mutation.trial import Trial

if TYPE_CHECKING:
    from tests.mutation.mutants import Mutant

MODULES = [
    "luisy.keys",
    "luisy.fingerprint",
    *sorted(f"luisy.fingerprint.{p.stem}" for p in (ROOT / "luisy/fingerprint").glob("[!_]*.py")),
]


def main() -> None:
    options = _options()
    os.chdir(ROOT)
    os.nice(5)
    every = [mutant for start in options.starts or MODULES for mutant in _starting(start)]
    chosen = list(every)
    random.Random(options.seed).shuffle(chosen)  # a sample, no secret
    chosen = chosen[: options.sample]
    results = Results(options.results)
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), options.most)
        _say("{} cases, {} unit tests, {} mutants, {} chosen", *trial.size, len(every), len(chosen))
        for mutant in chosen:
            known = results.by_name.get(mutant.name)
            if known is not None and (known.killer is not None or not options.again):
                continue
            if time.monotonic() > end:
                break
            results.add(result := trial.of(mutant))
            if result.killer is None:
                _say("survived: {}", _told(result))
    _sum_up(chosen, results)


def _starting(start: str) -> list[Mutant]:
    """The mutants of a module, or those alone whose names start like that (``luisy.keys:Facts``)."""
    module = start.partition(":")[0]
    return [mutant for mutant in mutants_of(module) if start == module or mutant.name.startswith(start)]


def _sum_up(chosen: list[Mutant], results: Results) -> None:
    tried = [mutant.name for mutant in chosen if mutant.name in results.by_name]
    survivors = [result for result in results.survivors() if result.name in tried]
    known = judgements()
    for result in survivors:
        if result.name not in known:
            _say("{}", _told(result))
    _say("{} of {} mutants tried, {} survived", len(tried), len(chosen), len(survivors))
    counts = Counter(known[result.name].verdict for result in survivors if result.name in known)
    _say("judged: {}", ", ".join(f"{number} {verdict.value}" for verdict, number in counts.items()) or "none")


def _told(result: Result) -> str:
    module, _, change = result.name.partition(":")
    noticed = f"; {len(result.others)} cases answer otherwise" if result.others else ""
    return f"{path_of(module)}:{result.line}: {change} ({result.asked} asked{noticed})"


def _say(text: str, *values: object) -> None:
    print(text.format(*values), flush=True)  # noqa: T201  # what a program is for


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--sample", type=int, default=None, help="how many mutants; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=None, help="a quick trial: ask so many cases at most")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="when to stop")
    parser.add_argument("--again", action="store_true", help="try those that survived before, too")
    parser.add_argument("--results", type=Path, default=ROOT / "build/mutants.jsonl")
    parser.add_argument("starts", nargs="*", metavar="MODULE[:START]", help="these mutants only")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()

"""Two commands side by side: whole processes in alternating pairs, and what they cost.

Other work on the machine hits both sides of a pair alike, so the median of the pairs' ratios says more than
any time. Nothing here judges: a table is printed, and whoever reads it compares with the target.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class WrongResult(Exception):
    """A command did not do what it was to be timed for."""


def _nothing() -> None:
    """No preparation, nothing to check."""


@dataclass(frozen=True, slots=True)
class Command:
    """A process to be measured.

    :param prepare: called before each run, untimed: clears or makes what the command works on.
    :param check: called after each run, untimed; raises ``WrongResult`` if the command's result is wrong.
    """

    name: str
    arguments: Sequence[str]
    cwd: Path = Path()
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = _nothing
    check: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost.

    :param wall: seconds from start to end.
    :param cpu: seconds of user and system time, children that it waited for included.
    :param rss: peak resident set in bytes, of the largest of its processes.
    :param inner: seconds that the command says its work took, without start-up; None if it does not say.
    :param requests: that the command says it sent to a remote; None if it does not say.
    """

    wall: float
    cpu: float
    rss: int
    inner: float | None
    requests: float | None = None


_LAUNCH = Path(__file__).with_name("launch.py")

INNER = "inner-seconds:"
"""A command that prints a line with this and a number reports the time that its work took."""

REQUESTS = "requests:"
"""A command that prints a line with this and a number reports what it asked of a remote."""


def run(command: Command) -> Cost:
    """Prepare, run, check.

    :raises WrongResult: it failed, or its check did.
    """
    command.prepare()
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryFile() as report,
    ):
        code = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCH), str(report.fileno()), *command.arguments],
            cwd=command.cwd,
            env={**_environment(), **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            pass_fds=[report.fileno()],
            check=False,
        ).returncode
        printed = _text(output)
        if code != 0:
            raise WrongResult(f"{command.name} exited with {code}:\n{printed[-2000:]}{_text(errors)[-2000:]}")
        wall, cpu, rss = json.loads(_text(report))
    command.check()
    scale = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, cpu, rss * scale, _said(printed, INNER), _said(printed, REQUESTS))


def _environment() -> dict[str, str]:
    """Ours, but with compiled modules kept: programs that are installed have them, and imports are timed here."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _said(printed: str, what: str) -> float | None:
    lines = [line for line in printed.splitlines() if line.startswith(what)]
    return float(lines[-1].removeprefix(what)) if lines else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The costs of two commands, pair by pair.

    :param target: what TARGETS.md asks of the wall ratio, None where it asks nothing.
    """

    title: str
    ours: Command
    peer: Command
    pairs: Sequence[tuple[Cost, Cost]]
    target: float | None = None

    def ratio(self, of: Callable[[Cost], float | None]) -> float | None:
        """The median of the pairs' ratios; None where a command does not report this."""
        quotients = []
        for ours, peer in self.pairs:
            numerator, denominator = of(ours), of(peer)
            if numerator is None or not denominator:
                return None
            quotients.append(numerator / denominator)
        return statistics.median(quotients)

    def without_start(self) -> float | None:
        """The time that our command says its work took, over the wall time of a peer that says nothing (cp has no start-up)."""
        quotients = [ours.inner / peer.wall for ours, peer in self.pairs if ours.inner is not None]
        return statistics.median(quotients) if quotients else None

    def median(self, side: int, of: Callable[[Cost], float | None]) -> float | None:
        """The median of one side's costs: 0 is ours, 1 the peer's."""
        values = [value for pair in self.pairs if (value := of(pair[side])) is not None]
        return statistics.median(values) if values else None


def compare(
    title: str, ours: Command, peer: Command, *, pairs: int = 5, target: float | None = None
) -> Comparison:
    """Run *ours* and *peer* alternately, after one unmeasured pair that warms the caches.

    Which of the two comes first changes from pair to pair.
    """
    run(peer)
    run(ours)
    costs = []
    for number in range(pairs):
        if number % 2:
            there = run(peer)
            here = run(ours)
        else:
            here = run(ours)
            there = run(peer)
        costs.append((here, there))
    comparison = Comparison(title, ours, peer, costs, target)
    show(comparison)
    return comparison


_HEADER = f"{'':<64} {'ours':>8} {'peer':>8} {'wall':>7} {'cpu':>7} {'rss':>6} {'inner':>7}   target (wall)"


def header(title: str) -> None:
    """The head of a workload's table."""
    print(f"\n{title}\n{_HEADER}", flush=True)


def show(comparison: Comparison) -> None:
    """One line: medians of the wall times in seconds, then ratios ours / peer."""
    name = f"{comparison.title}: {comparison.ours.name} / {comparison.peer.name}"
    times = [comparison.median(side, lambda cost: cost.wall) for side in (0, 1)]
    ratios = [
        comparison.ratio(lambda cost: cost.wall),
        comparison.ratio(lambda cost: cost.cpu),
        comparison.ratio(lambda cost: cost.rss),
        comparison.ratio(lambda cost: cost.inner) or comparison.without_start(),
    ]
    cells = [f"{time:>7.3f}s" if time is not None else f"{'':>8}" for time in times]
    shown = [
        f"{'-':>{width}}" if ratio is None else f"{ratio:>{width - 1}.3g}x"
        for ratio, width in zip(ratios, (7, 7, 6, 7), strict=True)
    ]
    print(
        f"{name:<64} {' '.join(cells)} {' '.join(shown)}   {told(ratios[0], comparison.target)}", flush=True
    )


def show_traffic(comparison: Comparison) -> None:
    """Under its line: what the two asked of a remote, and how large they became."""
    sides = []
    for side, command in ((0, comparison.ours), (1, comparison.peer)):
        requests = comparison.median(side, lambda cost: cost.requests)
        asked = "" if requests is None else f"{requests:,.0f} requests, "
        rss = comparison.median(side, lambda cost: cost.rss) or 0
        sides.append(f"{command.name} {asked}peak {rss / 2**20:,.0f} MiB")
    note("; ".join(sides))


def told(ratio: float | None, target: float | None) -> str:
    """The target beside what was reached."""
    if target is None or ratio is None:
        return "-"
    return f"<= {target:g}x: {'reached' if ratio <= target else 'missed'}"


def note(text: str) -> None:
    """A remark under the table."""
    print(f"  {text}", flush=True)

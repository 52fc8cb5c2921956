"""Shows what luisy does: runs the weather pipeline six times, and checks what it says about each run.

    python examples/weather/demo.py [FOLDER]          (`make demo` does this; FOLDER is build/demo)

Exits with 1 if luisy did anything else than announced.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fetch import fetch

HERE = Path(__file__).resolve().parent
RAW = {"DailyWeather", "HourlyTemperature"}
EVERYTHING = {
    "CleanWeather": 1,
    "YearOfWeather": 4,
    "MonthlySummary": 4,
    "AllMonths": 1,
    "SeasonalModel": 4,
    "Score": 4,
    "BestModel": 1,
    "TypicalDay": 2,
    "CityComparison": 1,
    "Charts": 1,
    "Report": 1,
}
NOTHING: dict[str, int] = {}


@dataclass(frozen=True)
class Edit:
    """A change to one function of the pipeline's code."""

    file: str
    old: str
    new: str


COUNT_HEAVY_RAIN = Edit("cleaning.py", "(mm > 0)", "(mm >= 1)")
OTHER_WORDS = Edit("cleaning.py", 'days.drop_duplicates("date")', 'days[~days.duplicated("date")]')


@dataclass(frozen=True)
class Row:
    """One line of the table at the end."""

    title: str
    executed: int
    reused: int
    stored: int
    raw: int
    seconds: float


class Surprise(Exception):
    """luisy did something else than this demo promised."""


class Demo:
    """The six runs, in one folder that is emptied first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.working_dir = folder / "work"
        self.rows: list[Row] = []

    def play(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        raw = fetch(self.working_dir)
        say(f"The pipeline is {HERE / 'weather' / 'tasks.py'}.")
        say(f"Its {len(raw)} raw files were copied to {raw[0].parent}.")

        self.step("first run", "Nothing is known yet, so every task is executed.", EVERYTHING)
        first = self.outputs()

        self.step("the same again", "Nothing changed, so nothing is executed.", NOTHING)
        self.expect_outputs(first)

        self.delete_outputs()
        self.step(
            "all outputs deleted",
            f"We deleted all {len(first)} output files. The store has their bytes, so nothing is executed.",
            NOTHING,
        )
        self.expect_outputs(first)

        self.step(
            "one function changed",
            "In a copy of the code, a day now counts as wet from 1 mm of rain on. Only the monthly summaries and "
            "what is made from them are executed. The models do not use that function.",
            {"MonthlySummary": 4, "AllMonths": 1, "Charts": 1, "Report": 1},
            self.copy_with(COUNT_HEAVY_RAIN),
        )
        if self.outputs() == first:
            raise Surprise("the other rule for wet days changed no file")

        self.step(
            "same result, other code",
            "In another copy, repeated days are dropped in other words. That one task is executed. Its output has "
            "the same bytes as before, so the results of all other tasks still hold: they are reused.",
            {"CleanWeather": 1},
            self.copy_with(OTHER_WORDS),
        )
        self.expect_outputs(first)

        self.step("back to the first code", "Every result of it is still there.", NOTHING)
        self.expect_outputs(first)

    def step(self, title: str, why: str, expected: dict[str, int], code: Path = HERE) -> None:
        """Run the pipeline with this code; what is executed must be what is expected."""
        say(
            "",
            f"{len(self.rows) + 1}. {title}",
            textwrap.fill(why, 110, initial_indent="   ", subsequent_indent="   "),
        )
        began = time.monotonic()
        tasks = self.luisy_run(code)
        row = tell(title, tasks, time.monotonic() - began)
        self.rows.append(row)
        say(f"   -> {row.executed} executed, {row.seconds:.1f} s")
        executed = dict(Counter(task["family"] for task in tasks if task["outcome"] == "executed"))
        if executed != expected:
            raise Surprise(f"expected to be executed: {expected}; executed: {executed}")

    def luisy_run(self, code: Path) -> list[dict[str, Any]]:
        """What `luisy run --json` says about each task."""
        luisy = Path(sys.executable).with_name("luisy")
        options = ["--json", "--module", "weather.tasks", "--working-dir", str(self.working_dir)]
        command = [str(luisy), "run", *options, "Report"]
        done = subprocess.run(command, cwd=code, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Surprise(f"luisy exited with {done.returncode}: {done.stdout.decode()}")
        tasks: list[dict[str, Any]] = json.loads(done.stdout)["tasks"]
        return tasks

    def copy_with(self, edit: Edit) -> Path:
        """A copy of the pipeline's code, with one edit."""
        copy = self.folder / f"code{len(self.rows) + 1}"
        shutil.copytree(HERE / "weather", copy / "weather", ignore=shutil.ignore_patterns("__pycache__"))
        file = copy / "weather" / edit.file
        text = file.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise Surprise(f"{edit.old!r} does not stand in {edit.file} exactly once")
        file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
        return copy

    def output_folders(self) -> list[Path]:
        return [self.working_dir / "weather" / layer for layer in ("interim", "final")]

    def outputs(self) -> dict[str, str]:
        """The SHA-256 of each output file."""
        files = sorted(
            file for folder in self.output_folders() for file in folder.rglob("*") if file.is_file()
        )
        return {
            str(file.relative_to(self.working_dir)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }

    def delete_outputs(self) -> None:
        for folder in self.output_folders():
            shutil.rmtree(folder)

    def expect_outputs(self, expected: dict[str, str]) -> None:
        found = self.outputs()
        if found != expected:
            different = sorted(name for name, _ in set(found.items()) ^ set(expected.items()))
            raise Surprise(f"these files are not as they were: {', '.join(different)}")
        say(f"   -> all {len(found)} output files are as they were after the first run, byte for byte")


def tell(title: str, tasks: list[dict[str, Any]], seconds: float) -> Row:
    """Count what became of the tasks."""
    outcomes = Counter(task["outcome"] for task in tasks if task["family"] not in RAW)
    raw = sum(task["family"] in RAW for task in tasks)
    return Row(title, outcomes["executed"], outcomes["reused"], outcomes["local"], raw, seconds)


def table(rows: list[Row]) -> str:
    lines = [f"   {'':26}{'executed':>9}{'reused':>8}{'from store':>12}{'raw files':>11}{'seconds':>9}"]
    lines += [
        f"{number}. {row.title:26}{row.executed:9}{row.reused:8}{row.stored:12}{row.raw:11}{row.seconds:9.1f}"
        for number, row in enumerate(rows, start=1)
    ]
    return "\n".join(lines)


LEGEND = """
executed     the task's run() was called
reused       code above it changed, but its inputs came out with the same bytes: its old result holds
from store   the result was known: its files are in place, or were put back from the store
raw files    given from outside: never executed, counted by their content
seconds      of the whole command; starting Python and importing pandas are most of them
"""


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def main(folder: Path) -> int:
    demo = Demo(folder.resolve())
    try:
        demo.play()
    except Surprise as surprise:
        print(f"\nThis should not have happened: {surprise}", file=sys.stderr)
        return 1
    say("", table(demo.rows), LEGEND)
    say(f"The report: {demo.working_dir / 'weather' / 'final' / 'report.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "build" / "demo")))

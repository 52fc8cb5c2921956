"""Pipelines that nobody wrote for luisy: Luigi's own examples, as they come with its source distribution.

They write to fixed places (``/tmp/bar``, ``/var/tmp/text-count``), so that only one of them runs at a time, and what
lies there is put aside meanwhile. Seconds that they sleep take hundredths here.
"""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / ".tools" / "luigi" / "examples"

# Read by the interpreter before anything else.
_QUICK = """
import time

sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds / 100)
"""


@dataclass(frozen=True, slots=True)
class Example:
    """One of Luigi's examples.

    :param task: the task on the command line, with its parameters.
    :param places: patterns of all that it writes; relative ones below the current directory.
    :param given: files that somebody else makes: path to content.
    :param cold: how many of its tasks execute the first time.
    :param warm: the root's outcome from then on.
    """

    module: str
    task: tuple[str, ...]
    places: tuple[str, ...]
    cold: int
    warm: str = "local"
    given: Mapping[str, str] = field(default_factory=dict)


CACHED = {
    "foo": Example("foo", ("examples.Foo",), ("/tmp/bar",), cold=11, warm="complete"),
    "dynamic_requirements": Example(
        "dynamic_requirements",
        ("Dynamic", "--seed", "1"),
        ("/tmp/Config_1.txt", "/tmp/Data_[0-9]*.txt", "/tmp/Dynamic_1.txt"),
        cold=13,
    ),
    "wordcount": Example(
        "wordcount",
        ("WordCount", "--date-interval", "2012-06-01-2012-06-03"),
        ("/var/tmp/text-count",),
        cold=1,
        given={
            "/var/tmp/text/2012-06-01.txt": "to be or not to be\n",
            "/var/tmp/text/2012-06-02.txt": "that is the question\n",
        },
    ),
    "top_artists": Example("top_artists", ("Top10Artists", "--date-interval", "2012-W03"), ("data",), cold=9),
    "per_task_retry_policy": Example(
        "per_task_retry_policy", ("SuccessTask1",), ("/tmp/_docs-Success*.ldj",), cold=2
    ),
    "elasticsearch_index": Example(
        "elasticsearch_index",
        ("FakeDocuments", "--date", "2012-06-01"),
        ("/tmp/_docs-2012-06-01.ldj",),
        cold=1,
    ),
    "execution_summary_example": Example(
        "execution_summary_example", ("examples.Bar", "--num", "7"), ("/tmp/bar",), cold=1
    ),
}


@dataclass
class Run:
    """What ``luisy run --json`` said of an example."""

    document: dict[str, Any]

    @property
    def executed(self) -> int:
        """How many tasks executed."""
        count: int = self.document["counts"]["executed"]
        return count

    @property
    def root(self) -> dict[str, Any]:
        """The task that was asked for."""
        family = self.document["root"]["family"]
        found: dict[str, Any] = next(task for task in self.document["tasks"] if task["family"] == family)
        return found


class Checkout:
    """Luigi's examples in a folder of their own, and a workspace that is none of theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "code"
        shutil.copytree(EXAMPLES, self.code / "examples")
        (self.code / "sitecustomize.py").write_text(_QUICK)
        (folder / "remote").mkdir()
        self.working_dir = "first"

    def luisy(self, command: str, example: Example, *arguments: str, expected: int = 0) -> Run:
        """``luisy COMMAND --json``, as Luigi's documentation writes ``luigi``."""
        data = self.folder / self.working_dir
        data.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LUISY_")}
        said = subprocess.run(
            [
                *(sys.executable, "-m", "luisy", command, "--json"),
                *("--module", f"examples.{example.module}", *example.task, "--workers", "4", *arguments),
            ],
            cwd=self.code,
            env={
                **inherited,
                "WORKING_DIR": str(data),
                "LUISY_REMOTE": f"file://{self.folder}/remote",
                "PYTHONPATH": str(self.code),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == expected, said.stdout + said.stderr
        return Run(json.loads(said.stdout))

    def run(self, example: Example, *arguments: str) -> Run:
        """``luisy run``."""
        return self.luisy("run", example, *arguments)

    def contents(self, example: Example) -> dict[str, bytes]:
        """All files that the example has made."""
        return {
            str(file): file.read_bytes()
            for place in self._found(example)
            for file in (place, *place.rglob("*"))
            if file.is_file()
        }

    def remove_outputs(self, example: Example) -> None:
        """``rm -rf`` of all that it makes."""
        for place in self._found(example):
            shutil.rmtree(place) if place.is_dir() else place.unlink()

    def _found(self, example: Example) -> list[Path]:
        return [Path(found) for place in example.places for found in glob.glob(str(self.code / place))]


@contextmanager
def aside(patterns: tuple[str, ...]) -> Iterator[None]:
    """Put away what lies at absolute *patterns*, and back in the end; what came meanwhile is removed."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as shelter:
        # Two files that an example is given lie in one folder: it is moved once.
        found = sorted(
            {path for pattern in patterns if os.path.isabs(pattern) for path in glob.glob(pattern)}
        )
        for number, path in enumerate(found):
            shutil.move(path, f"{shelter}/{number}")
        try:
            yield
        finally:
            for pattern in patterns:
                for path in glob.glob(pattern) if os.path.isabs(pattern) else ():
                    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            for number, path in enumerate(found):
                shutil.move(f"{shelter}/{number}", path)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """The examples, in places that are theirs alone."""
    if not EXAMPLES.is_dir():
        pytest.fail(f"these tests need Luigi's examples, and there is no {EXAMPLES}: make luigi-examples")
    with ExitStack() as stack:
        lock = stack.enter_context(open(f"/var/tmp/luisy-examples-{os.getuid()}.lock", "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        for example in CACHED.values():
            stack.enter_context(aside((*example.places, *map(os.path.dirname, example.given))))
        checkout = Checkout(tmp_path)
        for example in CACHED.values():
            for path, text in example.given.items():
                os.makedirs(os.path.dirname(path), exist_ok=True)
                Path(path).write_text(text)
        yield checkout


@pytest.mark.parametrize("name", CACHED)
def test_an_example_is_executed_once(checkout: Checkout, name: str) -> None:
    """Cold it executes; warm, restored, and restored on an empty machine it does not, and the bytes are the same."""
    example = CACHED[name]
    assert checkout.run(example, "--upload").executed == example.cold
    made = checkout.contents(example)
    warm = checkout.run(example)
    assert (warm.executed, warm.root["outcome"]) == (0, example.warm)
    checkout.remove_outputs(example)
    assert checkout.run(example).executed == 0
    assert checkout.contents(example) == made
    checkout.remove_outputs(example)
    checkout.working_dir = "second"
    assert checkout.run(example, "--download", "--materialise", "all").executed == 0
    assert checkout.contents(example) == made


def test_an_example_without_output_executes_each_time(checkout: Checkout) -> None:
    """There is nothing to keep of ``hello_world``, as there is nothing for Luigi to find."""
    example = Example("hello_world", ("examples.HelloWorldTask",), (), cold=1)
    for _ in range(2):
        root = checkout.run(example).root
        assert (root["outcome"], root["cacheable"]) == ("executed", False)
        assert "no output" in root["reason"]["text"]


def test_an_example_that_luigi_cannot_complete_either(checkout: Checkout) -> None:
    """``execution_summary_example``: an external task is missing, 195 tasks execute, 21 are blocked."""
    example = Example("execution_summary_example", ("examples.EntryPoint",), ("/tmp/bar",), cold=196)
    first = checkout.luisy("run", example, expected=1).document["counts"]
    assert {name: count for name, count in first.items() if count} == {
        "executed": 196,
        "missing": 1,
        "blocked": 21,
    }
    again = checkout.luisy("run", example, expected=1).document["counts"]
    assert (again["local"], again["executed"]) == (195, 1)

"""Pipelines for the scenarios: written to a folder, run by real processes, and what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

# Imported by every pipeline. Handlers of Luigi's events are no part of any task's code closure.
_TRAIL = '''
import os

import luigi


def note(text):
    """One line in a file outside the workspace, for the test to read."""
    with open(os.environ["TRAIL"], "a") as file:
        file.write(text + "\\n")


@luigi.Task.event_handler(luigi.Event.START)
def started(task):
    if not isinstance(task, luigi.WrapperTask):
        note(str(task).removesuffix("()"))
'''

_BASE = '''
import os

import luigi
from luigi.task import flatten


class Text(luigi.Task):
    """A plain Luigi task with one text file, named after the class and its parameters."""

    def output(self):
        return luigi.LocalTarget(os.path.join(os.environ["DATA"], "pipe", self.task_id + ".txt"))

    def put(self, text):
        with self.output().open("w") as file:
            file.write(text)

    def taken(self):
        """The texts of all inputs, one after the other."""
        return "".join(open(target.path).read() for target in flatten(self.input()))


class Raw(luigi.ExternalTask):
    """A file that somebody else makes."""

    name = luigi.Parameter(default="raw")

    def output(self):
        return luigi.LocalTarget(os.path.join(os.environ["DATA"], "raw", self.name + ".txt"))
'''

PRELUDE = """\
import os
import subprocess
from pathlib import Path

import luigi
import luisy
import trail
from base import Raw, Text

DATA = Path(os.environ["DATA"])
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What a process did.

    :param ran: the tasks whose ``run()`` was started, in order, as Luigi writes them; without ``()`` and wrappers.
    """

    code: int
    stdout: str
    stderr: str
    ran: list[str] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """The JSON on stdout."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def counts(self) -> dict[str, int]:
        """The counts that are not 0."""
        return {name: count for name, count in self.document["counts"].items() if count}

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcome by family; by family and parameters where a task has some."""
        return {_name(task): task["outcome"] for task in self.document["tasks"]}

    def task(self, name: str) -> dict[str, Any]:
        """What the document says of one task, named as in ``outcomes``."""
        found: dict[str, Any] = next(task for task in self.document["tasks"] if _name(task) == name)
        return found

    def reason(self, name: str) -> str:
        """The slug of a task's reason."""
        slug: str = self.task(name)["reason"]["slug"]
        return slug


def _name(task: dict[str, Any]) -> str:
    params = ", ".join(f"{name}={value}" for name, value in task["params"].items())
    return f"{task['family']}({params})" if params else str(task["family"])


@dataclass(frozen=True, slots=True)
class Before:
    """What a child calls before it becomes ``luisy``: a *function* of a *script*."""

    script: str
    function: str
    arguments: dict[str, Any]


class Warm:
    """Runs ``luisy`` in children of one process that has imported everything already (``warm.py``)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        arguments: list[str],
        folder: Path,
        environment: dict[str, str],
        said: Path,
        before: Before | None = None,
    ) -> Run:
        """``python -m luisy`` with *arguments*, its output by way of files in the folder *said*."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        files = {name: said / name for name in ("stdout", "stderr")}
        request = {
            "argv": ["luisy", *arguments],
            "cwd": str(folder),
            "env": environment,
            "before": None if before is None else asdict(before),
            **{name: str(path) for name, path in files.items()},
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        stdout, stderr = (path.read_text(encoding="utf-8") for path in files.values())
        return Run(code, stdout, stderr)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Project:
    """One pipeline: its code, its workspace, and the commands that run it.

    ::

        folder/code/            the current directory: pipe.py with the tasks, base.py, trail.py
        folder/data/            WORKING_DIR: raw/ for external files, pipe/ for outputs, .luisy the store
        folder/trail            which tasks started, one a line
    """

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.folder = folder
        self.warm = warm
        self.code = folder / "code"
        self.data = folder / "data"
        self.store = self.data / ".luisy"
        self._trail = folder / "trail"
        for made in (self.code, self.data / "raw", self.data / "pipe"):
            made.mkdir(parents=True)
        self._trail.touch()
        self.write("trail", _TRAIL)
        self.write("base", _BASE)

    # --- code and data

    def write(self, module: str, text: str) -> None:
        """Make *text* the source of a module."""
        path = self.code / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def tasks(self, text: str) -> None:
        """Make *text* the tasks of the pipeline, after ``PRELUDE``."""
        self.write("pipe", PRELUDE + textwrap.dedent(text))

    def edit(self, old: str, new: str, module: str = "pipe") -> None:
        """Change code; *old* must be there once."""
        path = self.code / f"{module}.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {module}.py"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def raw(self, text: str, name: str = "raw") -> Path:
        """Write an external file."""
        path = self.data / "raw" / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        return path

    def output(self, family: str) -> Path:
        """The output of a ``Text`` task by its family and whatever its ``task_id`` adds."""
        (path,) = (self.data / "pipe").glob(f"{family}_*.txt")
        return path

    def place(self, family: str) -> Path:
        """Where a ``Text`` task without parameters writes: Luigi's task_id ends in the MD5 of ``{}``."""
        return self.data / "pipe" / f"{family}__99914b932b.txt"

    def text(self, family: str) -> str:
        """What a ``Text`` task wrote."""
        return self.output(family).read_text(encoding="utf-8")

    def outputs(self) -> dict[str, Any]:
        """Everything in the workspace but the store and the raw files: path to kind, content, execute bit."""
        return {
            str(path.relative_to(self.data)): _kind_of(path)
            for top in sorted(self.data.iterdir())
            if top.name not in (".luisy", "raw")
            for path in (top, *sorted(top.rglob("*")))
        }

    def remove_outputs(self) -> None:
        """``rm -rf`` of all that tasks wrote; the raw files and the store stay."""
        for top in self.data.iterdir():
            if top.name in (".luisy", "raw"):
                continue
            shutil.rmtree(top) if top.is_dir() else top.unlink()

    # --- processes

    @property
    def environment(self) -> dict[str, str]:
        """Of every process: nothing of luisy's but the working dir."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LUISY_", "LUIGI_"))
        }
        return {
            **kept,
            "WORKING_DIR": str(self.data),
            "DATA": str(self.data),
            "TRAIL": str(self._trail),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @staticmethod
    def arguments(command: str, *arguments: str) -> list[str]:
        """``COMMAND --json``; the task is ``Root`` unless *arguments* begin with one."""
        task = () if arguments and not arguments[0].startswith("-") else ("Root",)
        return [command, "--json", "--module", "pipe", *task, *arguments]

    def run(self, *arguments: str, expected: int = 0) -> Run:
        """``luisy run --json``; its exit code must be *expected*."""
        return self._warmly(self.arguments("run", *arguments), expected)

    def luisy(self, *arguments: str, expected: int = 0) -> Run:
        """``luisy`` with *arguments* as they are."""
        return self._warmly(list(arguments), expected)

    def plan(self, *arguments: str, expected: int = 0) -> Run:
        """``luisy plan --json``."""
        return self._warmly(self.arguments("plan", *arguments), expected)

    def words(self, command: str, *arguments: str) -> list[str]:
        """The whole command line of ``python -m luisy``, with what ``arguments`` adds."""
        return [sys.executable, "-m", "luisy", *self.arguments(command, *arguments)]

    def cold(self, *arguments: str, expected: int | None = 0, **options: Any) -> Run:
        """``luisy run --json`` by ``python -m luisy``, with *options* of ``subprocess.run``; None expects any code."""
        return self._coldly(self.words("run", *arguments), expected, **options)

    def python(self, script: str, expected: int = 0, **options: Any) -> Run:
        """Run *script* by itself, from the folder of the code."""
        path = self.code / "script.py"
        path.write_text(textwrap.dedent(script), encoding="utf-8")
        return self._coldly([sys.executable, str(path)], expected, **options)

    def typed(self, script: str) -> Run:
        """Run *script* as if it had been typed in: there is no file that holds it."""
        return self._coldly([sys.executable, "-c", textwrap.dedent(script)], 0)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``luisy run`` that is not waited for; a process group of its own."""
        return subprocess.Popen(
            self.words("run", *arguments),
            cwd=self.code,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def trail(self) -> list[str]:
        """Everything that was noted since the beginning."""
        return self._trail.read_text(encoding="utf-8").splitlines()

    def _warmly(self, arguments: list[str], expected: int) -> Run:
        before = len(self.trail())
        done = self.warm.run(arguments, self.code, self.environment, self.folder)
        return self._expected(done, expected, before)

    def _coldly(self, command: list[str], expected: int | None, **options: Any) -> Run:
        before = len(self.trail())
        environment = self.environment | options.pop("environment", {})
        done = subprocess.run(
            command, cwd=self.code, env=environment, capture_output=True, text=True, check=False, **options
        )
        return self._expected(Run(done.returncode, done.stdout, done.stderr), expected, before)

    def _expected(self, done: Run, code: int | None, before: int) -> Run:
        assert code in (None, done.code), f"exit code {done.code}\n{done.stdout}\n{done.stderr}"
        return replace(done, ran=self.trail()[before:])


def _kind_of(path: Path) -> Any:
    if path.is_symlink():
        return ("link", os.readlink(path))
    if path.is_dir():
        return "folder"
    return (path.read_bytes(), bool(path.stat().st_mode & 0o111))

"""A small pipeline in a folder, and the real ``luisy`` process on it."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.e2e.projects import Warm

_LIBC = ctypes.CDLL(None)

TASKS = '''\
import luisy


@luisy.raw
@luisy.json_output()
class Words(luisy.ExternalTask):
    """What somebody else wrote."""


@luisy.interim
@luisy.json_output()
@luisy.requires(Words)
class Upper(luisy.Task):
    def run(self):
        self.write([word.upper() for word in self.input().read()])


@luisy.final
@luisy.json_output()
@luisy.requires(Upper)
class Count(luisy.Task):
    letter = luisy.Parameter(default="A")
    at_least = luisy.IntParameter(default=0)

    def run(self):
        print("Count runs")
        self.write({self.letter: max(self.at_least, sum(word.count(self.letter) for word in self.input().read()))})


class Both(luisy.WrapperTask):
    def requires(self):
        yield Count(letter="A")
        yield Count(letter="B")
'''


@dataclass(frozen=True, slots=True)
class Done:
    """What a process left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def slug(self) -> str:
        """The slug of the last ``error[slug]: ...`` on stderr."""
        return self.err.rsplit("error[", 1)[1].split("]", 1)[0]


def obey_modes() -> None:
    """Give up root's right to pass over the modes of files, for whatever is executed next (capabilities(7)).

    Who is not root cannot drop it, and does not have it.
    """
    drop_from_bounding_set = 24
    override, read_search = 1, 2
    for capability in (override, read_search):
        _LIBC.prctl(drop_from_bounding_set, capability, 0, 0, 0)


class Project:
    """One pipeline.

    ::

        folder/pipe/tasks.py    the module
        folder/data/            WORKING_DIR: pipe/raw, pipe/interim, pipe/final, .luisy the store
    """

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.folder = folder
        self._warm = warm
        self.data = folder / "data"
        self.store = self.data / ".luisy"
        (folder / "pipe").mkdir(parents=True)
        (folder / "pipe" / "__init__.py").touch()
        self.write(TASKS)
        self.raw("apple", "banana", "BABE")

    def write(self, code: str, module: str = "tasks") -> None:
        """Make *code* the source of ``pipe.<module>``."""
        (self.folder / "pipe" / f"{module}.py").write_text(code, encoding="utf-8")

    def odd(self, code: str) -> None:
        """Make *code* the tasks of ``pipe.tasks``, after the imports."""
        self.write(f"import luigi\nimport luisy\nfrom pathlib import Path\n\n{code}")

    def raw(self, *words: str) -> None:
        """Write the external file."""
        path = self.output("raw/Words.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(words), encoding="utf-8")

    def output(self, name: str) -> Path:
        """A file of the workspace, as ``final/Count_....json``."""
        return self.data / "pipe" / name

    def environment(self, **more: str) -> dict[str, str]:
        """Of every process: nothing of luisy's but module and working dir."""
        foreign = ("LUISY_", "LUIGI_", "WORKING_DIR", "NO_COLOR", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {"LUISY_MODULE": "pipe.tasks", "WORKING_DIR": str(self.data), "PYTHONDONTWRITEBYTECODE": "1"}
        return {name: value for name, value in {**kept, **own, **more}.items() if value}

    def luisy(self, *arguments: str, **environment: str) -> Done:
        """Run ``luisy`` to its end, as a child of a process that has imported it already.

        :param environment: variables on top; an empty value takes one away.
        """
        if (self.folder / "luigi.cfg").exists():  # Luigi reads it when it is imported
            return self.cold(*arguments, **environment)
        done = self._warm.run(
            list(arguments), self.folder, self.environment(**environment), self.folder.parent
        )
        return Done(done.code, done.stdout, done.stderr)

    def cold(self, *arguments: str, **environment: str) -> Done:
        """Run ``python -m luisy`` to its end."""
        return self._started(arguments, environment, None)

    def obeying_modes(self, *arguments: str) -> Done:
        """:meth:`cold` as somebody for whom the modes of files count, even where the tests run as root."""
        return self._started(arguments, {}, obey_modes)

    def _started(
        self, arguments: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None] | None
    ) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "luisy", *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=prepare,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``luisy`` in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "luisy", *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

"""Work grows with the code, not with the paths through it. Counts of work are compared, never times."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from luisy.fingerprint import Fingerprinter, modules
from tests.unit.fingerprint.corpus import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Work = Callable[[dict[str, str]], dict[str, int]]

HEAD = "import luigi\n"
TASK = "class T(luigi.Task):\n    def run(self):\n        return f0()\n"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Work]:
    """Fingerprints ``pkg.tasks.T`` of the given files, and says how much was done for it."""
    counts: dict[str, int] = {}

    def counting(module: object, name: str) -> None:
        inner = getattr(module, name)

        def counted(*args: object, **kwargs: object) -> object:
            counts[name] = counts.get(name, 0) + 1
            return inner(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)

    def done(files: dict[str, str]) -> dict[str, int]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        write(folder, files)
        for name in [name for name in sys.modules if name.partition(".")[0] == "pkg"]:
            del sys.modules[name]
        monkeypatch.syspath_prepend(str(folder))
        counts.clear()
        cls = __import__("pkg.tasks").tasks.T
        counts["parts"] = len(Fingerprinter().of(cls).parts)
        return dict(counts)

    counting(modules, "normal_form")
    counting(modules, "uses_of")
    counting(modules, "_parse")
    done(
        chain(1)
    )  # what else is loaded in this process, such as other tests, is read now, and not counted later
    yield done
    for name in [name for name in sys.modules if name.partition(".")[0] == "pkg"]:
        del sys.modules[name]


def chain(length: int) -> dict[str, str]:
    functions = "".join(f"def f{n}():\n    return f{n + 1}()\n" for n in range(length))
    return {"tasks.py": HEAD + functions + f"def f{length}():\n    return 3\n" + TASK}


def modules_in_a_row(length: int) -> dict[str, str]:
    files = {
        f"m{n}.py": f"from .m{n + 1} import f{n + 1}\n\ndef f{n}():\n    return f{n + 1}()\n"
        for n in range(length)
    }
    return {
        **files,
        f"m{length}.py": f"def f{length}():\n    return 3\n",
        "tasks.py": HEAD + from_the_last(length) + TASK,
    }


def passed_on(length: int) -> dict[str, str]:
    """A name that each module only passes on."""
    files = {f"m{n}.py": f"from .m{n + 1} import f0\n" for n in range(length)}
    leaf = {f"m{length}.py": "def f0():\n    return 3\n"}
    return {**files, **leaf, "tasks.py": HEAD + from_the_last(length) + TASK}


def from_the_last(length: int) -> str:
    """Imports that have Python nest none: it cannot import 300 modules inside each other."""
    return "".join(f"from . import m{n}\n" for n in range(length, -1, -1)) + "from .m0 import f0\n"


def diamonds(height: int) -> dict[str, str]:
    layers = "".join(
        f"def f{n}():\n    return a{n}() + b{n}()\n"
        f"def a{n}():\n    return f{n + 1}()\n"
        f"def b{n}():\n    return f{n + 1}()\n"
        for n in range(height)
    )
    return {"tasks.py": HEAD + layers + f"def f{height}():\n    return 3\n" + TASK}


def re_exports(height: int) -> dict[str, str]:
    """Each module passes on all that two modules below it have, by star."""
    files = {
        f"m{n}{side}.py": f"from .m{n + 1}a import *\nfrom .m{n + 1}b import *\n"
        for n in range(height)
        for side in "ab"
    }
    leaf = {f"m{height}a.py": "def f0():\n    return 3\n", f"m{height}b.py": "def g0():\n    return 3\n"}
    return {**files, **leaf, "tasks.py": HEAD + "from .m0a import *\n" + TASK}


def changed_table(length: int) -> dict[str, str]:
    """A table that many modules change when they are imported."""
    files = {f"m{n}.py": f"from .table import TABLE\n\nTABLE[{n}] = lambda: {n}\n" for n in range(length)}
    imports = "".join(f"from . import m{n}\n" for n in range(length))
    return {
        **files,
        "__init__.py": imports,
        "table.py": "TABLE = {}\n\ndef f0():\n    return TABLE\n",
        "tasks.py": HEAD + "from .table import f0\n" + TASK,
    }


@pytest.mark.parametrize(
    ("shape", "small", "large"),
    [
        (chain, 500, 5000),
        (modules_in_a_row, 30, 300),
        (passed_on, 30, 300),
        (diamonds, 20, 200),
        (re_exports, 3, 30),
        (changed_table, 10, 100),
    ],
)
def test_work_is_linear(work: Work, shape: Callable[[int], dict[str, str]], small: int, large: int) -> None:
    """Ten times the code is at most eleven times the statements read and normalised, and the parts."""
    before, after = work(shape(small)), work(shape(large))
    for name, count in after.items():
        assert count <= 11 * before[name], name
    assert after["uses_of"] > 4 * before["uses_of"]


def test_classes_share_their_work(work: Work) -> None:
    """Fifty classes over one chain of functions normalise it once."""
    code = chain(100)["tasks.py"]
    others = "".join(f"class T{n}(luigi.Task):\n    def run(self):\n        return f0()\n" for n in range(50))
    every = "class T(luigi.Task):\n    known = [" + ", ".join(f"T{n}" for n in range(50)) + "]\n"
    alone = work({"tasks.py": code})
    together = work({"tasks.py": code.replace(TASK, others + every)})
    assert together["normal_form"] <= alone["normal_form"] + 51


def test_no_process_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed versions are read from metadata, without asking pip or any other program."""
    started: list[str] = []
    watching = True

    def watch(event: str, _args: tuple[object, ...]) -> None:
        if watching and event in {"subprocess.Popen", "os.fork", "os.system", "os.posix_spawn", "os.exec"}:
            started.append(event)

    sys.addaudithook(watch)
    write(tmp_path, {"tasks.py": HEAD + "import click\n\ndef f0():\n    return click\n" + TASK})
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("click==8.0\nluigi\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("pkg", None)
    sys.modules.pop("pkg.tasks", None)
    found = Fingerprinter(requirements_path=str(requirements)).of(__import__("pkg.tasks").tasks.T)
    watching = False
    assert found.packages == {"click": "8.0"}
    assert started == []

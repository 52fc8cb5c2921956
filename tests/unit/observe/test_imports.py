"""Claims about what modules are seen to read while they are imported."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

import luisy
from luisy.observe import imports
from luisy.observe.imports import ABSENT, Kind, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Modules:
    """A folder to import from, and what the modules in it were seen to read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(textwrap.dedent(text))

    def seen(self) -> list[Reading]:
        return [reading for reading in imports.readings() if reading.file.startswith(str(self.folder))]

    def imported(self, text: str, name: str = "seen_mod") -> list[tuple[str, str, int]]:
        """Kind, name (of files, the last part) and line of all that was read."""
        self.write(name, text)
        importlib.import_module(name)
        return [(r.kind.value, r.name.rpartition("/")[2], r.line) for r in self.seen()]


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEN_VAR", "1")
    monkeypatch.setenv("WORKING_DIR", str(tmp_path))
    yield Modules(tmp_path)
    for name in [n for n in sys.modules if n.startswith("seen_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("X = open('a.txt').read()", [("file", "a.txt", 1)]),
        ("import os\nX = os.environ['SEEN_VAR']", [("env", "SEEN_VAR", 2)]),
        ("def f():\n    return open('a.txt').read()\n\nX = f()", [("file", "a.txt", 4)]),
        ("class C:\n    X = open('a.txt').read()", [("file", "a.txt", 1)]),
        ("import os\nX = os.listdir('.')", [("folder", "", 2)]),
        ("import glob\nX = glob.glob('*.txt')", [("folder", "", 2)]),
        ("import sqlite3\nsqlite3.connect('a.txt')", [("file", "a.txt", 2)]),
        ("try:\n    open('none')\nexcept OSError:\n    pass", [("file", "none", 2)]),
        ("open('new.txt', 'w').write('x')\nX = open('new.txt').read()", []),
        ("open('log.txt', 'w').close()\nopen('a.txt', 'a').write('x')", []),
        ("import linecache\nX = linecache.getline(__file__, 1)", []),
        ("import inspect\ndef f(): pass\nX = inspect.getsource(f)", []),
        ("import importlib.metadata\nX = importlib.metadata.version('luigi')", []),
        ("import luisy\nX = luisy.Config().working_dir", []),
        ("import os\nX = os.path.expanduser('~')", []),
        ("import os\nX = os.environ.get('HOME')", []),
        ("import tempfile\nX = tempfile.gettempdir()", []),
        ("import os\nX = os.path.expandvars('$SEEN_VAR')", [("env", "SEEN_VAR", 2)]),
        ("import os\nX = os.environ.copy()", [("environment", "", 2)]),
        ("import subprocess\nX = subprocess.run(['true'])", []),
        ("import logging, sys\nlogging.basicConfig(stream=sys.stderr)", []),
        (
            "import luigi\nclass T(luigi.Task):\n    def output(self):\n        open('a.txt')\nT().output()",
            [],
        ),
        ("def later():\n    return open('a.txt').read()", []),
    ],
)
def test_what_is_seen(modules: Modules, text: str, seen: list[tuple[str, str, int]]) -> None:
    """A table of statements, and what each of them reads for the project."""
    found = modules.imported(text)
    assert [(kind, "" if kind == "folder" else name, line) for kind, name, line in found] == seen


def test_the_innermost_module_reads(modules: Modules) -> None:
    """Who imports a module that reads has not read itself."""
    modules.write("seen_inner", "X = open('a.txt').read()\n")
    assert modules.imported("import seen_inner\nY = seen_inner.X") == [("file", "a.txt", 1)]
    assert [reading.module for reading in modules.seen()] == ["seen_inner"]


def test_a_function_reads_for_the_statement_that_calls_it(modules: Modules) -> None:
    """A function of another module that is called at import reads for its caller."""
    modules.write("seen_inner", "def load():\n    return open('a.txt').read()\n")
    modules.imported("import seen_inner\n\nY = seen_inner.load()")
    assert [(reading.module, reading.line) for reading in modules.seen()] == [("seen_mod", 3)]


def test_values(modules: Modules) -> None:
    """A file counts by its content when it was opened, what is not there as absent, a variable by its value."""
    modules.imported(
        """
        import os
        try:
            open("none")
        except OSError:
            pass
        X = open("a.txt").read()
        open("a.txt", "w").write("changed")
        V = os.environ["SEEN_VAR"], os.environ.get("SEEN_NOT")
        """
    )
    values = {reading.name.rpartition("/")[2]: reading.value for reading in modules.seen()}
    from blake3 import blake3

    assert values == {
        "none": ABSENT,
        "a.txt": blake3(b"a").hexdigest(),
        "SEEN_VAR": "=1",
        "SEEN_NOT": ABSENT,
    }


def test_a_large_file_is_not_read_twice(modules: Modules) -> None:
    """Of a large file the stat is noted, and tells whether it is still the one that was read."""
    large = modules.folder / "large"
    large.write_bytes(b"x" * (imports.LARGE + 1))
    modules.imported("X = open('large', 'rb').read()")
    (reading,) = modules.seen()
    assert reading.value is None
    assert imports.token_of(str(large)) == reading.token
    large.write_bytes(b"y" * (imports.LARGE + 1))
    assert imports.token_of(str(large)) != reading.token


def test_a_reload_replaces_what_was_read(modules: Modules) -> None:
    """After a reload only what the new code has read counts."""
    modules.imported("X = open('a.txt').read()")
    modules.write("seen_mod", "\n\nY = 1  # reads nothing\n")
    importlib.reload(sys.modules["seen_mod"])
    assert modules.seen() == []


def test_nothing_is_seen_while_suspended(modules: Modules) -> None:
    """A session is not an import, unless it says so."""
    with imports.suspended():
        modules.imported("X = open('a.txt').read()")
        assert modules.seen() == []
        with imports.resumed():
            modules.imported("Y = open('a.txt').read()", "seen_late")
    assert [reading.module for reading in modules.seen()] == ["seen_late"]


def test_a_reading_shows_no_value() -> None:
    """A variable may hold a secret, so the representation of a reading does not tell it."""
    assert "s3cret" not in repr(Reading(Kind.VARIABLE, "V", "=s3cret", None, "m", "m.py", 1, 0))


def test_it_listens_as_soon_as_luisy_is_imported() -> None:
    """``import luisy`` begins; nobody has to ask for it."""
    assert luisy.observe.imports is imports  # bound by the import system
    assert imports._suspended == 0

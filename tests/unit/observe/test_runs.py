"""Claims about what a ``run()`` is seen to read. This module drives the runs, as the runner's process does."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from luisy.errors import TaskError
from luisy.observe import paused
from luisy.observe.runs import Audit, audited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRIVER = "luisy.runner.nothing"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.setenv("RATE", "1")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [n for n in sys.modules if n.startswith("late_")]:
        del sys.modules[name]


def audit_of(block: Callable[[], Any], **options: Any) -> Audit:
    with audited(DRIVER, **options) as audit:
        block()
    return audit


def seen(block: Callable[[], Any]) -> set[tuple[str, str]]:
    """Kind and name (of files, the last part) of all that *block* reads."""
    return {(kind.value, name.rpartition("/")[2]) for kind, name in audit_of(block).read}


def opened(mode: str) -> None:
    with open("a.txt", mode):
        pass


def renamed() -> None:
    Path("draft").write_text("x")
    os.rename("draft", "final")
    Path("final").read_text()


def made_folder() -> None:
    Path("made").mkdir()
    shutil.copy("/etc/hostname", "made/x")
    Path("made/x").read_text()
    os.listdir("made")


@pytest.mark.parametrize(
    ("block", "reads"),
    [
        (lambda: Path("a.txt").read_text(), {("file", "a.txt")}),
        (lambda: os.environ.get("RATE"), {("env", "RATE")}),
        (lambda: os.environ.get("RATE_2"), {("env", "RATE_2")}),
        (lambda: dict(os.environ), {("environment", "")}),
        (lambda: sqlite3.connect("a.txt").close(), {("file", "a.txt")}),
        (lambda: sqlite3.connect("new.db").close(), set()),
        (lambda: Path("out").write_text("x") and Path("out").read_text(), set()),
        (lambda: opened("a"), set()),
        (lambda: opened("r+"), {("file", "a.txt")}),
        (renamed, set()),
        (made_folder, set()),
        (lambda: os.environ.get("HOME"), set()),
        (lambda: os.path.expanduser("~"), set()),
        (lambda: Path("/proc/self/stat").read_text(), set()),
        (lambda: Path(os.__file__).read_text(), set()),
        (lambda: os.path.exists("a.txt"), set()),
    ],
)
def test_what_is_seen(folder: Path, block: Callable[[], Any], reads: set[tuple[str, str]]) -> None:
    """A table of blocks, and what each of them reads that is not its own work."""
    assert seen(block) == reads


def test_a_variable_that_names_a_file_is_left_to_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a variable's value is a path, what is opened there is what counts."""
    monkeypatch.setenv("RATE", str(folder / "a.txt"))
    assert seen(lambda: Path(os.environ["RATE"]).read_text()) == {("file", "a.txt")}


def test_the_line_is_that_of_project_code(folder: Path) -> None:
    """The innermost line of project code is responsible, though a library opens the file."""
    (folder / "late_reader.py").write_text(
        "import shutil\n\n\ndef read():\n    shutil.copy('a.txt', 'b.txt')\n"
    )
    late_reader = importlib.import_module("late_reader")
    (line,) = audit_of(late_reader.read).read.values()
    assert (line.module, line.file, line.line) == ("late_reader", str(folder / "late_reader.py"), 5)


def test_a_thing_is_noted_once(folder: Path) -> None:
    """The first line that reads a file is the one that is told."""

    def block() -> None:
        for _ in range(3):
            Path("a.txt").read_text()

    assert len(audit_of(block).read) == 1


def test_what_libraries_read_when_they_are_imported_is_theirs(folder: Path) -> None:
    """An installed module that is imported in a run reads on its own account."""
    (folder / "site-packages").mkdir()
    (folder / "site-packages" / "late_library.py").write_text(
        "import os\nX = open('a.txt').read(), os.getenv('RATE')\n"
    )
    sys.path.insert(0, str(folder / "site-packages"))
    try:
        assert seen(lambda: importlib.import_module("late_library")) == set()
    finally:
        sys.path.remove(str(folder / "site-packages"))


def test_late_modules_have_the_line_that_imports_them(folder: Path) -> None:
    """A module that a run imports is noted, by a statement or by name; what that one imports, at its own line."""
    (folder / "late_a.py").write_text("import late_b\n")
    (folder / "late_b.py").touch()
    imported = audit_of(lambda: importlib.import_module("late_a")).imported
    assert {name: Path(line.file).name for name, line in imported.items() if name.startswith("late_")} == {
        "late_a": "test_runs.py",
        "late_b": "late_a.py",
    }


def test_of_runs_within_runs_the_innermost_reads(folder: Path) -> None:
    """What an inner run reads is no read of the outer one."""
    inner = []
    outer = audit_of(lambda: inner.append(audit_of(lambda: Path("a.txt").read_text())))
    assert (len(outer.read), len(inner[0].read)) == (0, 1)


def test_other_parts_of_luisy_stand_between(folder: Path) -> None:
    """What user code reads on behalf of another part of luisy (a plan inside a run) is attributed to nobody."""
    code = compile("def call(block):\n    block()\n", "walk.py", "exec")
    names: dict[str, Any] = {"__name__": "luisy.runner.pipeline.walk"}
    exec(code, names)
    assert seen(lambda: names["call"](lambda: Path("a.txt").read_text())) == set()


def test_the_driver_itself_stands_below(folder: Path) -> None:
    """Frames up to the driver count, whatever stands below it."""
    names: dict[str, Any] = {"__name__": DRIVER}
    exec(compile("def call(block):\n    block()\n", "driver.py", "exec"), names)
    assert seen(lambda: names["call"](lambda: Path("a.txt").read_text())) == {("file", "a.txt")}


def test_threads_of_the_run_read_for_it(folder: Path) -> None:
    """A thread that the run has started reads for it, if project code stands in it."""

    def block() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: Path("a.txt").read_text()).result()

    assert seen(block) == {("file", "a.txt")}


def test_threads_from_before_read_for_nobody(folder: Path) -> None:
    """What a thread reads that was there before the run is not the run's."""
    go, done = threading.Event(), threading.Event()

    def other() -> None:
        go.wait()
        Path("a.txt").read_text()
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    assert seen(lambda: go.set() or done.wait()) == set()  # type: ignore[func-returns-value]  # two steps in one
    thread.join()


def test_paused(folder: Path) -> None:
    """What luisy does for itself in a run is left out."""

    def block() -> None:
        with paused():
            Path("a.txt").read_text()
            os.environ.get("RATE")

    assert seen(block) == set()


def test_nothing_is_noted_after_the_run(folder: Path) -> None:
    """An audit ends with its block."""
    audit = audit_of(lambda: None)
    Path("a.txt").read_text()
    assert audit.read == {}


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run(["true"], check=True),
        lambda: os.system("true"),
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        os.fork,
    ],
)
def test_a_process_can_be_refused(folder: Path, start: Callable[[], Any]) -> None:
    """Where processes are refused, starting one raises, and none is started."""
    with pytest.raises(TaskError, match=r"starts a process .*test_runs\.py:\d+") as raised:
        audit_of(start, refuse_processes=True)
    assert raised.value.slug == "process-refused"


def test_a_process_may_be_started(folder: Path) -> None:
    """Otherwise processes are left alone."""
    audit_of(lambda: subprocess.run(["true"], check=True))


def test_a_run_costs_a_walk_for_each_new_file_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack is walked once for each file that is met, however often it is opened: counts, not times."""
    walks = []
    monkeypatch.setattr(Audit, "_line", lambda self: walks.append(1))

    def block() -> None:
        for _ in range(100):
            Path("a.txt").read_text()
            os.environ.get("RATE")

    audit_of(block)
    assert len(walks) == 2


def test_importing_luisy_installs_one_hook() -> None:
    """One audit hook serves all: a thousand observations and audits after ``import luisy`` add none."""
    program = textwrap.dedent(
        """
        import sys
        added = []
        sys.addaudithook(lambda event, args: added.append(event) if event == "sys.addaudithook" else None)
        import luisy
        from luisy.observe import watch
        from luisy.observe.runs import audited
        for _ in range(1000):
            with watch(["/"]), audited("x"):
                pass
        print(len(added))
        """
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "1"

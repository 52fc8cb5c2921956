"""What cannot be followed is said, with file and line."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from luisy.fingerprint import BlindSpot, Fingerprinter
from tests.unit.fingerprint.cases.table import task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    Load = Callable[[dict[str, str]], ModuleType]

BLIND = [
    ("return getattr(self, self.n)", "", "computed name"),
    (
        "return setattr(self.__class__, self.n, 3) or setattr(helper, self.n, 3)",
        "def helper(): pass",
        "computed name",
    ),
    ("return getattr(*self.n)", "", "computed name"),
    ("return sys.modules.get(self.n)", "import sys", "only the run knows"),
    ("return map(sys.modules.get, self.n)", "import sys", "only the run knows"),
    ("import importlib\nreturn importlib.import_module(self.n)", "", "computed name"),
    ("return Register.get_task_cls(self.n)()", "from luigi.task_register import Register\n", "by its name"),
    ("return load(self.n)", "from importlib import import_module as load", "computed name"),
    ("return __import__(self.n)", "", "computed name"),
    ("return eval(self.n)", "", "only the run knows"),
    ("exec(self.n)", "", "only the run knows"),
    ("return globals()[self.n]", "", "only the run knows"),
    ("import sys\nreturn sys.modules[self.n]", "", "only the run knows"),
    ("return self.n.__subclasses__()", "", "known only when it runs"),
    ("kind = self.n\nreturn kind.__subclasses__()", "", "known only when it runs"),
    ("return run(['ls'])", "from subprocess import run", "starts a program"),
    ("os.system('ls')", "import os", "starts a program"),
    ("os.execvp('ls', [])", "import os", "starts a program"),
    ("import pickle\nreturn pickle.load(self.n)", "", "unpickles"),
    ("return p.read_pickle(self.n)", "import pandas as p", "unpickles"),
    ("return [m for m in pkgutil.iter_modules()]", "import pkgutil", "finds modules"),
    ("return entry_points()", "from importlib.metadata import entry_points", "finds modules"),
    ("return runpy.run_path(self.n)", "import runpy", "finds modules"),
    ("return inspect.getsource(type(self))", "import inspect", "reads source as text"),
    ("return C(self.n)", "from ctypes import CDLL as C", "calls C code"),
]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Imports ``blind_case`` with the given files beside it."""

    def loaded(files: dict[str, str]) -> ModuleType:
        for name, text in files.items():
            (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(__import__("sys").modules, "blind_case", raising=False)
        module: ModuleType = __import__("blind_case")
        return module

    return loaded


@pytest.mark.parametrize(("body", "head", "text"), BLIND, ids=lambda value: value[:30] if value else "-")
def test_what_cannot_be_followed_is_said(load: Load, tmp_path: Path, body: str, head: str, text: str) -> None:
    """Each kind of blind spot is named with the file and the line where it stands."""
    source = task(body, head)
    module = load({"blind_case.py": source})
    spots = [spot for spot in Fingerprinter().of(module.T).blind_spots if text in spot.text]
    assert spots
    last = body.splitlines()[-1].strip()
    assert (spots[0].file, source.splitlines()[spots[0].line - 1].strip()) == (
        str(tmp_path / "blind_case.py"),
        last,
    )


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("return getattr(self, 'n')", ""),
        ("import pickle\nreturn pickle.dumps(3)", ""),
        ("import os\nreturn os.getcwd()", ""),
        ("return A.x", "class A:\n    x = y = 3\nsetattr(A, 'x', 5)\ndelattr(A, 'y')\n"),
    ],
)
def test_what_can_be_followed_is_no_blind_spot(load: Load, body: str, head: str) -> None:
    """Constant names and harmless functions of the same modules are not named."""
    module = load({"blind_case.py": task(body, head)})
    assert Fingerprinter().of(module.T).blind_spots == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [("threading.Lock()", "lock"), ("iter([3])", "list_iterator")],
    ids=["lock", "iterator"],
)
def test_a_value_that_cannot_be_told_has_its_class_and_line(
    load: Load, tmp_path: Path, value: str, kind: str
) -> None:
    """A closure cell without canonical form is a blind spot at the factory that left it."""
    source = f"""
        import luigi
        import threading

        def make(held):
            class T(luigi.Task):
                def run(self):
                    return held
            return T

        T = make({value})
        """
    (spot,) = Fingerprinter().of(load({"blind_case.py": source}).T).blind_spots
    assert (spot.file, spot.line) == (str(tmp_path / "blind_case.py"), 5)
    assert f"run holds a {kind}" in spot.text


def test_a_function_in_a_cell_that_no_file_defines_is_said(load: Load) -> None:
    """The code of a function from exec() that a factory was given is in no part: it is a blind spot."""
    source = """
        import luigi

        def make(given):
            class T(luigi.Task):
                def run(self):
                    return given()
            return T

        made = {"__name__": __name__}
        exec("def f():\\n    return 3", made)
        T = make(made["f"])
        """
    spots = Fingerprinter().of(load({"blind_case.py": source}).T).blind_spots
    assert "f has no source" in {spot.text for spot in spots}


def test_the_state_of_an_object_in_a_cell_is_no_blind_spot(load: Load) -> None:
    """An object of a project class counts by its attributes."""
    source = """
        import luigi

        class Box:
            def __init__(self, n):
                self.n = n

        def make(box):
            class T(luigi.Task):
                def run(self):
                    return box.n
            return T

        T = make(Box(3))
        """
    assert Fingerprinter().of(load({"blind_case.py": source}).T).blind_spots == ()


def test_compiled_module_says_so(load: Load, tmp_path: Path) -> None:
    """Code of the project that is compiled is a blind spot in its file; nothing else of it is."""
    module = load(
        {
            "blind_case.py": task("import blind_native\nreturn blind_native.f()"),
            "blind_native.abi3.so": "bytes",
        }
    )
    (spot,) = Fingerprinter().of(module.T).blind_spots
    assert spot == BlindSpot(str(tmp_path / "blind_native.abi3.so"), 0, "compiled code: counts by its bytes")


def test_name_that_nothing_in_the_project_sets(load: Load, tmp_path: Path) -> None:
    """What somebody else has put into a module cannot be followed; a module that is used as a whole is no such name."""
    module = load(
        {
            "blind_case.py": task("return dir(blind_helper), blind_helper.X", "import blind_helper"),
            "blind_helper.py": "Y = 3\n",
        }
    )
    module.blind_helper.X = 5
    (spot,) = Fingerprinter().of(module.T).blind_spots
    assert spot == BlindSpot(str(tmp_path / "blind_helper.py"), 0, "nothing that can be followed sets X")

"""Which source files surely are the code that is loaded."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from luisy.fingerprint.freshness import is_loaded_code
from luisy.fingerprint.modules import load
from luisy.fingerprint.project import Located, Origin

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.fingerprint.modules import Module

PACKAGE = "fresh_package"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package with a module ``one`` and a module ``other``, which have the same names."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name in ("one", "other"):
        (folder / f"{name}.py").write_text(
            "def leaf():\n    return 5\nSIZE = 0\nNONE = None\nclass Up:\n    pass\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return folder


def _read(folder: Path, text: str) -> Module:
    path = folder / "young.py"
    path.write_text(text)
    return load(Located(f"{PACKAGE}.young", Origin.PROJECT, str(path)))


def _after_import(folder: Path, before: str, after: str) -> Module:
    _read(folder, before)
    importlib.invalidate_caches()
    importlib.import_module(f"{PACKAGE}.young")
    return _read(folder, after)


_SURE = [
    "",
    '"""Doc."""\nimport os.path\nimport os.path as p\nfrom . import one\nfrom .one import NONE, SIZE, leaf as f\nfrom .other import *\n',
    "from __future__ import annotations\nX = Y = 5\nZ = {'a': [1, 2.5, None]}\n",
    "X: int\nX = 5\n",
    "def f(n):\n    return n + 1\nasync def g():\n    return 5\n",
    "class C:\n    '''Doc.'''\n    from .one import leaf\n    x = 5\n    def f(self):\n        return 5\n    pass\n",
]


@pytest.mark.parametrize(
    "text", _SURE, ids=["nothing", "imports", "constants", "annotation", "functions", "class"]
)
def test_file_as_it_was_loaded_is_taken(folder: Path, text: str) -> None:
    """Imports, constants, functions and plain classes can all be told."""
    assert is_loaded_code(_after_import(folder, text, text))


_UNSURE = {
    "call": "X = dict(a=5)\n",
    "statement": "for X in (5,):\n    pass\n",
    "declared": "X: int = 5\n",
    "attribute": "class C:\n    pass\nC.x = 5\n",
    "decorator": "def twice(f):\n    return f\n@twice\ndef f():\n    return 5\n",
    "decorator of a class": "def twice(f):\n    return f\n@twice\nclass C:\n    pass\n",
    "default": "def f(n=5):\n    return n\n",
    "default of a keyword": "def f(*, n=5):\n    return n\n",
    "call in a class": "class C:\n    x = dict(a=5)\n",
}


@pytest.mark.parametrize("text", _UNSURE.values(), ids=list(_UNSURE))
def test_what_cannot_be_told_is_refused(folder: Path, text: str) -> None:
    """A file that did not change is refused as well where nothing tells that it did not."""
    assert not is_loaded_code(_after_import(folder, text, text))


_EDITS = {
    "constant": ("X = 5", "X = 6"),
    "type of a constant": ("X = 5", "X = 5.0"),
    "one of two names": ("X = 5", "X = Y = 5"),
    "body": ("def f():\n    return 5", "def f():\n    return 6"),
    "name": ("def f():\n    return leaf", "def f():\n    return other"),
    "constant of an inner function": (
        "def f():\n    def g():\n        return 5\n    return g",
        "def f():\n    def g():\n        return 6\n    return g",
    ),
    "method": (
        "class C:\n    def f(self):\n        return 5",
        "class C:\n    def f(self):\n        return 6",
    ),
    "attribute": ("class C:\n    x = 5", "class C:\n    x = 6"),
    "class for a function": ("def C():\n    return 5", "class C:\n    pass"),
    "function for a class": ("class C:\n    pass", "def C():\n    return 5"),
    "imported function": ("from .one import leaf", "from .other import leaf"),
    "imported module": ("from . import one as it", "from . import other as it"),
    "imported package": ("import os as it", "import sys as it"),
    "import in a class": ("class C:\n    from .one import leaf", "class C:\n    from .other import leaf"),
    "new import": ("", "from .one import leaf"),
    "new import of nothing": ("", "from .one import NONE"),
    "bad syntax": ("X = 5", "X = "),
}


@pytest.mark.parametrize(("before", "after"), _EDITS.values(), ids=list(_EDITS))
def test_edit_after_the_import_is_noticed(folder: Path, before: str, after: str) -> None:
    """What is loaded is not what the file says now."""
    assert not is_loaded_code(_after_import(folder, f"{before}\n", f"{after}\n"))


def test_module_that_is_not_loaded_is_taken(folder: Path) -> None:
    """Its code will be what the file says."""
    assert is_loaded_code(_read(folder, "X = dict(a=5)\n"))


def test_module_whose_file_went_is_refused(folder: Path) -> None:
    """A file that is read once more, and gone by then."""
    module = _after_import(folder, "X = 5\n", "X = 5\n")
    (folder / "young.py").unlink()
    assert not is_loaded_code(module)


def test_loaded_module_without_a_file_is_refused(folder: Path) -> None:
    """There is nothing to compare."""
    _after_import(folder, "X = 5\n", "X = 5\n")
    assert not is_loaded_code(load(Located(f"{PACKAGE}.young", Origin.PROJECT)))

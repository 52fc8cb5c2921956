"""Where modules are found: loaded or not, in archives, from programs, and installed in every way."""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import py_compile
import sys
import types
import zipfile
from typing import TYPE_CHECKING

import pytest

from luisy.fingerprint import modules
from luisy.fingerprint.distributions import Catalogue
from luisy.fingerprint.project import Located, Locator, Origin
from luisy.fingerprint.requirements import Requirements

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.fingerprint.distributions import Distribution


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


# -- modules -----------------------------------------------------------------------------------------------


def test_module_that_comes_later_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module that was not there when first asked for is found once it is loaded."""
    locator = Locator()
    first = locator.locate("made_later").origin
    module = types.ModuleType("made_later")
    module.__file__ = str(tmp_path / "made_later.py")
    monkeypatch.setitem(sys.modules, "made_later", module)
    assert (first, locator.locate("made_later").origin) == (Origin.ABSENT, Origin.PROJECT)


def test_module_of_an_archive_has_its_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module of a zip file counts by its statements; the file is the archive."""
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("zipped_leaf.py", "X = 1\n")
    monkeypatch.syspath_prepend(str(archive))
    monkeypatch.delitem(sys.modules, "zipped_leaf", raising=False)
    __import__("zipped_leaf")
    found = modules.load(Locator().locate("zipped_leaf"))
    del sys.modules["zipped_leaf"]
    assert (list(found.binders), found.file and found.file.path) == (["X"], str(archive))


def test_module_of_a_loader_without_source_is_broken(tmp_path: Path) -> None:
    """A module whose file is nowhere, and whose source nobody knows, has no statements, and says so."""
    found = modules.load(Located("nowhere", Origin.PROJECT, str(tmp_path / "gone" / "nowhere.py")))
    assert (found.units, found.file, bool(found.broken)) == ([], None, True)


def test_module_that_cannot_be_read_is_broken(tmp_path: Path) -> None:
    """A file that is there and cannot be read is told; nothing is raised."""
    found = modules.load(Located("folder", Origin.PROJECT, str(tmp_path)))
    assert "cannot be read" in found.broken


def test_module_that_is_too_deep_has_no_statements(tmp_path: Path) -> None:
    """What was read before analysis gave up is dropped: the module counts as a whole."""
    path = tmp_path / "deep.py"
    chain = "".join(f"elif X == {n}:\n    Y = {n}\n" for n in range(1, 1500))
    path.write_text(f"X = 3\nif X == 0:\n    Y = 0\n{chain}")
    found = modules.load(Located("deep", Origin.PROJECT, str(path)))
    assert (found.too_deep, found.units, found.binders) == (True, [], {})


def test_program_of_a_package_has_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Relative imports of a program that ``python -m`` started begin at its package."""
    path = tmp_path / "program.py"
    path.write_text("from .leaf import X\n")
    main = types.ModuleType("__main__")
    main.__package__ = "pkg"
    monkeypatch.setitem(sys.modules, "__main__", main)
    found = modules.load(Located("__main__", Origin.PROJECT, str(path)))
    assert found.units[0].uses.imports == {"X": [(":pkg.leaf", "X")]}


def test_prompt_that_has_the_file_of_its_console_is_project_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed at Python 3.13's prompt is in no file, though ``__main__`` has one of the standard library."""
    main = types.ModuleType("__main__")
    main.__file__ = os.path.join(os.path.dirname(os.__file__), "_pyrepl", "__main__.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert Locator().locate("__main__") == Located("__main__", Origin.PROJECT)


def test_prompt_is_no_module_of_python_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """``__main__`` of an interactive session is project code, though it has the loader of built-in modules."""
    main = types.ModuleType("__main__")
    main.__loader__ = importlib.machinery.BuiltinImporter
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert Locator().locate("__main__") == Located("__main__", Origin.PROJECT)


def test_module_without_source_counts_by_its_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was loaded is the byte code, also if a source has come to lie beside it since."""
    py_compile.compile(str(written(tmp_path, {"bare.py": "X = 1\n"}) / "bare.py"), str(tmp_path / "bare.pyc"))
    (tmp_path / "bare.py").unlink()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    importlib.import_module("bare")
    written(tmp_path, {"bare.py": "X = 2\n"})
    found = modules.load(Locator().locate("bare"))
    assert (found.units, bool(found.binary)) == ([], True)


# -- distributions -----------------------------------------------------------------------------------------


def owner(folder: Path, file: str) -> Distribution | None:
    return Catalogue().owner(str(folder / file))


METADATA = "Name: Thing.Dist\nVersion: 1.2\n"


@pytest.mark.parametrize(
    "files",
    [
        {
            "site-packages/thing_dist-1.2.dist-info/METADATA": METADATA,
            "site-packages/thing_dist-1.2.dist-info/RECORD": "thing/__init__.py,,\n",
        },
        {
            "site-packages/thing_dist-1.2.dist-info/METADATA": METADATA,
            "site-packages/thing_dist-1.2.dist-info/RECORD": '"thing/__init__.py",,\n',
        },
        {
            "site-packages/thing_dist.egg-info/PKG-INFO": METADATA,
            "site-packages/thing_dist.egg-info/top_level.txt": "thing\n",
        },
        {"site-packages/Thing.egg/EGG-INFO/PKG-INFO": METADATA},
    ],
    ids=["wheel", "quoted", "egg-info", "egg"],
)
def test_module_belongs_to_what_installed_it(tmp_path: Path, files: dict[str, str]) -> None:
    """Each way to install leaves a list of modules, a name and a version."""
    egg = any(".egg/" in name for name in files)
    file = "site-packages/Thing.egg/thing/__init__.py" if egg else "site-packages/thing/__init__.py"
    found = owner(written(tmp_path, files), file)
    assert found is not None
    assert (found.name, found.version) == ("thing-dist", "1.2")


def test_file_that_is_listed_nowhere_belongs_to_what_brought_its_package(tmp_path: Path) -> None:
    """What a package has made or left unlisted is its own, and of the first that brings it."""
    files = {
        "a_thing-3.dist-info/RECORD": "thing/other.py,,\n",
        "thing-1.dist-info/RECORD": "thing/__init__.py,,\n",
        "thing_more-2.dist-info/RECORD": "thing/__init__.py,,\n",
    }
    found = owner(written(tmp_path, files), "thing/made.py")
    assert found is not None
    assert found.name == "thing"


def test_distribution_without_metadata_is_named_by_its_folder(tmp_path: Path) -> None:
    """A name is known where nothing can be read but the list of files."""
    folder = written(tmp_path, {"Thing_Dist-1.2.dist-info/RECORD": "thing/__init__.py,,\n"})
    found = owner(folder, "thing/__init__.py")
    assert found is not None
    assert (found.name, found.version) == ("thing-dist", "unknown")


def test_distribution_without_a_list_of_files_owns_nothing(tmp_path: Path) -> None:
    """Metadata alone tells of no module."""
    assert owner(written(tmp_path, {"thing-1.dist-info/METADATA": METADATA}), "thing/__init__.py") is None


def test_egg_info_in_a_checkout_installs_nothing(tmp_path: Path) -> None:
    """What ``setup.py develop`` left beside the code is no installation: that is project code."""
    files = {"thing.egg-info/PKG-INFO": METADATA, "thing.egg-info/top_level.txt": "thing\n"}
    assert owner(written(tmp_path, files), "thing/__init__.py") is None


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ('{"vcs_info": {"commit_id": "abc"}}', "1.2 (abc)"),
        ('{"archive_info": {"hash": "sha256=12"}}', "1.2 (sha256=12)"),
        ("{}", "1.2"),
    ],
    ids=["revision", "archive", "index"],
)
def test_version_says_the_revision(tmp_path: Path, origin: str, expected: str) -> None:
    """What was installed from version control or an archive may differ under one version."""
    folder = "thing-1.2.dist-info"
    files = {
        f"{folder}/METADATA": METADATA,
        f"{folder}/RECORD": "thing/__init__.py,,\n",
        f"{folder}/direct_url.json": origin,
    }
    found = owner(written(tmp_path, files), "thing/__init__.py")
    assert found is not None
    assert found.version == expected


def test_what_a_distribution_requires(tmp_path: Path) -> None:
    """Requirements are those of the headers, without those of extras; a line that names nothing is passed."""
    text = (
        "Name: thing\nRequires-Dist: One_Part (>=1)\nRequires-Dist: two; extra == 'more'\nRequires-Dist: ???\n"
        "\nRequires-Dist: three, says the description\n"
    )
    files = {"thing-1.dist-info/METADATA": text, "thing-1.dist-info/RECORD": "thing/__init__.py,,\n"}
    found = owner(written(tmp_path, files), "thing/__init__.py")
    assert found is not None
    assert found.requires == ["one-part"]


def test_requirements_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    """Two files in a circle are read, each once; the line that includes one is no requirement."""
    written(tmp_path, {"a.txt": "-r  b.txt\none==1\n", "b.txt": "-r a.txt\ntwo==2\n"})
    assert dict(Requirements(str(tmp_path / "a.txt")).lines) == {"one": "one==1", "two": "two==2"}

"""Claims about the names of files that are the same wherever a pipeline lies."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from luisy.places import Places, import_folder, is_installed, says_who_and_where

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A checkout with ``src/`` and ``conf/``, and a working dir with a store."""
    for made in ("checkout/src/pkg", "checkout/conf", "data/.luisy"):
        (tmp_path / made).mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    return Places(
        (str(tmp_path / "checkout/src"),), str(tmp_path / "data"), (str(tmp_path / "data" / ".luisy"),)
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("checkout/src/pkg/a.yml", "pkg/a.yml"),
        ("checkout/src/.env", ".env"),
        ("checkout/conf/b.yml", "../conf/b.yml"),
        ("data/raw/x.csv", "WORKING_DIR/raw/x.csv"),
        ("data", "WORKING_DIR"),
        ("data/.luisy/index.db", None),
        ("checkout/src/.git/HEAD", None),
        ("checkout/src/pkg/__pycache__/a.bin", None),
        ("checkout/src/pkg/a.pyc", None),
        ("checkout/src/pkg.egg-info/PKG-INFO", None),
        ("elsewhere/x.csv", None),
    ],
)
def test_files_of_a_pipeline(places: Places, tmp_path: Path, path: str, name: str | None) -> None:
    """Project files are named from the import folder, data from the working dir; the rest below /tmp is no data."""
    assert places.name_of(str(tmp_path / path)) == name


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "/proc/self/stat", "/usr/share/x", sys.executable, os.__file__]
)
def test_files_of_the_system_are_no_data(places: Places, path: str) -> None:
    """What belongs to the system or to Python has no name."""
    assert places.name_of(path) is None


def test_other_files_keep_their_path(places: Places) -> None:
    """A file that lies anywhere else is called by its absolute path."""
    assert places.name_of("/mnt/share/rates.csv") == "/mnt/share/rates.csv"


def test_files_in_the_home_folder(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home folder is spelled ``~``; what is hidden in it belongs to programs."""
    monkeypatch.setenv("HOME", "/home/somebody")
    assert places.name_of("/home/somebody/data/x.csv") == "~/data/x.csv"
    assert places.name_of("/home/somebody/.cache/fonts.json") is None


def test_a_project_in_the_home_folder_leaves_hidden_files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script right in the home folder makes what programs hide there no data of the pipeline."""
    monkeypatch.setenv("HOME", "/home/somebody")
    places = Places(("/home/somebody",))
    assert places.name_of("/home/somebody/.cache/fonts.json") is None
    assert places.name_of("/home/somebody/x.csv") == "x.csv"


def test_files_below_the_current_folder(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is neither of the project nor of the working dir may be named from where the run was started."""
    (tmp_path / "started").mkdir()
    monkeypatch.chdir(tmp_path / "started")
    assert places.name_of(str(tmp_path / "started" / "x.csv")) == "./x.csv"


def test_paths_in_values(places: Places, tmp_path: Path) -> None:
    """A path of the pipeline reads alike wherever that lies, another one by its last part; other values stay."""
    assert places.text_of(str(tmp_path / "data" / "raw")) == "WORKING_DIR/raw"
    assert places.text_of(str(tmp_path / "checkout/src")) == "PROJECT"
    assert places.text_of("/mnt/share") == places.text_of("/home/somebody/share") == ".../share"
    assert places.text_of("a/b") == "a/b"


@pytest.mark.parametrize(
    ("module", "file", "folder"),
    [
        ("pkg.tasks", "/src/pkg/tasks.py", "/src"),
        ("pkg", "/src/pkg/__init__.py", "/src"),
        ("pkg.sub", "/src/pkg/sub/__init__.py", "/src"),
        ("tasks", "/src/tasks.py", "/src"),
        ("__main__", "/src/run.py", "/src"),
    ],
)
def test_where_a_module_is_imported_from(module: str, file: str, folder: str) -> None:
    """The import folder is that of the outermost package, or of the script."""
    assert import_folder(module, file) == folder


def test_what_is_installed() -> None:
    """The standard library and distributions are, this test is not."""
    assert is_installed(os.__file__)
    assert is_installed(pytest.__file__)
    assert not is_installed(__file__)


@pytest.mark.parametrize(
    ("name", "says"),
    [("HOME", True), ("LUISY_MODULE", True), ("PYTHONPATH", True), ("RATE", False), ("TZ", False)],
)
def test_variables_of_the_session(name: str, *, says: bool) -> None:
    """Variables of machine, user and session are told from those of the pipeline by their names."""
    assert says_who_and_where(name) is says

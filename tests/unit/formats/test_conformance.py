"""Every format keeps what its target promises, each through the same suite."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from luisy import targets
from luisy.errors import LuisyError, UsageError
from luisy.observe import watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def frame() -> pd.DataFrame:
    return pd.DataFrame({"city": ["Ulm", "Köln", "a,b"], "n": [1, 2, 3], "x": [0.5, float("nan"), -1e-7]})


class Grenade:
    """Cannot be written by any format: it raises in the middle of whatever touches it."""

    def __reduce__(self) -> Any:
        raise RuntimeError("half-way")

    def __str__(self) -> str:
        raise RuntimeError("half-way")


@dataclass(frozen=True)
class Case:
    """A format with what it is fed.

    :param plain: options under which what is read equals what was written.
    :param writing: options that only the writer takes; they must change the bytes.
    :param reading: options that only the reader takes, and what is then read.
    :param libraries: what must be installed.
    """

    target: type[targets.LocalTarget]
    data: Any
    writing: Mapping[str, Any]
    reading: tuple[Mapping[str, Any], Any]
    plain: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()

    def at(self, path: Path, **options: Any) -> targets.LocalTarget:
        return self.target(path, **{**self.plain, **options})


DICT = {"b": [1, 2.5, None, True], "a": {"ü": "x"}}
ARROW = ("pandas", "pyarrow")
COLUMN = ({"columns": ["n"]}, frame()[["n"]])
CASES = {
    "csv": Case(
        targets.CSVTarget,
        frame(),
        {"na_rep": "nothing"},
        ({"usecols": ["n"]}, frame()[["n"]]),
        libraries=("pandas",),
    ),
    "json": Case(
        targets.JSONTarget,
        DICT,
        {"sort_keys": True},
        ({"parse_int": float}, {**DICT, "b": [1.0, 2.5, None, True]}),
    ),
    "pickle": Case(
        targets.PickleTarget, {"f": frame()}, {"protocol": 5}, ({"encoding": "latin-1"}, {"f": frame()})
    ),
    "parquet": Case(targets.ParquetTarget, frame(), {"compression": "gzip"}, COLUMN, libraries=ARROW),
    "parquetdir": Case(targets.ParquetDirTarget, frame(), {"row_group_size": 1}, COLUMN, libraries=ARROW),
    "feather": Case(targets.FeatherTarget, frame(), {"compression": "uncompressed"}, COLUMN, libraries=ARROW),
    "hdf": Case(
        targets.HDFTarget,
        frame(),
        {"format": "table"},
        ({"format": "table", "where": "index == 1"}, frame()[1:2]),
        libraries=("pandas", "tables"),
    ),
    "xlsx": Case(
        targets.XLSXTarget,
        frame(),
        {"freeze_panes": (1, 0)},
        ({"usecols": ["n"]}, frame()[["n"]]),
        plain={"index": False},
        libraries=("pandas", "openpyxl"),
    ),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
MISSING = [(name, library) for name, case in CASES.items() for library in case.libraries]


def same(left: Any, right: Any) -> bool:
    if isinstance(right, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right)
        return True
    if isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in right)
    return bool(left == right)


def content(path: Path) -> dict[str, bytes]:
    """Every file at or below *path*, by its path from there."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


@each
def test_round_trip(case: Case, tmp_path: Path) -> None:
    """What is read equals what was written."""
    target = case.at(tmp_path / "out")
    target.write(case.data)
    assert same(target.read(), case.data)


@each
def test_writer_options_reach_the_writer(case: Case, tmp_path: Path) -> None:
    """An option that only the writer knows changes the file, and reading is not disturbed by it."""
    case.at(tmp_path / "plain").write(case.data)
    case.at(tmp_path / "other", **case.writing).write(case.data)
    assert content(tmp_path / "plain") != content(tmp_path / "other")
    case.at(tmp_path / "other", **case.writing).read()


@each
def test_reader_options_reach_the_reader(case: Case, tmp_path: Path) -> None:
    """An option that only the reader knows changes what is read, and writing is not disturbed by it."""
    options, expected = case.reading
    target = case.at(tmp_path / "out", **options)
    target.write(case.data)
    assert same(target.read(), expected)


@each
def test_unknown_options_are_refused(case: Case, tmp_path: Path) -> None:
    """An option that neither the writer nor the reader knows is an error, and nothing is written."""
    with pytest.raises(UsageError, match="no_such_option") as caught:
        case.at(tmp_path / "out", no_such_option=1).write(case.data)
    assert caught.value.slug == "unknown-option"
    assert list(tmp_path.iterdir()) == []


@each
def test_failed_first_write_leaves_nothing(case: Case, tmp_path: Path) -> None:
    """A write that fails half-way leaves neither the result nor anything beside it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each library has its own
        case.at(tmp_path / "out").write(broken(case))
    assert not isinstance(caught.value, LuisyError)
    assert list(tmp_path.iterdir()) == []


@each
def test_failed_second_write_leaves_the_first(case: Case, tmp_path: Path) -> None:
    """A write that fails half-way leaves the result that was there, byte for byte."""
    target = case.at(tmp_path / "out")
    target.write(case.data)
    before = content(tmp_path / "out")
    with pytest.raises(Exception):  # noqa: B017, PT011
        target.write(broken(case))
    assert content(tmp_path / "out") == before
    assert os.listdir(tmp_path) == ["out"]


def broken(case: Case) -> Any:
    if isinstance(case.data, pd.DataFrame):
        return pd.DataFrame({"n": [1, 2], "g": pd.Series([1, Grenade()], dtype=object)})
    return {**case.data, "g": Grenade()}


@each
def test_second_write_replaces_the_first(case: Case, tmp_path: Path) -> None:
    """A second write leaves its own content only."""
    target = case.at(tmp_path / "out")
    other = case.data.iloc[:1] if isinstance(case.data, pd.DataFrame) else {"other": 1}
    target.write(other)
    target.write(case.data)
    assert same(target.read(), case.data)
    assert os.listdir(tmp_path) == ["out"]


@each
def test_equal_data_give_equal_bytes(case: Case, tmp_path: Path) -> None:
    """Equal data written at another time under the same name give the same bytes: early cutoff rests on it."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    case.at(tmp_path / "one/out").write(case.data)
    time.sleep(2.1)  # zip files tell time in steps of two seconds
    case.at(tmp_path / "two/out").write(copy.deepcopy(case.data))
    assert content(tmp_path / "one/out") == content(tmp_path / "two/out")


@each
def test_missing_parents_are_made(case: Case, tmp_path: Path) -> None:
    """Writing makes the folders above the result."""
    target = case.at(tmp_path / "a/b/out")
    target.write(case.data)
    assert target.exists()


@each
def test_rubbish_is_an_error_that_names_the_path(case: Case, tmp_path: Path) -> None:
    """A file that is not what its format says is refused with its path."""
    path = tmp_path / "out"
    if case.target is targets.ParquetDirTarget:
        path.mkdir()
        (path / "part-0.parquet").write_bytes(b"\x00rub\xffbish")
    else:
        path.write_bytes(b"\x00rub\xffbish" if case.target is not targets.CSVTarget else b"\xff\xfea,b")
    with pytest.raises(LuisyError) as caught:
        case.at(path).read()
    assert caught.value.slug == "unreadable-file"
    assert str(path) in caught.value.text


@each
def test_reading_nothing_says_which_path(case: Case, tmp_path: Path) -> None:
    """Reading what is not there is a FileNotFoundError with the path."""
    with pytest.raises(FileNotFoundError) as caught:
        case.at(tmp_path / "out").read()
    assert caught.value.filename == str(tmp_path / "out")


@each
def test_remove(case: Case, tmp_path: Path) -> None:
    """``remove`` takes away the file or folder, and once more does nothing."""
    target = case.at(tmp_path / "out")
    target.write(case.data)
    target.remove()
    target.remove()
    assert not target.exists()


@each
def test_reads_are_reported(case: Case, tmp_path: Path) -> None:
    """An observation sees that the result was read, whoever opens the file."""
    target = case.at(tmp_path / "out")
    target.write(case.data)
    with watch([str(tmp_path)]) as seen:
        target.read()
    assert str(tmp_path / "out") in seen.reads


@each
def test_writes_are_reported(case: Case, tmp_path: Path) -> None:
    """An observation sees that the result was written."""
    with watch([str(tmp_path)]) as seen:
        case.at(tmp_path / "out").write(case.data)
    assert str(tmp_path / "out") in seen.writes


BLOCKED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {sys.argv[1]!r}", name=sys.argv[1])

sys.meta_path.insert(0, Absent())
import luisy
from luisy import targets
from luisy.errors import LuisyError

class Frame:
    def __getattr__(self, name):
        raise SystemExit(f"the writer was asked for {name}")

open(sys.argv[3], "w").close()
for attempt in (lambda t: t.read(), lambda t: t.write(Frame())):
    try:
        attempt(getattr(targets, sys.argv[2])(sys.argv[3]))
    except LuisyError as error:
        print(error.slug, "|", error.text, "|", error.hint)
"""


@pytest.mark.parametrize(("name", "library"), MISSING)
def test_missing_library_names_the_extra(name: str, library: str, tmp_path: Path) -> None:
    """Where a library is not installed, reading and writing say which extra to install."""
    arguments = [library, CASES[name].target.__name__, str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *arguments], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        slug, text, hint = line.split(" | ")
        assert slug == "missing-extra"
        assert library in text
        assert hint == 'pip install "luisy[dataframe]"'

"""What targets do on disk, whatever their format."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import stat
import time
from typing import TYPE_CHECKING, Any

import luigi
import pytest

from luisy import targets
from luisy.formats import UnreadableFile

if TYPE_CHECKING:
    from pathlib import Path


def test_targets_are_luigis(tmp_path: Path) -> None:
    """Each target is a Luigi local target, and can be opened like one."""
    target = targets.JSONTarget(tmp_path / "a.json")
    assert isinstance(target, luigi.LocalTarget)
    with target.open("w") as file:
        file.write("[1]")
    assert target.read() == [1]


def test_making_a_target_touches_nothing(tmp_path: Path) -> None:
    """Making, asking and removing a target makes no folder."""
    target = targets.PickleTarget(tmp_path / "a/b.pkl")
    assert not target.exists()
    target.remove()
    assert list(tmp_path.iterdir()) == []


def test_file_endings_are_those_of_luisy_1() -> None:
    """The endings of luisy 1.x's formats stay."""
    endings = {
        "CSVTarget": "csv", "JSONTarget": "json", "PickleTarget": "pkl", "HDFTarget": "hdf", "XLSXTarget": "xlsx",
        "FeatherTarget": "feather", "ParquetDirTarget": "", "DirectoryTarget": "", "ParquetTarget": "parquet",
    }  # fmt: skip
    assert {name: getattr(targets, name).file_ending for name in endings} == endings


def test_which_targets_want_data_frames() -> None:
    """``requires_pandas`` is false where other objects, or Spark's, can be written."""
    free = {
        targets.JSONTarget,
        targets.PickleTarget,
        targets.ParquetDirTarget,
        targets.DirectoryTarget,
        targets.LuisyTarget,
    }
    kinds = [
        kind
        for kind in vars(targets).values()
        if isinstance(kind, type) and issubclass(kind, targets.LuisyTarget)
    ]
    assert {kind for kind in kinds if not kind.requires_pandas and not kind.__name__.startswith("_")} == free


def test_is_folder(tmp_path: Path) -> None:
    """Folder formats are folders even where the name has a dot; others go by their ending."""
    assert targets.ParquetDirTarget(tmp_path / "a.b").is_folder()
    assert not targets.CSVTarget(tmp_path / "a.csv").is_folder()


def test_remove_takes_folders(tmp_path: Path) -> None:
    """A folder is removed with what is in it."""
    (tmp_path / "d/e").mkdir(parents=True)
    targets.DirectoryTarget(tmp_path / "d").remove()
    assert list(tmp_path.iterdir()) == []


def test_remove_takes_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    """A symbolic link to a folder is removed, the folder stays."""
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "d")
    targets.DirectoryTarget(tmp_path / "link").remove()
    assert os.listdir(tmp_path) == ["d"]


def test_written_files_have_the_usual_mode(tmp_path: Path) -> None:
    """The umask decides about the mode, as for any new file, not the private scratch folder."""
    before = os.umask(0o027)
    try:
        targets.JSONTarget(tmp_path / "a.json").write(1)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


def test_a_hard_link_keeps_the_old_content(tmp_path: Path) -> None:
    """A result is replaced, never written into: who links to the old file keeps it."""
    target = targets.JSONTarget(tmp_path / "a.json")
    target.write(1)
    (tmp_path / "link").hardlink_to(tmp_path / "a.json")
    target.write(2)
    assert (tmp_path / "link").read_text() == "1"


def test_a_folder_is_replaced_by_a_file_and_back(tmp_path: Path) -> None:
    """A result may change from folder to file."""
    target = targets.JSONTarget(tmp_path / "a")
    (tmp_path / "a/b").mkdir(parents=True)
    target.write(1)
    assert target.read() == 1
    with targets.LocalTarget(tmp_path / "a").replacing() as path:
        os.makedirs(os.path.join(path, "b"))
    assert os.listdir(tmp_path / "a") == ["b"]
    assert os.listdir(tmp_path) == ["a"]


class LinesTarget(targets.LocalTarget):
    """A format of a user's own, as the guide shows it."""

    file_ending = "txt"

    def write(self, obj: Any) -> None:
        with self.replacing() as path, open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in obj)

    def read(self) -> Any:
        with open(self.path, encoding="utf-8") as file:
            return file.read().splitlines()


def test_own_formats_write_atomically(tmp_path: Path) -> None:
    """A user's own format that uses ``replacing`` keeps the old result when it fails."""
    target = LinesTarget(tmp_path / "a.txt")
    target.write(["x"])
    with pytest.raises(ZeroDivisionError):
        target.write(1 // (2 - n) for n in range(5))
    assert target.read() == ["x"]
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_target_without_a_format_says_so(tmp_path: Path) -> None:
    """A target class that defines neither format nor methods is a programming error."""
    with pytest.raises(NotImplementedError, match="LocalTarget"):
        targets.LocalTarget(tmp_path / "a").write(1)
    with pytest.raises(NotImplementedError, match="LocalTarget"):
        targets.LocalTarget(tmp_path / "a").read()


class SlowTarget(targets.LocalTarget):
    def write(self, obj: Any) -> None:
        with self.replacing() as path, open(path, "w", encoding="utf-8") as file:
            file.write("half")
            file.flush()
            time.sleep(60)


def test_a_killed_write_leaves_the_old_result(tmp_path: Path) -> None:
    """A process killed in the middle of a write leaves the old content under the name, and only a scratch folder."""
    targets.JSONTarget(tmp_path / "a").write("old")
    writer = multiprocessing.get_context("fork").Process(target=SlowTarget(tmp_path / "a").write, args=(1,))
    writer.start()
    assert writer.pid is not None
    while not list(tmp_path.glob(f"{targets.SCRATCH_PREFIX}*/a")):
        time.sleep(0.01)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert targets.JSONTarget(tmp_path / "a").read() == "old"
    assert all(name == "a" or name.startswith(targets.SCRATCH_PREFIX) for name in os.listdir(tmp_path))


def write_often(path: Path, value: int) -> None:
    for _ in range(100):
        targets.JSONTarget(path).write([value] * 1000)


def test_two_writers_and_a_reader_see_whole_results(tmp_path: Path) -> None:
    """While two processes write the same result, a reader sees one or the other, never a mixture."""
    path = tmp_path / "a.json"
    write_often(path, 0)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_often, args=(path, value)) for value in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        content = targets.JSONTarget(path).read()
        assert content == [content[0]] * 1000
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert os.listdir(tmp_path) == ["a.json"]


def test_unpicklable_results_name_the_cause(tmp_path: Path) -> None:
    """A pickle whose class is gone is unreadable with the path and the reason."""
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(1).replace(b".", b"") + b"cno_such_module\nThing\n.")
    with pytest.raises(UnreadableFile, match="no_such_module"):
        targets.PickleTarget(tmp_path / "a.pkl").read()


class Texts(targets.DirectoryTarget):
    regex_pattern = r"\.txt$"

    def read_file(self, file: str) -> Any:
        with open(file, encoding="utf-8") as opened:
            return opened.read() or None


def test_directories_are_read_in_order(tmp_path: Path) -> None:
    """Files come in the order of their names; those that do not match or give None are left out."""
    for name, text in (("b.txt", "b"), ("a.txt", "a"), ("c.txt", ""), ("d.csv", "d")):
        (tmp_path / name).write_text(text)
    assert list(Texts(tmp_path).read()) == ["a", "b"]


def test_a_directory_without_a_reader_says_so(tmp_path: Path) -> None:
    """A directory target without ``read_file`` is a programming error."""
    (tmp_path / "a").touch()
    with pytest.raises(NotImplementedError, match="DirectoryTarget"):
        list(targets.DirectoryTarget(tmp_path).read())

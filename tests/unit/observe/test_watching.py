"""Claims about ``luisy.observe``, each on real files."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
import tables

from luisy.observe import Observation, note_read, note_write, paused, watch

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "in.txt").write_text("in")
    (folder / "other.txt").write_text("other")
    return folder


def observe(root: Path, block: Callable[[], Any]) -> Observation:
    with watch([str(root)]) as seen:
        block()
    return seen


def test_open_for_reading_is_a_read(root: Path) -> None:
    """A file opened for reading below a root is in reads, and not in writes."""
    seen = observe(root, (root / "in.txt").read_text)
    assert (seen.reads, seen.writes) == ({str(root / "in.txt")}, set())


def test_open_for_writing_is_a_write(root: Path) -> None:
    """A file opened for writing below a root is in writes, and not in reads."""
    seen = observe(root, lambda: (root / "out.txt").write_text("x"))
    assert (seen.reads, seen.writes) == (set(), {str(root / "out.txt")})


def test_outside_of_the_roots_is_not_seen(root: Path) -> None:
    """Files that lie below no root are left out, also where the name begins like the root's."""
    sibling = root.parent / "workspace2"
    sibling.mkdir()
    seen = observe(root, lambda: (sibling / "x").write_text("x"))
    assert not seen.reads | seen.writes


def test_a_missing_file_counts(root: Path) -> None:
    """A file that was looked for in vain is a read: its absence was learned."""

    def block() -> None:
        with pytest.raises(FileNotFoundError):
            (root / "gone.txt").read_text()

    assert observe(root, block).reads == {str(root / "gone.txt")}


def test_nothing_is_seen_after_the_block(root: Path) -> None:
    """An observation ends with its block."""
    seen = observe(root, lambda: None)
    (root / "in.txt").read_text()
    assert not seen.reads


def test_relative_path_counts_from_the_cwd_at_the_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is completed by the working folder of the moment it is opened."""
    (root / "sub").mkdir()
    (root / "sub" / "in.txt").write_text("")
    monkeypatch.chdir(root)

    def block() -> None:
        Path("in.txt").read_text()
        os.chdir("sub")
        Path("in.txt").read_text()
        Path("../other.txt").read_text()

    assert observe(root, block).reads == {str(root / name) for name in ("in.txt", "sub/in.txt", "other.txt")}


def test_bytes_path(root: Path) -> None:
    """A path of bytes is reported as text."""
    seen = observe(root, lambda: open(os.fsencode(root / "in.txt"), "rb").close())
    assert seen.reads == {str(root / "in.txt")}


def test_undecodable_name(root: Path) -> None:
    """A name that is not UTF-8 is reported as ``os.fsdecode`` spells it."""
    name = os.fsencode(root) + b"/\xff"
    seen = observe(root, lambda: open(name, "wb").close())
    assert seen.writes == {os.fsdecode(name)}


def test_path_is_normalised(root: Path) -> None:
    """Double slashes and dots do not make another path."""
    seen = observe(root, lambda: open(f"{root}/.//in.txt").close())
    assert seen.reads == {str(root / "in.txt")}


def test_dots_behind_a_link_lie_beside_its_target(root: Path) -> None:
    """``link/../x`` is the x beside where the link leads to."""
    (root / "a" / "deep").mkdir(parents=True)
    (root / "a" / "x").write_text("")
    (root / "link").symlink_to(root / "a" / "deep")
    seen = observe(root, lambda: open(f"{root}/link/../x").close())
    assert seen.reads == {str(root / "a" / "x")}


def test_file_descriptors_are_ignored(root: Path) -> None:
    """Opening a descriptor adds nothing to what opening its path has told."""
    with (root / "in.txt").open() as file:
        seen = observe(root, lambda: open(os.dup(file.fileno())).close())
    assert not seen.reads


@pytest.mark.parametrize(
    ("flags", "reads", "writes"),
    [
        (os.O_RDONLY, True, False),
        (os.O_WRONLY | os.O_TRUNC, False, True),
        (os.O_RDWR | os.O_TRUNC, False, True),
        (os.O_RDWR, True, True),
        (os.O_WRONLY | os.O_APPEND, True, True),
        (os.O_WRONLY | os.O_CREAT, True, True),
    ],
)
def test_flags_of_os_open(root: Path, flags: int, reads: bool, writes: bool) -> None:  # noqa: FBT001 - the table's columns
    """What is not truncated keeps old content, so writing to it is a read as well."""
    path = str(root / "in.txt")
    seen = observe(root, lambda: os.close(os.open(path, flags)))
    assert (path in seen.reads, path in seen.writes) == (reads, writes)


def test_appending_to_a_new_file_is_no_read(root: Path) -> None:
    """A file that append mode creates has no old content to depend on."""
    seen = observe(root, lambda: (root / "log").open("a").close())
    assert (seen.reads, seen.writes) == (set(), {str(root / "log")})


def test_own_file_read_back_is_no_read(root: Path) -> None:
    """What the block wrote itself is not an input when it reads it back."""

    def block() -> None:
        (root / "out.txt").write_text("x")
        (root / "out.txt").read_text()

    assert observe(root, block).reads == set()


def test_read_before_overwriting_stays_a_read(root: Path) -> None:
    """A file that is read first and replaced then was an input."""

    def block() -> None:
        (root / "in.txt").write_text((root / "in.txt").read_text() + "!")

    assert observe(root, block).reads == {str(root / "in.txt")}


def test_own_folder_is_own_with_its_content(root: Path) -> None:
    """A folder built aside and renamed into place is no input with all that is in it."""

    def block() -> None:
        (root / "tmp").mkdir()
        (root / "tmp" / "x").write_text("x")
        (root / "tmp").rename(root / "out")
        (root / "out" / "x").read_text()
        list((root / "out").iterdir())

    seen = observe(root, block)
    assert seen.reads == set()
    assert str(root / "out") in seen.writes


def test_making_a_folder_that_is_there_does_not_make_it_own(root: Path) -> None:
    """``exist_ok`` on an existing folder does not turn its files into the block's own."""
    (root / "sub").mkdir()
    (root / "sub" / "x").write_text("")

    def block() -> None:
        (root / "sub").mkdir(exist_ok=True)
        (root / "sub" / "x").read_text()

    assert observe(root, block).reads == {str(root / "sub" / "x")}


@pytest.mark.parametrize("replace", [os.rename, os.replace, os.link, shutil.move, shutil.copyfile])
def test_source_is_read_and_target_written(root: Path, replace: Callable[[str, str], Any]) -> None:
    """Renaming, linking, moving and copying read the source and write the target."""
    source, target = str(root / "in.txt"), str(root / "new.txt")
    seen = observe(root, lambda: replace(source, target))
    assert (seen.reads, seen.writes) == ({source}, {target})


def test_truncate_is_a_write(root: Path) -> None:
    """``os.truncate`` writes; what it leaves of the old content is read."""
    path = str(root / "in.txt")
    seen = observe(root, lambda: os.truncate(path, 1))
    assert (seen.reads, seen.writes) == ({path}, {path})


@pytest.mark.parametrize(
    "look", [os.listdir, lambda path: list(os.scandir(path)), lambda path: list(os.walk(path))]
)
def test_listing_a_folder_reads_it(root: Path, look: Callable[[str], Any]) -> None:
    """Listing a folder of the workspace, the root included, is a read of that folder."""
    assert observe(root, lambda: look(str(root))).reads == {str(root)}


def test_listing_the_cwd_by_default(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``os.listdir()`` without a path reads the working folder."""
    monkeypatch.chdir(root)
    assert observe(root, os.listdir).reads == {str(root)}


def test_glob_reads_the_folder(root: Path) -> None:
    """A glob depends on what is in the folder."""
    assert str(root) in observe(root, lambda: list(root.glob("*.txt"))).reads


def test_dir_fd_on_reading(root: Path) -> None:
    """A file that is opened relative to a folder's descriptor is found."""
    folder = os.open(root, os.O_RDONLY)
    seen = observe(root, lambda: os.close(os.open("in.txt", os.O_RDONLY, dir_fd=folder)))
    os.close(folder)
    assert seen.reads == {str(root / "in.txt")}


def test_dir_fd_on_writing(root: Path) -> None:
    """A file that is created or renamed to relative to a folder's descriptor is found."""
    folder = os.open(root, os.O_RDONLY)

    def block() -> None:
        os.close(os.open("a", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        os.rename("a", "b", src_dir_fd=folder, dst_dir_fd=folder)

    seen = observe(root, block)
    os.close(folder)
    assert seen.writes == {str(root / "a"), str(root / "b")}


def test_link_from_outside_counts(root: Path) -> None:
    """A workspace file that is read through a link outside is read, under its workspace path."""
    link = root.parent / "link.txt"
    link.symlink_to(root / "in.txt")
    assert observe(root, link.read_text).reads == {str(root / "in.txt")}


def test_folder_link_from_outside_counts(root: Path) -> None:
    """The same through a link to the folder."""
    link = root.parent / "alias"
    link.symlink_to(root)
    assert observe(root, (link / "in.txt").read_text).reads == {str(root / "in.txt")}


def test_root_given_as_link(root: Path) -> None:
    """With a root that is a link, a file's real path is reported below the root as it was given."""
    link = root.parent / "alias"
    link.symlink_to(root)
    assert observe(link, (root / "in.txt").read_text).reads == {str(link / "in.txt")}


def prepare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps([1]))


def prepare_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "x")


def read_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        archive.read("x")


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [
        ("a.csv", FRAME.to_csv, pd.read_csv),
        ("a.json", FRAME.to_json, pd.read_json),
        ("a.pkl", FRAME.to_pickle, pd.read_pickle),
        ("a.xlsx", FRAME.to_excel, pd.read_excel),
        ("a.feather", FRAME.to_feather, pd.read_feather),
        ("a.npy", lambda path: np.save(path, np.arange(3)), np.load),
        ("b.npy", lambda path: np.save(path, np.arange(3)), lambda path: np.load(path, mmap_mode="r")),
        ("a.bin", lambda path: np.arange(3).tofile(path), np.fromfile),
        ("a.zip", prepare_zip, read_zip),
        ("p.pkl", prepare_pickle, lambda path: pickle.loads(path.read_bytes())),
    ],
)
def test_libraries_that_open_in_python_are_seen(
    root: Path, name: str, write: Callable[[Path], Any], read: Callable[[Path], Any]
) -> None:
    """These readers and writers go through Python's open, so nobody has to report them."""
    path = root / name
    assert observe(root, lambda: write(path)).writes == {str(path)}
    assert observe(root, lambda: read(path)).reads == {str(path)}


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [
        ("a.parquet", FRAME.to_parquet, pyarrow.parquet.read_table),
        ("a.feather", FRAME.to_feather, pyarrow.feather.read_table),
        (
            "a.csv",
            FRAME.to_csv,
            vars(pyarrow.csv)["read_csv"],
        ),  # its stubs disagree on whether this is exported
        ("a.h5", lambda path: FRAME.to_hdf(path, key="k"), lambda path: tables.open_file(str(path)).close()),
    ],
)
def test_blind_spots_are_as_documented(
    root: Path, name: str, write: Callable[[Path], Any], read: Callable[[Path], Any]
) -> None:
    """These readers open in C; a reader that starts to be seen is due to leave the docstring's list."""
    write(root / name)
    assert observe(root, lambda: read(root / name)).reads == set()


def test_noted_parquet_is_seen(root: Path) -> None:
    """What a target reports counts, whether or not the library's own open is seen."""
    path = root / "a.parquet"

    def block() -> None:
        with paused():
            note_write(str(path))
            FRAME.to_parquet(path)

    def read_back() -> None:
        note_read(str(path))
        pd.read_parquet(path)

    assert observe(root, block).writes == {str(path)}
    assert observe(root, read_back).reads == {str(path)}


def test_sqlite_read_only_use(root: Path) -> None:
    """A database that is only queried is read, and not written."""
    path = root / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (x)")

    def block() -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.execute("select * from t").fetchall()

    seen = observe(root, block)
    assert (seen.reads, seen.writes) == ({str(path)}, set())


def test_sqlite_changed(root: Path) -> None:
    """A database that is there and changed is read and written."""
    path = root / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (x)")

    def block() -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("insert into t values (1)")

    seen = observe(root, block)
    assert (seen.reads, seen.writes) == ({str(path)}, {str(path)})


def test_sqlite_new_and_in_memory(root: Path) -> None:
    """A new database is written; one in memory is nothing."""

    def block() -> None:
        sqlite3.connect(":memory:").close()
        with closing(sqlite3.connect(root / "a.db")) as connection:
            connection.execute("create table t (x)")

    seen = observe(root, block)
    assert (seen.reads, seen.writes) == (set(), {str(root / "a.db")})


def test_threads_count_towards_the_observation(root: Path) -> None:
    """What a thread of the block reads is seen."""

    def block() -> None:
        thread = threading.Thread(target=(root / "in.txt").read_text)
        thread.start()
        thread.join()

    assert observe(root, block).reads == {str(root / "in.txt")}


def test_paused_leaves_out_this_thread_only(root: Path) -> None:
    """In ``paused`` this thread's reads are left out, another thread's are not."""

    def block() -> None:
        with paused():
            (root / "in.txt").read_text()
            thread = threading.Thread(target=(root / "other.txt").read_text)
            thread.start()
            thread.join()

    assert observe(root, block).reads == {str(root / "other.txt")}


def test_paused_inside_paused(root: Path) -> None:
    """Leaving an inner pause does not end the outer one."""

    def block() -> None:
        with paused():
            with paused():
                pass
            (root / "in.txt").read_text()

    assert observe(root, block).reads == set()


def test_nested_observations(root: Path) -> None:
    """The outer observation has the inner one's reads too, the inner only its own."""
    with watch([str(root)]) as outer:
        (root / "other.txt").read_text()
        inner = observe(root, (root / "in.txt").read_text)
    assert inner.reads == {str(root / "in.txt")}
    assert outer.reads == {str(root / "in.txt"), str(root / "other.txt")}


def test_observation_ends_when_the_block_fails(root: Path) -> None:
    """An error in the block passes, and the observation has what was read until then."""
    seen = Observation()

    def block() -> None:
        nonlocal seen
        with watch([str(root)]) as seen:
            (root / "in.txt").read_text()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    (root / "other.txt").read_text()
    assert seen.reads == {str(root / "in.txt")}


def test_strange_events_do_not_harm(root: Path) -> None:
    """An event with arguments of another shape does not raise into the code that fires it."""
    with watch([str(root)]) as seen:
        sys.audit("open", object(), None, None)
        sys.audit("open")
        sys.audit("os.rename", 1)
        with pytest.raises(ValueError, match="null"):
            Path("\0").read_text()
    assert seen.reads == set()


@pytest.mark.parametrize(
    "start",
    [
        lambda: subprocess.run(["true"], check=True),
        lambda: os.system("true"),
        lambda: os.popen("true").close(),
        lambda: os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", ""], {}), 0),
        lambda: os.spawnlp(os.P_WAIT, "true", "true"),
        lambda: subprocess.run(["gzip", "-c", "no-such-file"], check=False, stderr=subprocess.DEVNULL),
        lambda: subprocess.run("gzip < /dev/null", shell=True, check=True, stdout=subprocess.DEVNULL),
        lambda: subprocess.run(
            ["gzip"], executable="/bin/true", check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ),
    ],
)
def test_starting_a_process_is_noticed(root: Path, start: Callable[[], Any]) -> None:
    """Whatever starts another program is noticed."""
    assert observe(root, start).started_process


@pytest.mark.parametrize("words", [["gzip"], ["gzip", "-9"], ["bzip2"]])
def test_packing_what_comes_through_a_pipe_is_not_noticed(root: Path, words: list[str]) -> None:
    """A program that reads stdin alone, as those of Luigi's formats, can read no file unseen (ADR 0024)."""
    assert not observe(
        root, lambda: subprocess.run(words, input=b"", check=True, capture_output=True)
    ).started_process


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_is_noticed(root: Path, method: str) -> None:
    """Every start method of multiprocessing is noticed, though two of them raise no audit event."""

    def block() -> None:
        process = multiprocessing.get_context(method).Process(target=len, args=((),))  # type: ignore[attr-defined]  # a context by a name from a table
        process.start()
        process.join()
        assert process.exitcode == 0

    assert observe(root, block).started_process


def test_no_process_no_notice(root: Path) -> None:
    """Reading, writing and threads start no process."""

    def block() -> None:
        (root / "out").write_text((root / "in.txt").read_text())
        threading.Thread(target=int).start()

    assert not observe(root, block).started_process


def test_forked_child_has_its_own(root: Path) -> None:
    """A child forked in the block can observe for itself, and tells the parent's observation nothing."""
    reading, writing = os.pipe()
    with watch([str(root)]) as outer:
        child = os.fork()
        if child == 0:
            with watch([str(root)]) as inner:
                (root / "in.txt").read_text()
            os.write(writing, "\n".join(inner.reads).encode())
            os._exit(0)
        os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == str(root / "in.txt")
    assert outer.reads == set()
    assert outer.started_process


def test_imports_are_not_reads(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module imported from a root is code, not data: neither its files nor its folder are touched."""
    (root / "observed_module.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(root))
    seen = observe(root, lambda: __import__("observed_module"))
    assert (seen.reads, seen.writes) == (set(), set())


def test_reading_source_as_data_counts(root: Path) -> None:
    """A Python file that the block opens itself is a read."""
    (root / "data.py").write_text("")
    assert observe(root, (root / "data.py").read_text).reads == {str(root / "data.py")}

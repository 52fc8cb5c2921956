"""Code behind a fence changes nothing below the folders that it is kept from."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from luisy.runner.answers.fence import fenced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def outcome(closed: Path, action: Callable[[], object], *, but: tuple[str, ...] = ()) -> str:
    """What *action* came to in a process of its own, since the hook stays: ``refused`` or ``done``."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def attempt() -> None:
        try:
            with fenced([str(closed)], but=but):
                action()
            sender.send("done")
        except PermissionError:
            sender.send("refused")

    process = context.Process(target=attempt)
    process.start()
    process.join()
    told: str = receiver.recv()
    return told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "closed"
    made.mkdir()
    (made / "f").write_text("before")
    (made / "empty").mkdir()
    (tmp_path / "other").write_text("other")
    return made


@pytest.mark.parametrize(
    "action",
    [
        lambda folder: (folder / "f").write_text("x"),
        lambda folder: (folder / "f").open("r+"),
        lambda folder: (folder / "f").open("a"),
        lambda folder: (folder / "new").touch(),
        lambda folder: (folder / "f").unlink(),
        lambda folder: (folder / "empty").rmdir(),
        lambda folder: (folder / "new").mkdir(),
        lambda folder: os.rename(folder / "f", folder.parent / "away"),
        lambda folder: os.rename(folder.parent / "other", folder / "f"),
        lambda folder: os.link(folder.parent / "other", folder / "new"),
        lambda folder: os.symlink("f", folder / "new"),
        lambda folder: os.truncate(folder / "f", 0),
        shutil.rmtree,
        lambda folder: shutil.copy(folder.parent / "other", os.fsencode(folder / "f")),
    ],
)
def test_what_changes_a_file_is_refused(folder: Path, action: Callable[[Path], object]) -> None:
    """By whatever way Python has."""
    assert outcome(folder, lambda: action(folder)) == "refused"
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "f"]
    assert (folder / "f").read_text() == "before"


@pytest.mark.parametrize(
    "action",
    [
        lambda folder: (folder / "f").read_text(),
        os.listdir,
        lambda folder: (folder.parent / "new").write_text("x"),
        lambda folder: (folder.parent / "closed-too").mkdir(),
    ],
)
def test_the_rest_is_free(folder: Path, action: Callable[[Path], object]) -> None:
    """Reading, and writing elsewhere, also beside a folder whose name begins alike."""
    assert outcome(folder, lambda: action(folder)) == "done"


def test_a_folder_within_may_be_left_open(folder: Path) -> None:
    """As the store is, which lies in the workspace."""
    inside = folder / "empty"
    assert outcome(folder, lambda: (inside / "f").write_text("x"), but=(str(inside),)) == "done"

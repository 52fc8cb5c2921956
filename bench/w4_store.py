"""W4: files into the local store and back, beside ``cp``."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, WrongResult, compare, header, note, run
from bench.results import clear

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).parent / "pipelines" / "keep_folder.py"
FILES, FILE_BYTES = 10_000, 4 << 10
LARGE_BYTES = 1 << 30
_IMAGE_BYTES = 6 << 30


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    header(f"W4 local store: {FILES:,} x {FILE_BYTES >> 10} KiB, 1 x {LARGE_BYTES >> 20} MiB")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        small = Sides(here, _small_files(here / "small"))
        small.compare("W4 a folder of files", options.pairs, keep=2.5, restore=2.5)
        small.compare("W4 files one by one", options.pairs, keep=2.5, restore=2.5, action="keep-each")
        Sides(here, _large_file(here / "large")).compare("W4 one file", options.pairs, keep=1.2, restore=1.05)
    with _xfs() as mounted:
        if mounted is not None:
            sides = Sides(mounted, _large_file(mounted / "large"), peer="dd", copy=_dd)
            sides.compare("W4 one file, reflinks", options.pairs, keep=None, restore=0.05)


def _cp(source: Path, target: Path) -> list[str]:
    return ["cp", "-r", str(source), str(target)]


def _dd(source: Path, target: Path) -> list[str]:
    """What reads and writes every byte: cp has the kernel copy, even if told ``--reflink=never``, and that shares blocks."""
    script = 'mkdir "$2" && dd if="$1/file" of="$2/file" bs=1M status=none'
    return ["sh", "-c", script, "dd", str(source), str(target)]


@dataclass(frozen=True, slots=True)
class Sides:
    """A folder to be stored and restored by luisy, and to be copied by *peer* with the command *copy*."""

    folder: Path
    source: Path
    peer: str = "cp"
    copy: Callable[[Path, Path], list[str]] = _cp

    def compare(
        self, title: str, pairs: int, *, keep: float | None, restore: float | None, action: str = "keep"
    ) -> None:
        """Both ways."""
        store, target, copied = (self.folder / name for name in ("store", "restored", "copied"))
        peer = Command(
            self.peer,
            self.copy(self.source, copied),
            prepare=lambda: clear(copied),
            check=lambda: self._same(copied),
        )
        kept = self._ours(action, store, self.source, prepare=lambda: clear(store))
        compare(f"{title}, store", kept, peer, pairs=pairs, target=keep)
        run(kept)
        restored = self._ours("restore", store, target, prepare=lambda: clear(target))
        compare(f"{title}, restore", restored, peer, pairs=pairs, target=restore)
        clear(store)
        clear(target)
        clear(copied)

    def _ours(self, action: str, store: Path, folder: Path, *, prepare: Callable[[], None]) -> Command:
        def check() -> None:
            if action == "restore":
                self._same(folder)

        arguments = [sys.executable, str(SCRIPT), action, str(store), str(folder)]
        return Command("luisy", arguments, prepare=prepare, check=check)

    def _same(self, folder: Path) -> None:
        names = sorted(os.listdir(self.source))
        if sorted(os.listdir(folder)) != names:
            raise WrongResult(f"{folder.name} holds other names than {self.source.name}")
        _, differing, unread = filecmp.cmpfiles(self.source, folder, names, shallow=False)
        if differing or unread:
            raise WrongResult(f"{len(differing) + len(unread)} files of {folder.name} differ")


def _small_files(folder: Path) -> Path:
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:05d}").write_bytes(os.urandom(FILE_BYTES))
    return folder


def _large_file(folder: Path) -> Path:
    folder.mkdir()
    with (folder / "file").open("wb") as file:
        for _ in range(LARGE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    return folder


@contextmanager
def _xfs() -> Iterator[Path | None]:
    """A new XFS with reflinks, mounted; None, and a loud line, where that cannot be had."""
    missing = [tool for tool in ("mkfs.xfs", "mount", "umount") if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing:
        why = f"{missing[0]} is missing" if missing else "this takes root"
        note(f"NOT MEASURED: reflinks on XFS ({why})")
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        image, mounted = Path(folder) / "image", Path(folder) / "mounted"
        mounted.mkdir()
        with image.open("wb") as file:
            file.truncate(_IMAGE_BYTES)
        try:
            subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True, capture_output=True)
            subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            note(f"NOT MEASURED: reflinks on XFS ({error.stderr.decode().strip()})")
            yield None
            return
        try:
            yield mounted
        finally:
            subprocess.run(["umount", str(mounted)], check=True)

"""Real file systems in images, mounted for one test."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

MEBIBYTE = 1 << 20


@pytest.fixture
def mounted(tmp_path: Path) -> Callable[..., AbstractContextManager[Path]]:
    """``mounted("mkfs.xfs", "-m", "reflink=1", mebibytes=300)``: a folder on a new file system of that kind."""

    @contextmanager
    def mount(*make: str, mebibytes: int) -> Iterator[Path]:
        image, folder = tmp_path / "image", tmp_path / "mounted"
        folder.mkdir()
        with image.open("wb") as file:
            os.truncate(file.fileno(), mebibytes * MEBIBYTE)
        subprocess.run([*make, str(image)], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    return mount

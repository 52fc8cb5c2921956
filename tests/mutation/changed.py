"""A copy of luisy in which one module at a time is changed; this process and those that it starts import it."""

from __future__ import annotations

import compileall
import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING

from tests.mutation.mutants import ROOT, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.mutation.mutants import Mutant


class Copy:
    """The copy, in *folder*. Byte code is made once, and never of a changed module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "luisy", folder / "luisy", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder, quiet=1)
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
        )

    @contextlib.contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """Hold *mutant* while the context lasts."""
        file = self.folder / path_of(mutant.module)
        original = file.read_bytes()
        self._write(file, mutant.source().encode())
        try:
            yield
        finally:
            self._write(file, original)

    def _write(self, file: Path, content: bytes) -> None:
        # Byte code counts by size and whole seconds: that of another mutant could pass for this one's.
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()
        file.write_bytes(content)

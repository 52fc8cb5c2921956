"""A format of our own: a folder of pictures. luisy keeps and restores a folder like any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from luisy.targets import LocalTarget

if TYPE_CHECKING:
    from collections.abc import Mapping


class Pictures(LocalTarget):
    """Written from names and SVG texts, and read as such."""

    def write(self, obj: Mapping[str, str]) -> None:
        with self.replacing() as folder:
            Path(folder).mkdir()
            for name, svg in obj.items():
                Path(folder, f"{name}.svg").write_text(svg, encoding="utf-8")

    def read(self) -> dict[str, str]:
        return {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(self.path).iterdir())}

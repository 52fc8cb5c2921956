"""Copies the raw files of the example into a working directory.

    python examples/weather/fetch.py WORKING_DIR

They ship inside the package `vega_datasets`, so this needs no network.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from vega_datasets import data

FILES = (data.seattle_weather, data.seattle_temps, data.sf_temps)


def fetch(working_dir: Path) -> list[Path]:
    """Copy the files to where the tasks decorated with `raw` look for them; return their paths."""
    raw = working_dir / "weather" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(file.filepath, raw)) for file in FILES]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for path in fetch(Path(sys.argv[1])):
        print(path)

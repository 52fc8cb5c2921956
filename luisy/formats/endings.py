"""Which format a file is in, by its name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from luisy.formats.columns import Feather, Hdf, Parquet
from luisy.formats.plain import Json, Pickle
from luisy.formats.tables import Csv, Xlsx

if TYPE_CHECKING:
    from luisy.formats.base import Format

_BY_ENDING: dict[str, type[Format]] = {
    ".csv": Csv,
    ".feather": Feather,
    ".h5": Hdf,
    ".hdf": Hdf,
    ".json": Json,
    ".parquet": Parquet,
    ".pickle": Pickle,
    ".pkl": Pickle,
    ".xlsx": Xlsx,
}


def format_of(path: str) -> Format | None:
    """The format that the name of a file tells, None if it tells none."""
    found = _BY_ENDING.get(os.path.splitext(path)[1].lower())
    return None if found is None else found()

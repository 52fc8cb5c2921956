"""Formats by the names of files."""

from __future__ import annotations

from luisy.formats import Csv, Hdf, Json, Pickle
from luisy.formats.endings import format_of


def test_the_ending_of_a_file_tells_its_format() -> None:
    """What a plain Luigi target writes is known by its name."""
    known = {
        name: type(kind)
        for name in ("a.csv", "a.H5", "a.json", "a.pickle")
        if (kind := format_of(name)) is not None
    }
    assert known == {"a.csv": Csv, "a.H5": Hdf, "a.json": Json, "a.pickle": Pickle}
    assert format_of("a.txt") is None

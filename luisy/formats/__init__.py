"""The file formats that results are kept in. What a format needs is imported when it is first used.

======== ============= ======================================================================
format   needs         equal data give equal bytes
======== ============= ======================================================================
csv      pandas        yes, but for ``compression="tar"``
json     -             yes; the order of a dict's keys counts
pickle   -             as far as pickle goes: sets of strings differ between processes, and
                       equal objects differ that share their parts differently
parquet  pandas,       yes
         pyarrow
feather  pandas,       yes
         pyarrow
hdf      pandas,       yes, but for ``index=True`` (an index for queries of a table)
         tables
xlsx     pandas,       yes
         openpyxl
======== ============= ======================================================================

That holds for one version of the libraries: most of them write their version into the file.
"""

from __future__ import annotations

from luisy.formats.base import Format, Missing, Options, UnreadableFile
from luisy.formats.columns import Feather, Hdf, Parquet, ParquetFolder
from luisy.formats.plain import Json, Pickle
from luisy.formats.tables import Csv, Xlsx

__all__ = [
    "Csv",
    "Feather",
    "Format",
    "Hdf",
    "Json",
    "Missing",
    "Options",
    "Parquet",
    "ParquetFolder",
    "Pickle",
    "UnreadableFile",
    "Xlsx",
]

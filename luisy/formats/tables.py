"""CSV and Excel, by pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from luisy.formats.archives import forget_time
from luisy.formats.base import Options, load

if TYPE_CHECKING:
    from collections.abc import Mapping


class Csv:
    """Comma-separated values, without the index unless ``index=True``, as in luisy 1.x."""

    name: ClassVar[str] = "csv"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write a data frame; *options* are those of ``DataFrame.to_csv``."""
        settled = {"index": False, **self._options(options).of_writer()}
        method = _method(settled.get("compression"))
        if method == "gzip":  # its header tells the time unless told not to
            settled["compression"] = {"mtime": 0, **_as_dict(settled["compression"])}
        obj.to_csv(path, **settled)
        if method == "zip":
            forget_time(path)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read a data frame; *options* are those of ``pandas.read_csv``."""
        return load("pandas", self.name).read_csv(path, **self._options(options).of_reader())

    def _options(self, given: Mapping[str, Any]) -> Options:
        pandas = load("pandas", self.name)
        kept = frozenset({"path_or_buf", "filepath_or_buffer", "mode"})
        return Options(self.name, given, (pandas.DataFrame.to_csv,), (pandas.read_csv,), kept)


def _method(compression: Any) -> str | None:
    return _as_dict(compression).get("method")


def _as_dict(compression: Any) -> dict[str, Any]:
    return dict(compression) if isinstance(compression, dict) else {"method": compression}


class Xlsx:
    """Excel sheets. The index is written unless ``index=False``, and read as a column, as in luisy 1.x."""

    name: ClassVar[str] = "xlsx"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write a data frame; *options* are those of ``DataFrame.to_excel``."""
        # The engine that pandas chooses depends on what is installed, and so would the bytes.
        settled = {"engine": "openpyxl", **self._options(options).of_writer()}
        obj.to_excel(path, **settled)
        forget_time(path)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read a data frame; *options* are those of ``pandas.read_excel``."""
        return load("pandas", self.name).read_excel(path, **self._options(options).of_reader())

    def _options(self, given: Mapping[str, Any]) -> Options:
        pandas = load("pandas", self.name)
        if given.get("engine") in (None, "openpyxl"):
            load("openpyxl", self.name)
        kept = frozenset({"excel_writer", "io"})
        return Options(self.name, given, (pandas.DataFrame.to_excel,), (pandas.read_excel,), kept)

"""JSON and pickle: what the standard library reads and writes."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any, ClassVar

from luisy.formats.base import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

_PICKLE_PROTOCOL = 4  # fixed, so that the bytes do not change with the version of Python


class Json:
    """Dicts, lists and scalars; keys stay in their order, four spaces a level as in luisy 1.x."""

    name: ClassVar[str] = "json"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write *obj* as text; *options* are those of ``json.dump``."""
        settled = {"indent": 4, "separators": (",", ": "), **self._options(options).of_writer()}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(obj, file, **settled)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read text; *options* are those of ``json.load``."""
        with open(path, encoding="utf-8") as file:
            return json.load(file, **self._options(options).of_reader())

    def _options(self, given: Mapping[str, Any]) -> Options:
        # ``cls`` is an encoder here and a decoder there: no class is both.
        kept = frozenset({"obj", "s", "fp", "cls"})
        return Options(self.name, given, (json.dump,), (json.load, json.JSONDecoder), kept)


class Pickle:
    """Any object that pickle takes."""

    name: ClassVar[str] = "pickle"

    def write(self, obj: Any, path: str, options: Mapping[str, Any]) -> None:
        """Write *obj*; *options* are those of ``pickle.dump``, protocol 4 unless told otherwise."""
        settled = {"protocol": _PICKLE_PROTOCOL, **self._options(options).of_writer()}
        with open(path, "wb") as file:
            pickle.dump(obj, file, **settled)

    def read(self, path: str, options: Mapping[str, Any]) -> Any:
        """Read an object; *options* are those of ``pickle.load``."""
        with open(path, "rb") as file:
            return pickle.load(file, **self._options(options).of_reader())  # noqa: S301 - the task's own result  # nosec B301

    def _options(self, given: Mapping[str, Any]) -> Options:
        kept = frozenset({"obj", "file", "buffers", "buffer_callback"})
        return Options(self.name, given, (pickle.dump,), (pickle.load,), kept)

r"""Files that prove themselves: one line with kind, version and digest, then one JSON object.

::

    luisy-<kind>-1 <64 hex digits: BLAKE3 of the rest>\n
    {"canonical": "JSON", "keys": "sorted"}\n

The index can be rebuilt from them, so each must tell by itself whether it is whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from luisy.cas.hashing import digest_bytes
from luisy.errors import CorruptionError
from luisy.model import Digest, Key, is_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")

_MOST = 1e18
END_OF_TIME = 253_402_300_800
"""The first second of the year 10000."""


def seal(kind: str, fields: Mapping[str, Any]) -> bytes:
    """The file's bytes. Equal fields give equal bytes, whatever order they were made in.

    :param fields: JSON values only.
    """
    body = json.dumps(fields, sort_keys=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    return f"luisy-{kind}-1 {digest_bytes(body)}\n".encode() + body


def unseal(kind: str, data: bytes) -> Fields:
    """What :func:`seal` wrote.

    :raises CorruptionError: not that kind, not that version, cut off or changed (slug ``corrupt-record``).
    """
    try:
        fields = json.loads(body_of(kind, data))
    except (ValueError, RecursionError) as error:
        raise _corrupt(kind, "it is no JSON") from error
    if not isinstance(fields, dict):
        raise _corrupt(kind, "it is no JSON object")
    return Fields(kind, fields)


def body_of(kind: str, data: bytes) -> bytes:
    """The JSON in what :func:`seal` wrote, verified but not parsed.

    :raises CorruptionError: as :func:`unseal`.
    """
    head, _, body = data.partition(b"\n")
    if head != f"luisy-{kind}-1 {digest_bytes(body)}".encode():
        raise _corrupt(kind, "its digest does not match")
    return body


class Fields:
    """A JSON object from outside; every getter says what it expects and refuses anything else."""

    def __init__(self, kind: str, values: dict[str, Any]) -> None:
        self._kind = kind
        self._values = values

    def text(self, name: str) -> str:
        """A string; it may hold what stands for bytes that are not UTF-8 (``os.fsdecode``)."""
        return self._typed(name, str)

    def optional_text(self, name: str) -> str:
        """A string; empty where there is none."""
        return "" if self._values.get(name) is None else self.text(name)

    def unicode(self, name: str) -> str:
        """A string that can be written as UTF-8, as the index needs it."""
        value = self.text(name)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise self._wrong(name)
        return value

    def number(self, name: str) -> float:
        """A number, not infinite and not absurd."""
        value = self._values.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and -_MOST < value < _MOST:
            return float(value)
        raise self._wrong(name)

    def moment(self, name: str) -> float:
        """Seconds since the epoch, UTC, that a calendar knows."""
        value = self.number(name)
        if not 0 <= value < END_OF_TIME:
            raise self._wrong(name)
        return value

    def count(self, name: str) -> int:
        """A whole number, not negative, that SQLite can hold."""
        value = self._typed(name, int)
        if not 0 <= value < 1 << 63:
            raise self._wrong(name)
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._typed(name, bool)

    def digest(self, name: str) -> Digest:
        """64 hex digits."""
        value = self.text(name)
        if not is_digest(value):
            raise self._wrong(name)
        return Digest(value)

    def key(self, name: str) -> Key:
        """64 hex digits."""
        return Key(self.digest(name))

    def optional_digest(self, name: str) -> Digest | None:
        """64 hex digits or null."""
        return None if self._values.get(name) is None else self.digest(name)

    def optional_key(self, name: str) -> Key | None:
        """64 hex digits or null."""
        return None if self._values.get(name) is None else self.key(name)

    def texts(self, name: str) -> dict[str, str]:
        """An object whose values are strings."""
        value: dict[str, Any] = self._typed(name, dict)
        if not all(type(item) is str for item in value.values()):
            raise self._wrong(name)
        return value

    def objects(self, name: str) -> list[Fields]:
        """A list of objects."""
        value: list[Any] = self._typed(name, list)
        if not all(type(item) is dict for item in value):
            raise self._wrong(name)
        return [Fields(self._kind, item) for item in value]

    def members(self, name: str) -> list[tuple[str, Fields]]:
        """An object whose values are objects: each with its name."""
        value: dict[str, Any] = self._typed(name, dict)
        if not all(type(item) is dict for item in value.values()):
            raise self._wrong(name)
        return [(key, Fields(self._kind, item)) for key, item in value.items()]

    def _typed(self, name: str, kind: type[_T]) -> _T:
        value = self._values.get(name)
        if type(value) is not kind:  # not isinstance: True is no number
            raise self._wrong(name)
        found: _T = value
        return found

    def _wrong(self, name: str) -> CorruptionError:
        return _corrupt(self._kind, f"its field {name!r} is missing or of another type")


def _corrupt(kind: str, problem: str) -> CorruptionError:
    return CorruptionError(
        f"a file of kind {kind!r} in the store is not valid: {problem}",
        slug="corrupt-record",
        hint="It counts as missing; `luisy cas verify` tells what else is damaged.",
    )

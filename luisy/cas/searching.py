"""What an abbreviated key or digest may mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from luisy.errors import UsageError
from luisy.model import SHOWN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.cas.database import Database

_PREFIX = re.compile(r"[0-9a-f]{6,64}")
MOST = 64
"""Enough to say that a prefix is ambiguous, and with what."""


class MatchKind(Enum):
    """What a match names."""

    ACTION = "action"
    ALIAS = "alias"
    OBJECT = "object"
    RESCUED = "rescued"


@dataclass(frozen=True, slots=True)
class Match:
    """Something whose name starts with the prefix.

    :param name: key or digest, 64 hex digits.
    """

    kind: MatchKind
    name: str


_QUERIES = (
    (MatchKind.ACTION, "SELECT key FROM actions WHERE key BETWEEN ? AND ? LIMIT ?"),
    # The key of changed code means the action that was accepted for it.
    (MatchKind.ACTION, "SELECT action_key FROM acceptances WHERE key BETWEEN ? AND ? LIMIT ?"),
    (MatchKind.ALIAS, "SELECT key FROM aliases WHERE key BETWEEN ? AND ? LIMIT ?"),
    (MatchKind.RESCUED, "SELECT DISTINCT digest FROM rescued WHERE digest BETWEEN ? AND ? LIMIT ?"),
    (MatchKind.OBJECT, "SELECT digest FROM objects WHERE digest BETWEEN ? AND ? LIMIT ?"),
)


def is_prefix(text: str) -> bool:
    """Whether *text* may be the beginning of a key or digest: 6 to 64 hex digits."""
    return _PREFIX.fullmatch(text.lower()) is not None


def bounds(prefix: str) -> tuple[bytes, bytes]:
    """The least and the greatest name that starts with *prefix*.

    :raises UsageError: *prefix* is not 6 to 64 hex digits (``bad-prefix``).
    """
    prefix = prefix.lower()
    if not is_prefix(prefix):
        raise UsageError(
            f"{prefix!r} is no key or digest", slug="bad-prefix", hint="Give 6 to 64 hexadecimal digits."
        )
    return bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))


def ambiguous(prefix: str, found: Mapping[str, str]) -> UsageError:
    """The error for a prefix of several names.

    :param found: what stands behind each name, such as its kind.
    """
    digits = max(SHOWN_DIGITS, len(prefix) + 6)
    shown = ", ".join(f"{name[:digits]}{found[name]}" for name in sorted(found))
    return UsageError(
        f"{prefix} may be any of {len(found)}: {shown}", slug="ambiguous-prefix", hint="give more digits"
    )


def find(database: Database, prefix: str) -> list[Match]:
    """All matches, at most 64 of a kind.

    :raises UsageError: as :func:`bounds`.
    """
    wanted = (*bounds(prefix), MOST)
    return [Match(kind, row[0].hex()) for kind, query in _QUERIES for row in database.query(query, wanted)]

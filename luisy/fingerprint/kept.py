"""What an action keeps of a fingerprint: its parts and sources, as the JSON of one object.

    {"parts": {"code pkg.tasks:T": DIGEST, "package numpy": VERSION, ...},
     "sources": {"code pkg.tasks:T": [{"file": "pkg/tasks.py", "line": 7, "text": "class T..."}, ...], ...}}

What changed between two fingerprints is told by their parts alone: texts depend on the Python version that made
them, and of some parts (closure cells, order) there is no text.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # msgspec reads the annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from luisy.fingerprint.result import Source  # noqa: TC001  # as above

if TYPE_CHECKING:
    from luisy.fingerprint.result import Fingerprint


@dataclass(frozen=True, slots=True)
class Kept:
    """The parts and sources of a fingerprint, as ``Fingerprint`` has them."""

    parts: Mapping[str, str]
    sources: Mapping[str, tuple[Source, ...]]


def kept(fingerprint: Fingerprint) -> Kept:
    """What is kept of *fingerprint*; makes the texts."""
    return Kept(fingerprint.parts, dict(sorted(fingerprint.sources.items())))


def encode(what: Kept) -> bytes:
    """The bytes of the object."""
    return msgspec.json.encode(what)


def decode(content: bytes) -> Kept:
    """What the bytes of the object say.

    :raises ValueError: they are no such object.
    """
    try:
        return msgspec.json.decode(content, type=Kept)
    except msgspec.MsgspecError as error:  # no ValueError in older msgspec
        raise ValueError(str(error)) from error

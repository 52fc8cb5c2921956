"""The values that the layers of luisy hand to each other. All of them are frozen.

The words are those of the glossary in ``docs/glossary.md``. Digests and keys are 64 lower-case
hexadecimal digits of BLAKE3; sizes are bytes, durations seconds, times seconds since the epoch in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Mapping

Digest = NewType("Digest", str)
"""Name of an object: BLAKE3 of its bytes, 64 hex digits."""

Key = NewType("Key", str)
"""Name of one execution: fingerprint + parameters + inputs, 64 hex digits."""

SHOWN_DIGITS = 12
"""Digits of a digest or key that people are shown: enough to name it, short enough to read."""

_DIGEST_SHAPE = re.compile(r"[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """True if *text* has the shape of a digest or key: 64 lower-case hexadecimal digits."""
    return _DIGEST_SHAPE.fullmatch(text) is not None


class EntryKind(Enum):
    """What one manifest entry stands for."""

    FILE = "file"
    DIRECTORY = "dir"
    SYMLINK = "link"


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One path of a task's outputs.

    :param path: bytes, the output's name (its place in ``output()``), and for what lies inside a
        directory output ``name + b"/" + path below it``. Relative, without ``.``, ``..`` or empty parts.
    :param kind: a file, a directory (listed so that empty ones survive), or a symbolic link.
    :param digest: the file's object; for a link, the object that holds its target; empty for a directory.
    :param size: bytes of the object.
    :param executable: whether any execute bit is set; the only part of the mode that counts.
    """

    path: bytes
    kind: EntryKind
    digest: Digest
    size: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """Canonical list of a task's outputs: entries sorted by path bytes, each path once.

    :param digest: BLAKE3 of the canonical bytes (``luisy.cas.manifests``): the result's *content digest*.
    """

    entries: tuple[Entry, ...]
    digest: Digest

    @property
    def size(self) -> int:
        """Bytes of all outputs together."""
        return sum(entry.size for entry in self.entries)

    @property
    def objects(self) -> tuple[Digest, ...]:
        """The digests of all objects that the outputs need, without the manifest's own."""
        return tuple(entry.digest for entry in self.entries if entry.digest)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of an action as it was when the task ran.

    :param key: the input's key, or None where it counts by content.
    :param digest: the content digest of its result.
    """

    key: Key | None
    digest: Digest


@dataclass(frozen=True, slots=True)
class DynamicDependency:
    """One task that a ``run()`` yielded: how to build it again, and the key that it had."""

    module: str
    family: str
    params: Mapping[str, str]
    key: Key


@dataclass(frozen=True, slots=True)
class Action:
    """The record that maps a key to a manifest.

    :param key: names the action: the task's key, or with dynamic dependencies ``key + trace``.
    :param base_key: the task's key where *key* includes a trace, else None.
    :param shallow_key: the key with content digests of the inputs; None where early cutoff is not allowed.
    :param params: public significant parameters, serialised.
    :param params_digest: digest of all significant parameters (canonical values).
    :param manifest: digest of the manifest object.
    :param inputs: the results of the inputs in the order of the requirements; wrappers expanded.
    :param parts: the object with the labelled parts of the key (JSON), or None.
    :param sources: the object with parts and sources of the fingerprint (``luisy.fingerprint.kept``), or None.
    :param created: when it was made, seconds since the epoch, UTC.
    :param seconds: how long ``run()`` took.
    :param size: bytes of all outputs.
    :param adopted: the files were there before luisy.
    :param held_back: why the action is not uploaded, empty if nothing is in the way.
    :param provenance: what else is known about the execution (strings only, no secrets).
    """

    key: Key
    manifest: Digest
    project: str
    family: str
    params: Mapping[str, str]
    params_digest: Digest
    fingerprint: Digest
    inputs: tuple[Input, ...] = ()
    base_key: Key | None = None
    shallow_key: Key | None = None
    trace: tuple[DynamicDependency, ...] = ()
    parts: Digest | None = None
    sources: Digest | None = None
    created: float = 0.0
    seconds: float = 0.0
    size: int = 0
    adopted: bool = False
    held_back: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)


class LinkMode(Enum):
    """How an object's bytes came to (or come to) a workspace path."""

    REFLINK = "reflink"
    COPY = "copy"
    HARDLINK = "hardlink"


class Outcome(Enum):
    """What becomes, or became, of a task in a run."""

    LOCAL = "local"
    REMOTE = "remote"
    REUSED = "reused"
    EXECUTED = "executed"
    COMPLETE = "complete"
    FAILED = "failed"
    MISSING = "missing"
    BLOCKED = "blocked"
    NOT_NEEDED = "not_needed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a task has its outcome: a slug to test against and a sentence to read."""

    slug: str
    text: str

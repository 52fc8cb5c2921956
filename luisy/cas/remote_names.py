"""What the blobs of one project are called in a remote.

::

    <project>/raw/...                      other systems' files: read, never written
    <project>/.luisy/v1/
        format.json                        version
        index/<level:04x>-<uuid>           segments; an empty one is an open slot
        gc/<uuid>                          tombstones
        gc.lease                           the gc run that is under way
        refs.json                          external tasks' refs
        objects/ab/cdef...                 objects of 1 MiB and more
        packs/<uuid>                       smaller objects together

A uuid is 32 lower-case hexadecimal digits, all of them random.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.errors import RemoteError

if TYPE_CHECKING:
    from luisy.model import Digest

_SEGMENT = re.compile(r"([0-9a-f]{4})-([0-9a-f]{32})")
_BLOB = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{62}|packs/[0-9a-f]{32}")
_UNSAFE = re.compile(r"[\x00-\x20\x7f/\\%~?#]|^\.|[\ud800-\udfff]")

HIGHEST_LEVEL = 0xFFFF


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of one project. Blobs of objects are told relative to :attr:`root`, in records and here."""

    project: str

    def __post_init__(self) -> None:
        if not self.project:
            raise RemoteError("a project needs a name to have a place in a remote", slug="bad-blob-name")

    @property
    def folder(self) -> str:
        """The project's folder: its name, with what a blob name cannot hold escaped as ``%XX``."""
        return _UNSAFE.sub(lambda found: _percent(found.group()), self.project)

    @property
    def root(self) -> str:
        """Where luisy's own blobs are."""
        return f"{self.folder}/.luisy/v1"

    @property
    def raw(self) -> str:
        """The prefix of other systems' files."""
        return f"{self.folder}/raw/"

    @property
    def format(self) -> str:
        """The blob that tells the version."""
        return f"{self.root}/format.json"

    @property
    def refs(self) -> str:
        """The blob with the refs."""
        return f"{self.root}/refs.json"

    @property
    def index(self) -> str:
        """The prefix of the segments."""
        return f"{self.root}/index/"

    @property
    def gc(self) -> str:
        """The prefix of the tombstones."""
        return f"{self.root}/gc/"

    @property
    def lease(self) -> str:
        """The blob that a gc run holds."""
        return f"{self.root}/gc.lease"

    def blob(self, relative: str) -> str:
        """The full name of what a record calls *relative*."""
        return f"{self.root}/{relative}"


def segment_name(level: int, uuid: str) -> str:
    """The last part of a segment's name."""
    return f"{level:04x}-{uuid}"


def level_of(name: str) -> int | None:
    """The level that a segment's name tells; None if it is no segment's name."""
    found = _SEGMENT.fullmatch(name)
    return None if found is None else int(found[1], 16)


def uuid_of(name: str) -> str:
    """The uuid in a segment's name."""
    return name[-32:]


def new_uuid() -> str:
    """32 random hexadecimal digits."""
    return os.urandom(16).hex()


def object_blob(digest: Digest) -> str:
    """The blob that an object has to itself."""
    return f"objects/{digest[:2]}/{digest[2:]}"


def pack_blob(uuid: str) -> str:
    """The blob of a pack."""
    return f"packs/{uuid}"


def is_blob(name: str) -> bool:
    """Whether a record may name this blob."""
    return _BLOB.fullmatch(name) is not None


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))

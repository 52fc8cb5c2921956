"""What the actions of a remote are looked up by, so that a reader finds the frames that it needs in a large segment.

A *lookup* is the beginning of a name: of the action's key, its base key, its shallow key, or of what stands for the task
with its parameters. It only says where to look: what is there is compared with the whole name. So two names that begin
alike cost a frame too many, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from blake3 import blake3

from luisy.cas import actions
from luisy.cas.envelope import body_of
from luisy.cas.remote_records import UNPACKABLE
from luisy.errors import CorruptionError
from luisy.model import Digest

if TYPE_CHECKING:
    from luisy.cas.remote_records import ActionRecord

LOOKUP_BYTES = 8
"""Of a name."""

_TASK_CONTEXT = "luisy 1 remote task"


class _Input(msgspec.Struct):
    digest: str


class Columns(msgspec.Struct):
    """What a row has of an action file: parsed in one go, since a merge meets thousands."""

    key: str
    manifest: str
    project: str
    family: str
    params_digest: str
    fingerprint: str
    inputs: list[_Input]
    base_key: str | None
    shallow_key: str | None
    created: float
    seconds: float
    size: int
    adopted: bool


_columns = msgspec.json.Decoder(Columns)


def columns_of(action: bytes) -> Columns:
    """What the bytes of an action file say.

    :raises CorruptionError, ValueError, RecursionError, msgspec.MsgspecError: they are none (:data:`UNPACKABLE`).
    """
    return _columns.decode(body_of(actions.KIND, action))


def lookup(name: bytes) -> bytes:
    """By what a key is looked up."""
    return name[:LOOKUP_BYTES]


def task_lookup(family: str, params_digest: Digest) -> bytes:
    """By what the actions of a task with its parameters are looked up.

    :raises ValueError: the digest is not hexadecimal.
    """
    told = bytes.fromhex(params_digest) + family.encode("utf-8", "surrogatepass")
    return lookup(blake3(told, derive_key_context=_TASK_CONTEXT, max_threads=1).digest())


def lookups_of(record: ActionRecord) -> set[bytes]:
    """All by which an action is looked up; of one that is not sound only its key."""
    found = {lookup(record.key)}
    try:
        told = columns_of(record.action)
        found.add(task_lookup(told.family, Digest(told.params_digest)))
        found |= {lookup(bytes.fromhex(one)) for one in (told.base_key, told.shallow_key) if one}
    except (CorruptionError, *UNPACKABLE):
        return {lookup(record.key)}
    return {one for one in found if len(one) == LOOKUP_BYTES}

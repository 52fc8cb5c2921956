"""What may be wrong with a remote, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from luisy.cas.remote_records import SUPERSEDING, rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from luisy.cas.remote_records import ActionRecord
    from luisy.model import Key


class RemoteFlaw(Enum):
    """What is wrong with one thing; the value is its slug."""

    DAMAGED_SEGMENT = "damaged-segment"
    FORGED_BLOCK = "forged-block"
    DAMAGED_OBJECT = "damaged-object"
    LOST_OBJECT = "lost-object"
    DANGLING_ACTION = "dangling-action"
    DAMAGED_REFS = "damaged-refs"
    FORGED_REF = "forged-ref"
    DANGLING_REF = "dangling-ref"


class RemoteMended(Enum):
    """What became of a problem; *replaced* is what has a good one in its place by now."""

    QUARANTINED = "quarantined"
    FORGOTTEN = "forgotten"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class RemoteProblem:
    """One thing that is not what it should be.

    :param name: digest of an object, key of an action, name of a ref, public key that a forgery names; else empty.
    :param path: the blob.
    :param family: the task of an action; else empty.
    :param mended: what was done about it; None if nothing was.
    """

    flaw: RemoteFlaw
    name: str
    path: str
    family: str = ""
    params: Mapping[str, str] = field(default_factory=dict, compare=False)
    mended: RemoteMended | None = None


@dataclass(slots=True)
class Dangling:
    """The results that need what is not there.

    :ivar problems: one for each key.
    :ivar records: digests of their records. A key may have others, which need what is there.
    :ivar segments: the names of those that tell of them.
    :ivar beaten: by key, the rank of a superseding one of them: nobody wants back what that took the place of.
    """

    problems: dict[Key, RemoteProblem] = field(default_factory=dict)
    records: set[bytes] = field(default_factory=set)
    segments: set[str] = field(default_factory=set)
    beaten: dict[bytes, int] = field(default_factory=dict)

    def add(self, record: ActionRecord, opened: int, segment: str) -> None:
        """One more record.

        :param opened: when its slot was.
        """
        self.records.add(record.digest())
        self.segments.add(segment)
        if record.flags & SUPERSEDING:
            place = rank(record, opened)
            self.beaten[record.key] = min(place, self.beaten.get(record.key, place))

    def takes(self, record: ActionRecord, opened: int) -> bool:
        """Whether *record* is one of them, or beaten by one."""
        if record.key in self.beaten and rank(record, opened) > self.beaten[record.key]:
            return True
        return record.digest() in self.records


@dataclass(slots=True)
class RemoteInspection:
    """What was looked at in one namespace, and what is wrong with it.

    :ivar objects: places of objects whose bytes were hashed; one may have several.
    :ivar bytes: of these objects.
    :ivar signed: results with a good signature, by whomever; *unsigned* are those with none.
    :ivar orphans: blobs that no segment tells of.
    """

    segments: int = 0
    objects: int = 0
    bytes: int = 0
    actions: int = 0
    signed: int = 0
    unsigned: int = 0
    refs: int = 0
    orphans: int = 0
    problems: list[RemoteProblem] = field(default_factory=list)

    @property
    def left(self) -> list[RemoteProblem]:
        """The problems that nothing was done about."""
        return [problem for problem in self.problems if problem.mended is None]

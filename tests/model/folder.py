"""A slot in a folder: a writer that commits it, a gc run that breaks it, and crashes between any two system calls.

A model of ``luisy.cas.remote.versioned_files``, with its names: a blob is a file ``x~<version>``, ``install`` renames the new
bytes to a greater version and then discards the older ones, ``discard`` unlinks the oldest first. Who changes has the
folder's lock, which the kernel takes away from the dead.

What holds in every state:

1. *Of a commit and a break one happens*: a writer that was told that it committed finds its bytes until somebody deletes that
   very version; a breaker that was told that the slot is gone finds no bytes committed through it.
2. *Nothing comes back*: once the committed version was seen, or the blob was gone, the empty slot is not seen again.
3. *Nothing is lost by a crash*: the blob is there, in its old version or its new one, unless somebody wanted it gone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOT = 1
COMMITTED = 2
_GONE = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What can be left out to see what it is for."""

    lock: bool = True  # names are changed by one at a time
    greatest_counts: bool = True  # of several versions, which a crash may leave
    oldest_first: bool = True  # is how they are discarded
    rename_first: bool = True  # the new version is there before the old one goes

    def without(self, rule: str) -> Rules:
        """These rules but for one."""
        return Rules(**{one.name: getattr(self, one.name) and one.name != rule for one in fields(self)})


class Actor(NamedTuple):
    """A writer or a breaker.

    :param at: the next system call.
    :param olds: the versions that it found.
    :param told: what it was told: ``yes``, ``no``, or nothing yet.
    """

    at: str = "changing"
    olds: tuple[int, ...] = ()
    told: str = ""


class Folder(NamedTuple):
    """Everything.

    :param files: versions of the blob that have a name.
    :param lock: who holds it.
    :param seen: the greatest version that anybody could have seen; 3 once the blob was gone.
    :param came_back: somebody could have seen a smaller one after that.
    :param wanted_gone: the breaker has begun to discard.
    """

    files: frozenset[int]
    lock: str
    writer: Actor
    breaker: Actor
    seen: int = SLOT
    came_back: bool = False
    wanted_gone: bool = False


def start() -> Folder:
    """An open slot."""
    return Folder(frozenset({SLOT}), "", Actor(), Actor())


class Adapter:
    """What writer and breaker may do.

    :param breaks: the version that the breaker deletes: the slot, or a segment that was superseded.
    """

    def __init__(self, rules: Rules, *, breaks: int = SLOT) -> None:
        self.rules = rules
        self.breaks = breaks

    def current(self, files: frozenset[int]) -> int:
        """The version that counts."""
        if not files:
            return _GONE
        return max(files) if self.rules.greatest_counts else min(files)

    def is_safe(self, folder: Folder) -> bool:
        """What holds in every state."""
        both = folder.writer.told == "yes" and folder.breaker.told == "yes"
        lost = folder.writer.told == "yes" and self.current(folder.files) != COMMITTED
        gone = not folder.files and not folder.lock and not folder.wanted_gone
        return not (both or lost or gone or folder.came_back)

    def steps(self, folder: Folder) -> Iterator[tuple[str, Folder]]:
        """The next system call of each, or its death."""
        for name, actor in (("writer", folder.writer), ("breaker", folder.breaker)):
            if actor.at == "end":
                continue
            for label, after, then in self._calls(folder, actor, name):
                yield f"{name}: {label}", self._looked_at(_with(after, name, then))
            dead = _with(_freed(folder, name), name, actor._replace(at="end"))
            yield f"{name}: crash", self._looked_at(dead)

    def _looked_at(self, folder: Folder) -> Folder:
        """As seen by whoever looks; one who shares the lock waits for who has it."""
        if folder.lock and self.rules.lock:
            return folder
        now = self.current(folder.files) or COMMITTED + 1
        return folder._replace(seen=max(folder.seen, now), came_back=folder.came_back or now < folder.seen)

    def _calls(self, folder: Folder, actor: Actor, name: str) -> Iterator[tuple[str, Folder, Actor]]:
        if actor.at == "changing":
            if not folder.lock or not self.rules.lock:
                yield "flock", folder._replace(lock=name), actor._replace(at="versions")
        elif actor.at == "versions":
            olds = tuple(sorted(folder.files, reverse=not self.rules.oldest_first))
            wanted = SLOT if name == "writer" else self.breaks
            if self.current(folder.files) != wanted:  # ConditionFailed
                yield "versions: 412", _freed(folder, name), actor._replace(at="end", told="no")
            else:
                first = "rename" if name == "writer" and self.rules.rename_first else "discard"
                yield "versions", folder, actor._replace(at=first, olds=olds)
        elif actor.at == "rename":
            done = folder._replace(files=folder.files | {COMMITTED})
            left = tuple(one for one in actor.olds if one in done.files)
            yield "rename", done, actor._replace(at="discard" if left else "answer", olds=left)
        elif actor.at == "discard":
            yield from self._discard(folder, actor, name)
        else:
            yield "answer", _freed(folder, name), actor._replace(at="end", told="yes")

    def _discard(self, folder: Folder, actor: Actor, name: str) -> Iterator[tuple[str, Folder, Actor]]:
        first, *rest = actor.olds
        wanted = folder.wanted_gone or name == "breaker"
        after = folder._replace(files=folder.files - {first}, wanted_gone=wanted)
        renamed = name == "breaker" or COMMITTED in folder.files
        following = "discard" if rest else "answer" if renamed else "rename"
        yield f"unlink {first}", after, actor._replace(at=following, olds=tuple(rest))


def _freed(folder: Folder, name: str) -> Folder:
    return folder._replace(lock="" if folder.lock == name else folder.lock)


def _with(folder: Folder, name: str, actor: Actor) -> Folder:
    return folder._replace(writer=actor) if name == "writer" else folder._replace(breaker=actor)

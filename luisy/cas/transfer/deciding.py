"""What a pusher does about each thing it needs: pure decisions, on what it saw after it had opened its slot.

The explorer in ``tests/model`` drives these very functions.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from luisy.cas.remote_limits import FOLD_ABOVE, FOLD_FACTOR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


class Bytes(Enum):
    """What has to be done so that an object may be promised."""

    PRESENT = "present"  # a location that nobody is about to delete
    TOUCH = "touch"  # all of them are in tombstoned blobs: give one a new ETag and tell its location again
    UPLOAD = "upload"  # there is none, or only bad ones


class Word(Enum):
    """What a push says about an action that it has."""

    WRITE = "write"
    SUPERSEDE = "supersede"
    USE = "use"  # it is there: only say that it is still wanted
    NOTHING = "nothing"
    OUTVOTED = "outvoted"  # another result of its key has won


def bytes_needed(good: Collection[str], doomed: Collection[str]) -> Bytes:
    """What to do about an object.

    :param good: the blobs in which the index locates it, but for those that are known not to hold it.
    :param doomed: the blobs that tombstones name.
    """
    if any(blob not in doomed for blob in good):
        return Bytes.PRESENT
    return Bytes.TOUCH if good else Bytes.UPLOAD


def word(*, winner: str | None, ours: str, doomed: bool, sound: bool, superseding: bool, stale: bool) -> Word:
    """What to say about an action.

    :param winner: content of the winning record of its key; None if there is none.
    :param ours: content of our own.
    :param doomed: a tombstone names the key, so what is there counts as absent.
    :param sound: none of the winner's objects is known to be bad.
    :param superseding: ours is to win even so.
    :param stale: the winner was last pushed or used so long ago that it is time to say that it is wanted.
    """
    if winner is None or doomed:
        return Word.WRITE if winner in (None, ours) or not superseding else Word.SUPERSEDE
    if winner == ours:
        if not sound:
            return Word.WRITE
        return Word.USE if stale else Word.NOTHING
    return Word.SUPERSEDE if superseding or not sound else Word.OUTVOTED


def to_fold(sizes: Mapping[str, int], most: int, *, listed: int) -> list[str]:
    """The segments that a push should fold, smallest first; none while there are few.

    A large segment is left alone until the smaller ones together are comparable: so each record is written
    again only a few times while the index grows tenfold.

    :param sizes: unpacked bytes of each segment that may be folded.
    :param most: unpacked bytes that the push has room for.
    :param listed: how many segments there are, with those that may not be folded.
    """
    if listed <= FOLD_ABOVE:
        return []
    taken: list[str] = []
    weight = 0
    for size, name in sorted((size, name) for name, size in sizes.items()):
        enough = listed - len(taken) < FOLD_ABOVE
        if weight + size > most or (enough and size > FOLD_FACTOR * weight):
            break
        taken.append(name)
        weight += size
    return taken if len(taken) > 1 else []


def superseded_by(
    folded: Iterable[str], says: Mapping[str, Collection[str]], listed: Collection[str]
) -> set[str]:
    """The names that a segment must say it supersedes if it folds *folded*.

    Also those that the folded ones superseded, while they are listed: else they would count again once gc has
    deleted the folded ones, and bring back what was dropped on the way.

    :param says: what each of them says that it supersedes.
    """
    names = set(folded)
    for name in list(names):
        names |= set(says[name]) & set(listed)
    return names

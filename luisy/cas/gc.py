"""What of a store is to go, by policy. Pure: the plan of the same facts is the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.model import Digest, Key

LONG_SECONDS = 60.0
"""A result that took this long is named before its only copy goes."""


class Occasion(Enum):
    """Who wants room. A run asks nobody, so it takes less: nothing for its age, and no costly only copy."""

    COMMAND = "command"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Policy:
    """What may go.

    :param older_than: seconds for which a result has not been used.
    :param keep_last: so many of each task and parameters stay, however old they are.
    :param max_size: bytes of objects that may stay; None for any number.
    """

    older_than: float
    keep_last: int = 0
    max_size: int | None = None
    occasion: Occasion = Occasion.COMMAND


class Why(Enum):
    """Why a result is to go."""

    UNUSED = "unused"
    MAX_SIZE = "max-size"


@dataclass(frozen=True, slots=True)
class Holding:
    """An action with all that it keeps alive.

    :param used: when it was used last, or made, seconds since the epoch.
    :param seconds: how long ``run()`` took.
    :param size: bytes of its outputs.
    :param objects: all objects that it needs: outputs, manifest, parts, sources.
    :param protected: it must stay, whatever the policy says.
    :param only_copy: no remote is known to have it.
    """

    key: Key
    project: str
    family: str
    params: Mapping[str, str]
    params_digest: Digest
    created: float
    used: float
    seconds: float
    size: int
    objects: frozenset[Digest]
    protected: bool = False
    only_copy: bool = True

    @property
    def costly(self) -> bool:
        """Whether it has to be said before it goes: nobody else has it, and it took long."""
        return self.only_copy and self.seconds >= LONG_SECONDS

    @property
    def worth(self) -> tuple[float, float]:
        """Least worth first: seconds to recompute per byte, then how lately it was used."""
        return self.seconds / max(self.size, 1), self.used


@dataclass(frozen=True, slots=True)
class Going:
    """A result that is to go, and why."""

    holding: Holding
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What gc would delete.

    :param objects: that nothing needs that stays, with their bytes.
    :param bytes_left: of the objects that stay.
    """

    results: tuple[Going, ...] = ()
    objects: Mapping[Digest, int] = field(default_factory=dict)
    bytes_left: int = 0

    @property
    def bytes(self) -> int:
        """That would be free."""
        return sum(self.objects.values())


def plan(
    holdings: Sequence[Holding],
    sizes: Mapping[Digest, int],
    kept: AbstractSet[Digest],
    policy: Policy,
    now: float,
) -> Plan:
    """What is to go of *holdings*.

    :param sizes: bytes of every object.
    :param kept: objects that stay although no action may need them: rescued ones, young ones.
    :param now: seconds since the epoch.
    """
    going = {one.key: Going(one, Why.UNUSED) for one in _unused(holdings, policy, now)}
    refs = Counter(digest for one in holdings if one.key not in going for digest in one.objects)
    live = {digest for digest in sizes if refs[digest] or digest in kept}
    left = sum(sizes[digest] for digest in live)
    for one in sorted((one for one in holdings if one.key not in going), key=lambda one: one.worth):
        if policy.max_size is None or left <= policy.max_size:
            break
        if one.protected or (policy.occasion is Occasion.RUN and one.costly):
            continue
        going[one.key] = Going(one, Why.MAX_SIZE)
        refs.subtract(one.objects)
        freed = {digest for digest in one.objects & live if not refs[digest] and digest not in kept}
        live -= freed
        left -= sum(sizes[digest] for digest in freed)
    gone = {digest: size for digest, size in sizes.items() if digest not in live}
    return Plan(tuple(sorted(going.values(), key=_longest_unused_first)), gone, left)


def _longest_unused_first(going: Going) -> tuple[float, str, str, list[tuple[str, str]]]:
    one = going.holding
    return one.used, one.project, one.family, sorted(one.params.items())


def _unused(holdings: Iterable[Holding], policy: Policy, now: float) -> Iterator[Holding]:
    if policy.occasion is Occasion.RUN:
        return
    tasks: dict[tuple[str, str, Digest], list[Holding]] = {}
    for one in holdings:
        tasks.setdefault((one.project, one.family, one.params_digest), []).append(one)
    for same in tasks.values():
        newest_first = sorted(same, key=lambda one: one.used, reverse=True)
        for one in newest_first[policy.keep_last :]:
            if not one.protected and one.used <= now - policy.older_than:
                yield one

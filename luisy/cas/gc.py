"""What of a store is to go, by policy. Pure: the plan of the same facts is the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from luisy.model import Key

Name = TypeVar("Name", bound=Hashable)
"""What objects are told apart by: their digests, or marks of these (``luisy.cas.marks``)."""

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

    @property
    def by_age_alone(self) -> bool:
        """Whether nothing but its own age decides about a result."""
        return not self.keep_last and self.max_size is None


class Why(Enum):
    """Why a result is to go."""

    UNUSED = "unused"
    MAX_SIZE = "max-size"


class Holding(NamedTuple):
    """An action with all that it keeps alive.

    :param used: when it was used last, or made, seconds since the epoch.
    :param params_text: public parameters as a JSON object.
    :param params_digest: of all significant parameters: the digest, in whatever form.
    :param seconds: how long ``run()`` took.
    :param size: bytes of its outputs.
    :param only_copy: no remote is known to have it.
    :param objects: all objects that it needs: outputs, manifest, parts, sources; each once.
    :param protected: it must stay, whatever the policy says.
    """

    key: Key
    project: str
    family: str
    params_text: str
    params_digest: Hashable
    created: float
    used: float
    seconds: float
    size: int
    only_copy: bool
    objects: Collection[Any]
    protected: bool = False

    @property
    def params(self) -> Mapping[str, str]:
        """Public parameters."""
        found: dict[str, str] = json.loads(self.params_text)
        return found

    @property
    def costly(self) -> bool:
        """Whether it has to be said before it goes: nobody else has it, and it took long."""
        return self.only_copy and self.seconds >= LONG_SECONDS

    @property
    def worth(self) -> tuple[float, float]:
        """Least worth first: seconds to recompute per byte, then how lately it was used."""
        return self.seconds / max(self.size, 1), self.used


class Going(NamedTuple):
    """A result that is to go, and why."""

    holding: Holding
    why: Why


@dataclass(frozen=True, slots=True)
class Plan(Generic[Name]):
    """What gc would delete.

    :param objects: that nothing needs that stays.
    :param bytes: of these, that would be free.
    :param bytes_left: of the objects that stay.
    """

    results: tuple[Going, ...] = ()
    objects: AbstractSet[Name] = frozenset()
    bytes: int = 0
    bytes_left: int = 0


class Stock(Protocol[Name]):
    """The objects that there are."""

    def sizes(self) -> Mapping[Name, int]:
        """The bytes of each."""

    def unneeded(self, live: AbstractSet[Name]) -> tuple[AbstractSet[Name], int, int]:
        """Those that go where only those in *live* are needed, their bytes, and those of the others."""


class Listed(Generic[Name]):
    """A stock whose objects all go as soon as nothing needs them.

    :param sizes: bytes of each.
    """

    def __init__(self, sizes: Mapping[Name, int]) -> None:
        self._sizes = sizes

    def sizes(self) -> Mapping[Name, int]:
        """The bytes of each."""
        return self._sizes

    def unneeded(self, live: AbstractSet[Name]) -> tuple[AbstractSet[Name], int, int]:
        """Those that are not in *live*, their bytes, and those of the others."""
        gone = self._sizes.keys() - live
        freed = sum(self._sizes[name] for name in gone)
        return gone, freed, sum(self._sizes.values()) - freed


def plan(
    holdings: Sequence[Holding],
    stock: Stock[Name],
    roots: AbstractSet[Name],
    policy: Policy,
    now: float,
) -> Plan[Name]:
    """What is to go of *holdings*: all actions, or all that the policy can take.

    :param roots: objects that stay although none of *holdings* may need them.
    :param now: seconds since the epoch.
    """
    going = {one.key: Going(one, Why.UNUSED) for one in _unused(holdings, policy, now)}
    staying = [one for one in holdings if one.key not in going]
    gone, freed, left = stock.unneeded(_live(staying, roots))
    if policy.max_size is not None and left > policy.max_size:
        for one in _least_worth(staying, stock.sizes(), roots, policy, left - policy.max_size):
            going[one.key] = Going(one, Why.MAX_SIZE)
        gone, freed, left = stock.unneeded(_live((one for one in staying if one.key not in going), roots))
    return Plan(tuple(sorted(going.values(), key=_longest_unused_first)), gone, freed, left)


def _live(holdings: Iterable[Holding], roots: AbstractSet[Name]) -> set[Name]:
    live = set(roots)
    live.update(*(one.objects for one in holdings))
    return live


def _least_worth(
    holdings: Iterable[Holding],
    sizes: Mapping[Name, int],
    roots: AbstractSet[Name],
    policy: Policy,
    excess: int,
) -> Iterator[Holding]:
    """Those that have to go until *excess* bytes are free, as far as they may."""
    refs = Counter(chain.from_iterable(one.objects for one in holdings))
    for one in sorted(holdings, key=lambda one: one.worth):
        if one.protected or (policy.occasion is Occasion.RUN and one.costly):
            continue
        yield one
        for name in one.objects:
            refs[name] -= 1
            if not refs[name] and name not in roots:
                excess -= sizes.get(name, 0)
        if excess <= 0:
            return


def _longest_unused_first(going: Going) -> tuple[float, str, str, str]:
    one = going.holding
    return one.used, one.project, one.family, one.params_text


def _unused(holdings: Iterable[Holding], policy: Policy, now: float) -> Iterator[Holding]:
    if policy.occasion is Occasion.RUN:
        return
    for one in holdings if not policy.keep_last else _but_the_last(holdings, policy.keep_last):
        if not one.protected and one.used <= now - policy.older_than:
            yield one


def _but_the_last(holdings: Iterable[Holding], count: int) -> Iterator[Holding]:
    """All but so many of each task and parameters that were used last."""
    tasks: dict[tuple[str, str, Hashable], list[Holding]] = {}
    for one in holdings:
        tasks.setdefault((one.project, one.family, one.params_digest), []).append(one)
    for same in tasks.values():
        yield from sorted(same, key=lambda one: one.used, reverse=True)[count:]

"""How long a gc run waits for what. No time is what makes it safe."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.remote_limits import LEASE, ORPHAN_AGE, PATIENCE, POLL, SLOT_TTL

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds.

    :param lease: after which a run that was killed is taken for ended.
    :param slot_ttl: after which a push that was killed is.
    :param patience: for which it waits for pushes that are under way.
    :param poll: between two looks at them.
    :param orphan_age: for which a blob stays that no record locates.
    """

    lease: float = LEASE
    slot_ttl: float = SLOT_TTL
    patience: float = PATIENCE
    poll: float = POLL
    orphan_age: float = ORPHAN_AGE
    sleep: Callable[[float], None] = time.sleep

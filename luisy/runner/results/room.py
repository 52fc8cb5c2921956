"""Room in the store: what a run that ended well deletes, where the store has passed ``max_size``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.errors import LuisyError
from luisy.model import Reason

if TYPE_CHECKING:
    from luisy.cas import Store
    from luisy.settings import Settings

_MEGABYTE = 10**6


def make_room(store: Store, settings: Settings) -> Reason | None:
    """Delete what is least worth until no more than ``max_size`` is left, as far as nobody has to be asked.

    To be called when no run of this process is under way. Costs one query where there is nothing to do, and does
    nothing while another run uses the store. It fails nothing: that run has ended.

    :return: what became of it, if there is anything to say.
    """
    if settings.max_size is None or store.refusal is not None:
        return None
    try:
        if store.object_bytes() <= settings.max_size:
            return None
        with store.idle() as idle:
            if not idle:
                return None
        return _collected(store, settings, settings.max_size)
    except (OSError, LuisyError) as error:
        return Reason("no-room-made", f"the store has passed max_size, and nothing could be deleted: {error}")


def _collected(store: Store, settings: Settings, most: int) -> Reason | None:
    from luisy.cas import collecting, gc  # a run seldom needs them

    policy = gc.Policy(settings.older_than, settings.keep_last, most, gc.Occasion.RUN)
    collector = collecting.Collector(store, policy)
    if collector.waits_until() is not None:
        return None
    done = collector.collect(collector.plan())
    left = store.object_bytes()
    if left > most:
        return Reason(
            "above-max-size",
            f"the store holds {_megabytes(left)}, {_megabytes(left - most)} more than max_size. What is left is new,"
            " pinned, of the newest complete runs, or took long and is nowhere else: see luisy cas gc --dry-run",
        )
    return Reason(
        "room-made",
        f"{len(done.results)} results that were least worth were deleted, {_megabytes(done.bytes)}, since the store had"
        " passed max_size",
    )


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"

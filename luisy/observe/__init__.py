"""What code touches beside its arguments: files, environment variables, modules. Seen by one audit hook (PEP 578).

watching      files below given folders, and processes, while a block runs: early cutoff rests on it
imports       what project modules read while they are imported: part of the key
runs          what ``run()`` reads that stands in no key: told, and kept with the action
gateways      whether Spark's process beside this one is made use of
hook          the audit hook that the three share; environment: ``os.environ`` that tells its readers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luisy.observe.hook import paused

if TYPE_CHECKING:
    from luisy.observe.watching import Observation, note_read, note_write, watch

__all__ = ["Observation", "note_read", "note_write", "paused", "watch"]


def __getattr__(name: str) -> Any:  # ``import luisy`` comes by here and needs none of it
    if name not in __all__:
        raise AttributeError(f"module 'luisy.observe' has no attribute {name!r}")
    from luisy.observe import watching

    return getattr(watching, name)

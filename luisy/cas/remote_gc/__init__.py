"""Garbage collection of a remote: two runs, one that says what is to go and a later one that deletes it.

Safe beside pushes, pulls and other gc runs, and against a kill at any point, by conditional writes on single blobs
alone; ``finishing`` says in which order. What a run does:

1. It takes a lease, which saves work and makes nothing safe (``lease``).
2. What *earlier* runs have tombstoned is judged again and deleted (``finishing``).
3. What it finds dead itself gets tombstones: from now on pushers take it for absent.

::

    collector = RemoteCollector(store, remote, "weather", policy)
    plan = collector.plan()
    collector.collect(plan)
"""

from luisy.cas.remote_gc.running import RemoteCollected, RemoteCollector, RemotePlan
from luisy.cas.remote_gc.timing import Timing

__all__ = ["RemoteCollected", "RemoteCollector", "RemotePlan", "Timing"]

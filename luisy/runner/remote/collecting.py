"""Garbage collection of the remote that takes what is pushed, on request: what ``luisy cas gc --remote`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.remote_gc import RemoteCollector

if TYPE_CHECKING:
    from luisy.cas import Store
    from luisy.cas.gc import Policy
    from luisy.cas.remote_gc import RemoteCollected, RemotePlan
    from luisy.runner.remote.mirroring import Mirrors


@dataclass(frozen=True, slots=True)
class ProjectGc:
    """One project in a remote, and what is to go of it."""

    collector: RemoteCollector
    plan: RemotePlan

    def collect(self) -> RemoteCollected:
        """Carry the plan out."""
        return self.collector.collect(self.plan)


def planned(store: Store, mirrors: Mirrors, policy: Policy, *, dry_run: bool) -> list[ProjectGc]:
    """What is to go of each project that the store has to do with; of all that are there, if it knows none.

    :param dry_run: nothing will be carried out, so the right to read is enough.
    :raises Misconfigured: the remote does not let us write or delete.
    :raises RemoteError, CorruptionError, StoreError: as ``RemoteCollector.plan``.
    """
    remote = mirrors.remote(mirrors.write_url)
    remote.check(write=not dry_run, delete=not dry_run)
    found = []
    for project in mirrors.projects(mirrors.write_url, discover=False):
        collector = RemoteCollector(store, remote, project, policy)
        found.append(ProjectGc(collector, collector.plan()))
    return found

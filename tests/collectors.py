"""gc runs on a remote, and what must be true after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luisy.cas.gc import Policy
from luisy.cas.remote_gc import RemoteCollector, Timing
from luisy.cas.remote_names import Namespace, is_blob
from tests.mirrors import machine

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas import Store
    from luisy.cas.remote import Remote
    from luisy.cas.remote_gc import RemoteCollected, RemotePlan
    from luisy.model import Key

NAMESPACE = Namespace("weather")
EVERYTHING = Policy(older_than=0.0)
AT_ONCE = Timing(lease=0.0, patience=0.0, poll=0.0, orphan_age=0.0)


def collector(
    store: Store, remote: Any, policy: Policy = EVERYTHING, timing: Timing = AT_ONCE
) -> RemoteCollector:
    """A gc run by this store's pins."""
    return RemoteCollector(store, remote, "weather", policy, timing=timing)


def collect(
    store: Store, remote: Any, policy: Policy = EVERYTHING, timing: Timing = AT_ONCE
) -> RemoteCollected:
    """One gc run."""
    run = collector(store, remote, policy, timing)
    return run.collect(run.plan())


def planned(store: Store, remote: Any, policy: Policy = EVERYTHING) -> RemotePlan:
    """What a gc run would do."""
    return collector(store, remote, policy).plan()


def names_in(remote: Remote, prefix: str = "") -> list[str]:
    """What is there, relative to the namespace."""
    found = remote.list(f"{NAMESPACE.root}/{prefix}").blobs
    return [blob.name.removeprefix(f"{NAMESPACE.root}/") for blob in found]


def blobs_in(remote: Remote) -> set[str]:
    """The blobs of objects."""
    return {name for name in names_in(remote) if is_blob(name)}


def promised(folder: Path, name: str, remote: Any) -> dict[Key, Any]:
    """What an empty machine finds, all of it pulled: a promise that does not hold is a None."""
    one = machine(folder, name, remote)
    one.mirror.refresh()
    return one.pull(*(item.key for item in one.mirror.listed()))

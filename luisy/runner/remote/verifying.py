"""Whether everything in the remote is what it should be: what ``luisy cas verify --remote`` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote_verify import RemoteInspection, RemoteInspector, RemoteRepairer

if TYPE_CHECKING:
    from luisy.cas import Store
    from luisy.runner.remote.mirroring import Mirrors


@dataclass(slots=True)
class RemoteVerified:
    """What was found in one remote.

    :ivar projects: by project.
    """

    url: str
    projects: dict[str, RemoteInspection] = field(default_factory=dict)


def verify(store: Store, mirrors: Mirrors, *, mending: bool) -> RemoteVerified:
    """Look at all projects in the remote that takes what is pushed, and mend what can be mended.

    :raises RemoteError: the remote is misconfigured, refuses us, or does not answer.
    :raises StoreError: something is to be mended, and the store cannot be written.
    """
    if mending and store.refusal is not None:
        raise store.refusal
    remote = mirrors.remote(mirrors.write_url)
    remote.check(write=mending)
    done = RemoteVerified(remote.url)
    for project in mirrors.projects(mirrors.write_url, discover=True):
        inspector = RemoteInspector(store, remote, project, mirrors.authority)
        done.projects[project] = inspector.inspect()
        if mending and inspector.found.problems:
            RemoteRepairer(inspector).repair()
    return done

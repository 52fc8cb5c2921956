"""Who has signed what is in the remotes, and signing it again: what ``luisy signing`` does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luisy.cas.remote_index import known_projects
from luisy.cas.transfer import Extent
from luisy.errors import RemoteError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from luisy.cas import Store
    from luisy.cas.signing import PublicKey
    from luisy.cas.transfer import Mirror, Resigned
    from luisy.runner.remote.mirroring import Mirrors


@dataclass(slots=True)
class Signatures:
    """What was merged of the remotes, by who signed it.

    :ivar results: how many each key has; those that nobody has signed are by ``UNSIGNED``.
    :ivar forged: how many name a key that has not signed them.
    """

    results: Counter[PublicKey] = field(default_factory=Counter)
    forged: int = 0


@dataclass(slots=True)
class Resignings:
    """All of a signing again, as far as it got.

    :ivar projects: what was done in each.
    :ivar error: why it did not complete.
    """

    url: str
    projects: dict[str, Resigned] = field(default_factory=dict)
    error: RemoteError | StoreError | None = None


def signatures(store: Store, mirrors: Mirrors, *, refresh: bool) -> Signatures:
    """Who has signed the results in the remotes to read.

    :param refresh: ask the remotes; else by what was merged last, and nobody is asked.
    :raises RemoteError: a remote is misconfigured or does not answer.
    """
    found = Signatures()
    for mirror in (
        mirrors.readable(discover=True, extent=Extent.WHOLE) if refresh else _merged(store, mirrors)
    ):
        results, forged = mirror.signers()
        found.results.update(results)
        found.forged += forged
    return found


def _merged(store: Store, mirrors: Mirrors) -> Sequence[Mirror]:
    return [
        mirrors.mirror(url, project)
        for url in mirrors.read_urls
        for project in sorted(known_projects(store.database, mirrors.remote(url).url))
    ]


def resign(mirrors: Mirrors, *, dry_run: bool) -> Resignings:
    """Sign everything in the write remote that a trusted key, or the store's own content, vouches for.

    :raises UsageError: there is no signing key (slug ``no-signing-key``).
    :raises RemoteError: the remote is misconfigured or does not answer.
    """
    mirrors.authority.require_signer()
    remote = mirrors.remote(mirrors.write_url)
    remote.check(write=not dry_run)
    done = Resignings(remote.url)
    try:
        for project in mirrors.projects(mirrors.write_url, discover=True):
            done.projects[project] = mirrors.mirror(mirrors.write_url, project).resign(dry_run=dry_run)
    except (RemoteError, StoreError) as error:
        done.error = error
    return done

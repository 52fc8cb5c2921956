"""Where an action was made: versions, platform, and the git revision of the project's checkout (ADR 0007).

Never the name of a machine, a user or a path: actions go to remotes that others read.
"""

from __future__ import annotations

import logging
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.runner.results.checkouts import Roots, start_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas import Store
    from luisy.fingerprint import Fingerprint
    from luisy.model import Action

logger = logging.getLogger("luisy")

_SECONDS = 10.0
"""A checkout that takes longer to look at is left out."""

_SHOWN_DIGITS = 10
_HEAD = b"# branch.oid "


@dataclass(frozen=True, slots=True)
class Commit:
    """A git revision.

    :param name: 40 hex digits (64 with SHA-256).
    :param dirty: the code that ran was not quite that of the revision.
    """

    name: str
    dirty: bool

    @property
    def shown(self) -> str:
        """Short, to read."""
        return f"{self.name[:_SHOWN_DIGITS]}{' with changes' if self.dirty else ''}"


def commit_of(action: Action) -> Commit | None:
    """The revision that *action* was made at; None where none was recorded."""
    name = action.provenance.get("git_commit")
    return None if name is None else Commit(name, action.provenance.get("git_dirty") != "no")


@dataclass(frozen=True, slots=True)
class _Checkout:
    """A work tree as it was when it was looked at.

    :param tracked: the Python files that git knows, below its root.
    """

    root: str
    commit: Commit
    tracked: frozenset[str]


class Provenance:
    """What is recorded of each execution of a session. Each checkout is looked at once, when it is first needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._roots = Roots()
        self._checkouts: dict[str, _Checkout | None] = {}
        self._said: dict[str, Mapping[str, str]] = {}

    def prepare(self, fingerprints: Iterable[Fingerprint]) -> None:
        """Look at the checkouts of what will be executed, before workers are forked that would each do so."""
        for fingerprint in fingerprints:
            self.of(fingerprint)

    def of(self, fingerprint: Fingerprint) -> Mapping[str, str]:
        """What to record of an execution of this code."""
        if fingerprint.digest not in self._said:
            commit = self._commit(sorted(os.path.realpath(file.path) for file in fingerprint.files))
            self._said[fingerprint.digest] = self._everywhere() | _as_texts(commit)
        return self._said[fingerprint.digest]

    def _everywhere(self) -> dict[str, str]:
        return {
            "luisy": sys.modules["luisy"].__version__,  # the facade is imported by nobody
            "python": platform.python_version(),
            "platform": f"{sys.platform}-{os.uname().machine}",
            "store": self._store.pseudonym(),
        }

    def _commit(self, paths: list[str]) -> Commit | None:
        """The revision that these files are of: that of the checkout that has the first of them."""
        for path in paths:
            root = self._roots.of(os.path.dirname(path))
            checkout = None if root is None else self._checkout(root)
            if checkout is not None and path in checkout.tracked:
                own = all(other in checkout.tracked for other in paths)
                return Commit(checkout.commit.name, checkout.commit.dirty or not own)
        return None

    def _checkout(self, root: str) -> _Checkout | None:
        if root not in self._checkouts:
            self._checkouts[root] = _looked_at(root)
        return self._checkouts[root]


def _as_texts(commit: Commit | None) -> dict[str, str]:
    if commit is None:
        return {}
    return {"git_commit": commit.name, "git_dirty": "yes" if commit.dirty else "no"}


def _looked_at(root: str) -> _Checkout | None:
    """Ask git, by two processes at once; None without git, without a commit, or if it refuses."""
    arguments = (
        ["status", "--porcelain=v2", "--branch", "--untracked-files=no"],
        ["ls-files", "-z", "--", "*.py"],
    )
    try:
        processes = [start_git(root, *words) for words in arguments]
    except OSError as error:
        logger.debug("there is no git: %s", error)
        return None
    try:
        status, listed = (process.communicate(timeout=_SECONDS)[0] for process in processes)
    except subprocess.TimeoutExpired:
        logger.debug("git takes too long in %s", root)
        return None
    finally:
        for process in processes:
            process.kill()
            process.wait()
    lines = status.splitlines()
    head = next((line.removeprefix(_HEAD).decode() for line in lines if line.startswith(_HEAD)), "")
    if any(process.returncode for process in processes) or not head.isalnum():
        return None
    tracked = frozenset(os.path.join(root, os.fsdecode(name)) for name in listed.split(b"\0") if name)
    return _Checkout(root, Commit(head, any(not line.startswith(b"#") for line in lines)), tracked)

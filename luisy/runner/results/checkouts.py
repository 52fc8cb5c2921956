"""Work trees of git: where they are, what a revision is called, and one of an old revision for a moment."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "luisy-worktree-"
_TREE = "tree"
_LOCK = "lock"


class Roots:
    """The work trees that folders are in, found without starting a process."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def of(self, folder: str) -> str | None:
        """The root of the work tree of *folder*, an absolute path; None where it is in none."""
        if folder not in self._known:
            parent = os.path.dirname(folder)
            if os.path.lexists(os.path.join(folder, ".git")):
                self._known[folder] = folder
            else:
                self._known[folder] = None if parent == folder else self.of(parent)
        return self._known[folder]


def start_git(root: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start git in a work tree. It takes no locks, runs no hooks, and asks nobody.

    :raises OSError: there is no git.
    """
    # A hook of git that starts luisy has set variables that mean another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.Popen(  # noqa: S603 - no shell, and the arguments are ours  # nosec B603, B607
        ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-C", root, *arguments],  # noqa: S607 - git is where PATH says
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
    )


def commit_named(root: str, revision: str) -> str | None:
    """The full name of the commit that *revision* means in a work tree; None if git knows none, or is not there."""
    try:
        # A revision may begin with "-"; it is none of git's options.
        process = start_git(
            root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
    except OSError:
        return None
    told = process.communicate()[0].decode().strip()
    return told if process.returncode == 0 and told else None


@contextlib.contextmanager
def worktree(root: str, commit: str) -> Iterator[str]:
    """A work tree of *commit* in a temporary folder while the block lasts.

    What a killed process left is removed by the next one: who is alive holds the lock of its folder.

    :raises OSError: there is no git, or it cannot make one.
    """
    _remove_abandoned(root)
    folder = os.path.realpath(tempfile.mkdtemp(prefix=_PREFIX))
    tree = os.path.join(folder, _TREE)
    with open(os.path.join(folder, _LOCK), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _do(root, "worktree", "add", "--quiet", "--detach", "--force", tree, commit)
            yield tree
        finally:
            _remove(root, folder)


def _do(root: str, *arguments: str) -> bytes:
    process = start_git(root, *arguments)
    told = process.communicate()[0]
    if process.returncode:
        raise OSError(process.returncode, f"git {arguments[0]} {arguments[1]} failed in {root}")
    return told


def _remove(root: str, folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        _do(root, "worktree", "prune")


def _remove_abandoned(root: str) -> None:
    """Take away the temporary work trees of this repository whose processes are gone."""
    for line in _do(root, "worktree", "list", "--porcelain").decode(errors="surrogateescape").splitlines():
        folder, name = os.path.split(line.removeprefix("worktree "))
        if not (
            line.startswith("worktree ") and name == _TREE and os.path.basename(folder).startswith(_PREFIX)
        ):
            continue
        with contextlib.suppress(OSError), open(os.path.join(folder, _LOCK), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(root, folder)
    with contextlib.suppress(OSError):
        _do(root, "worktree", "prune")

"""Closing, forking, and what is told of a remote."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from luisy.cas.remote import Remote
    from tests.conformance.conftest import Place


def in_a_fork(action: object) -> int:
    """The exit code of a forked child that calls *action*."""
    pid = os.fork()
    if pid == 0:
        try:
            assert callable(action)
            os._exit(0 if action() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_closed_remote_opens_again(remote: Remote) -> None:
    """Closing lets go of connections only, and may be done twice."""
    remote.put("a", b"1")
    remote.close()
    remote.close()
    assert remote.get("a") == b"1"


def test_a_remote_works_in_both_after_a_fork(remote: Remote) -> None:
    """The child and the parent go on, each with its own connections."""
    remote.put("a", b"1")
    assert in_a_fork(lambda: remote.get("a") == b"1" and bool(remote.put("b", b"2"))) == 0
    assert remote.get("a") == b"1"


def test_a_fork_while_others_write(place: Place) -> None:
    """A fork in the midst of another thread's writes hangs nobody."""
    remote = place.open()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            remote.put("busy", bytes(100_000))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            assert in_a_fork(lambda: bool(remote.put("child", b"1"))) == 0
    finally:
        done.set()
        writer.join()
    assert remote.get("busy") == bytes(100_000)


def test_check_lets_pass_what_works(remote: Remote) -> None:
    """A place that is there and writable is no error, and nothing is left of the check."""
    remote.check(write=False)
    remote.check(write=True)
    remote.check(write=True, delete=True)
    assert remote.list("").blobs == ()


@pytest.mark.parametrize("name", ["check", "list", "head", "get", "read", "put", "touch", "delete", "close"])
def test_methods_say_what_they_do(remote: Remote, name: str) -> None:
    """Every method of the protocol is there, with a docstring."""
    assert getattr(remote, name).__doc__

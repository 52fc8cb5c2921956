"""Claims about the ``os.environ`` that tells who reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from luisy.observe import environment, paused

heard: list[tuple[str | None, str | None]] = []
environment.listen(lambda name, value: heard.append((name, value)))


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "1")
    monkeypatch.delenv("UNSET", raising=False)
    heard.clear()


@pytest.mark.parametrize(
    "read",
    [
        lambda: os.environ["SET"],
        lambda: os.environ.get("SET"),
        lambda: os.getenv("SET"),
        lambda: os.getenvb(b"SET"),
        lambda: os.environb[b"SET"],
        lambda: "SET" in os.environ,
        lambda: os.environ.setdefault("SET", "2"),
    ],
)
def test_each_way_to_read_is_heard(read: Callable[[], Any]) -> None:
    """Whoever reads a variable is heard, with its name and value."""
    read()
    assert set(heard) == {("SET", "1")}


@pytest.mark.parametrize(
    "read", [lambda: os.environ.get("UNSET"), lambda: os.getenv("UNSET", "x"), lambda: "UNSET" in os.environ]
)
def test_what_is_not_set_is_heard(read: Callable[[], Any]) -> None:
    """A variable that is not set is heard with None."""
    read()
    assert heard == [("UNSET", None)]


@pytest.mark.parametrize(
    "read",
    [lambda: list(os.environ), lambda: dict(os.environ), lambda: list(os.environ.items()), os.environ.copy],
)
def test_going_through_all_is_heard(read: Callable[[], Any]) -> None:
    """Iteration in each form is heard as such."""
    read()
    assert (None, None) in heard


def test_writing_is_no_reading() -> None:
    """Who only sets or removes a variable is not heard."""
    os.environ["SET"] = "2"
    del os.environ["SET"]
    assert heard == []


def test_paused() -> None:
    """Luisy's own reads are not heard."""
    with paused():
        os.environ.get("SET")
    assert heard == []


def test_it_stays_what_it_was() -> None:
    """The object is the same, an ``os._Environ``, and sets variables of child processes as before."""
    assert isinstance(os.environ, os._Environ)
    assert isinstance(os.environ, MutableMapping)
    program = "import os; before = os.environ; import luisy; print(before is os.environ, os.environ['SET'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True 1\n"
    with pytest.raises(KeyError):
        os.environ["UNSET"]


def test_who_listens_badly_harms_nobody() -> None:
    """An error in a listener does not reach who reads."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    environment.listen(broken)
    try:
        assert os.environ["SET"] == "1"
    finally:
        environment._readers = tuple(reader for reader in environment._readers if reader is not broken)

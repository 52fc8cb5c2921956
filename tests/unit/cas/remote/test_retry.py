"""What may pass is tried again, what happened is recognised, and nothing else is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import ConditionFailed, ETag, Misconfigured, Unreachable
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote.retry import Backoff, Retrying
from tests.faults.wrappers import Failing, Fault

if TYPE_CHECKING:
    from collections.abc import Callable


def busy() -> Unreachable:
    return Unreachable("busy")


class Waits:
    """A backoff that waits for nobody, and the pauses that it would have made, in seconds."""

    def __init__(self, attempts: int = 4) -> None:
        self.pauses: list[float] = []
        self.backoff = Backoff(attempts=attempts, first=1.0, longest=3.0, sleep=self.pauses.append)


@pytest.mark.parametrize("method", ["check", "list", "head", "get", "put", "touch", "delete"])
def test_every_call_is_tried_again(method: str) -> None:
    """Each method gets over errors that pass."""
    failing = Failing(MemoryRemote(), Fault(method, busy, (1, 2)))
    etag = failing.remote.put("a", b"1")
    retrying = Retrying(failing, Waits().backoff)
    calls: dict[str, Callable[[], object]] = {
        "check": lambda: retrying.check(write=True),
        "list": lambda: retrying.list(""),
        "head": lambda: retrying.head("a"),
        "get": lambda: retrying.get("a"),
        "put": lambda: retrying.put("a", b"2"),
        "touch": lambda: retrying.touch("a", if_match=etag),
        "delete": lambda: retrying.delete("a", if_match=etag),
    }
    calls[method]()
    assert failing.calls[method] == 3


def test_it_gives_up_after_the_last_attempt() -> None:
    """The last error comes out, and says how often it was tried."""
    failing = Failing(MemoryRemote(), Fault("get", busy, range(1, 100)))
    with pytest.raises(Unreachable) as raised:
        Retrying(failing, Waits(attempts=3).backoff).get("a")
    assert (failing.calls["get"], raised.value.attempts) == (3, 3)
    assert "3 times" in raised.value.hint


def test_what_was_tried_again_below_is_not_tried_again_above() -> None:
    """Retries do not multiply where one layer of them is inside another."""
    failing = Failing(MemoryRemote(), Fault("get", busy, range(1, 100)))
    inner = Retrying(failing, Waits(attempts=3).backoff)
    with pytest.raises(Unreachable):
        Retrying(inner, Waits(attempts=5).backoff).get("a")
    assert failing.calls["get"] == 3


def test_a_wrong_setting_is_not_tried_again() -> None:
    """What the user has to mend fails at once."""
    failing = Failing(MemoryRemote(), Fault("get", lambda: Misconfigured("no container"), range(1, 100)))
    with pytest.raises(Misconfigured):
        Retrying(failing, Waits().backoff).get("a")
    assert failing.calls["get"] == 1


def test_pauses_are_random_below_a_bound_that_doubles() -> None:
    """Full jitter: the n-th pause is anything up to first * 2**(n-1), and up to the longest."""
    pauses: list[list[float]] = []
    for _ in range(200):
        waits = Waits(attempts=5)
        with pytest.raises(Unreachable):
            Retrying(Failing(MemoryRemote(), Fault("get", busy, range(9))), waits.backoff).get("a")
        pauses.append(waits.pauses)
    for column, bound in zip(zip(*pauses, strict=True), (1.0, 2.0, 3.0, 3.0), strict=True):
        assert 0 <= min(column) < 0.2 * bound
        assert 0.8 * bound < max(column) <= bound


def test_a_server_that_asks_to_wait_is_heard() -> None:
    """Retry-After is the least pause; what is out of proportion is cut."""
    waits = Waits()
    asked = iter((20.0, 7200.0))
    failing = Failing(
        MemoryRemote(), Fault("list", lambda: Unreachable("429", retry_after=next(asked)), (1, 2))
    )
    Retrying(failing, waits.backoff).list("")
    assert waits.pauses == [20.0, 60.0]


def test_a_lost_answer_to_put_if_absent_is_ones_own_success() -> None:
    """The second attempt finds the blob there, written by this very writer."""
    memory = MemoryRemote()
    retrying = Retrying(Failing(memory, Fault("put", busy, lost=True)), Waits().backoff)
    etag = retrying.put("slot", b"", if_absent=True, metadata={"writer": "w-1"})
    blob = memory.head("slot")
    assert blob is not None
    assert blob.etag == etag


def test_a_lost_answer_to_put_over_a_version_is_ones_own_success() -> None:
    """A commit whose answer got lost is not made again in another slot."""
    memory = MemoryRemote()
    slot = memory.put("slot", b"", metadata={"writer": "w-1"})
    retrying = Retrying(Failing(memory, Fault("put", busy, lost=True)), Waits().backoff)
    etag = retrying.put("slot", b"segment", if_match=slot, metadata={"writer": "w-2"})
    blob = memory.head("slot")
    assert blob is not None
    assert (blob.etag, blob.size) == (etag, 7)


def test_a_lost_answer_is_recognised_through_more_errors() -> None:
    """Also when asking who wrote it fails at first."""
    memory = MemoryRemote()
    failing = Failing(memory, Fault("put", busy, lost=True), Fault("head", busy, (1, 2)))
    etag = Retrying(failing, Waits(attempts=6).backoff).put(
        "a", b"1", if_absent=True, metadata={"writer": "w"}
    )
    blob = memory.head("a")
    assert blob is not None
    assert blob.etag == etag


def test_anothers_success_is_not_ones_own() -> None:
    """If somebody else was first, the condition failed, answer lost or not."""
    memory = MemoryRemote()
    failing = Failing(memory, Fault("put", busy))
    memory.put("slot", b"", metadata={"writer": "another"})
    with pytest.raises(ConditionFailed):
        Retrying(failing, Waits().backoff).put("slot", b"", if_absent=True, metadata={"writer": "w-1"})


def test_an_older_version_of_ones_own_is_no_success() -> None:
    """The version that the write was meant for does not count, whoever wrote it."""
    memory = MemoryRemote()
    etag = memory.put("a", b"1", metadata={"writer": "w"})
    failing = Failing(memory, Fault("put", busy), Fault("put", lambda: ConditionFailed("412"), (2,)))
    with pytest.raises(ConditionFailed):
        Retrying(failing, Waits().backoff).put("a", b"2", if_match=etag, metadata={"writer": "w"})


def test_without_a_writer_a_refusal_is_a_refusal() -> None:
    """Nothing tells whose success it was."""
    retrying = Retrying(Failing(MemoryRemote(), Fault("put", busy, lost=True)), Waits().backoff)
    with pytest.raises(ConditionFailed):
        retrying.put("a", b"1", if_absent=True)


def test_a_first_refusal_is_believed() -> None:
    """Nobody is asked who wrote a blob if no answer was lost."""
    memory = MemoryRemote()
    memory.put("a", b"1", metadata={"writer": "w"})
    failing = Failing(memory)
    with pytest.raises(ConditionFailed):
        Retrying(failing, Waits().backoff).put("a", b"1", if_absent=True, metadata={"writer": "w"})
    assert failing.calls["head"] == 0


def test_a_lost_delete_is_done() -> None:
    """The second attempt finds nothing, which is no error."""
    memory = MemoryRemote()
    etag = memory.put("a", b"1")
    Retrying(Failing(memory, Fault("delete", busy, lost=True)), Waits().backoff).delete("a", if_match=etag)
    assert memory.head("a") is None


def test_a_file_is_sent_again_from_where_it_stood() -> None:
    """What the first attempt read of it is not left out by the second."""
    memory = MemoryRemote()
    file = io.BytesIO(b"0123456789")
    file.seek(2)
    Retrying(Failing(memory, Fault("put", busy, lost=True)), Waits().backoff).put("a", file)
    assert memory.get("a") == b"23456789"


def test_a_stream_goes_on_where_it_broke() -> None:
    """The pieces are those of the blob, each once."""
    memory = MemoryRemote()
    data = bytes(range(256)) * (5 << 12)
    memory.put("a", data)
    failing = Failing(memory, Fault("read", busy, (1, 2, 4), lost=True), Fault("read", busy, (3,)))
    assert b"".join(Retrying(failing, Waits().backoff).read("a")) == data
    assert failing.calls["read"] == 5


def test_a_stream_that_gets_on_is_not_given_up() -> None:
    """Attempts are counted from the last piece that came."""
    memory = MemoryRemote()
    data = bytes(5 << 20)
    memory.put("a", data)
    failing = Failing(memory, Fault("read", busy, range(1, 5), lost=True))
    assert b"".join(Retrying(failing, Waits(attempts=2).backoff).read("a")) == data


def test_a_stream_that_gets_nowhere_is_given_up() -> None:
    """As every other call."""
    failing = Failing(MemoryRemote(), Fault("read", busy, range(1, 100)))
    with pytest.raises(Unreachable):
        list(Retrying(failing, Waits(attempts=3).backoff).read("a"))
    assert failing.calls["read"] == 3


def test_an_empty_stream() -> None:
    """No piece is no error."""
    memory = MemoryRemote()
    memory.put("a", b"")
    assert list(Retrying(memory, Waits().backoff).read("a")) == []


def test_the_wrapped_remote_is_told() -> None:
    """URL and repr say what is behind it."""
    retrying = Retrying(MemoryRemote("x"))
    assert (retrying.url, repr(retrying)) == ("memory:x", "Retrying(MemoryRemote('x'))")


def test_conditions_are_passed_on() -> None:
    """A stale version is refused through the wrapper."""
    memory = MemoryRemote()
    memory.put("a", b"1")
    with pytest.raises(ConditionFailed):
        Retrying(memory).put("a", b"2", if_match=ETag("stale"))


@pytest.mark.parametrize("seconds", [0.0, 1.0, 25.5])
def test_the_pauses_fit_into_the_time_that_is_given(seconds: float) -> None:
    """As many attempts as ever, and their bounds add up to it."""
    backoff = Backoff.within(seconds)
    bounds = [min(backoff.longest, backoff.first * 2**number) for number in range(backoff.attempts - 1)]
    assert (backoff.attempts, sum(bounds)) == (Backoff().attempts, pytest.approx(seconds))

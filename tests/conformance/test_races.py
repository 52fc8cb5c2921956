"""Several writers and readers at once."""

from __future__ import annotations

import io
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from luisy.cas.remote import BlobMissing, ConditionFailed, ETag, Remote, Unreachable
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier

    from tests.conformance.conftest import Place

ROUNDS = 10
SIZE = 300_000
LARGE = 20 << 20  # goes up in blocks


def won(remote: Remote, write: Callable[[Remote], object]) -> bool:
    try:
        write(remote)
    except ConditionFailed:
        return False
    return True


def test_one_thread_wins_a_name(place: Place) -> None:
    """Of threads that put one name if absent, exactly one succeeds, and its bytes are there."""
    remotes = [place.open() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for i in range(ROUNDS):
            start = threading.Barrier(4)

            def race(j: int, i: int = i, start: threading.Barrier = start) -> bool:
                start.wait()
                return won(remotes[j], lambda remote: remote.put(f"race/{i}", bytes([j]), if_absent=True))

            outcomes = list(pool.map(race, range(4)))
            assert sum(outcomes) == 1
            assert remotes[0].get(f"race/{i}") == bytes([outcomes.index(True)])


def test_one_thread_wins_a_version(place: Place) -> None:
    """Of threads that put over one version, exactly one succeeds."""
    remotes = [place.open() for _ in range(4)]
    etag = remotes[0].put("slot", b"")
    with ThreadPoolExecutor(4) as pool:
        for _ in range(ROUNDS):
            start = threading.Barrier(4)

            def race(j: int, start: threading.Barrier = start, slot: ETag = etag) -> bool:
                start.wait()
                return won(remotes[j], lambda remote: remote.put("slot", bytes([j]), if_match=slot))

            outcomes = list(pool.map(race, range(4)))
            assert sum(outcomes) == 1
            assert remotes[0].get("slot") == bytes([outcomes.index(True)])
            etag = remotes[0].put("slot", b"")


def _race_for_names(place: Place, j: int, start: Barrier) -> list[bool]:
    remote = place.open()
    outcomes = []
    for i in range(ROUNDS):
        start.wait()
        outcomes.append(won(remote, lambda remote, i=i: remote.put(f"race/{i}", bytes([j]), if_absent=True)))  # type: ignore[misc]
    return outcomes


def test_one_process_wins_a_name(shared_place: Place) -> None:
    """The same between processes."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(3)
    results = context.SimpleQueue()
    processes = [
        context.Process(target=lambda j: results.put((j, _race_for_names(shared_place, j, start))), args=(j,))
        for j in range(3)
    ]
    for process in processes:
        process.start()
    outcomes = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    remote = shared_place.open()
    for i in range(ROUNDS):
        winners = [j for j in range(3) if outcomes[j][i]]
        assert len(winners) == 1
        assert remote.get(f"race/{i}") == bytes(winners)


def test_a_reader_sees_no_half_written_blob(place: Place) -> None:
    """While others write, a read gives all bytes of one version, or says that there is none."""
    done = threading.Event()
    torn: list[bytes] = []

    def write(letter: bytes) -> None:
        remote = place.open()
        for i in range(2 * ROUNDS):
            remote.put("blob", letter * SIZE)
            if i % 5 == 4:
                remote.delete("blob")

    def read() -> int:
        remote, seen = place.open(), 0
        while not done.is_set():
            try:
                data = remote.get("blob")
            except BlobMissing:
                continue
            seen += 1
            if len(data) != SIZE or len(set(data)) != 1:
                torn.append(data)
        return seen

    with ThreadPoolExecutor(4) as pool:
        place.open().put("blob", b"x" * SIZE)
        readers = [pool.submit(read) for _ in range(2)]
        list(pool.map(write, (b"a", b"b")))
        done.set()
        assert sum(reader.result() for reader in readers) > 0
    assert torn == []


def test_a_blob_that_is_replaced_all_the_time_is_always_found(place: Place) -> None:
    """There is no moment between two versions: neither a head nor a listing misses the blob."""
    etag = place.open().put("index/a", b"")
    done = threading.Event()
    missed: list[str] = []

    def look() -> int:
        remote, looks = place.open(), 0
        while not done.is_set():
            looks += 1
            if remote.head("index/a") is None:
                missed.append("head")
            if len(remote.list("index/").blobs) != 1:
                missed.append("list")
        return looks

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        writer = place.open()
        for _ in range(5 * ROUNDS):
            etag = writer.put("index/a", b"1", if_match=etag)
            etag = writer.touch("index/a", if_match=etag)
        done.set()
        assert looking.result() > 0
    assert missed == []


def put_at_once(place: Place, *, if_absent: bool) -> tuple[dict[bytes, RemoteError | None], bytes]:
    """What became of two writers of one name, whose large files are of one letter each, and what stands there."""

    def write(letter: bytes) -> RemoteError | None:
        try:
            place.open().put("large", io.BytesIO(letter * LARGE), if_absent=if_absent)
        except RemoteError as error:
            return error
        return None

    letters = (b"a", b"b")
    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(letters, pool.map(write, letters), strict=True))
    return outcomes, b"".join(place.open().read("large"))


def test_two_streamed_writers_do_not_mix(place: Place) -> None:
    """One of them comes to stand there whole; the other may have to try again."""
    outcomes, data = put_at_once(place, if_absent=False)
    assert data in {b"a" * LARGE, b"b" * LARGE}
    assert outcomes[data[:1]] is None
    assert all(error is None or isinstance(error, Unreachable) for error in outcomes.values())


def test_one_streamed_writer_wins_a_name(place: Place) -> None:
    """Put if absent holds for large files that go up at once."""
    outcomes, data = put_at_once(place, if_absent=True)
    assert data in {b"a" * LARGE, b"b" * LARGE}
    assert outcomes[data[:1]] is None
    assert [type(error) for error in outcomes.values() if error] == [ConditionFailed]

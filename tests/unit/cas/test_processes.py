"""Several processes at one store: opening, forking, dying at every step (invariants 1 and 5)."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas import Store, _layout, output_of, stat_token
from luisy.cas import filing as filing_module
from luisy.cas import objects as objects_module
from luisy.cas import recording as recording_module
from luisy.cas.action_rows import ActionRows
from luisy.cas.index import Index
from luisy.cas.workspace_rows import WorkspaceRows
from tests.unit.cas.values import action, key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORK = multiprocessing.get_context("fork")
DIED = 86


def in_child(work: Callable[[], object]) -> int:
    """Run *work* in a forked child that leaves without cleaning up; its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# --- opening


def test_two_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    """Whoever is first makes the schema, the others find it."""
    code = (
        "import sys, sqlite_utils\n"
        "from luisy.cas import Store\n"
        "print('ready', flush=True); sys.stdin.read(1)\n"
        "with Store.open(sys.argv[1]) as store: store.put(sys.argv[2].encode()); print(store.secret().hex())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "s"), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    # All are let go at the same moment, with everything imported: then they do meet.
    assert [process.stdout.readline() for process in started if process.stdout] == ["ready\n"] * 4
    for process in started:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    ended = [process.communicate() for process in started]
    assert [error for _, error in ended if error] == []
    assert len({secret for secret, _ in ended}) == 1
    with Store.open(tmp_path / "s", create=False) as store:
        assert store.status().objects == 4


def test_processes_put_the_same_objects_at_once(tmp_path: Path) -> None:
    """They agree: each object is there once and whole."""
    Store.open(tmp_path).close()

    def work() -> None:
        with Store.open(tmp_path) as store:
            for number in range(100):
                store.put(str(number).encode())

    children = [FORK.Process(target=work) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    with Store.open(tmp_path) as store:
        assert store.status().objects == 100
        assert all(store.get(store.put(str(number).encode())) for number in range(100))
        assert os.listdir(tmp_path / "tmp") == []


def test_of_two_recorders_the_first_stays(tmp_path: Path) -> None:
    """Whatever the order, both are told the same action, and file and index agree."""
    with Store.open(tmp_path / "s") as store:
        manifests = []
        for number in range(6):
            (tmp_path / "f").write_text(str(number))
            manifests.append(store.keep([(b"", str(tmp_path / "f"))]))

        def work(number: int) -> None:
            with Store.open(tmp_path / "s") as mine:
                filed = mine.record(action(manifests[number], 1))
                (tmp_path / f"told-{number}").write_text(filed.manifest)

        children = [FORK.Process(target=work, args=(number,)) for number in range(6)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        filed = store.action(key(1))
        assert filed is not None
        assert {path.read_text() for path in tmp_path.glob("told-*")} == {filed.manifest}
        assert store.results([key(1)])[key(1)].manifest == filed.manifest


# --- forking


def test_a_forked_child_and_its_parent_both_keep_their_rows(store: Store) -> None:
    """No connection is shared: what each writes is there afterwards."""
    store.put(b"before")
    for number in range(20):
        assert in_child(lambda number=number: store.put(f"child {number}".encode())) == 0  # type: ignore[misc] # a default argument
        store.put(f"parent {number}".encode())
    assert store.status().objects == 41
    assert store._database.query("PRAGMA integrity_check") == [("ok",)]


def test_a_fork_closes_the_connection(store: Store) -> None:
    """The child has none of its parent's to lose rows through, and the parent opens its own again."""
    store.put(b"abc")
    assert store._database._connection is not None
    assert in_child(lambda: os._exit(0 if store._database._connection is None else 3)) == 0
    assert store._database._connection is None


def test_a_child_does_not_write_what_its_parent_collected(store: Store) -> None:
    """What the parent had staged is the parent's: the child neither installs nor removes it."""
    with store.transaction():
        name = store.put(b"parent's")

        def work() -> None:
            assert store._objects.staged == {}
            store.put(b"child's")  # written at once: the child is in no transaction
            assert store.status().objects == 1

        assert in_child(work) == 0
    assert store.get(name) == b"parent's"
    assert store.status().objects == 2


def test_a_fork_waits_for_the_transaction_of_another_thread(store: Store) -> None:
    """A child never starts with the lock held or half a transaction open."""
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with store._database.writing():
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    threading.Timer(0.2, go_on.set).start()
    assert in_child(lambda: store.put(b"child")) == 0
    thread.join()
    assert store.status().objects == 1


def test_every_thread_of_a_child_can_use_the_store(store: Store) -> None:
    """The lock that was held over the fork is not held in the child, by no thread of it."""

    def work() -> None:
        thread = threading.Thread(target=store.put, args=(b"abc",), daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()

    assert in_child(work) == 0
    assert store.status().objects == 1


# --- dying at every step

STEPS: dict[str, tuple[Any, str]] = {
    "before the object is staged": (objects_module, "write_new"),
    "before the object is renamed": (objects_module, "install"),
    "before the object's row": (Index, "put"),
    "before the workspace row": (WorkspaceRows, "place"),
    "before the action file is written": (recording_module, "write_new"),
    "before the action file is renamed": (filing_module, "install"),
    "before the action's row": (ActionRows, "put"),
}


def die(*_: object, **__: object) -> None:
    """As by kill -9: nothing is cleaned up."""
    os._exit(DIED)


def die_after(real: Callable[..., object]) -> Callable[..., None]:
    """Do the step, then die."""

    def step(*arguments: Any, **more: Any) -> None:
        real(*arguments, **more)
        os._exit(DIED)

    return step


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_crash_leaves_garbage_and_no_promise(tmp_path: Path, step: tuple[Any, str], *, after: bool) -> None:
    """Killed at any step, the store opens, says nothing that is not true, and the work can be done again."""
    owner, name = step
    output = tmp_path / "output"
    output.write_text("abc")
    Store.open(tmp_path / "s").close()

    def work() -> None:
        setattr(owner, name, die_after(getattr(owner, name)) if after else die)
        store = Store.open(tmp_path / "s")
        store.record(action(store.keep([(b"", str(output))])))

    assert in_child(work) == DIED
    with Store.open(tmp_path / "s") as store:
        assert_honest(store, output)
        manifest = store.keep([(b"", str(output))])
        store.record(action(manifest))
        assert store.action(key(1)) == action(manifest)
        assert store.get(manifest.entries[0].digest) == b"abc"
        store.rebuild()
        assert_honest(store, output)
        assert set(store.results([key(1)])) == {key(1)}


def assert_honest(store: Store, output: Path) -> None:
    """Every row stands for bytes that are there."""
    for row in store.results([key(1)]).values():
        filed = store.action(row.key)
        assert filed is not None
        assert filed.manifest == row.manifest
        assert row.outputs is not None
        assert store.check(row.outputs.objects) == set(row.outputs.objects)
        assert store.manifests([row.manifest]) == {row.manifest: row.outputs}
    for path, placed in store.placements([str(output)]).items():
        assert placed.token == stat_token(path)
        assert output_of(store.snapshot([(b"", path)]), b"").digest == placed.content
    for (raw,) in store._database.query("SELECT digest FROM objects"):
        assert store.get(raw.hex())


def test_a_killed_writer_does_not_lock_the_store(tmp_path: Path) -> None:
    """The transaction of a process that died is rolled back by the next one."""
    Store.open(tmp_path).close()

    def work() -> None:
        store = Store.open(tmp_path)
        with store._database.writing() as connection:
            connection.execute("INSERT INTO facts VALUES ('half', 1)")
            os._exit(DIED)

    assert in_child(work) == DIED
    with Store.open(tmp_path) as store:
        store.put(b"abc")
        assert store._database.query("SELECT count(*) FROM facts") == [(0,)]


def test_an_interrupted_copy_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception (a full disk, Ctrl-C) while bytes are written removes what was written."""

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with Store.open(tmp_path) as store:
        monkeypatch.setattr(_layout, "write_all", fail)
        with pytest.raises(KeyboardInterrupt):
            store.put(b"abc")
        monkeypatch.undo()
        assert os.listdir(tmp_path / "tmp") == []

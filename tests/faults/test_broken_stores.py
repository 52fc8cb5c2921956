"""A store that is damaged, locked, closed or gone: right bytes, or an honest word; never wrong ones, never a traceback."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from luisy.model import LinkMode
from tests.cli.project import obey_modes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.projects import Run
    from tests.faults.victims import Victim

RUN = ("run", "--json", "--module", "pipe", "Root")


@pytest.fixture
def ran(victim: Victim) -> Victim:
    """A pipeline with its results."""
    victim.complete()
    return victim


def honest(done: Run, *slugs: str) -> None:
    """It went well, or it says why not with one of these slugs; and no traceback in any case."""
    assert "Traceback" not in done.stderr
    said = re.findall(r"error\[([a-z-]+)\]", done.stderr)
    assert done.code in (0, 5) or set(said) & set(slugs), f"{done.code}: {done.stderr}"


def recovers(victim: Victim) -> None:
    """After what the message says is done, everything is right again."""
    done = victim.luisy("cas", "verify", "--rebuild", "--repair", expected=0)
    assert "Traceback" not in done.stderr
    victim.remove_outputs()
    victim.complete()
    victim.assert_sound()


# --- the index


def truncated(data: bytearray, chance: random.Random) -> bytes:
    """Its first part only."""
    return bytes(data[: chance.randrange(len(data))])


def random_bytes_in_a_page(data: bytearray, chance: random.Random) -> bytes:
    """A page, or some bytes of one, with something else in it."""
    start = chance.randrange(len(data) // 4096) * 4096 + chance.choice([0, 0, chance.randrange(4000)])
    length = chance.choice([8, 200, 4096])
    data[start : start + length] = chance.randbytes(length)
    return bytes(data)


def pages_swapped(data: bytearray, chance: random.Random) -> bytes:
    """Two pages at each other's place."""
    one, other = (chance.randrange(len(data) // 4096) * 4096 for _ in range(2))
    data[one : one + 4096], data[other : other + 4096] = data[other : other + 4096], data[one : one + 4096]
    return bytes(data)


DAMAGES = [truncated, random_bytes_in_a_page, pages_swapped]


def damage_index(victim: Victim, damage: Callable[[bytearray, random.Random], bytes], seed: int) -> None:
    """What was in the WAL is folded in first, so that the damage is what is read."""
    index = victim.store / "index.db"
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for beside in ("-wal", "-shm"):
        (victim.store / f"index.db{beside}").unlink(missing_ok=True)
    index.write_bytes(damage(bytearray(index.read_bytes()), random.Random(seed)))


def try_index(victim: Victim, damage: Callable[[bytearray, random.Random], bytes], seed: int) -> None:
    """Damage, a run with what is left, and the way back."""
    victim.restore()
    damage_index(victim, damage, seed)
    victim.remove_outputs()
    done = victim.luisy_whatever(*RUN)
    honest(done, "corrupt-index", "lost-index", "store-index", "newer-index", "missing-action")
    if done.code == 0:
        assert victim.text("Root") == "root of 1, deep link program"
    recovers(victim)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_gives_no_wrong_bytes(ran: Victim, damage: Callable[..., bytes]) -> None:
    """The run is right or says what is wrong, and ``verify --rebuild`` mends it."""
    ran.remember()
    for seed in range(3):
        try_index(ran, damage, seed)


@pytest.mark.soak
@pytest.mark.parametrize("damage", DAMAGES)
def test_many_damaged_indexes_give_no_wrong_bytes(ran: Victim, damage: Callable[..., bytes]) -> None:
    """The same at a hundred places."""
    ran.remember()
    for seed in range(100, 200):
        try_index(ran, damage, seed)


def test_an_index_that_another_process_holds_fails_no_task(ran: Victim) -> None:
    """Nobody can write to it when the run begins: that nothing is kept is told, and the next run is as ever."""
    ran.edit('"root of "', '"other root of "')
    with closing(sqlite3.connect(ran.store / "index.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = ran.prepared("impatient", *RUN)
        other.execute("ROLLBACK")
    assert done.code == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert "not kept: Root()" in done.stderr
    assert ran.text("Root") == "other root of 1, deep link program"
    assert ran.run().ran == ["Root"]
    ran.assert_sound()


def test_an_index_that_another_process_holds_in_a_run_fails_no_task(victim: Victim) -> None:
    """From a moment in ``run()`` on nobody can write to it: the outputs are there, and that they are not kept is told."""
    told, held = victim.folder / "told", victim.folder / "held"
    waits = f"""
        Path({str(told)!r}).touch()
        while not Path({str(held)!r}).exists():
            pass"""
    victim.edit('.symlink_to("program")', f'.symlink_to("program"){waits}')
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(victim.prepared, "impatient", *RUN)
        while not told.exists() and not running.done():
            time.sleep(0.01)
        with closing(sqlite3.connect(victim.store / "index.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            held.touch()
            done = running.result()
            other.execute("ROLLBACK")
    assert done.code == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert "not kept: Root()" in done.stderr
    assert victim.text("Root") == "root of 1, deep link program"
    victim.complete()
    victim.assert_sound()


# --- objects


def flip(path: Path, _: Path) -> None:
    """One bit of the last byte; size and time stay."""
    status = path.stat()
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 0x10]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(path: Path, _: Path) -> None:
    """The first half of it."""
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)


def swap(path: Path, other: Path) -> None:
    """Each has the other's bytes."""
    aside = path.with_name("aside")
    path.rename(aside)
    other.rename(path)
    aside.rename(other)


def close(path: Path, _: Path) -> None:
    """Nobody may read it."""
    path.chmod(0)


def objects(victim: Victim) -> list[Path]:
    """The files of all objects."""
    return sorted(path for path in (victim.store / "objects").rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", [flip, cut, swap, close])
def test_a_damaged_object_gives_no_wrong_bytes(ran: Victim, damage: Callable[[Path, Path], None]) -> None:
    """Each of the store's objects in turn: the root is there, what needs the object executes again, all bytes are right."""
    before = ran.outputs()
    ran.remember()
    count = len(objects(ran))
    for number in range(count):
        ran.restore()
        files = objects(ran)
        damage(files[number], files[(number + 1) % count])
        ran.remove_outputs()
        if damage is close:
            done = ran.cold(preexec_fn=obey_modes)
            assert "Traceback" not in done.stderr
        else:
            ran.run()
        assert ran.text("Root") == "root of 1, deep link program"
        assert ran.outputs().items() <= before.items()
        assert ran.luisy("cas", "verify", "--repair").code == 0


def test_an_edit_through_a_hard_link_gives_no_wrong_bytes(ran: Victim, tmp_path: Path) -> None:
    """A workspace file that shares its inode with the object is written to: the object is put aside."""
    with Store.open(ran.store) as store:
        (result,) = [one for one in store.list_actions() if one.family == "Root"]
        manifest = store.manifests([result.manifest])[result.manifest]
        linked = tmp_path / "linked"
        assert store.restore(manifest, {b"": str(linked)}, mode=LinkMode.HARDLINK) == {b"": LinkMode.HARDLINK}
    before = ran.outputs()
    linked.chmod(0o644)
    linked.write_text("by hand")
    ran.remove_outputs()
    assert ran.run().ran == ["Root"]
    assert ran.text("Root") == "root of 1, deep link program"
    assert ran.outputs().items() <= before.items()
    ran.assert_sound()


# --- the folder


def test_a_store_that_is_deleted_in_a_run_fails_no_task(victim: Victim) -> None:
    """The outputs are there, what was not kept is told, and the next run begins a new store."""
    gone = '; import shutil; shutil.rmtree(DATA / ".luisy")'
    victim.edit('.symlink_to("program")', f'.symlink_to("program"){gone}')
    done = victim.luisy_whatever(*RUN)
    assert "Traceback" not in done.stderr
    assert done.code in (0, 5), done.stderr
    assert victim.text("Root") == "root of 1, deep link program"
    shutil.rmtree(victim.store, ignore_errors=True)
    victim.edit(gone, "")
    victim.run("--force-all")
    victim.assert_sound()


def test_a_store_without_rights_fails_no_task(ran: Victim) -> None:
    """Neither to be read nor written: it is told up front, or the outputs are made without it."""
    ran.remove_outputs()
    for path in (ran.store / "objects").iterdir():
        path.chmod(0)
    try:
        done = ran.cold(preexec_fn=obey_modes, expected=None)
    finally:
        for path in (ran.store / "objects").iterdir():
            path.chmod(0o755)
    honest(done, "store-unwritable", "store")
    assert done.code in (0, 5)
    assert ran.text("Root") == "root of 1, deep link program"
    ran.run()
    assert ran.luisy("cas", "verify", "--repair").code == 0

"""The states of a :class:`Victim` in which something is killed: each function makes one, of a pipeline that never ran."""

from __future__ import annotations

import base64
import random
import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from luisy.cas import migrations

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.victims import Victim

EXPORTED = "exported"
"""Name of an export file, in the folder of the code, where commands run."""

GC_REMOTE = ("cas", "gc", "--remote", "--older-than", "0", "--yes")


def never_ran(victim: Victim) -> None:
    """As it is."""


def ran(victim: Victim) -> None:
    """With all its results."""
    victim.complete()


def outputs_lost(victim: Victim) -> None:
    """The results are in the store only."""
    victim.complete()
    victim.remove_outputs()


def edited(victim: Victim) -> None:
    """Somebody has written over an output, and changed a file of a folder."""
    victim.complete()
    victim.output("Root").write_text("by hand")
    (victim.data / "pipe" / "tree" / "program").write_text("by hand")


def other_content(victim: Victim) -> None:
    """What is forced makes another result at its key."""
    victim.complete()
    victim.aside("2")


def content_came_back(victim: Victim) -> None:
    """A result is again what it was, and its consumer's old one is found by early cutoff."""
    victim.complete()
    victim.aside("2")
    victim.run("--force-all")
    victim.aside("1")
    victim.run("Aside", "--force")


def garbage(victim: Victim) -> None:
    """Results of other code, an alias to one, a pin and an accepted result."""
    content_came_back(victim)
    victim.run()
    victim.edit('"root of "', '"other root of "')
    victim.run()
    victim.edit('"other root of "', '"root of "')
    victim.run()


def pinned(victim: Victim) -> None:
    """A result with a name that keeps it."""
    victim.complete()
    first = victim.luisy("cas", "ls", "--json").document["actions"][0]
    victim.luisy("cas", "pin", "good", first["key"])


def accepted(victim: Victim) -> None:
    """Changed code that counts as equivalent."""
    victim.complete()
    victim.edit('"root of "', '"root" + " of "')
    victim.luisy("accept", "--module", "pipe", "Root")


def damaged(victim: Victim) -> None:
    """An object is not what its name says."""
    victim.complete()
    (path,) = [
        one for one in (victim.store / "objects").rglob("*") if one.is_file() and one.stat().st_size == 1
    ]
    path.chmod(0o644)
    path.write_text("x")


def old_index(victim: Victim) -> None:
    """An index of the first schema."""
    victim.complete()
    later = [script for number, _, script in migrations.scripts() if number > 1]
    with closing(sqlite3.connect(victim.store / "index.db", isolation_level=None)) as index:
        for script in later:
            for table in re.findall(r"^CREATE TABLE (\w+)", script, re.MULTILINE):
                index.execute(f"DROP TABLE {table}")
        for script in later:
            for table, column in re.findall(r"^ALTER TABLE (\w+) ADD COLUMN (\w+)", script, re.MULTILINE):
                if index.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall():
                    index.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        index.execute("DELETE FROM _sqlite_migrations WHERE name NOT LIKE '0001%'")
        index.execute("PRAGMA user_version = 1")
        index.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def index_lost(victim: Victim) -> None:
    """Nothing but the files."""
    victim.complete()
    for path in victim.store.glob("index.db*"):
        path.unlink()


def exported(victim: Victim) -> None:
    """The results are in an export file, and there alone."""
    victim.complete()
    victim.luisy("cas", "export", "--all", "-o", EXPORTED)
    victim.remove_outputs()
    shutil.rmtree(victim.store)


# --- with a remote


def pushed(victim: Victim) -> None:
    """The results are in the remote, and there alone."""
    victim.complete()
    victim.luisy("cas", "push")
    victim.remove_outputs()
    shutil.rmtree(victim.store)


def garbage_pushed(victim: Victim) -> None:
    """In the remote: results that nobody needs, with blobs of their own, in whole packs, and in one with what is needed."""
    half_a_pack, own_blob = (
        base64.b64encode(random.Random(size).randbytes(size)).decode() for size in (400_000, 1_500_000)
    )
    victim.aside(half_a_pack)
    victim.run("--upload")
    for text in (own_blob, "1"):
        victim.aside(text)
        victim.run("--upload", "--force-all")
    victim.edit('"root of "', '"other root of "')
    victim.run("--upload")
    victim.edit('"other root of "', '"root of "')
    victim.run("--upload")


def tombstoned(victim: Victim) -> None:
    """What nobody needs is announced to go."""
    garbage_pushed(victim)
    victim.luisy(*GC_REMOTE)


def blobs_damaged(victim: Victim) -> None:
    """No blob with objects is what it was; the store has good copies."""
    victim.aside("1" * (1 << 20))
    victim.run("--upload")
    _flip_blobs(victim)


def blobs_lost(victim: Victim) -> None:
    """The same, and the store has no copies, but of what is as it was: an older result."""
    victim.complete()
    victim.luisy("cas", "push")
    whole = {path for path in victim.remote.rglob("*") if path.is_file()}
    victim.aside("2" * (1 << 20))
    victim.run("--upload", "--force-all")
    _flip_blobs(victim, but=whole)
    victim.remove_outputs()
    shutil.rmtree(victim.store)


def _flip_blobs(victim: Victim, but: set[Path] = frozenset()) -> None:  # type: ignore[assignment] # never changed
    """Flip a bit of each byte of packs and objects."""
    found = [
        path
        for folder in ("packs", "objects")
        for path in victim.remote.glob(f"*/.luisy/v1/{folder}/**/*~*")
        if path.is_file() and not path.name.startswith("~") and path not in but
    ]
    assert found
    for path in found:
        path.write_bytes(bytes(byte ^ 0x10 for byte in path.read_bytes()))

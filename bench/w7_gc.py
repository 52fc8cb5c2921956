"""W7: what would a gc delete? Planned for a store of 100,000 objects, beside a walk over their names; and verify.

Results that were filed before the index told what they need cost a look into their files: once, before the first gc.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from bench.measure import Command, compare, header, note, show_traffic
from bench.results import PROJECT, key
from luisy.cas import Store
from luisy.model import Action, Digest

if TYPE_CHECKING:
    import argparse

SCRIPT = Path(__file__).parent / "pipelines" / "collect_store.py"
OBJECTS, OBJECTS_DEFAULT = 100_000, 20_000
_FILES = 8
"""Files of each result. With its manifest and the parts of its key that makes ten objects."""

_FILE_BYTES = 400
_LARGE = 256 << 20


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    for count in (OBJECTS_DEFAULT, OBJECTS) if options.full else (OBJECTS_DEFAULT,):
        header(f"W7 gc: a plan for {count:,} objects, {count // (_FILES + 2):,} results")
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "store"
            _fill(store, count)
            _plans(store, count, options.pairs)
            _verify("small objects", store, options.pairs)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        with Store.open(store) as opened:
            opened.put(blake3(b"large").digest(length=_LARGE))
        _verify("one of 256 MiB", store, options.pairs)


def _plans(store: Path, count: int, pairs: int) -> None:
    """Beside a walk that sees each name once: all results go, none goes, and where the index does not tell."""
    results = count // (_FILES + 2)
    walk = Command("scandir", [sys.executable, "-S", str(SCRIPT), "walk", str(store), str(count + results)])
    for what, going in (("all go", results), ("none goes", 0)):
        ours = Command("luisy", [sys.executable, str(SCRIPT), "plan", str(store), str(going)])
        show_traffic(compare(f"W7 plan, {what}", ours, walk, pairs=pairs, target=2.0))
    with Store.open(store) as opened, opened.database.writing() as connection:
        connection.execute("UPDATE actions SET needs = NULL")
    ours = Command("luisy", [sys.executable, str(SCRIPT), "plan", str(store), "0"])
    show_traffic(compare("W7 plan, none goes, by the files", ours, walk, pairs=min(pairs, 3)))
    note("the plan is that of `luisy cas gc --older-than`; the last is that of a store from before ADR 0025")


def _verify(what: str, store: Path, pairs: int) -> None:
    """Beside a pass of BLAKE3 over the same files, with as many threads."""
    ours = Command("luisy", [sys.executable, str(SCRIPT), "verify", str(store), "0"])
    bare = Command("BLAKE3", [sys.executable, str(SCRIPT), "hash", str(store), "0"])
    compare(f"W7 verify, {what}", ours, bare, pairs=pairs, target=1 / 0.7)


def _fill(path: Path, count: int) -> None:
    """A store with *count* objects, each of one result."""
    folder = path.with_name("workspace")
    with Store.open(path) as store, store.transaction():
        for number in range(count // (_FILES + 2)):
            folder.mkdir()
            for file in range(_FILES):
                name = blake3(f"{number} {file}".encode())
                (folder / f"part-{file}").write_bytes(name.digest(length=_FILE_BYTES))
            manifest = store.take_in([(b"", str(folder))])
            parts = store.put(f'{{"parameter n": "{number}"}}'.encode())
            same = Digest("ab" * 32)
            action = Action(
                *(key(number), manifest.digest, PROJECT, "Task", {"n": str(number)}, key(number), same),  # type: ignore[arg-type]
                parts=parts,
                created=float(number),
                seconds=1.0,
                size=manifest.size,
            )
            store.record(action)
            shutil.rmtree(folder)

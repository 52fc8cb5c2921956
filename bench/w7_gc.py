"""W7: what would a gc delete? Planned for a store of 100,000 objects, beside a walk over their names; and verify."""

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
    count = OBJECTS if options.full else OBJECTS_DEFAULT
    header(f"W7 gc: a plan for {count:,} objects, {count // (_FILES + 2):,} results")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        _fill(store, count)
        expected = str(count // (_FILES + 2))
        ours = Command("luisy", [sys.executable, str(SCRIPT), "plan", str(store), expected])
        walk = Command("scandir", [sys.executable, "-S", str(SCRIPT), "walk", str(store), str(count)])
        show_traffic(compare("W7 plan", ours, walk, pairs=options.pairs, target=2.0))
        note(
            "the plan is that of `luisy cas gc --older-than 0`: all results go; the walk looks at each name once"
        )
        _verify("small objects", store, options.pairs)
        shutil.rmtree(store)
        with Store.open(store) as opened:
            opened.put(blake3(b"large").digest(length=_LARGE))
        _verify("one of 256 MiB", store, options.pairs)


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

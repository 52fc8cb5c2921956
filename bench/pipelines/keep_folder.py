"""Puts a folder into a store, or a folder from a store back: ``keep_folder.py keep|keep-each|restore STORE FOLDER``.

``keep-each`` makes every file an output of its own. What is kept is noted in ``<STORE>.kept``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from luisy.cas import Store


def outputs(folder: str, *, each: bool) -> list[list[tuple[bytes, str]]]:
    """One task with the folder as its output, or one for each file in it."""
    if not each:
        return [[(b"", folder)]]
    return [[(b"", os.path.join(folder, name))] for name in sorted(os.listdir(folder))]


def keep(store: Store, folder: str, noted: Path, *, each: bool) -> None:
    """Store, and note what."""
    tasks = outputs(folder, each=each)
    manifests = store.keep_many(tasks)
    names = [os.path.basename(task[0][1]) if each else "" for task in tasks]
    noted.write_text(json.dumps([[name, m.digest] for name, m in zip(names, manifests, strict=True)]))


def restore(store: Store, folder: str, noted: Path) -> None:
    """Everything that was noted, back."""
    kept = json.loads(noted.read_text())
    manifests = store.manifests(digest for _, digest in kept)
    store.restore_many(
        [(manifests[digest], {b"": os.path.join(folder, name).rstrip("/")}) for name, digest in kept]
    )


def main(action: str, path: str, folder: str) -> None:
    """Do one of the three, and say how long it took."""
    started = time.perf_counter()
    noted = Path(f"{path}.kept")
    with Store.open(path) as store:
        if action == "restore":
            restore(store, folder, noted)
        else:
            keep(store, folder, noted, each=action == "keep-each")
    print(f"inner-seconds:{time.perf_counter() - started}")


main(*sys.argv[1:])

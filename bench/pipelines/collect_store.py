"""A plan of gc for a store, its verification, or what these are measured beside: ``ACTION STORE COUNT``.

The process says how long the work took without its start (``bench.measure.INNER``).
"""

from __future__ import annotations

import os
import sys
import time

_began: list[float] = []


def began() -> None:
    """What comes from here on is no part of the start."""
    _began.append(time.perf_counter())


def plan(store: str, count: int) -> None:
    """Plan, two days from now, that so many results go: all, or none."""
    from luisy.cas import Store, collecting, gc

    began()
    now = time.time() + 2 * 86400
    with Store.open(store, create=False) as opened:
        found = collecting.Collector(opened, gc.Policy(0.0 if count else 1e12), now=now).plan()
    assert len(found.results) == count


def walk(store: str, count: int) -> None:
    """See the name of each object and of each action."""
    began()
    seen = 0
    for folder in ("objects", "actions"):
        with os.scandir(f"{store}/{folder}") as fans:
            for fan in fans:
                with os.scandir(fan.path) as files:
                    seen += sum(1 for _ in files)
    assert seen == count


def verify(store: str, _: int) -> None:
    """Everything in the store."""
    from luisy.cas import Store
    from luisy.cas.verify import inspect

    began()
    with Store.open(store, create=False) as opened:
        assert not inspect(opened).problems


def bare(store: str, _: int) -> None:
    """BLAKE3 over the objects, with all threads."""
    from concurrent.futures import ThreadPoolExecutor

    from blake3 import blake3

    from luisy.cas.hashing import THREADS

    began()

    def digest(path: str) -> str:
        hasher = blake3(max_threads=THREADS)
        with open(path, "rb") as file:
            while data := file.read(4 << 20):
                hasher.update(data)
        return hasher.hexdigest()

    paths = [f"{folder}/{name}" for folder, _, names in os.walk(f"{store}/objects") for name in sorted(names)]
    with ThreadPoolExecutor(THREADS) as pool:
        for path, found in zip(paths, pool.map(digest, paths), strict=True):
            assert path.replace("/", "").endswith(found)


def main() -> None:
    """One of these."""
    action, store, count = sys.argv[1:]
    {"plan": plan, "walk": walk, "verify": verify, "hash": bare}[action](store, int(count))
    print("inner-seconds:", time.perf_counter() - _began[0])


main()

"""luisy between a store and a container: ``mirror_store.py push|pull|ask|known|start|open STORE COUNT``.

``ask`` asks of a store's results which the remote lacks, ``known`` of keys alone, ``start`` only says hello to the
remote, ``open`` not even that. COUNT is how many results there must be; for ``ask`` and ``known``, how many
must be lacking, after the number that is asked for: ``STORE COUNT LACKING``.
"""

from __future__ import annotations

import os
import sys
import time

from luisy.cas import Store
from luisy.cas.remote.counting import Meter
from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from luisy.cas.transfer import Mirror
from luisy.model import Key

PROJECT = "bench"


def pull(mirror: Mirror, count: int) -> int:
    """Everything that the remote has; how many results came."""
    mirror.refresh()
    return len(mirror.fetch([row.key for row in mirror.listed()][:count]).actions)


def ask(mirror: Mirror, store: Store) -> int:
    """How many of the store's results the remote lacks."""
    mirror.refresh()
    return len(mirror.missing([row.key for row in store.list_actions()]))


def known(mirror: Mirror, count: int) -> int:
    """How many of *count* keys have no result in the remote."""
    from blake3 import blake3

    mirror.refresh()
    keys = [Key(blake3(number.to_bytes(8, "big")).hexdigest()) for number in range(count)]
    return len({*keys} - {*mirror.results(keys)})


def main(action: str, path: str, count: int, wanted: int) -> None:
    """Do one of them, check the number, and say what it took."""
    started = time.perf_counter()
    meter = Meter()
    credentials = Credentials(sas_token=os.environ["BENCH_SAS"], endpoint=os.environ["BENCH_ENDPOINT"])
    url = f"azure://{os.environ['BENCH_CONTAINER']}"
    remote = open_remote(url, credentials=credentials, meter=meter)
    found = wanted
    with Store.open(path) as store:
        mirror = Mirror(store, remote, PROJECT)
        if action == "push":
            found = len(mirror.push().actions)
        elif action == "pull":
            found = pull(mirror, count)
        elif action == "ask":
            found = ask(mirror, store)
        elif action == "known":
            found = known(mirror, count)
        elif action == "start":
            remote.check(write=False)
    remote.close()
    print(f"requests:{meter.traffic.requests}")
    print(f"inner-seconds:{time.perf_counter() - started}")
    if found != wanted:
        sys.exit(f"{action}: {found}, not {wanted}")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[-1]))

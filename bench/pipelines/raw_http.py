"""The least there can be: 32 threads, each with one open connection, and one request per file.

``raw_http.py push|pull|ask FOLDER COUNT [LACKING]`` moves files 00000, 00001, ... of FOLDER; ``ask`` counts those that
are not there. Nothing is hashed, nothing tried again; the token is in the URL, so nothing is signed.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

THREADS = 32


def one(link: http.client.HTTPConnection, action: str, base: str, path: Path) -> int:
    """One file; returns the status of the answer."""
    url = f"{base}/{path.name}?{os.environ['BENCH_SAS']}"
    if action == "push":
        link.request(
            "PUT", url, path.read_bytes(), {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-12-02"}
        )
    else:
        link.request("HEAD" if action == "ask" else "GET", url, headers={"x-ms-version": "2021-12-02"})
    answer = link.getresponse()
    data = answer.read()
    if action == "pull":
        path.write_bytes(data)
    return answer.status


def work(action: str, paths: list[Path], statuses: list[int]) -> None:
    """What one thread does."""
    parts = urlsplit(f"{os.environ['BENCH_ENDPOINT']}/{os.environ['BENCH_CONTAINER']}")
    link = http.client.HTTPConnection(parts.netloc)
    for path in paths:
        statuses.append(one(link, action, parts.path, path))  # noqa: PERF401 - a list that threads share


def main(action: str, folder: str, count: int, lacking: int) -> None:
    """Do it, check the answers, and say how long it took."""
    started = time.perf_counter()
    os.makedirs(folder, exist_ok=True)
    paths = [Path(folder, f"{number:05d}") for number in range(count)]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=work, args=(action, paths[first::THREADS], statuses))
        for first in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"requests:{len(statuses)}")
    print(f"inner-seconds:{time.perf_counter() - started}")
    wanted = [404] * lacking + [201 if action == "push" else 200] * (count - lacking)
    if sorted(statuses) != sorted(wanted):
        sys.exit(f"{action}: answers {sorted(statuses)[-3:]}")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0)

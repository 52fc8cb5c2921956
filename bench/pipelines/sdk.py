"""The Azure SDK as its manual has it: ``sdk.py push|pull|ask FOLDER COUNT [CONCURRENCY [BLOCK_MIB]]``.

One client for all threads; 32 threads, or with CONCURRENCY one thread, whose SDK splits each file into blocks.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import ContainerClient

THREADS = 32


def client(block: int) -> ContainerClient:
    """For the container, with as many connections as there are threads."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    return ContainerClient.from_container_url(
        f"{os.environ['BENCH_ENDPOINT']}/{os.environ['BENCH_CONTAINER']}?{os.environ['BENCH_SAS']}",
        transport=RequestsTransport(session=session),
        max_block_size=block,
        max_chunk_get_size=block,
        connection_data_block_size=1 << 20,
    )


def one(container: ContainerClient, action: str, path: Path, concurrency: int) -> bool:
    """One file; whether it is there."""
    blob = container.get_blob_client(path.name)
    if action == "ask":
        return blob.exists()
    if action == "push":
        with path.open("rb") as file:
            blob.upload_blob(file, length=path.stat().st_size, max_concurrency=concurrency)
    else:
        with path.open("wb") as file:
            blob.download_blob(max_concurrency=concurrency).readinto(file)
    return True


def main(action: str, folder: str, count: int, concurrency: int, block: int) -> None:
    """Do it, and say how long it took."""
    started = time.perf_counter()
    os.makedirs(folder, exist_ok=True)
    paths = [Path(folder, f"{number:05d}") for number in range(count)]
    container = client(block)
    with ThreadPoolExecutor(1 if concurrency > 1 else THREADS) as pool:
        found = sum(pool.map(lambda path: one(container, action, path, concurrency), paths))
    print(f"inner-seconds:{time.perf_counter() - started}")
    if found != count:
        sys.exit(f"{action}: {found} of {count}")


options = [int(word) for word in sys.argv[3:]] + [1, 4][len(sys.argv) - 4 :]
main(sys.argv[1], sys.argv[2], options[0], options[1], options[2] << 20)

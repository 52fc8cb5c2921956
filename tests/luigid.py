"""A real ``luigid`` for tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def serving(folder: Path, state: Path) -> Iterator[int]:
    """A daemon that reads luigi.cfg in *folder* and keeps its state in the file *state*; its port."""
    port = free_port()
    luigid = shutil.which("luigid", path=os.path.dirname(sys.executable))
    assert luigid is not None, "luigid comes with luigi"
    process = subprocess.Popen(
        [luigid, "--port", str(port), "--address", "127.0.0.1", "--state-path", str(state)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()

"""What a Dask worker does about an errand: a fresh process runs it, and does not outlive the worker or the wish for it.

A process of its own, since one task is observed, has its own modules, and may be stopped; a Dask worker's threads
share all of that. The process reads its errand from a pipe, not from its arguments, which all on the machine may
read. The pipe stays open: when it closes, nobody waits any more.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from distributed import get_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from luisy.runner.execution.errands import Errand

# Not "-m": the module would be __main__, and so look like a part of the user's project.
_RUN = "from luisy.runner.errand import main; main()"

_SECONDS_BETWEEN = 1.0
"""Between two looks whether the errand is still wanted."""


_SECONDS_TO_END = 10.0
"""For a process to end after its answer, or after the pipe has closed."""


class ErrandLostError(Exception):
    """The process that ran an errand ended without an answer."""


def carry_out(errand: Errand) -> bytes:
    """Run *errand* in a process of its own; its pickled ``Answer``.

    :raises ErrandLostError: there is none.
    """
    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state != "cancelled"

    return _run(errand, is_wanted)


def _run(errand: Errand, is_wanted: Callable[[], bool]) -> bytes:
    reader, writer = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, reader)
        process = subprocess.Popen(  # noqa: S603 - this Python, and a number  # nosec B603
            [sys.executable, "-c", _RUN, str(writer)],
            stdin=subprocess.PIPE,
            pass_fds=(writer,),
            start_new_session=True,
        )
        os.close(writer)
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(pickle.dumps(errand))
                process.stdin.flush()
            answer = _read(reader, process, is_wanted)
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            _end(process)
    if not answer:
        raise ErrandLostError(
            f"the process that ran {errand.name} on {socket.gethostname()} ended with exit code {process.returncode}"
        )
    return answer


def _read(reader: int, process: subprocess.Popen[bytes], is_wanted: Callable[[], bool]) -> bytes:
    """The whole answer; empty if the process died, or nobody wants it any more."""
    chunks: list[bytes] = []
    while True:
        if not select.select([reader], [], [], _SECONDS_BETWEEN)[0]:
            if process.poll() is None and is_wanted():
                continue
            return b""
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _end(process: subprocess.Popen[bytes]) -> None:
    """See the process off; what was not through by itself is killed with all that it started."""
    try:
        process.wait(timeout=_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

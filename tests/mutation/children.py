"""Questions answered in a forked child: what it imports, breaks or never ends stays there."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = 4 << 30
"""Bytes of address space: a loop that never ends must not take the machine with it."""


def in_child(ask: Callable[[], Any], seconds: float, log: str = os.devnull) -> Any:
    """What *ask* returns, as JSON; None if the child dies, or takes longer than *seconds* of CPU.

    :param log: the file that what it prints goes to.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _prepare(seconds, log)
            answer = json.dumps(ask()).encode()
            with os.fdopen(writing, "wb") as stream:
                stream.write(answer)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else None


def _prepare(seconds: float, log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 60 + 3 * seconds)  # one that sleeps for ever uses no CPU
    with contextlib.suppress(ValueError):  # a lower limit is in force
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.modules["__main__"] = types.ModuleType("__main__")  # this program is no part of the cases
    for name in [n for n in sys.modules if n.partition(".")[0] in {"luisy", "tests", "__mp_main__"}]:
        del sys.modules[name]

"""A process that has imported luisy and Luigi and forks a child for each command: starting costs next to nothing.

Requests are JSON lines on stdin: ``{"argv", "cwd", "env", "stdout", "stderr"}``, and ``"before"`` with a script, a
function of it and its arguments, to be called first; the answer to each is the exit code of the child, a line on
stdout. In all else the child is what ``python -m luisy ...`` would be. (Where a
``luigi.cfg`` is to be read, or a script run, a process of its own is needed: Luigi reads it when it is imported.)
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys
from typing import Any

_PRELOADED = (
    "luisy.cli.run",
    "luisy.cli.get",
    "luisy.runner.answers.getting",
    "luisy.runner.pipeline.commandline",
    "sqlite_utils",
)
"""What commands import when they are used; sqlite_utils is what a new store needs."""


def child(request: dict[str, Any]) -> None:
    """Become ``python -m luisy``; ends in ``SystemExit``, so that the process ends as any other does."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        opened = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.path[0] = request["cwd"]
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.argv = request["argv"]
    if (before := request["before"]) is not None:
        runpy.run_path(before["script"])[before["function"]](**before["arguments"])
    runpy.run_module("luisy", run_name="__main__", alter_sys=True)


def serve() -> None:
    """Answer requests until stdin ends."""
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    requests = os.fdopen(os.dup(0))
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    for line in requests:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


if __name__ == "__main__":
    serve()

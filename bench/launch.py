"""Run a command and report what it cost: ``launch.py FD COMMAND...`` writes JSON to the file descriptor.

A process of its own because it is small. Linux counts into a new process's peak the memory of the one that made it
(``exec`` keeps the high-water mark of the memory that it replaces), so started from the bench itself, with its
imports, nothing would seem to take less than the bench.
"""

from __future__ import annotations

import os
import sys
import time


def main(report: int, command: list[str]) -> None:
    """Start, wait, report; ends with the command's exit code."""
    os.set_inheritable(report, False)  # noqa: FBT003 - positional only
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    # wait4 tells what this process and those that it waited for, and no others, have used.
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    os.write(report, f"[{wall}, {usage.ru_utime + usage.ru_stime}, {usage.ru_maxrss}]".encode())
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


main(int(sys.argv[1]), sys.argv[2:])

"""Spark works in a process of its own, which reads what nobody here can see. That it is made use of, can be seen.

With a classic session, each use is a command that py4j sends. A session of Spark Connect speaks through gRPC, which
cannot be overheard: where it is loaded, it counts as used.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PY4J = "py4j.java_gateway"
_CONNECT = "pyspark.sql.connect.session"

_LETS_GO = "m\n"
"""How a command begins that only tells that an object is not needed any more: sent whenever Python collects garbage."""


def loaded() -> tuple[bool, bool]:
    """Whether there are ways to Spark in this process: by py4j, by Spark Connect."""
    return _PY4J in sys.modules, _CONNECT in sys.modules


def hear(used: Callable[[], None]) -> None:
    """From now on, call *used* whenever Spark is made use of, as far as ways to it are loaded."""
    py4j, connect = loaded()
    if connect:
        used()
    if py4j:
        _overhear(sys.modules[_PY4J].GatewayClient, used)


@cache
def _overhear(client: Any, used: Callable[[], None]) -> None:
    send = client.send_command

    def send_command(self: Any, command: str, *args: Any, **kwargs: Any) -> Any:
        if not command.startswith(_LETS_GO):
            used()
        return send(self, command, *args, **kwargs)

    client.send_command = send_command

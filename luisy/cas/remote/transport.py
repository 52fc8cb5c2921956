"""What the Azure SDK sends its requests by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from luisy.cas.remote.counting import Meter


class Transport:
    """Counts each request, keeps connections, and may be closed between any two.

    The SDK's own cannot be used again once it is closed, and decodes what is stored with a ``Content-Encoding``.

    :param connect: makes a ``requests`` session, and the SDK's transport over it.
    """

    def __init__(self, meter: Meter, connect: Callable[[], tuple[Any, Any]]) -> None:
        self._meter = meter
        self._connect = connect
        self._opened: tuple[Any, Any] | None = None

    def send(self, request: Any, **options: Any) -> Any:
        """One round trip."""
        query = f"&{request.url.partition('?')[2]}&"
        about_blob = "&comp=" not in query
        goes_up = request.method == "PUT" and (about_blob or "&comp=block&" in query)
        self._meter.count(up=int(request.headers.get("Content-Length", 0)) if goes_up else 0)
        if self._opened is None:
            self._opened = self._connect()
        response = self._opened[1].send(request, **options)
        if request.method == "GET" and about_blob and response.status_code in {200, 206}:
            self._meter.count(0, down=int(response.headers.get("Content-Length", 0)))
            response.internal_response.raw.headers.discard("Content-Encoding")
        return response

    def open(self) -> None:
        """Connections are opened as they are needed."""

    def close(self) -> None:
        """Let go of the idle ones; those in use are closed when their requests are answered."""
        if self._opened is None:
            return
        # The session only forgets its pools, and an error may keep one of them alive in a cycle with its traceback.
        for adapter in self._opened[0].adapters.values():
            for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                for key in manager.pools.keys():  # noqa: SIM118 - it refuses to be iterated
                    if (pool := manager.pools.get(key)) is not None:
                        pool.close()
        self._opened[0].close()

    def sleep(self, seconds: float) -> None:
        """The SDK's retries are off, but it waits between attempts to read an answer."""
        time.sleep(seconds)

    def __enter__(self) -> object:
        return self

    def __exit__(self, *_: object) -> None:
        """The SDK closes no connections of ours."""

"""HTTP faults between a client and a real Azurite: what a wrapper round the adapter cannot make."""

from __future__ import annotations

import http.client
import http.server
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.azurite import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from luisy.cas.remote.credentials import Credentials
    from tests.azurite import Azurite


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    :param status: the answer, without asking Azurite; 0: it is asked.
    :param headers: of that answer.
    :param lost: Azurite is asked, and the connection reset before its answer.
    :param keep: of Azurite's answer, so many bytes of the body come before the connection ends; None: all.
    :param quietly: with *keep*: the answer says that it has so many bytes, and the connection goes on.
    :param late: the connection is reset at once, and Azurite gets the request after it has answered the next one of
        the same method and path.
    :param delay: seconds that it takes longer.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False
    keep: int | None = None
    quietly: bool = False
    late: bool = False
    delay: float = 0.0


class Proxy(http.server.ThreadingHTTPServer):
    """Stands before an Azurite; ``fault`` may be set to what decides by method and path.

    ``most_off`` is by how many seconds a request's date may be off: Azure cares, Azurite does not; None: by any number.
    ``requests`` are the methods and paths that came, ``connections`` the ports that each came from, ``late`` what
    Azurite answered to those that it got late.
    """

    daemon_threads = True

    def __init__(self, azurite: Azurite) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.azurite = azurite
        self.fault: Callable[[str, str], Fault | None] = lambda method, path: None
        self.most_off: float | None = None
        self.requests: list[tuple[str, str]] = []
        self.connections: list[int] = []
        self.late: list[int] = []
        self._held: dict[tuple[str, str], Callable[[], int]] = {}

    @property
    def credentials(self) -> Credentials:
        """The account key, by way of the proxy."""
        endpoint = f"http://127.0.0.1:{self.server_address[1]}/{ACCOUNT}"
        return replace(self.azurite.credentials, endpoint=endpoint)

    def hold(self, method: str, path: str, send: Callable[[], int]) -> None:
        """Let *send* be called after the next request of that kind."""
        self._held[method, path] = send

    def release(self, method: str, path: str) -> None:
        """Send what was held until now."""
        if (send := self._held.pop((method, path), None)) is not None:
            self.late.append(send())

    def fail_first(self, count: int, fault: Fault, *, method: str, having: str = "") -> None:
        """The first *count* requests of that *method* with *having* in their path meet *fault*."""
        left = iter(range(count))

        def decide(of: str, path: str) -> Fault | None:
            if of == method and having in path and next(left, None) is not None:
                return fault
            return None

        self.fault = decide


@contextmanager
def running(azurite: Azurite) -> Iterator[Proxy]:
    """A proxy before *azurite* for the length of a block."""
    with Proxy(azurite) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _handle(self) -> None:
        self.server.requests.append((self.command, self.path))
        self.server.connections.append(self.client_address[1])
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self._wrong_date() or self.server.fault(self.command, self.path) or Fault()
        if fault.delay:
            time.sleep(fault.delay)
        if fault.status:
            self._answer(fault.status, {**fault.headers, "Content-Length": "0"}, b"")
            return
        if fault.late:
            self.server.hold(self.command, self.path, lambda: self._ask_azurite(body)[0])
            self._reset()
            return
        status, headers, answer = self._ask_azurite(body)
        self.server.release(self.command, self.path)
        if fault.lost:
            self._reset()
        elif fault.keep is not None and fault.quietly:
            self._answer(status, {**headers, "Content-Length": str(fault.keep)}, answer[: fault.keep])
        elif fault.keep is not None:
            self._answer(status, headers, answer[: fault.keep])
            self._reset()
        else:
            self._answer(status, headers, answer)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _handle  # noqa: N815 - http.server's names

    def _wrong_date(self) -> Fault | None:
        """What Azure answers to a request whose date is too far off."""
        if self.server.most_off is None:
            return None
        off = time.time() - parsedate_to_datetime(self.headers["x-ms-date"]).timestamp()
        if abs(off) <= self.server.most_off:
            return None
        return Fault(403, {"x-ms-error-code": "AuthenticationFailed", "Date": formatdate(usegmt=True)})

    def _ask_azurite(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        target = urlsplit(self.server.azurite.endpoint)
        connection = http.client.HTTPConnection(target.hostname or "", target.port)
        try:
            connection.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = connection.getresponse()
            data = answer.read()
            headers = {
                k: v for k, v in answer.getheaders() if k.lower() not in {"transfer-encoding", "connection"}
            }
            if self.command != "HEAD":
                headers = {k: v for k, v in headers.items() if k.lower() != "content-length"}
                headers["Content-Length"] = str(len(data))
            return answer.status, headers, data
        finally:
            connection.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.wfile.flush()
        # Closed with unsent bytes thrown away: the other side sees a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

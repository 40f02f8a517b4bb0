"""A proxy on loopback that fails as networks and servers do, by a seeded chance."""

import http.client
import random
import socket
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUSY = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>ServiceUnavailable</Code>'
    b"<Message>try again</Message></Error>"
)
SKIPPED = ("transfer-encoding", "connection", "content-length", "date", "server")


@dataclass
class Faults:
    """What goes wrong, for `share` of the requests of these methods.

    busy: 503 at once · hang: no answer · reset: the connection breaks · lost: the request is
    done, and answered by 500 · cut: the request is done, and the connection breaks in the answer.
    """

    kind: str = ""
    share: float = 1.0
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "POST", "DELETE")
    key: str = ""
    times: int = 10**9
    seen: int = 0
    done: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(11))
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, method: str, path: str) -> str:
        """What happens to this request; nothing if it is to be answered."""
        with self.lock:
            self.seen += 1
            if method not in self.methods or self.key not in path or self.done >= self.times:
                return ""
            if self.chance.random() >= self.share:
                return ""
            self.done += 1
            return self.kind


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    upstream: int
    faults: Faults

    def answer(self) -> None:
        """Take a request, pass it on, or fail."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.faults.next(self.command, self.path)
        if fault == "busy":
            return self._send(503, [], BUSY)
        if fault == "hang":
            self.faults.over.wait(60)
        if fault in ("hang", "reset"):
            return self._break()
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("expect", "connection"):
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if fault == "lost":
            return self._send(500, [], BUSY)
        self._send(answer.status, answer.getheaders(), content, cut=fault == "cut")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _send(
        self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        length = len(body)
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = int(value)
            if name.lower() not in SKIPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if cut:
            self.wfile.write(body[: length // 2])
            self._break()
        elif self.command != "HEAD":
            self.wfile.write(body)

    def _break(self) -> None:
        # Closed with a linger of 0 seconds, a connection is reset.
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


@contextmanager
def flaky(upstream: int, faults: Faults) -> Generator[str]:
    """The endpoint of a proxy before a server, until the end of the block."""
    handler = type("Bound", (Handler,), {"upstream": upstream, "faults": faults})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        faults.over.set()
        server.shutdown()
        server.server_close()
        thread.join()

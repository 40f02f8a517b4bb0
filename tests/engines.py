"""Engines and registries that fail on purpose, for tests."""

import base64
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any


def engine_socket() -> str:
    """The socket of the real engine."""
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


class Proxy:
    """Stands between a client and the real engine, and can cut every connection."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix://{folder}/proxy.sock"
        self.cut_when: Callable[[bytes], bool] = lambda piece: False
        """Asked for each piece of an answer."""
        self.cut_after = 1 << 60
        """How many bytes of requests get through."""
        self._engine = engine_socket()
        self._open: list[socket.socket] = []
        self._sent = 0
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(f"{folder}/proxy.sock")
        self._listening.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection, as an engine does that dies."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End, and wait until nothing is left."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for thread in list(self._threads):
            thread.join()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._open += [client, engine]
            for ends in ((client, engine, True), (engine, client, False)):
                thread = threading.Thread(target=self._pump, args=ends, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, request: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                self._sent += len(piece) * request
                if self._sent > self.cut_after or (not request and self.cut_when(piece)):
                    self.cut()
                    break
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR if request else socket.SHUT_RDWR)


@dataclass
class FakeEngine:
    """Says what it is told to say: for each end of a path, a status and the lines of an answer."""

    address: str
    answers: dict[str, tuple[int, Sequence[bytes]]] = field(
        default_factory=dict[str, tuple[int, Sequence[bytes]]]
    )
    version: Mapping[str, Any] = field(
        default_factory=lambda: {"Version": "1", "ApiVersion": "1.41", "Arch": "amd64"}
    )

    def say(self, path: str, *events: object, status: int = 200) -> None:
        """Answer a request whose path ends so with these events."""
        lines = [json.dumps(one).encode() + b"\r\n" for one in events]
        self.answers[path] = (status, lines)

    def say_trace(self, path: str, *traces: bytes) -> None:
        """Answer with traces of BuildKit."""
        events = [
            {"id": "moby.buildkit.trace", "aux": base64.b64encode(one).decode()} for one in traces
        ]
        self.say(path, *events)


class _UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextmanager
def fake_engine(folder: Path) -> Generator[FakeEngine]:
    """An engine on a socket in a folder."""
    engine = FakeEngine(f"unix://{folder}/fake.sock")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "client"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.endswith("/version"):
                self._answer(200, [json.dumps(engine.version).encode()])
            else:
                self._find()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._find()

        def _find(self) -> None:
            path = self.path.partition("?")[0]
            for end, (status, lines) in engine.answers.items():
                if path.endswith(end):
                    self._answer(status, lines)
                    return
            self._answer(404, [b'{"message": "No such image"}'])

        def _answer(self, status: int, lines: Sequence[bytes]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for one in lines:
                self.wfile.write(f"{len(one):x}\r\n".encode() + one + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

    with _serving(_UnixServer(f"{folder}/fake.sock", Handler)):
        yield engine


@contextmanager
def refusing_registry(status: int | None) -> Generator[str]:
    """A registry that answers everything with a status, or closes every connection; its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="here"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_POST = do_PUT = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with _serving(server):
        yield f"127.0.0.1:{server.server_port}"


@contextmanager
def private_registry(behind: str, user: str, password: str) -> Generator[str]:
    """A registry that lets one user read what the one behind it has; its address."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="here"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = http.client.HTTPConnection(behind)
            asked.request(self.command, self.path, headers={"Accept": self.headers["Accept"] or ""})
            found = asked.getresponse()
            content = found.read()
            self.send_response(found.status)
            for name, value in found.getheaders():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)
            asked.close()

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with _serving(server):
        yield f"127.0.0.1:{server.server_port}"


@contextmanager
def _serving(server: HTTPServer | UnixStreamServer) -> Generator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

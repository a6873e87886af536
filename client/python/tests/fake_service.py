"""A service in this process whose responses are scripted."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable


@dataclass
class Received:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """is_cut: the connection ends before the body is whole."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False


def problem(code: str, status: int, *, details: Any = None, **headers: str) -> Reply:
    body = {"error_code": code, "message": f"It is {code}.", "details": details or {}}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body, names)


class FakeService:
    """Serves each request by `respond`, and remembers all of them."""

    def __init__(self, respond: Callable[[Received], Reply]) -> None:
        self.respond = respond
        self.received: list[Received] = []
        self.connections = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                service.connections += 1
                super().setup()

            def handle_one(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.command, path, query, headers, body)
                service.received.append(received)
                reply = service.respond(received)
                is_bytes = isinstance(reply.body, (bytes, bytearray))
                data = reply.body if is_bytes else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if reply.is_cut:
                    data = data[: len(data) // 2]
                    self.close_connection = True
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = handle_one

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # A client that leaves is no failure of a test.

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requests(self) -> list[str]:
        return [f"{received.method} {received.path}" for received in self.received]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

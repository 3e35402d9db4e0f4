"""The HTTP server: loopback only, a thread a connection, every answer in one write."""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.github.routing import Answer, Request

LOOPBACK = "127.0.0.1"


class _Listener(ThreadingHTTPServer):
    """Keeps its connections, so that closing it leaves none open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((LOOPBACK, port), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client hangs up in the middle."""

    def hang_up(self) -> None:
        """End all connections."""
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # headers and body leave together
    server: _Listener

    def handle_one_request(self) -> None:
        """Read one request and answer it, whatever its method."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        answer = self.server.answer(Request.of(self.command, self.path, headers, body))
        if answer.is_cut:
            self.close_connection = True
            return
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        body = answer.body()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if body or answer.text is not None:  # an empty file has a type too
            self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if answer.is_truncated else body)
        self.wfile.flush()
        self.close_connection |= answer.is_truncated

    def version_string(self) -> str:
        return "github.com"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: requests are in the world's list."""


class Server:
    """A listening server; close it to hang up on everybody."""

    def __init__(self, port: int, answer: Callable[[Request], Answer]) -> None:
        """Listen on a port of the loopback interface; 0 picks a free one."""
        self._listener = _Listener(port, answer)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the root of the API."""
        return f"http://{LOOPBACK}:{self._listener.server_address[1]}"

    def close(self) -> None:
        """Stop listening and hang up."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()

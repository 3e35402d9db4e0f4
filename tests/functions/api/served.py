"""The api function's handler behind a real server: requests come over a socket, and become API Gateway's events."""

import base64
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import schemathesis

from codereview.entrypoints.api.openapi import text
from functions.api import handler
from local.processes import LOOPBACK
from tests.functions.api.conformance import config
from tests.functions.api.world import World, event

NO_CONTEXT: Any = None


class Served:
    """A server on a free port while the context is open; a minute passes between two requests."""

    def __init__(self, world: World) -> None:
        """Serve what the handler answers; `world` has the clock and makes what requests need."""
        self.world = world
        self.statuses: dict[int, int] = {}
        self._described = dict[str, Any]()

    def __enter__(self) -> Self:
        served = self

        class Handler(_Handler):
            world, statuses = served.world, served.statuses

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the root."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def described(self, principal: str) -> Any:
        """Return the description as schemathesis fetches it."""
        if principal not in self._described:
            self._described[principal] = schemathesis.openapi.from_url(
                f"{self.url}/openapi.json", config=config(principal)
            )
        return self._described[principal]


class _Handler(BaseHTTPRequestHandler):
    """What API Gateway does with a request: repeated headers are one, and bytes that are no text travel encoded."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait 40 ms for an acknowledgement
    world: World
    statuses: dict[int, int]

    def __getattr__(self, name: str) -> object:
        """Treat every method alike: the base class looks for `do_GET`, `do_POST` and so on."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        """Keep silent."""

    def _serve(self) -> None:
        if self.path == "/openapi.json":
            self._answer(200, {"content-type": "application/json"}, text().encode())
            return
        headers = dict[str, str]()
        for name, value in self.headers.items():
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
        data = self.rfile.read(int(headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        given = event(self.command, parts.path, headers=headers, query=parts.query)
        try:
            given["body"] = data.decode() or None
        except UnicodeDecodeError:
            given |= {"body": base64.b64encode(data).decode(), "isBase64Encoded": True}
        self.world.clock.sleep(timedelta(minutes=1))
        answer = handler.handle(given, NO_CONTEXT)
        status = answer["statusCode"]
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self._answer(status, answer["headers"], answer["body"].encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

"""The API at the root of a port of its own, as it is on AWS.

The emulator serves an HTTP API below `/_aws/execute-api/<id>/<stage>`. This proxy adds that prefix and hands
everything else through as it came: the signature of a webhook covers the raw bytes.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from local.processes import LOOPBACK

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
)
_SECONDS = 35.0  # a little more than API Gateway's own 30 s, so that its answer arrives
_MAX_BODY_BYTES = 10 * 1024 * 1024  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html


@contextmanager
def serve(*, endpoint_url: str, api_id: str, stage: str) -> Iterator[str]:
    """Serve the API at the root of a free port while the context is open; give its address."""
    target = urlsplit(endpoint_url)

    class Handler(_Handler):
        upstream = (target.hostname or LOOPBACK, target.port or 80)
        prefix = f"/_aws/execute-api/{api_id}/{stage}"

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="gateway")
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait 40 ms for an acknowledgement
    upstream: ClassVar[tuple[str, int]]
    prefix: ClassVar[str]

    def __getattr__(self, name: str) -> object:
        """Treat every method alike: the base class looks for `do_GET`, `do_POST` and so on."""
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Keep the terminal for the command's own lines; the API has an access log."""

    def _pass_on(self) -> None:
        body = self._read_body()
        if body is None:
            return
        connection = http.client.HTTPConnection(*self.upstream, timeout=_SECONDS)
        try:
            connection.putrequest(self.command, self.prefix + self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            self._answer(connection.getresponse())
        except (OSError, http.client.HTTPException):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")
        finally:
            connection.close()

    def _read_body(self) -> bytes | None:
        """Return the body, or `None` after a refusal."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = int(self.headers.get("content-length") or 0)
        if length > _MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
            return None
        return self.rfile.read(length)

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
            if len(body) > _MAX_BODY_BYTES:
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
                return None
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        body = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer as API Gateway does when it cannot reach the function, and give up the connection."""
        body = f'{{"message":"{message}"}}'.encode()
        self.close_connection = True
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

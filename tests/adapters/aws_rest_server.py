"""A loopback server that speaks the REST protocols of S3 (one bucket, path style) and Lambda (one function)."""

import base64
import re
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

BUCKET, FUNCTION = "objects", "analyzer"
_INVOKED = re.compile(rf"/2015-03-31/functions/((?:arn:[\w:-]+:)?{FUNCTION}(?::\w+)?)/invocations")

# What goes wrong with one request, in the words of S3 and of Lambda; the message never belongs in what we say.
MISHAPS: dict[str, tuple[int, str]] = {
    "slow down": (503, "SlowDown"),
    "internal": (500, "InternalError"),
    "denied": (403, "AccessDenied"),
    "no bucket": (404, "NoSuchBucket"),
    "invalid": (400, "InvalidRequest"),
    "throttled": (429, "TooManyRequestsException"),
    "no function": (404, "ResourceNotFoundException"),
    "service": (500, "ServiceException"),
}


@dataclass
class RestServer:
    """What is stored, and what goes wrong next: one word a request."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    content_types: dict[str, str | None] = field(default_factory=dict)
    function: Callable[[bytes], tuple[bytes, str | None]] = lambda payload: (payload, None)
    mishaps: deque[str] = field(default_factory=deque)
    called: list[str] = field(default_factory=list)  # functions, as they were named
    requests: int = 0


def _unchunked(data: bytes) -> bytes:
    """Take the SDK's `aws-chunked` framing off, which carries a checksum behind the bytes."""
    size, _, rest = data.partition(b"\r\n")
    length = int(size.split(b";")[0], 16)
    return rest[:length] + (_unchunked(rest[length + 2 :]) if length else b"")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: RestServer
    _breaks_off = False

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        key = unquote(self.path).removeprefix(f"/{BUCKET}/")
        if self._is_broken("xml"):
            return
        data = self.world.objects.get(key)
        if data is None:
            self._reply(404, b"<Error><Code>NoSuchKey</Code><Message>canary</Message></Error>")
        else:
            self._reply(200, data)

    def do_PUT(self) -> None:
        body = self._body()
        if self._is_broken("xml"):
            return
        checksum = self.headers.get("x-amz-checksum-crc32")
        if checksum is not None:
            assert base64.b64decode(checksum) == zlib.crc32(body).to_bytes(4, "big")
        key = unquote(self.path).removeprefix(f"/{BUCKET}/")
        self.world.objects[key] = body
        self.world.content_types[key] = self.headers.get("Content-Type")
        self._reply(200, b"")

    def do_POST(self) -> None:
        body = self._body()
        if self._is_broken("json"):
            return
        called = _INVOKED.fullmatch(unquote(self.path))
        assert called, self.path
        self.world.called.append(called[1])
        answer, death = self.world.function(body)
        self._reply(200, answer, {"X-Amz-Function-Error": death} if death else {})

    def _body(self) -> bytes:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        return _unchunked(data) if "aws-chunked" in self.headers.get("Content-Encoding", "") else data

    def _is_broken(self, language: str) -> bool:
        self.world.requests += 1
        mishap = self.world.mishaps.popleft() if self.world.mishaps else ""
        if mishap == "hang up":
            self.close_connection = True
            return True
        self._breaks_off = mishap == "break off"
        if mishap not in MISHAPS:
            return False
        status, code = MISHAPS[mishap]
        if language == "xml":
            self._reply(status, f"<Error><Code>{code}</Code><Message>canary</Message></Error>".encode())
        else:
            self._reply(status, b'{"Message":"canary"}', {"X-Amzn-Errortype": code})
        return True

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self._breaks_off else body)
        self.close_connection = self.close_connection or self._breaks_off


@contextmanager
def rest_server() -> Iterator[RestServer]:
    """Serve on a free port."""
    made = RestServer()

    class Handler(_Handler):
        world = made

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()

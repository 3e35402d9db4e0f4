"""A loopback server that speaks the JSON protocols of SQS and Secrets Manager and checks every signature.

The signature is computed a second time by the AWS SDK's own signer, over what arrived.
"""

import hashlib
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "AKIDEXAMPLE", "canary-key/with+odd=characters", "canary-token"
REGION = "eu-central-1"


@dataclass
class Call:
    """One request as it arrived."""

    target: str
    content_type: str
    parameters: dict[str, Any]
    connection: int


@dataclass
class AwsServer:
    """What the server was asked, and what it is told to do instead of its work, a word for each request."""

    url: str = ""
    secret: str | None = '{"current": "canary-webhook-secret"}'
    calls: list[Call] = field(default_factory=list)
    mishaps: deque[str] = field(default_factory=deque)
    connections: int = 0

    def messages(self) -> list[dict[str, Any]]:
        """The parameters of each SendMessage."""
        return [call.parameters for call in self.calls if call.target == "AmazonSQS.SendMessage"]

    def answer(self, target: str, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do what the operation does."""
        if target == "AmazonSQS.SendMessage":
            digest = hashlib.md5(parameters["MessageBody"].encode(), usedforsecurity=False).hexdigest()
            return 200, {"MessageId": f"m-{len(self.calls)}", "MD5OfMessageBody": digest}
        if target.endswith(".Query"):
            return 200, {"Items": [], "Count": 0}
        if self.secret is None:
            return 400, {"__type": "ResourceNotFoundException", "message": "canary-message"}
        return 200, {"SecretString": self.secret}


MISHAPS: dict[str, tuple[int, bytes]] = {
    "unavailable": (503, b'{"__type":"ServiceUnavailable","message":"canary-message"}'),
    "throttled": (400, b'{"__type":"com.amazonaws.sqs#RequestThrottled","message":"canary-message"}'),
    "too many": (429, b""),
    "denied": (400, b'{"__type":"AccessDeniedException","message":"canary-message"}'),
    "no queue": (400, b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"canary-message"}'),
    "invalid": (400, b'{"__type":"com.amazonaws.sqs#InvalidMessageContents"}'),
    "html": (200, b"<html>canary</html>"),
    "list": (200, b"[]"),
    "empty": (200, b"{}"),
    "other bytes": (200, b'{"MessageId":"m","MD5OfMessageBody":"00000000000000000000000000000000"}'),
    "nested": (200, b"[" * 100_000),
    "endless": (200, b'{"MessageId":"' + b"m" * 300_000 + b'"}'),
}


def is_signed(handler: BaseHTTPRequestHandler, body: bytes, url: str) -> bool:
    """Sign the request once more with the SDK's signer, for the time that the request names."""
    names = handler.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest("POST", url, data=body)
    for name in set(names) - {"x-amz-date", "x-amz-security-token"}:
        request.headers[name] = handler.headers[name]
    scope = handler.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
    time = datetime.strptime(handler.headers["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    with patch("botocore.auth.get_current_datetime", return_value=time):
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN), scope[3], REGION).add_auth(request)
    return bool(request.headers["Authorization"] == handler.headers["Authorization"])


@contextmanager
def aws_server() -> Iterator[AwsServer]:
    """Serve on a free port."""
    world = AwsServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            world.connections += 1
            self.number = world.connections
            super().setup()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target, parameters = self.headers["X-Amz-Target"], json.loads(body)
            world.calls.append(Call(target, self.headers["Content-Type"], parameters, self.number))
            mishap = world.mishaps.popleft() if world.mishaps else ""
            if mishap == "hang up":
                self.close_connection = True
                return
            if not is_signed(self, body, f"{world.url}{self.path}"):
                self.reply(403, b'{"__type":"InvalidSignatureException"}')
            elif mishap in MISHAPS:
                self.reply(*MISHAPS[mishap])
            else:
                status, answer = world.answer(target, parameters)
                self.reply(status, json.dumps(answer).encode())
            # Goes away after the answer without having said so, as the other end of a frozen connection does.
            self.close_connection = self.close_connection or mishap == "answer, then hang up"

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away in the middle of an answer is part of the tests."""

    with Server(("127.0.0.1", 0), Handler) as server:
        world.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield world
        finally:
            server.shutdown()
            thread.join()

"""Calls to AWS services in their JSON protocols, over a connection of the standard library that is kept alive.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html

Between two deliveries Lambda freezes the function, and the other side may close the connection meanwhile. The next call
then fails on the dead socket, before or after the service has read it; nobody can tell. It is sent once more on a new
connection. Both callers can bear that: reading a secret changes nothing, and a message that is queued twice ends in one
review, since both name the same pull request and head.
"""

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from codereview.adapters.aws.signing import Credentials, Scope, signed_headers
from codereview.errors import (
    CodeReviewError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RetryableError,
    ThrottledError,
)

if TYPE_CHECKING:
    from codereview.ports import Clock

# For each of: connecting, the TLS handshake, waiting for a part of the answer. The function itself is given 9 s.
_TIMEOUT_SECONDS = 2.0

_LARGEST_ANSWER = 256 * 1024  # bytes; a secret is up to 64 KiB, in JSON

_OK = 200
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS_FROM = 500
_DENIALS = ("AccessDenied", "UnrecognizedClient", "InvalidClientTokenId", "ExpiredToken", "InvalidSignature")
_ABSENCES = ("ResourceNotFound", "QueueDoesNotExist", "NonExistentQueue")
_THROTTLES = ("Throttl", "TooManyRequests", "SlowDown", "OverLimit")

_QUICK_RETRY = timedelta(milliseconds=200)  # at most; jittered


class _NoAnswerError(Exception):
    """The connection broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAddress:
    """Where a service is reached, and for what calls to it are signed. `url` has no query."""

    url: str
    scope: Scope


class JsonService:
    """One AWS service behind one connection."""

    def __init__(
        self,
        address: ServiceAddress,
        *,
        credentials: Credentials,
        clock: "Clock",
        jitter: Callable[[], float],
        json_version: str,
    ) -> None:
        """Connect with the first call; `jitter` gives numbers from 0 to 1."""
        parts = urlsplit(address.url)
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._netloc = parts.netloc
        self._path = parts.path or "/"
        self._scope = address.scope
        self._credentials = credentials
        self._clock = clock
        self._jitter = jitter
        self._content_type = f"application/x-amz-json-{json_version}"
        self._connection: http.client.HTTPConnection | None = None

    def call(self, target: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation, for example `AmazonSQS.SendMessage`; overload is tried once more, after a moment.

        Raises ThrottledError, RetryableError, ForbiddenError, NotFoundError or PermanentError.
        """
        body = json.dumps(parameters, separators=(",", ":")).encode()
        try:
            return self._call_once(target, body)
        except RetryableError as error:
            if isinstance(error.__cause__, _NoAnswerError):
                raise  # the time that is left would not suffice
        self._clock.sleep(_QUICK_RETRY * self._jitter())
        return self._call_once(target, body)

    def close(self) -> None:
        """Give the connection up; the next call makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _call_once(self, target: str, body: bytes) -> dict[str, Any]:
        service = self._scope.service
        try:
            status, data = self._exchange(target, body)
        except _NoAnswerError as error:
            raise RetryableError(f"{service} unreachable: {type(error.__cause__).__name__}") from error
        try:
            answer = json.loads(data or b"{}")
        except (ValueError, RecursionError):
            answer = None
        if status == _OK and isinstance(answer, dict):
            return answer
        raise _failure(service, status, answer)

    def _exchange(self, target: str, body: bytes) -> tuple[int, bytes]:
        """Send the request, once more if a connection that was kept turns out to be dead."""
        is_kept = self._connection is not None
        try:
            return self._send(target, body)
        except _NoAnswerError:
            if not is_kept:
                raise
        return self._send(target, body)

    def _send(self, target: str, body: bytes) -> tuple[int, bytes]:
        headers = signed_headers(
            {"Host": self._netloc, "Content-Type": self._content_type, "X-Amz-Target": target},
            body,
            path=self._path,
            credentials=self._credentials,
            scope=self._scope,
            at=self._clock.now(),
        )
        connection = self._connection or self._connect()
        self._connection = None
        try:
            connection.request("POST", self._path, body=body, headers=headers)
            with connection.getresponse() as response:
                data = response.read(_LARGEST_ANSWER + 1)
                status, is_whole = response.status, response.isclosed()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _NoAnswerError from error
        if is_whole:
            self._connection = connection
        else:
            connection.close()
        return status, data

    def _connect(self) -> http.client.HTTPConnection:
        if self._is_secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)


def _failure(service: str, status: int, answer: object) -> CodeReviewError:
    """Say what the caller should do about an answer that is none; quotes only the error's code."""
    given = answer.get("__type") if isinstance(answer, dict) else None
    code = given.rpartition("#")[2] if isinstance(given, str) else ""
    said = f"{service} answered {status} {code}".rstrip()
    if status == _TOO_MANY_REQUESTS or any(name in code for name in _THROTTLES):
        return ThrottledError(said)
    if status >= _SERVER_ERRORS_FROM or status == _OK:
        return RetryableError(said)
    if any(name in code for name in _DENIALS):
        return ForbiddenError(said)
    if any(name in code for name in _ABSENCES):
        return NotFoundError(said)
    return PermanentError(said)

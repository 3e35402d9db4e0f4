"""The one way out to other people's HTTP servers, within bounds of where, how long and how much.

Where: https to public addresses, no redirects, no proxies. How long: the deadline holds for the whole exchange, also
against a server that sends one byte a second, since every wait on the socket gets what is left of it. Only the
resolver's own time-out bounds name lookups: Python offers no other. How much: a cap on bytes, unpacked.
"""

import time
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from codereview.adapters.outbound_sockets import GuardedBackend, Resolve, ending_at, resolved
from codereview.domain.addresses import is_own_host
from codereview.errors import CodeReviewError, PermanentError, RetryableError, TooLargeError, UnknownOutcomeError

_CONNECT_SECONDS = 5.0
_LONGEST_WAIT = timedelta(hours=1)  # whatever a server claims; what takes longer is looked at again
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_BAD_REQUEST = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # tells zlib to expect gzip's header
# They describe the bytes as they travelled, not as they are handed on.
_TRANSFER_HEADERS = {"content-encoding", "content-length", "transfer-encoding"}


def outbound_client(*, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Open a client that ignores the environment's proxies, follows no redirect and keeps no cookies."""
    return httpx.Client(
        transport=transport or OutboundTransport(),
        headers={"Accept-Encoding": "gzip", "User-Agent": "codereview"},
        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


def send(client: httpx.Client, request: httpx.Request, *, deadline: timedelta, max_bytes: int) -> httpx.Response:
    """Send once and return the whole answer, whatever its status; `max_bytes` counts decompressed bytes.

    Raises UnknownOutcomeError where the request may have changed something and the answer is lost, RetryableError
    where it was never sent or only reads, PermanentError where it could never be sent.
    """
    if deadline <= timedelta():
        raise RetryableError(f"no time left to send {_what(request)}")
    ends_at = time.monotonic() + deadline.total_seconds()
    try:
        with ending_at(ends_at):
            response = client.send(request, stream=True)
            try:
                content = _content(response, ends_at=ends_at, max_bytes=max_bytes)
            finally:
                response.close()
    except (httpx.HTTPError, _UnreadableError, zlib.error) as error:
        raise _failure(request, error) from error
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _TRANSFER_HEADERS]
    return httpx.Response(response.status_code, headers=headers, content=content, request=request)


def retry_after(response: httpx.Response, *, now: datetime | None = None) -> timedelta | None:
    """Read `Retry-After`, seconds or an HTTP date (RFC 9110, 10.2.3); None where it is missing or makes no sense.

    A date counts from the answer's own `Date`, so that neither side's clock has to be right, and from `now` where the
    answer has none.
    """
    value = response.headers.get("retry-after", "").strip()
    try:
        if value[:1].isdecimal():
            seconds = float(value)
        else:
            here = response.headers.get("date", "")
            seconds = (_moment(value) - (_moment(here) if here or now is None else now)).total_seconds()
        wait = timedelta(seconds=min(seconds, _LONGEST_WAIT.total_seconds()))
    except ValueError:
        return None
    return wait if wait > timedelta() else None


def _moment(text: str) -> datetime:
    """Read an HTTP date; one that names no zone is in UTC, as all of them are."""
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _UnreadableError(Exception):
    """The answer came, and is not one that we can read whole."""


class _TooLongError(_UnreadableError):
    """…because it is longer than the cap, as it would be again."""


def _failure(request: httpx.Request, error: Exception) -> CodeReviewError:
    """Say what a broken exchange means for the caller: the one translation of the library's exceptions."""
    said = f"{_what(request)}: {type(error).__name__}: {error}"
    if isinstance(error, _BAD_REQUEST):
        return PermanentError(said)
    if isinstance(error, _TooLongError) and request.method in _SAFE_METHODS:
        return TooLargeError(said)
    if isinstance(error, _NOT_SENT) or request.method in _SAFE_METHODS:
        return RetryableError(said)
    return UnknownOutcomeError(said)


def _what(request: httpx.Request) -> str:
    """Name a request without its query, which may hold what should not be logged."""
    return f"{request.method} {request.url.scheme}://{request.url.netloc.decode()}{request.url.path}"


def _content(response: httpx.Response, *, ends_at: float, max_bytes: int) -> bytes:
    """Read and decompress the body in bounded steps, so that a small bomb cannot become a large string."""
    assert isinstance(response.stream, Iterable)  # noqa: S101 -- a synchronous client's always is
    decoder = _decoder(response.headers.get("content-encoding", ""))
    content = bytearray()
    for chunk in response.stream:
        content += decoder.feed(chunk, max_bytes + 1 - len(content))
        if len(content) > max_bytes:
            raise _TooLongError(f"the answer is longer than {max_bytes} bytes")
        if time.monotonic() > ends_at:
            raise _UnreadableError("the answer took too long")
    if not decoder.is_whole:
        raise _UnreadableError("the compressed answer was cut off")
    return bytes(content)


def _decoder(encoding: str) -> "_Identity | _Gzip":
    match encoding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Gzip()
    raise _UnreadableError("the answer has an encoding that we did not ask for")


class _Identity:
    is_whole = True

    def feed(self, data: bytes, room: int) -> bytes:
        return data[:room]


class _Gzip:
    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(_GZIP_WINDOW)
        self._is_started = False

    @property
    def is_whole(self) -> bool:
        return self._decompressor.eof or not self._is_started

    def feed(self, data: bytes, room: int) -> bytes:
        self._is_started = self._is_started or bool(data)
        return self._decompressor.decompress(data, room)


class OutboundTransport(httpx.HTTPTransport):
    """The library's transport over guarded sockets; in clear text it speaks to this machine only."""

    def __init__(self, *, resolve: Resolve = resolved, sockets: httpcore.NetworkBackend | None = None) -> None:
        """Find addresses by `resolve` and connect by `sockets`; the machine's own unless given."""
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        backend = GuardedBackend(resolve, sockets or httpcore.SyncBackend())
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend, keepalive_expiry=5)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises UnsupportedProtocol for one whose secrets anybody on the way could read."""
        if request.url.scheme != "https" and not is_own_host(request.url.host):
            raise httpx.UnsupportedProtocol("only https leads to other machines", request=request)
        return super().handle_request(request)

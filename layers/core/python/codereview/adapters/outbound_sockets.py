"""Connections to other people's servers: only to addresses that were looked at, and only as long as the deadline lasts.

A name is resolved once, and the connection goes to the address that was judged: a name server that gives another answer
the next moment (DNS rebinding) is not asked again. TLS and `Host` keep the name. The deadline is that of the request
which the thread sends; nobody but this module knows it.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore

from codereview.domain.addresses import is_loopback, is_own_host, is_public

Resolve = Callable[[str, int], Iterable[str]]  # the addresses of a host, as texts, the preferred one first

_ends_at: ContextVar[float] = ContextVar("ends_at")  # by time.monotonic(), of the request that this thread sends


@contextmanager
def ending_at(moment: float) -> Iterator[None]:
    """Let every wait on a socket end at a moment of `time.monotonic()`."""
    token = _ends_at.set(moment)
    try:
        yield
    finally:
        _ends_at.reset(token)


def resolved(host: str, port: int) -> Iterable[str]:
    """Ask the machine's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses, and to this machine where the URL names it."""

    def __init__(self, resolve: Resolve, sockets: httpcore.NetworkBackend) -> None:
        """Open connections by `sockets`, to what `resolve` finds."""
        self._resolve = resolve
        self._sockets = sockets

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; raises ConnectError or ConnectTimeout."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._checked(host, port):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream)
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        """Resolve a host, and refuse it altogether if one of its addresses leads where it must not."""
        try:
            addresses = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError) as error:  # the second for a name that cannot be one
            raise httpcore.ConnectError(str(error)) from error
        is_right = is_loopback if is_own_host(host) else is_public
        for address in addresses:
            if not is_right(address):
                raise httpcore.ConnectError(f"{host} leads to {address}, where nothing is sent")
        return addresses


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, timed_out: Callable[[str], Exception]) -> float:
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise timed_out("the deadline has passed")
    return left if timeout is None else min(left, timeout)

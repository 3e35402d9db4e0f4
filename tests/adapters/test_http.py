"""One exchange: bounded in time and bytes, and honest about what it does not know."""

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from codereview.adapters.http import outbound_client, retry_after, send
from codereview.errors import CodeReviewError, PermanentError, RetryableError, TooLargeError, UnknownOutcomeError

Script = Callable[[socket.socket], None]
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class RawServer:
    """Answers every connection with the bytes that the test wants, and counts connections."""

    def __init__(self, script: Script) -> None:
        self.connections = 0
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/path"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                try:
                    connection.recv(65_536)
                    self._script(connection)
                except OSError:
                    continue

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Script], RawServer]]:
    servers: list[RawServer] = []

    def start(script: Script) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def exchange(url: str, *, method: str = "GET", seconds: float = 5, max_bytes: int = 1_000) -> httpx.Response:
    with outbound_client() as client:
        request = client.build_request(method, f"{url}?token=hidden", content=b"{}" if method == "POST" else None)
        return send(client, request, deadline=timedelta(seconds=seconds), max_bytes=max_bytes)


def respond(data: bytes) -> Script:
    return lambda connection: connection.sendall(data)


def compressed(data: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data


def drip(connection: socket.socket) -> None:
    for number in b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900:
        connection.sendall(bytes([number]))
        time.sleep(0.02)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def stay_silent(connection: socket.socket) -> None:
    connection.settimeout(3600)
    connection.recv(1)


def test_an_answer_arrives_decompressed(serve: Callable[[Script], RawServer]) -> None:
    assert exchange(serve(respond(PAGE)).url).text == "hello"
    assert exchange(serve(respond(compressed(gzip.compress(b"hello")))).url).text == "hello"


BROKEN: dict[str, Script] = {
    "cut body": respond(PAGE.replace(b"5", b"50")),
    "cut headers": respond(PAGE[:20]),
    "no answer": respond(b""),
    "no http": respond(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "damaged gzip": respond(compressed(b"not gzip at all")),
    "cut gzip": respond(compressed(gzip.compress(b"hello" * 100)[:-9])),
    "unknown encoding": respond(PAGE.replace(b"Content-Length", b"Content-Encoding: br\r\nContent-Length")),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize(("method", "error"), [("GET", RetryableError), ("POST", UnknownOutcomeError)])
def test_f53_a_broken_answer_may_be_read_again_but_not_blindly_written_again(
    serve: Callable[[Script], RawServer], script: Script, method: str, error: type[CodeReviewError]
) -> None:
    server = serve(script)
    with pytest.raises(RetryableError) as caught:
        exchange(server.url, method=method)
    assert type(caught.value) is error
    assert caught.value.__cause__ is not None
    assert server.connections == 1
    assert "hidden" not in str(caught.value)


TOO_LONG_ANSWERS = {
    "too long": respond(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2_000),
    "decompression bomb": respond(compressed(gzip.compress(b"0" * 50_000_000))),
}


@pytest.mark.parametrize(("method", "error"), [("GET", TooLargeError), ("POST", UnknownOutcomeError)])
@pytest.mark.parametrize("script", TOO_LONG_ANSWERS.values(), ids=TOO_LONG_ANSWERS.keys())
def test_f53_an_answer_above_the_cap_is_too_large_for_ever(
    serve: Callable[[Script], RawServer], script: Script, method: str, error: type[CodeReviewError]
) -> None:
    with pytest.raises(error):
        exchange(serve(script).url, method=method)


@pytest.mark.parametrize("script", [drip, drip_body, stay_silent])
@pytest.mark.parametrize(("method", "error"), [("GET", RetryableError), ("POST", UnknownOutcomeError)])
def test_f53_the_deadline_holds_for_the_whole_exchange(
    serve: Callable[[Script], RawServer], script: Script, method: str, error: type[CodeReviewError]
) -> None:
    with pytest.raises(RetryableError) as caught:
        exchange(serve(script).url, method=method, seconds=0.4)
    assert type(caught.value) is error


def test_f54_a_refused_connection_changed_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RetryableError) as caught:
        exchange(f"http://127.0.0.1:{port}/", method="POST")
    assert type(caught.value) is RetryableError


def test_no_time_left_means_nothing_is_sent(serve: Callable[[Script], RawServer]) -> None:
    server = serve(respond(PAGE))
    with pytest.raises(RetryableError, match="no time left"):
        exchange(server.url, seconds=0)
    assert server.connections == 0


def test_a_request_that_cannot_be_sent_is_permanent() -> None:
    with pytest.raises(PermanentError):
        exchange("ftp://127.0.0.1/")


def test_f51_a_redirect_is_handed_back_and_not_followed(serve: Callable[[Script], RawServer]) -> None:
    server = serve(respond(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"))
    assert exchange(server.url).status_code == 302


def test_neither_proxies_of_the_environment_nor_cookies_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, headers={"Set-Cookie": "a=b; Path=/"}, json={})

    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with outbound_client(transport=httpx.MockTransport(answer)) as client:
        for _ in range(2):
            send(client, client.build_request("GET", "https://h/"), deadline=timedelta(seconds=1), max_bytes=9)
    assert "cookie" not in seen[1].headers
    with outbound_client() as client:
        assert not [mount for mount in client._mounts.values() if mount is not None]


NOW = "Mon, 23 Nov 2026 18:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12),
        (" 1.5 ", 1.5),
        ("1000000000", 3_600),
        ("9" * 400, 3_600),
        ("Mon, 23 Nov 2026 18:00:30 GMT", 30),
        ("Tue, 23 Nov 2027 18:00:30 GMT", 3_600),
        ("Mon, 23 Nov 2026 17:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("1e999", 3_600),
        ("1h", None),
        (None, None),
    ],
)
def test_b99_a_wait_is_read_or_left_out(value: str | None, seconds: float | None) -> None:
    headers = {"Date": NOW} | ({} if value is None else {"Retry-After": value})
    wait = retry_after(httpx.Response(429, headers=headers))
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_b99_a_date_without_the_answers_own_is_no_wait() -> None:
    assert retry_after(httpx.Response(429, headers={"Retry-After": NOW})) is None


def test_f53_a_decompression_bomb_never_unfolds_in_memory(serve: Callable[[Script], RawServer]) -> None:
    server = serve(respond(compressed(gzip.compress(b"0" * 50_000_000))))
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            exchange(server.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000

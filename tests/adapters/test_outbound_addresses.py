"""Where a request may go: the address that a name leads to is looked at, and is the one that is connected to."""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from ssl import SSLContext
from typing import Any

import httpcore
import httpx
import pytest

from codereview.adapters.http import OutboundTransport, outbound_client, send
from codereview.adapters.outbound_sockets import GuardedBackend, ending_at, resolved
from codereview.errors import PermanentError, RetryableError

PUBLIC, OTHER = "140.82.112.5", "2606:50c0:8000::153"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


@dataclass
class Names:
    """A name server: each question has an answer of its own, the last one for ever."""

    answers: list[list[str]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> Iterable[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


class Stream(httpcore.MockStream):
    """A connection to a server that knows one page; keeps the name that TLS was begun with, and what was sent."""

    def __init__(self) -> None:
        super().__init__([PAGE])
        self.name: str | None = None
        self.sent = b""

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self.name = server_hostname
        return self

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.sent += buffer


@dataclass
class Internet(httpcore.NetworkBackend):
    """Everybody out there; `unreachable` does not answer."""

    unreachable: set[str] = field(default_factory=set)
    connected: list[tuple[str, int]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        if host in self.unreachable:
            raise httpcore.ConnectError("unreachable")
        self.streams.append(Stream())
        return self.streams[-1]


def get(url: str, names: Names, internet: Internet, times: int = 1) -> httpx.Response:
    with outbound_client(transport=OutboundTransport(resolve=names, sockets=internet)) as client:
        for _ in range(times):
            answer = send(client, client.build_request("GET", url), deadline=timedelta(seconds=5), max_bytes=100)
    return answer


def test_b77_what_was_looked_at_is_what_is_connected_to_and_the_name_stays() -> None:
    names, internet = Names([[PUBLIC]]), Internet()
    assert get("https://api.example:8443/x", names, internet).text == "hello"
    assert names.asked == [("api.example", 8443)]
    assert internet.connected == [(PUBLIC, 8443)]
    (stream,) = internet.streams
    assert stream.name == "api.example"
    assert b"Host: api.example:8443\r\n" in stream.sent


def test_b77_a_name_that_leads_inside_the_moment_after_is_asked_once_for_each_connection() -> None:
    names, internet = Names([[PUBLIC], ["169.254.169.254"]]), Internet()
    assert get("https://rebinding.example/", names, internet).text == "hello"
    assert (len(names.asked), internet.connected) == (1, [(PUBLIC, 443)])
    with pytest.raises(RetryableError, match=r"rebinding\.example leads to 169\.254\.169\.254, where nothing is sent"):
        get("https://rebinding.example/", names, internet)
    assert internet.connected == [(PUBLIC, 443)]


# What Python takes for public (M4), and what the resolver makes of numbers that look like names (M5).
LEADS_INSIDE = [
    *("64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::ffff:100.64.0.1", "::ffff:169.254.169.254", "224.0.0.1"),
    *("192.88.99.1", "169.254.169.254", "fd00:ec2::254", "127.0.0.1", "::1", "0.0.0.0", "::", "10.0.0.5"),
    *("172.31.0.2", "192.168.1.1", "100.100.100.200", "fe80::1", "255.255.255.255"),
]


@pytest.mark.parametrize("address", LEADS_INSIDE)
def test_b77_nothing_is_sent_to_an_address_that_is_not_public(address: str) -> None:
    internet = Internet()
    for addresses in ([address], [PUBLIC, address]):
        with pytest.raises(RetryableError, match="where nothing is sent"):
            get("https://name.example/", Names([addresses]), internet)
    assert internet.connected == []


@pytest.mark.parametrize("host", ["localhost.", "sqs.us-east-1.amazonaws.com", "x.execute-api.us-east-1.amazonaws.com"])
def test_b77_no_name_may_lead_inside_but_this_machines_own(host: str) -> None:
    internet = Internet()
    for address in ("127.0.0.1", "10.0.0.5"):
        with pytest.raises(RetryableError, match="where nothing is sent"):
            get(f"https://{host}/", Names([[address]]), internet)
    assert internet.connected == []


DISGUISED = [
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.169.254", "127.1", "0", "0177.0.0.1", "127.0.0.2"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::]", "[64:ff9b::a9fe:a9fe]"),
    "169\N{IDEOGRAPHIC FULL STOP}254\N{IDEOGRAPHIC FULL STOP}169\N{IDEOGRAPHIC FULL STOP}254",
]


@pytest.mark.parametrize("host", DISGUISED)
def test_b77_an_address_in_disguise_is_what_the_resolver_makes_of_it(host: str) -> None:
    """The machine's own resolver answers: none of these is a name that it would ask anybody about."""
    internet = Internet()
    backend = GuardedBackend(resolved, internet)
    with ending_at(time.monotonic() + 5), pytest.raises(httpcore.ConnectError, match="where nothing is sent"):
        backend.connect_tcp(host.strip("[]"), 443)
    with (
        outbound_client(transport=OutboundTransport(sockets=internet)) as client,
        pytest.raises((RetryableError, httpx.InvalidURL)),
    ):
        send(client, client.build_request("GET", f"https://{host}/"), deadline=timedelta(seconds=5), max_bytes=100)
    assert internet.connected == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user@good.example/", "good.example"),
        ("https://good.example\\@169.254.169.254/", None),
        ("https://169.254\t.169.254/", None),
    ],
)
def test_b77_the_host_that_is_resolved_is_the_one_that_is_connected_to(url: str, host: str | None) -> None:
    """Whatever a URL means to others: it is taken apart once, and what comes out is what is looked at."""
    names, internet = Names([["169.254.169.254"]]), Internet()
    with pytest.raises((RetryableError, httpx.InvalidURL)):
        get(url, names, internet)
    assert internet.connected == []
    assert [asked for asked, _ in names.asked] in ([], [host or "169.254.169.254"], ["good.example"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_reached_where_the_url_names_it(host: str) -> None:
    names, internet = Names([["127.0.0.1"]]), Internet()
    assert get(f"http://{host}:8080/", names, internet).text == "hello"
    assert internet.connected == [("127.0.0.1", 8080)]
    for address in (PUBLIC, "169.254.169.254"):
        with pytest.raises(RetryableError, match="where nothing is sent"):
            get(f"http://{host}:8080/", Names([[address]]), internet)


@pytest.mark.parametrize("host", ["api.example", "localhost.", "127.0.0.2", "10.0.0.1"])
def test_b77_clear_text_leads_to_no_other_machine(host: str) -> None:
    names, internet = Names([[PUBLIC]]), Internet()
    with pytest.raises(PermanentError, match="only https leads to other machines"):
        get(f"http://{host}/", names, internet)
    assert (names.asked, internet.connected) == ([], [])


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    names, internet = Names([[OTHER, PUBLIC]]), Internet(unreachable={OTHER})
    assert get("https://api.example/", names, internet).text == "hello"
    assert internet.connected == [(OTHER, 443), (PUBLIC, 443)]
    with pytest.raises(RetryableError, match="unreachable"):
        get("https://api.example/", names, Internet(unreachable={OTHER, PUBLIC}))


def test_a_name_without_an_address_may_have_one_later() -> None:
    def unknown(_host: str, _port: int) -> Iterable[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for resolve in (unknown, Names([[]])):
        with (
            outbound_client(transport=OutboundTransport(resolve=resolve, sockets=Internet())) as client,
            pytest.raises(RetryableError),
        ):
            send(client, client.build_request("GET", "https://x.example/"), deadline=timedelta(seconds=5), max_bytes=9)
    with pytest.raises(UnicodeError):
        resolved("a" * 64, 443)
    with outbound_client() as client, pytest.raises(RetryableError):
        send(client, client.build_request("GET", f"https://{'a' * 64}/"), deadline=timedelta(seconds=5), max_bytes=9)

"""The API answers at the root of its own port and hands every byte through."""

import http.client
from collections.abc import Iterator

import httpx
import pytest

from local import gateway
from tests.infra.emulator.conftest import Tiny


@pytest.fixture(scope="module")
def api(tiny: Tiny) -> Iterator[httpx.Client]:
    serving = gateway.serve(endpoint_url=tiny.aws.endpoint_url, api_id=tiny.output("ApiId"), stage="$default")
    with serving as address, httpx.Client(base_url=address) as client:
        yield client


def test_a_request_reaches_the_function_with_its_path_query_headers_and_bytes(api: httpx.Client) -> None:
    answer = api.post(
        "/echo?a=1&a=2", content=b'{"name":  "\xc3\xa9"}', headers={"Content-Type": "application/json", "X-Seen": "yes"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    event = answer.json()["event"]
    assert (event["rawPath"], event["rawQueryString"]) == ("/echo", "a=1&a=2")
    assert (event["body"], event["isBase64Encoded"]) == ('{"name":  "é"}', False)
    assert event["headers"]["x-seen"] == "yes"


def test_bytes_that_are_no_text_arrive_encoded(api: httpx.Client) -> None:
    event = api.post("/echo", content=b"\xff\xfe\x00").json()["event"]
    assert (event["body"], event["isBase64Encoded"]) == ("//4A", True)


def test_a_body_of_unknown_length_arrives_whole(api: httpx.Client) -> None:
    event = api.post("/echo", content=iter([b"{", b"}"]), headers={"Content-Type": "application/json"}).json()["event"]
    assert event["body"] == "{}"


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/echo"), ("POST", "/nowhere")])
def test_a_route_that_the_template_does_not_have_is_not_found(api: httpx.Client, method: str, path: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_body_over_ten_megabytes_is_refused_before_it_is_read(api: httpx.Client) -> None:
    connection = http.client.HTTPConnection(api.base_url.host, api.base_url.port, timeout=30)
    connection.putrequest("POST", "/echo")
    connection.putheader("Content-Length", str(10 * 1024 * 1024 + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()

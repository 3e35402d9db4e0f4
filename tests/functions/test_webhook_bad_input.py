"""What strangers and broken senders can do to the webhook function; the rows of bad input, each by its number."""

import base64
import gzip
import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.envelope_codec import decode, encode
from codereview.entrypoints.http import MAX_BODY_BYTES
from tests.functions.webhook_world import (
    GUID,
    SECRET,
    Invocation,
    World,
    comment,
    delivery,
    pull_request,
    repository,
    signature,
)

PAYLOAD = pull_request()
BODY = json.dumps(PAYLOAD).encode()
GOOD = signature(BODY)
SHA1 = "sha1=" + "0" * 40


def status(event: dict[str, Any]) -> int:
    """Answer the event in a fresh deployment."""
    return int(World().receive(event)["statusCode"])


def signed(body: bytes, **changes: Any) -> int:
    """Answer a signed body in a fresh deployment."""
    return status(delivery(body=body, **changes))


def changed(path: str, value: object) -> dict[str, Any]:
    """Make a payload with another value at `path`; the value None takes the field away."""
    payload: dict[str, Any] = json.loads(BODY)
    *parents, last = path.split(".")
    place = payload
    for name in parents:
        place = place[name]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return payload


MISSING = type("Missing", (), {"__repr__": lambda _: "missing"})()  # a name that is the same in every test process


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="b1 missing"),
        pytest.param("", id="b2 empty"),
        pytest.param("sha256=", id="b2 no digest"),
        pytest.param("sha256=zz", id="b2 no hex"),
        pytest.param(GOOD[:-1], id="b2 63 digits"),
        pytest.param(GOOD + "0", id="b2 65 digits"),
        pytest.param("sha256=" + GOOD[7:].upper(), id="b2 upper case"),
        pytest.param(" " + GOOD, id="b2 leading space"),
        pytest.param(GOOD[7:], id="b2 no algorithm"),
        pytest.param("sha256=" + "é" * 64, id="b3 not ascii"),
        pytest.param("sha256=\ud800" + "0" * 63, id="b3 lone surrogate"),
        pytest.param("sha256=\0" + "0" * 63, id="b3 NUL"),
        pytest.param("sha256=" + "0" * 10_240, id="b3 10 KB"),
        pytest.param(f"{GOOD},sha256={'0' * 64}", id="b5 two in one"),
    ],
)
def test_b1_b2_b3_b5_a_bad_signature_is_refused_in_one_and_the_same_way(header: str | None) -> None:
    world = World()
    response = world.receive(delivery(PAYLOAD, headers={"x-hub-signature-256": header}))
    wrong_secret = World().deliver(PAYLOAD, secret=b"guess")
    assert response == wrong_secret
    assert response["statusCode"] == 401


def test_b4_the_legacy_signature_alone_is_refused() -> None:
    assert status(delivery(PAYLOAD, headers={"x-hub-signature-256": None, "x-hub-signature": SHA1})) == 401


def test_b5_two_signature_headers_of_which_one_is_valid_are_refused() -> None:
    event = delivery(PAYLOAD, headers={"x-hub-signature-256": None})
    event["headers"] |= {"X-Hub-Signature-256": GOOD, "x-hub-signature-256": "sha256=" + "0" * 64}
    assert status(event) == 401


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(PAYLOAD, separators=(",", ":")).encode(),
        json.dumps(PAYLOAD, indent=1).encode(),
        json.dumps(dict(reversed(PAYLOAD.items()))).encode(),
        json.dumps(PAYLOAD | {"n": 1.0, "é": "é"}, ensure_ascii=False).encode(),
    ],
)
def test_b6_the_signature_is_over_the_raw_bytes_whatever_their_spacing(body: bytes) -> None:
    assert signed(body) == 202
    assert signed(body, headers={"x-hub-signature-256": signature(BODY + b" ")}) == 401
    assert status(delivery(body=body + b"\n", headers={"x-hub-signature-256": signature(body)})) == 401


@pytest.mark.parametrize("is_base64", [True, False])
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_b7_base64_and_the_case_of_header_names_make_no_difference(is_base64: bool, spell: Any) -> None:
    event = delivery(PAYLOAD, is_base64=is_base64)
    event["headers"] = {spell(name): value for name, value in event["headers"].items()}
    assert status(event) == 202


@pytest.mark.parametrize("text", ["!!!!", "YQ", "YQ==YQ==", "é", "\ud800"])
def test_b8_a_body_that_is_not_the_base64_it_says_is_refused(text: str) -> None:
    assert status(delivery(PAYLOAD, headers={"content-length": None}) | {"body": text, "isBase64Encoded": True}) == 400


def test_b9_the_previous_secret_is_good_while_it_is_kept() -> None:
    world = World()
    world.secrets.secrets = (b"new", SECRET)
    assert world.deliver(PAYLOAD, secret=SECRET)["statusCode"] == 202
    world = World()
    world.secrets.secrets = (b"new",)
    assert world.deliver(PAYLOAD, secret=SECRET)["statusCode"] == 401


def test_b11_b12_a_replay_carries_the_same_review_whatever_its_guid() -> None:
    world = World()
    for guid in (GUID, GUID, GUID.replace("7", "8")):
        assert world.deliver(PAYLOAD, headers={"x-github-delivery": guid})["statusCode"] == 202
    identities = {(each.owner_id, each.repository_id, each.number, each.head_sha) for each, _ in world.queue.sent}
    assert len(identities) == 1


@pytest.mark.parametrize(
    "guid", [None, "", "1", GUID + "0", GUID + "\n", "a" * 5120, "' OR 1=1 --", "\uff17" + GUID[1:]]
)
def test_b13_a_delivery_without_a_proper_guid_is_refused(guid: str | None) -> None:
    assert status(delivery(PAYLOAD, headers={"x-github-delivery": guid})) == 400


@pytest.mark.parametrize(
    ("event", "expected"),
    [(None, 400), ("", 400), ("unheard_of", 200), ("__proto__", 200), ("e" * 1024, 400), ("push\n", 400), ("é", 400)],
)
def test_b14_unknown_events_are_ignored_and_malformed_ones_refused(event: str | None, expected: int) -> None:
    assert status(delivery(PAYLOAD, headers={"x-github-event": event})) == expected


@pytest.mark.parametrize("event", ["issue_comment", "check_run", "check_suite", "pull_request_review_comment"])
def test_b15_an_event_with_another_events_body_is_refused(event: str) -> None:
    push = {"ref": "refs/heads/main", "repository": repository(), "installation": {"id": 234}}
    assert World().deliver(push, event="pull_request")["statusCode"] == 400
    assert World().deliver(PAYLOAD | {"pull_request": None}, event=event)["statusCode"] == 400


def test_b16_a_ping_is_answered_and_makes_no_work() -> None:
    assert World().deliver({"zen": "Keep it logically awesome.", "hook_id": 1}, event="ping")["statusCode"] == 200


@pytest.mark.parametrize(
    "media",
    [
        pytest.param({"content-type": "application/x-www-form-urlencoded"}, id="b17 form"),
        pytest.param({"content-type": None}, id="b17 none"),
        pytest.param({"content-type": "text/plain"}, id="b17 text"),
        pytest.param({"content-type": "application/jsonp"}, id="b17 jsonp"),
        pytest.param({"content-type": "application/json; charset=utf-16"}, id="b18 utf-16"),
        pytest.param({"content-type": "application/json;charset=utf-8;charset=x"}, id="b18 two"),
        pytest.param({"content-encoding": "gzip"}, id="b19 gzip"),
        pytest.param({"content-encoding": "br, gzip"}, id="b19 two"),
    ],
)
def test_b17_b18_b19_other_media_are_not_taken(media: dict[str, str | None]) -> None:
    assert status(delivery(PAYLOAD, headers=media)) == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;Charset="UTF-8"'])
def test_json_in_utf_8_is_taken_however_it_is_spelt(content_type: str) -> None:
    assert status(delivery(PAYLOAD, headers={"content-type": content_type})) == 202


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_b18_b27_json_in_another_encoding_is_refused(encoding: str) -> None:
    assert signed(json.dumps(PAYLOAD).encode(encoding), is_base64=True) == 400


def test_b19_a_compressed_body_is_never_inflated() -> None:
    assert signed(gzip.compress(bytes(200 * 1024 * 1024), 9), is_base64=True) == 400


@pytest.mark.parametrize(("size", "expected"), [(0, 400), (1, 400), (-1, 202), (0, 202), (1, 413), (19 * 2**20, 413)])
@pytest.mark.parametrize("is_base64", [True, False])
def test_b20_bodies_up_to_the_limit_are_taken(size: int, expected: int, is_base64: bool) -> None:
    total = size if expected == 400 else MAX_BODY_BYTES + size
    body = b"0"[:total] if total < 2 else BODY + b" " * (total - len(BODY))
    assert signed(body, is_base64=is_base64) == expected
    assert signed(body, is_base64=is_base64, headers={"content-length": None}) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [("1", 400), ("-1", 400), ("x", 400), ("1,1", 400), ("٣", 400), ("9" * 5000, 413), (None, 202)],
)
def test_b21_a_length_that_is_not_the_bodys_is_refused(length: str | None, expected: int) -> None:
    assert status(delivery(PAYLOAD, headers={"content-length": length})) == expected


def test_b21_a_body_that_was_cut_off_does_not_fit_its_signature() -> None:
    assert status(delivery(PAYLOAD, headers={"content-length": None}) | {"body": BODY[:-1].decode()}) == 401


@pytest.mark.parametrize(
    "body",
    [
        *(pytest.param(text, id=f"b22 {text.decode()}") for text in (b"1", b"null", b"[]", b'"x"', b"true", b"{", b"")),
        pytest.param(b"[" * 100_000, id="b23 open arrays"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="b23 arrays"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="b23 objects"),
        *(
            pytest.param(BODY.replace(b'"number": 7', b'"number": ' + text), id=f"b24 b25 {text[:8].decode()}")
            for text in (b"1" * 5000, b"1" * 4000, b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-0", b"1.5", b"7.0")
        ),
        *(
            pytest.param(BODY.replace(b'"title"', b'"x": ' + text + b', "title"'), id=f"b25 elsewhere {text.decode()}")
            for text in (b"1e400", b"NaN", b"Infinity", b"-Infinity")
        ),
        pytest.param(BODY.replace(b'"installation"', b'"installation": {"id": 1}, "installation"'), id="b26 twice"),
        pytest.param(BODY.replace(b'"ref"', b'"sha": "", "ref"'), id="b26 twice within"),
    ],
)
def test_b22_to_b26_what_is_not_strict_json_is_refused(body: bytes) -> None:
    assert signed(body) == 400
    assert signed(body, secret=b"guess") == 401  # and is not even read without a signature


@pytest.mark.parametrize("garbage", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
def test_b27_bytes_that_are_not_utf_8_are_refused(garbage: bytes) -> None:
    assert signed(BODY.replace(b"A change", garbage), is_base64=True) == 400


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "\\u202e", "\\udfff\\ud800"])
def test_b27_escapes_of_what_no_text_should_hold_reach_nobody(text: str) -> None:
    body = BODY.replace(b"A change", text.encode()).replace(b"topic", text.encode())
    world = World()
    assert world.receive(delivery(body=body))["statusCode"] == 202
    assert decode(encode(world.envelope)) == world.envelope


BAD_IDS = [MISSING, None, "1", -1, 0, 2**63, True, 1.0, [1], {"id": 1}]


@pytest.mark.parametrize("value", BAD_IDS, ids=repr)
@pytest.mark.parametrize(
    "path", ["installation.id", "repository.id", "repository.owner.id", "pull_request.number", "number"]
)
def test_b28_numbers_that_are_no_ids_are_refused(path: str, value: object) -> None:
    assert World().deliver(changed(path, value))["statusCode"] == 400


@pytest.mark.parametrize("value", [MISSING, None, 1, "x", []], ids=repr)
@pytest.mark.parametrize(
    "path", ["installation", "repository", "repository.owner", "pull_request", "pull_request.head"]
)
def test_b28_parts_that_are_missing_are_refused(path: str, value: object) -> None:
    assert World().deliver(changed(path, value))["statusCode"] == 400


def test_b29_b30_an_installation_that_nobody_knows_is_the_reviewers_question() -> None:
    world = World()
    assert world.deliver(changed("installation.id", 2**63 - 1))["statusCode"] == 202
    assert world.envelope.installation_id == 2**63 - 1


@pytest.mark.parametrize(
    "name",
    ["../..", "a/b/c", "a%2fb", "a/b\r\nX: y", "a/" + "b" * 300, "a/..", "a/.", "a", "", "a/b ", "a/b\n", "é/b", 1],
)
def test_b31_a_repository_of_an_impossible_name_is_refused(name: object) -> None:
    assert World().deliver(changed("repository.full_name", name))["statusCode"] == 400


@pytest.mark.parametrize("name", ["a/b", "a-b/c.d_e", "user_corp/.github", "0/..."])
def test_every_possible_name_is_taken(name: str) -> None:
    assert World().deliver(changed("repository.full_name", name))["statusCode"] == 202


@pytest.mark.parametrize(
    "sha", ["", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 40 + "\n", "--upload-pack=x", None, 1, "a" * 63]
)
def test_b32_a_head_that_is_no_commit_is_refused(sha: object) -> None:
    assert World().deliver(changed("pull_request.head.sha", sha))["statusCode"] == 400


def test_a_sha_256_repositorys_head_is_taken() -> None:
    assert World().deliver(changed("pull_request.head.sha", "a" * 64))["statusCode"] == 202


@pytest.mark.parametrize("branch", [";$(x)", "-oProxyCommand", "🙂", "\u202etxt", "b" * 255])
def test_b33_a_branch_of_any_name_is_data(branch: str) -> None:
    world = World()
    assert world.deliver(changed("pull_request.head.ref", branch))["statusCode"] == 202
    assert branch not in encode(world.envelope)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "post", ""])
def test_only_post_is_served(method: str) -> None:
    event = delivery(PAYLOAD) | {"requestContext": {"http": {"method": method}}}
    response = World().receive(event)
    assert (response["statusCode"], response["headers"]["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": None},
        {"requestContext": {"http": "POST"}, "httpMethod": "POST"},
        {"Records": []},
        delivery(PAYLOAD) | {"requestContext": {}},
        delivery(PAYLOAD) | {"body": {"a": 1}},
    ],
)
def test_b91_what_is_not_api_gateways_event_is_refused(event: dict[str, Any]) -> None:
    assert status(event) == 400


@pytest.mark.parametrize("headers", [None, [], {"content-type": ["application/json"]}])
def test_malformed_headers_are_no_headers(headers: object) -> None:
    assert status(delivery(PAYLOAD) | {"headers": headers}) == 415


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = ["action", "number", "pull_request", "repository", "installation", "sender", "changes", "comment", "issue"]


@given(
    event=st.sampled_from(["pull_request", "issue_comment", "check_run", "check_suite", "installation", "ping"]),
    changes=st.dictionaries(st.sampled_from([*PLACES, "check_run", "check_suite"]), JSON, max_size=3),
)
def test_no_signed_json_makes_the_function_fail(event: str, changes: dict[str, Any]) -> None:
    payload = pull_request() | comment() | changes
    assert World().deliver(payload, event=event)["statusCode"] in (200, 202, 400)


@given(body=st.binary(max_size=200), header=st.text(alphabet=string.printable + "é\ud800", max_size=100))
def test_no_unsigned_bytes_are_ever_taken(body: bytes, header: str) -> None:
    event = delivery(body=body, is_base64=True, headers={"x-hub-signature-256": header})
    event["body"] = base64.b64encode(body).decode()
    assert World().endpoint.handle(event, Invocation())["statusCode"] == 401

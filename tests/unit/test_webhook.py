"""What deliveries mean, and how strangers' JSON is read; the answers are tested with the function itself."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.strict_json import parse_object
from codereview.domain.untrusted import is_full_name, is_id
from codereview.domain.webhook import Accepted, Ignored, Receiver, Rejected, interpret
from codereview.errors import PermanentError

HEADERS = {"x-github-delivery": "72D3162E-cc78-11e3-81ab-4c9367dc0958", "x-github-event": "pull_request"}
RECEIVER = Receiver(host="ghe.example.com")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def means(payload: Any, **headers: str) -> object:
    """Interpret a payload."""
    body = json.dumps(payload).encode()
    return interpret(HEADERS | headers, body, receiver=RECEIVER, received_at="2026-03-15T12:00:00+00:00")


def test_a_pull_request_becomes_an_envelope_of_this_host_with_the_guid_in_lower_case() -> None:
    verdict = means(
        {
            "action": "opened",
            "number": 7,
            "pull_request": {"number": 7, "head": {"sha": "a" * 40}},
            "repository": {"id": 3, "full_name": "o/r", "owner": {"id": 2}},
            "installation": {"id": 1},
        }
    )
    assert isinstance(verdict, Accepted)
    assert verdict.envelope.host == "ghe.example.com"
    assert verdict.envelope.delivery == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert verdict.envelope.sender_id is None


def test_a_refusal_quotes_nothing_of_what_was_sent() -> None:
    verdict = means({"action": "opened", "number": "canary", "pull_request": {"canary": "canary"}})
    assert verdict == Rejected(status=400, reason="number is not a positive 64-bit number")


def test_an_event_that_is_new_to_us_is_ignored_without_a_look_at_its_parts() -> None:
    assert isinstance(means({}, **{"x-github-event": "brand_new"}), Ignored)


@given(value=st.dictionaries(st.text(), JSON))
def test_every_object_that_python_writes_is_read_back(value: dict[str, Any]) -> None:
    assert parse_object(json.dumps(value).encode()) == value


@given(data=st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(PermanentError):
        assert isinstance(parse_object(data), dict)


@pytest.mark.parametrize("value", [True, False, 0, -1, 2**63, 1.0, "1", None])
def test_b28_what_only_looks_like_an_id_is_none(value: object) -> None:
    assert not is_id(value)


@given(name=st.text())
def test_b31_no_name_that_could_lead_elsewhere_is_a_repositorys(name: str) -> None:
    assert not is_full_name(name) or (
        name.count("/") == 1 and name.split("/")[1] not in (".", "..") and name.isascii() and name.isprintable()
    )

"""The envelope on its way through the queue."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.envelope_codec import MAX_ENVELOPE_BYTES, decode, encode
from codereview.errors import PermanentError

IDS = st.integers(min_value=1, max_value=2**63 - 1)
SHAS = st.text(alphabet="0123456789abcdef", min_size=40, max_size=40) | st.just("a" * 64)
COMMON: dict[str, Any] = {
    "delivery": st.uuids().map(str),
    "event": st.sampled_from(["pull_request", "pull_request_review_comment", "installation_repositories"]),
    "action": st.sampled_from(["synchronize", "converted_to_draft", "new_permissions_accepted"]),
    "host": st.sampled_from(["github.com", "ghe.example.com:8443", "g" * 100]),
    "installation_id": IDS,
    "owner_id": IDS,
    "sender_id": IDS | st.none(),
    "received_at": st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat(timespec="milliseconds")),
}
ENVELOPES = st.one_of(
    st.builds(Envelope, trigger=st.just(Trigger.INSTALLATION), **COMMON),
    st.builds(Envelope, trigger=st.just(Trigger.PULL_REQUEST), repository_id=IDS, number=IDS, head_sha=SHAS, **COMMON),
    st.builds(
        Envelope,
        trigger=st.just(Trigger.COMMAND),
        repository_id=IDS,
        number=IDS,
        trigger_id=IDS,
        command=st.sampled_from(["review", "review full"]),
        **COMMON,
    ),
    st.builds(
        Envelope,
        trigger=st.just(Trigger.RERUN),
        repository_id=IDS,
        number=IDS | st.none(),
        head_sha=SHAS,
        trigger_id=IDS,
        **COMMON,
    ),
)


def values(**changes: Any) -> dict[str, Any]:
    """A well-formed message's fields, with some of them changed."""
    return {
        "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "event": "issue_comment",
        "action": "created",
        "host": "github.com",
        "installation_id": 1,
        "owner_id": 2,
        "trigger": "comment",
        "repository_id": 3,
        "number": 4,
        "trigger_id": 5,
        "command": "review",
        "sender_id": 6,
        "received_at": "2026-03-15T12:00:00.000+00:00",
        "version": 1,
        **changes,
    }


@given(envelope=ENVELOPES)
def test_every_envelope_comes_back_as_it_went(envelope: Envelope) -> None:
    body = encode(envelope)
    assert decode(body) == envelope
    assert len(body.encode()) <= MAX_ENVELOPE_BYTES
    assert re.fullmatch(r"[\x20-\x7e]+", body)  # SQS refuses most control characters


def test_the_well_formed_message_of_these_tests_is_one() -> None:
    assert decode(json.dumps(values())).command == "review"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "JSON"),
        ("x", "JSON"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ("\ud800", "JSON"),
        ("[" * 1000, "JSON"),
        ("x" * 2**20, "too long"),
        ('{"version": 1, "version": 1}', "twice"),
    ],
)
def test_b89_what_is_not_json_of_an_envelope_is_refused(body: str, reason: str) -> None:
    with pytest.raises(PermanentError, match=reason):
        decode(body)


@pytest.mark.parametrize("version", [0, 2, "1", True, None, 1.0])
def test_b89_an_unknown_version_is_refused(version: object) -> None:
    with pytest.raises(PermanentError, match="version"):
        decode(json.dumps(values(version=version)))


@pytest.mark.parametrize("name", sorted(values().keys() - {"sender_id"}))
def test_b89_a_missing_field_is_refused(name: str) -> None:
    message = values()
    del message[name]
    with pytest.raises(PermanentError, match=name):
        decode(json.dumps(message))


@pytest.mark.parametrize(("trigger", "name"), [("pull_request", "head_sha"), ("check_run", "head_sha")])
def test_b89_each_trigger_brings_what_it_needs(trigger: str, name: str) -> None:
    with pytest.raises(PermanentError, match=name):
        decode(json.dumps(values(trigger=trigger)))


@pytest.mark.parametrize("name", ["tenant", "Delivery", "__class__", ""])
def test_b89_a_field_too_many_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="unknown field"):
        decode(json.dumps(values(**{name: 1})))


@pytest.mark.parametrize("name", sorted(values().keys()))
@pytest.mark.parametrize("value", [None, True, -1, 0, 1.5, "", "A b\n", [], {}, 2**63], ids=repr)
def test_b89_a_field_of_another_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(PermanentError):
        decode(json.dumps(values(**{name: value})))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(PermanentError, match="zone"):
        decode(json.dumps(values(received_at="2026-03-15T12:00:00")))

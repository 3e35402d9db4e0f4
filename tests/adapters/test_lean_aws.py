"""The webhook's own way to AWS: signed as the SDK signs, and honest about what came back."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import example, given
from hypothesis import strategies as st

from codereview.adapters.aws.json_protocol import JsonService, ServiceAddress
from codereview.adapters.aws.lean_queue import LeanReviewQueue
from codereview.adapters.aws.lean_secret import LeanWebhookSecret
from codereview.adapters.aws.signing import Credentials, Scope, signed_headers
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.envelope_codec import decode
from codereview.errors import (
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RetryableError,
    ThrottledError,
)
from tests.adapters.aws_server import ACCESS_KEY, MISHAPS, REGION, SECRET_KEY, SESSION_TOKEN, AwsServer, aws_server

CREDENTIALS = Credentials(access_key=ACCESS_KEY, secret_key=SECRET_KEY, session_token=SESSION_TOKEN)
QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/reviews"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhook-AbCdEf"
NO_WAIT = timedelta()
ENVELOPE = Envelope(
    delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958",
    event="pull_request",
    action="opened",
    host="github.com",
    installation_id=1,
    owner_id=2,
    trigger=Trigger.PULL_REQUEST,
    repository_id=3,
    number=4,
    head_sha="a" * 40,
    received_at="2026-03-15T12:00:00.000+00:00",
)


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration


@pytest.fixture
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@contextmanager
def service(url: str, name: str, version: str) -> Iterator[JsonService]:
    address = ServiceAddress(url=url, scope=Scope(region=REGION, service=name))
    with closing(
        JsonService(address, credentials=CREDENTIALS, clock=FakeClock(), jitter=lambda: 0.5, json_version=version)
    ) as made:
        yield made


@pytest.fixture
def queue(aws: AwsServer) -> Iterator[LeanReviewQueue]:
    with service(aws.url, "sqs", "1.0") as sqs:
        yield LeanReviewQueue(sqs, QUEUE_URL)


@pytest.fixture
def secret(aws: AwsServer) -> Iterator[LeanWebhookSecret]:
    with service(aws.url, "secretsmanager", "1.1") as secrets_manager:
        yield LeanWebhookSecret(secrets_manager, ARN)


# --- signing ---------------------------------------------------------------------------------------------------------

TEXT = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)


@given(
    body=st.binary(max_size=300),
    values=st.fixed_dictionaries({"Content-Type": TEXT, "X-Amz-Target": TEXT}),
    keys=st.tuples(st.text(alphabet="ABC123", min_size=1), TEXT, st.none() | st.text(alphabet="aB3+/=", min_size=1)),
    scope=st.tuples(st.sampled_from(["us-east-1", "cn-north-1"]), st.sampled_from(["sqs", "secretsmanager"])),
    path=st.sampled_from(["/", "/base/", "/a-b_c~d/e"]),
    at=st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.timezones()),  # noqa: DTZ001 -- a bound without a zone
)
@example(
    body=b"{}",
    values={"Content-Type": "  two  spaces ", "X-Amz-Target": "AmazonSQS.SendMessage"},
    keys=("A", "b", "c"),
    scope=("us-east-1", "sqs"),
    path="/",
    at=datetime(2026, 3, 15, 12, 0, tzinfo=UTC),
)
def test_every_request_is_signed_as_the_sdk_signs_it(
    *,
    body: bytes,
    values: dict[str, str],
    keys: tuple[str, str, str | None],
    scope: tuple[str, str],
    path: str,
    at: datetime,
) -> None:
    request = AWSRequest("POST", f"https://sqs.us-east-1.amazonaws.com{path}", headers=values, data=body)
    with patch("botocore.auth.get_current_datetime", return_value=at.astimezone(UTC)):
        botocore.auth.SigV4Auth(botocore.credentials.Credentials(*keys), scope[1], scope[0]).add_auth(request)
    ours = signed_headers(
        {"Host": "sqs.us-east-1.amazonaws.com", **values},
        body,
        path=path,
        credentials=Credentials(access_key=keys[0], secret_key=keys[1], session_token=keys[2]),
        scope=Scope(region=scope[0], service=scope[1]),
        at=at,
    )
    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours["X-Amz-Date"] == request.headers["X-Amz-Date"]
    assert ours.get("X-Amz-Security-Token") == request.headers.get("X-Amz-Security-Token")


def test_keys_are_not_shown_when_credentials_are() -> None:
    assert "canary" not in repr(CREDENTIALS)


# --- the queue -------------------------------------------------------------------------------------------------------


def test_an_envelope_is_sent_in_the_group_of_its_tenant(aws: AwsServer, queue: LeanReviewQueue) -> None:
    queue.send(ENVELOPE, delay=timedelta(seconds=20))
    [call] = aws.calls
    assert (call.target, call.content_type) == ("AmazonSQS.SendMessage", "application/x-amz-json-1.0")
    body = call.parameters.pop("MessageBody")
    assert decode(body) == ENVELOPE
    assert call.parameters == {"QueueUrl": QUEUE_URL, "MessageGroupId": "github.com:2", "DelaySeconds": 20}


def test_one_connection_serves_many_calls(aws: AwsServer, queue: LeanReviewQueue) -> None:
    for _ in range(3):
        queue.send(ENVELOPE, delay=NO_WAIT)
    assert {call.connection for call in aws.calls} == {1}


@pytest.mark.parametrize("mishap", ["answer, then hang up", "hang up"])
def test_a_connection_that_died_meanwhile_is_replaced_once(aws: AwsServer, queue: LeanReviewQueue, mishap: str) -> None:
    queue.send(ENVELOPE, delay=NO_WAIT)
    aws.mishaps.extend(["", mishap] if mishap == "hang up" else [mishap])
    queue.send(ENVELOPE, delay=NO_WAIT)
    queue.send(ENVELOPE, delay=NO_WAIT)
    assert aws.connections == 2
    assert {message["MessageBody"] for message in aws.messages()} == {aws.messages()[0]["MessageBody"]}


def test_a_new_connection_that_breaks_is_a_failure(aws: AwsServer, queue: LeanReviewQueue) -> None:
    aws.mishaps.append("hang up")
    with pytest.raises(RetryableError, match="sqs unreachable: RemoteDisconnected"):
        queue.send(ENVELOPE, delay=NO_WAIT)
    assert len(aws.calls) == 1


def test_nobody_listening_is_a_failure() -> None:
    with service("http://127.0.0.1:1", "sqs", "1.0") as sqs, pytest.raises(RetryableError, match="unreachable"):
        LeanReviewQueue(sqs, QUEUE_URL).send(ENVELOPE, delay=NO_WAIT)


@pytest.mark.parametrize("mishap", ["unavailable", "throttled", "too many", "html", "list", "nested", "endless"])
def test_overload_is_tried_once_more_after_a_moment(aws: AwsServer, queue: LeanReviewQueue, mishap: str) -> None:
    aws.mishaps.append(mishap)
    queue.send(ENVELOPE, delay=NO_WAIT)
    assert len(aws.calls) == 2


@pytest.mark.parametrize(
    ("mishap", "expected", "calls"),
    [
        ("unavailable", RetryableError, 2),
        ("throttled", ThrottledError, 2),
        ("too many", ThrottledError, 2),
        ("denied", ForbiddenError, 1),
        ("no queue", NotFoundError, 1),
        ("invalid", PermanentError, 1),
        ("html", RetryableError, 2),
        ("nested", RetryableError, 2),
        ("endless", RetryableError, 2),
        ("list", RetryableError, 2),
        ("empty", RetryableError, 1),
        ("other bytes", RetryableError, 1),
    ],
)
def test_f3_without_confirmation_sending_fails(
    aws: AwsServer, queue: LeanReviewQueue, mishap: str, expected: type[Exception], calls: int
) -> None:
    aws.mishaps.extend([mishap] * calls)
    with pytest.raises(expected) as caught:
        queue.send(ENVELOPE, delay=NO_WAIT)
    assert type(caught.value) is expected
    assert "canary" not in str(caught.value)
    assert len(aws.calls) == calls
    queue.send(ENVELOPE, delay=NO_WAIT)  # and the connection is fit for the next call


def test_every_mishap_is_tested() -> None:
    assert set(MISHAPS) >= {"unavailable", "throttled", "denied", "no queue", "invalid", "html", "empty"}


# --- the secret ------------------------------------------------------------------------------------------------------


def test_the_secret_is_read_with_its_predecessor(aws: AwsServer, secret: LeanWebhookSecret) -> None:
    assert secret.read() == (b"canary-webhook-secret",)
    aws.secret = json.dumps({"current": "é", "previous": "old", "note": 1})
    assert secret.read() == ("é".encode(), b"old")
    [call, _] = aws.calls
    assert (call.target, call.content_type) == ("secretsmanager.GetSecretValue", "application/x-amz-json-1.1")
    assert call.parameters == {"SecretId": ARN}


@pytest.mark.parametrize("previous", ["null", '""', '" "'])
def test_an_empty_predecessor_is_none(aws: AwsServer, secret: LeanWebhookSecret, previous: str) -> None:
    aws.secret = f'{{"current": "new", "previous": {previous}}}'
    assert secret.read() == (b"new",)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "canary",
        "[" * 5000,
        "null",
        "[]",
        "{}",
        '{"current": ""}',
        '{"current": "  "}',
        '{"current": null}',
        '{"current": 12}',
        '{"current": "canary\\n"}',
        '{"current": "canary", "previous": " canary"}',
        '{"current": "canary", "previous": 1}',
        '{"previous": "canary"}',
    ],
)
def test_b10_b100_without_a_usable_secret_the_deployment_is_not_set_up(
    aws: AwsServer, secret: LeanWebhookSecret, text: str | None
) -> None:
    aws.secret = text
    with pytest.raises(ConfigurationError) as caught:
        secret.read()
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None or "canary" not in str(caught.value.__cause__)


def test_a_secret_that_we_may_not_read_is_no_missing_secret(aws: AwsServer, secret: LeanWebhookSecret) -> None:
    aws.mishaps.append("denied")
    with pytest.raises(ForbiddenError):
        secret.read()

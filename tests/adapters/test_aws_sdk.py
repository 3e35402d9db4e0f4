"""The adapters over the AWS SDK, against servers that speak AWS's protocols: what is sent, what becomes of errors."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from botocore.config import Config

from codereview.adapters.aws.analyzer_function import LambdaAnalyzers
from codereview.adapters.aws.dead_letters import SqsDeadLetters
from codereview.adapters.aws.maintenance_function import LambdaMaintenance
from codereview.adapters.aws.objects import S3Objects
from codereview.adapters.aws.queues import SqsPostponement, SqsRecordQueue, SqsReviewQueue
from codereview.adapters.aws.secrets import Secrets
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.envelope_codec import decode
from codereview.domain.record import ReviewRecorded
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.domain.stored import decode_recorded, result_key
from codereview.errors import (
    CodeReviewError,
    ConfigurationError,
    DeploymentError,
    ForbiddenError,
    MissingRightError,
    NotFoundError,
    PermanentError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from codereview.model_ports import SourceFile
from tests.adapters.aws_rest_server import BUCKET, FUNCTION, RestServer, rest_server
from tests.adapters.aws_server import ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, AwsServer, aws_server

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/records"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:github-AbCdEf"
TENANT = TenantId("github.com:9919")
KEY = ReviewKey(tenant=TENANT, repository_id=1, number=2, head_sha="a" * 40)
RECORDED = ReviewRecorded(key=KEY, state=ReviewState.POSTED, sequence=7, finished_at="2026-03-15T12:00:00+00:00")
ENVELOPE = Envelope(
    delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958",
    event="pull_request",
    action="opened",
    host="github.com",
    installation_id=1,
    owner_id=9919,
    trigger=Trigger.PULL_REQUEST,
    repository_id=1,
    number=2,
    head_sha="a" * 40,
    received_at="2026-03-15T12:00:00.000+00:00",
)


def client(service: Any, url: str) -> Any:
    """Make a client that asks once, so that each mishap is seen."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        aws_session_token=SESSION_TOKEN,
        config=Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}),
    )


@pytest.fixture
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@pytest.fixture
def rest() -> Iterator[RestServer]:
    with rest_server() as server:
        yield server


@pytest.fixture
def sqs(aws: AwsServer) -> Iterator["SQSClient"]:
    with closing(client("sqs", aws.url)) as made:
        yield made


@pytest.fixture
def secrets(aws: AwsServer) -> Iterator[Secrets]:
    made: SecretsManagerClient
    with closing(client("secretsmanager", aws.url)) as made:
        yield Secrets(made)


@pytest.fixture
def objects(rest: RestServer) -> Iterator[S3Objects]:
    made: S3Client
    with closing(client("s3", rest.url)) as made:
        yield S3Objects(made, BUCKET)


@pytest.fixture
def analyzers(rest: RestServer) -> Iterator[LambdaAnalyzers]:
    made: LambdaClient
    with closing(client("lambda", rest.url)) as made:
        yield LambdaAnalyzers(made, FUNCTION)


# --- objects ----------------------------------------------------------------------------------------------------------


def test_what_is_put_is_what_is_got_and_its_digest_is_told(rest: RestServer, objects: S3Objects) -> None:
    key, data = result_key(TENANT, UUID(int=1)), b'{"title": "\xc3\xa9"}' * 10_000
    stored = objects.put(key, data)
    assert (stored.key, stored.sha256) == (key, hashlib.sha256(data).hexdigest())
    assert objects.get(key) == rest.objects[key] == data
    assert rest.content_types[key] == "application/json"


def test_an_object_that_is_not_there_is_none(objects: S3Objects) -> None:
    assert objects.get("results/github.com/1/x.json") is None


@pytest.mark.parametrize(
    ("mishap", "kind"),
    [
        ("slow down", ThrottledError),
        ("internal", RetryableError),
        ("hang up", RetryableError),
        ("denied", MissingRightError),
        ("no bucket", DeploymentError),
        ("invalid", PermanentError),
    ],
)
def test_errors_of_the_bucket_say_what_to_do_and_nothing_of_its_contents(
    rest: RestServer, objects: S3Objects, mishap: str, kind: type[CodeReviewError]
) -> None:
    for call in (lambda: objects.get("k"), lambda: objects.put("k", b"data")):
        rest.mishaps.append(mishap)
        with pytest.raises(kind) as caught:
            call()
        assert type(caught.value) is kind
        assert "canary" not in str(caught.value)
    assert rest.objects == {}


def test_an_object_that_breaks_off_is_read_again_later_and_never_taken_for_whole(
    rest: RestServer, objects: S3Objects
) -> None:
    objects.put("k", b"data" * 1000)
    rest.mishaps.append("break off")
    with pytest.raises(RetryableError):
        objects.get("k")


# --- queues -----------------------------------------------------------------------------------------------------------


def test_a_record_message_is_sent_once_in_its_tenants_group(aws: AwsServer, sqs: "SQSClient") -> None:
    SqsRecordQueue(sqs, QUEUE_URL).send(RECORDED)
    (sent,) = aws.messages()
    assert (sent["QueueUrl"], sent["MessageGroupId"]) == (QUEUE_URL, TENANT)
    assert decode_recorded(sent["MessageBody"]) == RECORDED


def test_a_parked_review_comes_back_as_the_envelope_that_the_webhook_sent(aws: AwsServer, sqs: "SQSClient") -> None:
    SqsReviewQueue(sqs, QUEUE_URL).send(ENVELOPE)
    (sent,) = aws.messages()
    assert (decode(sent["MessageBody"]), sent["MessageGroupId"]) == (ENVELOPE, TENANT)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (timedelta(seconds=90.9), 90),
        (timedelta(), 0),
        (timedelta(seconds=-5), 0),
        (timedelta(days=3), 43_200),
    ],
)
def test_b99_a_message_is_hidden_for_the_time_asked_for_within_what_sqs_takes(
    aws: AwsServer, sqs: "SQSClient", delay: timedelta, seconds: int
) -> None:
    SqsPostponement(sqs, QUEUE_URL).postpone("receipt", delay)
    (call,) = aws.calls
    assert call.target == "AmazonSQS.ChangeMessageVisibility"
    assert call.parameters == {"QueueUrl": QUEUE_URL, "ReceiptHandle": "receipt", "VisibilityTimeout": seconds}


@pytest.mark.parametrize(
    ("mishap", "kind"),
    [
        ("unavailable", RetryableError),
        ("hang up", RetryableError),
        ("throttled", ThrottledError),
        ("denied", MissingRightError),
        ("no queue", DeploymentError),
        ("invalid", PermanentError),
    ],
)
def test_errors_of_a_queue_say_what_to_do(
    aws: AwsServer, sqs: "SQSClient", mishap: str, kind: type[CodeReviewError]
) -> None:
    letters = SqsDeadLetters(sqs, QUEUE_URL, name="reviews")
    for call in (
        lambda: SqsRecordQueue(sqs, QUEUE_URL).send(RECORDED),
        lambda: SqsReviewQueue(sqs, QUEUE_URL).send(ENVELOPE),
        lambda: SqsPostponement(sqs, QUEUE_URL).postpone("receipt", timedelta()),
        letters.count,
    ):
        aws.mishaps.append(mishap)
        with pytest.raises(kind) as caught:
            call()
        assert type(caught.value) is kind
        assert "canary" not in str(caught.value)


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_only_the_named_values_of_a_secret_are_given_out(aws: AwsServer, secrets: Secrets) -> None:
    aws.secret = json.dumps({"app_id": "1", "private_key": "PEM", "webhook_secret": "no"})
    assert secrets.read(ARN, "app_id", "private_key") == {"app_id": "1", "private_key": "PEM"}
    assert aws.calls[0].parameters == {"SecretId": ARN}


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (None, "has no value yet"),
        ("", "is not a JSON object"),
        ("canary", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        ('{"app_id": "1"}', "lacks private_key"),
        ('{"app_id": "1", "private_key": " "}', "lacks private_key"),
        ('{"app_id": 1, "private_key": null}', "lacks app_id, private_key"),
    ],
)
def test_b100_a_secret_without_its_values_stops_the_function_and_is_not_shown(
    aws: AwsServer, secrets: Secrets, value: str | None, complaint: str
) -> None:
    aws.secret = value
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        secrets.read(ARN, "app_id", "private_key")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("mishap", "kind"), [("unavailable", RetryableError), ("throttled", ThrottledError), ("denied", ForbiddenError)]
)
def test_secrets_that_cannot_be_read_now_are_not_taken_for_missing(
    aws: AwsServer, secrets: Secrets, mishap: str, kind: type[CodeReviewError]
) -> None:
    aws.mishaps.append(mishap)
    with pytest.raises(kind):
        secrets.read(ARN, "app_id")


# --- the analyzer function --------------------------------------------------------------------------------------------

FILE = SourceFile(path="a.py", content=b"import os\n")
EMPTY_ANSWER = b'{"version": 1, "candidates": [], "versions": {"ruff": "1"}, "failed": {}}'


def test_the_analyzer_function_gets_the_files_as_its_contract_says(
    rest: RestServer, analyzers: LambdaAnalyzers
) -> None:
    seen: list[bytes] = []

    def answer(payload: bytes) -> tuple[bytes, None]:
        seen.append(payload)
        return EMPTY_ANSWER, None

    rest.function = answer
    assert analyzers.analyze([FILE], ["ruff"]).versions == {"ruff": "1"}
    assert json.loads(seen[0]) == {
        "version": 1,
        "engines": ["ruff"],
        "files": [{"path": "YS5weQ==", "content": "aW1wb3J0IG9zCg=="}],
    }


def test_an_analyzer_that_dies_twice_is_reported_and_its_words_are_not(
    rest: RestServer, analyzers: LambdaAnalyzers
) -> None:
    rest.function = lambda _: (b'{"errorType": "Runtime.ExitError", "errorMessage": "canary"}', "Unhandled")
    report = analyzers.analyze([FILE], ["ruff"])
    assert report.failed == {"ruff": "the analyzer function failed: Runtime.ExitError"}
    assert rest.requests == 2


@pytest.mark.parametrize(
    ("mishap", "kind"),
    [
        ("throttled", ThrottledError),
        ("service", RetryableError),
        ("hang up", RetryableError),
        ("break off", RetryableError),
        ("no function", NotFoundError),
        ("denied", ForbiddenError),
    ],
)
def test_errors_of_lambda_say_what_to_do(
    rest: RestServer, analyzers: LambdaAnalyzers, mishap: str, kind: type[CodeReviewError]
) -> None:
    rest.function = lambda _: (EMPTY_ANSWER, None)
    rest.mishaps.append(mishap)
    with pytest.raises(kind) as caught:
        analyzers.analyze([FILE], ["ruff"])
    assert type(caught.value) is kind
    assert "canary" not in str(caught.value)


def test_an_answer_that_is_none_of_the_contracts_is_refused(rest: RestServer, analyzers: LambdaAnalyzers) -> None:
    rest.function = lambda _: (b"<html>", None)
    with pytest.raises(PermanentError, match="not an answer"):
        analyzers.analyze([FILE], ["ruff"])


# --- the maintenance function -----------------------------------------------------------------------------------------


@pytest.fixture
def maintenance(rest: RestServer) -> Iterator[LambdaMaintenance]:
    made: LambdaClient
    with closing(client("lambda", rest.url)) as made:
        yield LambdaMaintenance(made, FUNCTION)


def test_the_maintenance_functions_result_is_returned(rest: RestServer, maintenance: LambdaMaintenance) -> None:
    rest.function = lambda payload: (b'{"ok": true, "result": [' + payload + b"]}", None)
    assert maintenance({"action": "status"}) == [{"action": "status"}]


@pytest.mark.parametrize(
    ("named", "called"),
    [
        (FUNCTION, f"{FUNCTION}:live"),
        (f"arn:aws:lambda:eu-central-1:111122223333:function:{FUNCTION}", f"{FUNCTION}:live"),
        (f"{FUNCTION}:live", f"{FUNCTION}:live"),
        (f"{FUNCTION}:7", f"{FUNCTION}:7"),
    ],
)
def test_the_release_that_runs_is_called_unless_another_one_is_named(rest: RestServer, named: str, called: str) -> None:
    made: LambdaClient
    rest.function = lambda _: (b'{"ok": true, "result": 1}', None)
    with closing(client("lambda", rest.url)) as made:
        LambdaMaintenance(made, named)({"action": "status"})
    assert [name.rpartition("function:")[2] for name in rest.called] == [called]


def test_what_the_maintenance_function_refuses_is_said(rest: RestServer, maintenance: LambdaMaintenance) -> None:
    rest.function = lambda _: (b'{"ok": false, "error": "no such action"}', None)
    with pytest.raises(RejectedError, match="no such action"):
        maintenance({"action": "x"})


def test_a_maintenance_function_that_dies_is_an_error(rest: RestServer, maintenance: LambdaMaintenance) -> None:
    rest.function = lambda _: (b'{"errorMessage": "database unreachable"}', "Unhandled")
    with pytest.raises(CodeReviewError, match="database unreachable"):
        maintenance({"action": "status"})

"""Audit entries on their way to the record queue."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from codereview.adapters.aws.audit_queue import SqsAuditQueue
from codereview.domain.control.audit import Actor, ActorKind, Request, audited
from codereview.domain.control.audit_codec import decode_audit
from codereview.domain.review import TenantId
from codereview.errors import RetryableError, ThrottledError
from tests.adapters.aws_server import ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, AwsServer, aws_server

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/records"
TENANT = TenantId("github.com:9919")
REQUEST = Request(actor=Actor(kind=ActorKind.KEY, id="k1"), id="r1", at=datetime(2026, 3, 15, tzinfo=UTC))
ENTRY = audited(REQUEST, tenant=TENANT, action="flags.change", target="flags", after={"posting": False})


@pytest.fixture
def aws() -> Iterator[AwsServer]:
    with aws_server() as server:
        yield server


@pytest.fixture
def sqs(aws: AwsServer) -> "Iterator[SQSClient]":
    client = boto3.client(
        "sqs",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        aws_session_token=SESSION_TOKEN,
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


def test_an_entry_is_sent_once_in_its_tenants_group(aws: AwsServer, sqs: "SQSClient") -> None:
    SqsAuditQueue(sqs, QUEUE_URL).send(ENTRY)
    (sent,) = aws.messages()
    assert (sent["QueueUrl"], sent["MessageGroupId"]) == (QUEUE_URL, TENANT)
    assert decode_audit(sent["MessageBody"]) == ENTRY


def test_what_concerns_no_tenant_has_a_group_of_its_own(aws: AwsServer, sqs: "SQSClient") -> None:
    SqsAuditQueue(sqs, QUEUE_URL).send(replace(ENTRY, tenant=None))
    (sent,) = aws.messages()
    assert sent["MessageGroupId"] == "deployment"


@pytest.mark.parametrize(
    ("mishap", "expected"),
    [("unavailable", RetryableError), ("throttled", ThrottledError), ("hang up", RetryableError)],
)
def test_f64_a_queue_that_does_not_take_an_entry_says_so(
    aws: AwsServer, sqs: "SQSClient", mishap: str, expected: type[Exception]
) -> None:
    aws.mishaps.append(mishap)
    with pytest.raises(expected):
        SqsAuditQueue(sqs, QUEUE_URL).send(ENTRY)

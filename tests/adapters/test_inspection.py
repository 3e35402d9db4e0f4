"""What a look at a stack's alarms finds; the SDK's clients answer by AWS's own models of the services."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from codereview.adapters.aws.inspection import Inspection
from codereview.errors import ForbiddenError

STACK = "codereview-prod"
TOPIC = f"arn:aws:sns:eu-central-1:111122223333:{STACK}-notifications"
_ANSWER: dict[str, Any] = {"ResponseMetadata": {"HTTPHeaders": {}}}


@pytest.fixture
def stubs() -> Iterator[dict[str, Stubber]]:
    made: dict[str, Any] = {
        name: boto3.client(
            name, region_name="eu-central-1", aws_access_key_id="made-up", aws_secret_access_key="made-up"
        )
        for name in ("cloudwatch", "sns", "sts")
    }
    stubs = {name: Stubber(client) for name, client in made.items()}
    for stub in stubs.values():
        stub.activate()
    identity = {"Arn": "arn:aws:iam::111122223333:user/ann", "Account": "111122223333", "UserId": "A"}
    stubs["sts"].add_response("get_caller_identity", identity | _ANSWER)
    yield stubs
    for stub in stubs.values():
        stub.deactivate()


def inspection(stubs: dict[str, Stubber]) -> Inspection:
    return Inspection({name: stub.client for name, stub in stubs.items()}, STACK)


@pytest.mark.parametrize(
    ("arns", "told"),
    [([], (0, 0)), (["PendingConfirmation"], (0, 1)), ([f"{TOPIC}:1", "PendingConfirmation"], (1, 1))],
    ids=["nobody", "nobody yet", "one of two"],
)
def test_who_has_confirmed_that_alarms_reach_them_is_counted(
    stubs: dict[str, Stubber], arns: list[str], told: tuple[int, int]
) -> None:
    found = [{"SubscriptionArn": arn, "Protocol": "email", "TopicArn": TOPIC} for arn in arns]
    stubs["sns"].add_response("list_subscriptions_by_topic", {"Subscriptions": found}, {"TopicArn": TOPIC})
    assert inspection(stubs).notifications() == told


def test_a_stack_without_alarms_tells_nobody_and_that_is_no_trouble(stubs: dict[str, Stubber]) -> None:
    stubs["sns"].add_client_error("list_subscriptions_by_topic", "NotFound", http_status_code=404)
    assert inspection(stubs).notifications() is None
    stubs["cloudwatch"].add_response("describe_alarms", {"MetricAlarms": []})
    assert inspection(stubs).page_of_an_alarm() is None


def test_what_may_not_be_looked_at_is_said(stubs: dict[str, Stubber]) -> None:
    stubs["sns"].add_client_error("list_subscriptions_by_topic", "AccessDenied", http_status_code=403)
    with pytest.raises(ForbiddenError):
        inspection(stubs).notifications()


def test_where_an_alarm_says_that_its_page_is(stubs: dict[str, Stubber]) -> None:
    text = "GitHub's deliveries fail. Runbook: docs/runbooks/webhook-errors.md"
    alarm = {"AlarmName": f"{STACK}-webhook-errors", "AlarmDescription": text}
    stubs["cloudwatch"].add_response("describe_alarms", {"MetricAlarms": [alarm]}, {"AlarmNames": [alarm["AlarmName"]]})
    assert inspection(stubs).page_of_an_alarm() == "docs/runbooks/webhook-errors.md"

"""What is deployed, by its templates, and what a review took, by the sums that CloudWatch has of a week."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from codereview.adapters.aws.templates import StackTemplates, seconds_of_a_review

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
STACK = "codereview-prod"


def asked(namespace: str, name: str, dimension: dict[str, str]) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [dimension],
        "StartTime": NOW - timedelta(days=7),
        "EndTime": NOW,
        "Period": ANY,
        "Statistics": ["Sum"],
    }


POSTED = asked(f"CodeReview/{STACK}", "ReviewsPosted", {"Name": "service", "Value": "reviewer"})
DURATION = asked("AWS/Lambda", "Duration", {"Name": "FunctionName", "Value": f"{STACK}-reviewer"})


def measured(*answers: tuple[dict[str, Any], list[float]]) -> float | None:
    """Ask the SDK's client, which answers by AWS's own model of the service."""
    client: Any = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="made-up", aws_secret_access_key="made-up"
    )
    with Stubber(client) as stub:
        for parameters, sums in answers:
            points = [{"Timestamp": NOW, "Sum": value} for value in sums]
            stub.add_response("get_metric_statistics", {"Label": "x", "Datapoints": points}, parameters)
        found = seconds_of_a_review(client, STACK, now=NOW)
        stub.assert_no_pending_responses()
    return found


def test_all_that_reviewers_worked_is_the_time_of_the_reviews_that_were_posted() -> None:
    # 4 reviews of 60 s, and 4,000 messages that were put off within 10 ms each.
    assert measured((POSTED, [1, 3]), (DURATION, [4 * 60_000, 4_000 * 10])) == pytest.approx(70)


def test_a_week_without_a_posted_review_has_measured_nothing() -> None:
    assert measured((POSTED, [])) is None
    assert measured((POSTED, [2]), (DURATION, [])) is None


def test_where_cloudwatch_does_not_answer_nothing_is_known() -> None:
    client: Any = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="made-up", aws_secret_access_key="made-up"
    )
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_statistics", "AccessDenied")
        assert seconds_of_a_review(client, STACK, now=NOW) is None


def test_the_templates_of_a_stack_and_of_those_in_it_are_read_as_they_were_deployed() -> None:
    client: Any = boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="made-up", aws_secret_access_key="made-up"
    )
    inner = {
        "LogicalResourceId": "Alarms",
        "PhysicalResourceId": "inner",
        "ResourceType": "AWS::CloudFormation::Stack",
        "LastUpdatedTimestamp": NOW,
        "ResourceStatus": "CREATE_COMPLETE",
    }
    bodies = {STACK: '{"Resources": {"A": {"Type": "X"}}}', "inner": "Resources:\n  B:\n    Type: Y\n"}
    with Stubber(client) as stub:
        for name, found in ((STACK, [inner]), ("inner", [])):
            stub.add_response("get_template", {"TemplateBody": bodies[name]}, {"StackName": name, "TemplateStage": ANY})
            stub.add_response("list_stack_resources", {"StackResourceSummaries": found}, {"StackName": name})
        read = StackTemplates(client).read(STACK)
    assert read == {STACK: {"Resources": {"A": {"Type": "X"}}}, "inner": {"Resources": {"B": {"Type": "Y"}}}}

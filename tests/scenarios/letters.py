"""Dead letters of a deployed system that are a test's alone."""

from datetime import timedelta
from typing import Any

from codereview.adapters.dynamodb.jobs import DynamoJobs
from codereview.adapters.system import SystemClock
from codereview.ports import JobState
from local.stack import LocalStack

_FOR = timedelta(hours=1)


def leave_a_letter(stack: LocalStack, body: str) -> None:
    """Put a dead letter behind the queue of reviews, which the reconciler does not come to move for an hour."""
    table: Any = stack.deployment.outputs["ControlTableName"]
    jobs = DynamoJobs(stack.aws.client("dynamodb"), table)
    jobs.finish("dead-letters-reviews", JobState(), next_at=SystemClock().now() + _FOR)
    url = stack.deployment.outputs["ReviewDeadLettersUrl"]
    stack.aws.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId="1")

"""An outage that the deployed system notices and tells by itself, with the rights of the reconciler's role."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from codereview import messages
from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.system import SystemClock
from codereview.domain.parking import Held
from local.stack import STACK_NAME, LocalStack
from tests.scenarios.events import pull_request_event

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def test_an_outage_is_told_on_the_status_page_with_the_rights_of_the_role(local_aws_with_roles: LocalStack) -> None:
    stack, table = local_aws_with_roles, local_aws_with_roles.deployment.outputs["ControlTableName"]
    dynamodb, functions = stack.aws.client("dynamodb"), stack.aws.client("lambda")
    agenda = DynamoAgenda(dynamodb, table)
    due_at = SystemClock().now() + timedelta(hours=1)
    held = [
        Held(
            envelope=replace(pull_request_event(), number=number, owner_id=number),
            reason="GitHub answered 502",
            due_at=due_at,
        )
        for number in (1, 2, 3)
    ]
    for each in held:
        agenda.hold(each)
    try:
        assert outcome(functions, dynamodb, table) == "done"
        ends_at = time.monotonic() + 60  # a function may have looked at the notices fifteen seconds ago
        while messages.NOTICE_OF_OUTAGE not in texts(stack):
            assert time.monotonic() < ends_at
            time.sleep(0.5)
    finally:
        for entry in agenda.due(now=due_at, limit=100, most_of_a_tenant=100):
            if entry.is_held:
                agenda.drop(entry)


def outcome(functions: Any, dynamodb: Any, table: str) -> str:
    """Run the reconciler as if it were time for the job."""
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "job#notices"}})
    answer = functions.invoke(FunctionName=f"{STACK_NAME}-reconciler:live", Payload=b"{}")
    outcomes: dict[str, str] = json.loads(answer["Payload"].read())
    return outcomes["Notices"]


def texts(stack: LocalStack) -> list[str]:
    return [notice["text"] for notice in httpx.get(f"{stack.api_url}/status").json()["notices"]]

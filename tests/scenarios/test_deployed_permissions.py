"""What the roles allow against what a day of work asks for: a right that nobody uses is a right to take away."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.system import SystemClock
from codereview.domain.envelope import Trigger
from codereview.domain.parking import Held
from local.checkout import ROOT
from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack
from local.translation import translate
from tests.infra.template.conftest import LOCALLY
from tests.infra.template.deployed import Stack
from tests.scenarios.callers import call, installation, operator
from tests.scenarios.permissions import used

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

BY_LAMBDA = "Lambda does it in the function's name, and the emulator needs no right for it"
BY_TASK = "a move task does it in the name of who started it; the emulator's needs no right"
IF_MISSING = "decides whether what is not there is answered with 404 or 403, and is asked for by nobody"
EVERY_ROLE = {
    "logs:CreateLogStream": BY_LAMBDA,
    "logs:PutLogEvents": BY_LAMBDA,
    "xray:PutTraceSegments": BY_LAMBDA,
    "xray:PutTelemetryRecords": BY_LAMBDA,
}
# What a day does not ask for, and why it is allowed all the same.
UNUSED = {
    **{
        (role, f"sqs:{action}"): BY_LAMBDA
        for role in ("ReviewerRole", "RecorderRole")
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    },
    **{(role, "s3:ListBucket"): IF_MISSING for role in ("ReviewerRole", "RecorderRole", "ReportsRole")},
    **{("ReconcilerRole", f"sqs:{action}"): BY_TASK for action in ("ReceiveMessage", "DeleteMessage")},
    ("ReconcilerRole", "sqs:StartMessageMoveTask"): "there were no dead letters on this day",
    ("ReconcilerRole", "dynamodb:ConditionCheckItem"): "nothing ended as poison on this day",
    ("ApiRole", "sqs:DeleteMessage"): BY_TASK,
    ("ReviewerRole", "bedrock:InvokeModel"): "the day's model is another one; the right is to nothing then",
    (
        "MaintenanceRole",
        "dynamodb:UpdateItem",
    ): "of a breaker's job, which is not due without an agent that is often wrong",
}
# What a day asks for or does not, as it happens.
BY_CHANCE = {
    ("ReconcilerRole", "dynamodb:BatchGetItem"): "of the sweep, where an installation's turn comes round",
    ("ApiRole", "sqs:CancelMessageMoveTask"): "a move of nothing is over before it can be stopped",
    ("ReviewerRole", "sqs:ChangeMessageVisibility"): "of messages that come back later, where two meet",
}


def granted(system: Stack) -> dict[str, set[str]]:
    """Return the actions that each function's role allows."""
    roles = [
        name for name in system.of_type("AWS::IAM::Role") if f"{name.removesuffix('Role')}Function" in system.resources
    ]
    return {role: system.allowed(role) for role in roles}


def invoke(stack: LocalStack, function: str, event: Any) -> Any:
    """Call a function as an operator, or as its schedule does."""
    answer = stack.aws.client("lambda").invoke(
        FunctionName=stack.deployment.resources[function], Payload=json.dumps(event)
    )
    return json.loads(answer["Payload"].read())


def until(stack: LocalStack, path: str, token: str, wanted: Callable[[Any], bool]) -> Any:
    """Ask until the answer is as it should be."""
    ends_at = time.monotonic() + 90
    while not wanted(answer := call(stack, "GET", path, token)):
        assert time.monotonic() < ends_at, answer
        time.sleep(0.5)
    return answer.document


def a_day(stack: LocalStack) -> None:
    """Do what the system is for, through every function."""
    person, clock = operator(stack), SystemClock()
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    repository = stack.hub.add_repository(sample_repository(), owner="daily", name="sample")
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": installation(stack, "daily")})
    tenant = f"/v1/tenants/{bound.document['id']}"
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    wait_for_record(stack.database.superuser_dsn, pull["check_runs"][0]["external_id"])

    wanted = {"name": "ci", "scopes": ["reviews:read"], "expires_at": tomorrow}
    key = call(stack, "POST", f"{tenant}/keys", person, wanted).document
    call(stack, "GET", f"{tenant}/reviews", key["token"])
    call(stack, "DELETE", f"{tenant}/keys/{key['key']['id']}", person)
    flags = call(stack, "GET", f"{tenant}/flags", person)
    call(stack, "PUT", f"{tenant}/flags", person, {"models": True}, if_match=flags.headers["etag"])
    notice = {"level": "info", "text": "A test.", "until": tomorrow}
    told = call(stack, "POST", "/v1/deployment/notices", person, notice).document
    call(stack, "DELETE", f"/v1/deployment/notices/{told['id']}", person)

    call(stack, "POST", f"{tenant}/pauses", person, {"reason": "a test"})
    call(stack, "POST", f"{tenant}/reviews", person, {"repository_id": repository, "number": pull["number"]})
    listed = until(
        stack, f"{tenant}/reviews?state=parked", person, lambda answer: len(answer.document.get("items", [])) == 1
    )
    ended = call(stack, "POST", f"{tenant}/reviews/{listed['items'][0]['id']}/cancel", person)
    assert ended.status == 200, ended

    job = call(stack, "POST", f"{tenant}/exports", person, {}).document["id"]
    until(stack, f"{tenant}/exports/{job}", person, lambda answer: answer.document["state"] == "done")
    for path in ("/v1/deployment/queues", "/v1/deployment/queues/reviews/dead-letters", f"{tenant}/record/findings"):
        assert call(stack, "GET", path, person).status == 200
    call(stack, "POST", "/v1/deployment/queues/reviews/redrive", person, {})
    call(stack, "DELETE", "/v1/deployment/queues/reviews/redrive", person)

    hold(stack, pull["check_runs"][0]["external_id"])
    invoke(stack, "ReconcilerFunction", {})
    for action, parameters in (
        ("nightly", {}),
        ("flags set", {"models": "on"}),
        ("tenant block", {"tenant": bound.document["id"]}),
        ("delete tenant", {"tenant": bound.document["id"]}),
    ):
        answer = invoke(stack, "MaintenanceFunction", {"action": action, "parameters": parameters})
        assert answer["ok"], (action, answer, stack.logs("maintenance")[-5:])


def hold(stack: LocalStack, review: str) -> None:
    """Leave a message that the reconciler has to send, as after an outage."""
    table: Any = stack.deployment.outputs["ControlTableName"]
    client = stack.aws.client("dynamodb")
    item = DynamoReviews(client, table).load(UUID(review))
    assert item is not None
    assert item.envelope is not None
    again = replace(item.envelope, trigger=Trigger.RERUN, trigger_id=1, review_id=None)
    DynamoAgenda(client, table).hold(Held(envelope=again, reason="an outage", due_at=SystemClock().now()))


def test_every_right_is_used_in_a_day_or_has_its_reason(local_aws_with_roles: LocalStack) -> None:
    stack = local_aws_with_roles
    a_day(stack)
    templates = translate({"template.yaml": (ROOT / "template.yaml").read_text()}, {})
    allowed, names = granted(Stack(templates["template.yaml"], LOCALLY)), stack.deployment.resources
    asked = {role: actions for role in allowed if (actions := used(stack, names[role]))}
    unused = {(role, action) for role, actions in allowed.items() for action in actions - asked.get(role, set())}
    explained = set(UNUSED) | {(role, action) for role in allowed for action in EVERY_ROLE if action in allowed[role]}
    assert unused - set(BY_CHANCE) == explained  # a reason for what is used, or not allowed, is none
    assert all(action in allowed[role] for role, action in BY_CHANCE)
    assert all(asked[role] <= allowed[role] for role in asked)

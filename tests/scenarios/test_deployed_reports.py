"""The reports function behind the deployed API, with the rights of its own role."""

import json
import time
import urllib.error
import urllib.request

import pytest

from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack
from tests.scenarios.callers import call, installation, operator

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def test_the_record_is_asked_behind_the_deployed_api_with_the_rights_of_the_role(
    local_aws_with_roles: LocalStack,
) -> None:
    stack = local_aws_with_roles
    path = f"{stack.api_url}/v1/tenants/github.com:1/record/findings"
    # A key of the right form that nobody was given: the function has to look for it in the table.
    request = urllib.request.Request(path, headers={"authorization": "Bearer nobody"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    document = json.loads(caught.value.read())
    assert (caught.value.code, document["type"]) == (401, "urn:codereview:problem:unauthenticated"), stack.logs(
        "reports"
    )


def test_what_was_reviewed_is_told_by_every_report_of_the_deployed_api(local_aws_with_roles: LocalStack) -> None:
    stack, person = local_aws_with_roles, operator(local_aws_with_roles)
    repository = stack.hub.add_repository(sample_repository(), owner="reported", name="sample")
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": installation(stack, "reported")})
    tenant = bound.document["id"]
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    review = pull["check_runs"][0]["external_id"]
    recorded = wait_for_record(stack.database.superuser_dsn, review)
    record = f"/v1/tenants/{tenant}/record"
    answers = {
        name: call(stack, "GET", f"{record}/{name}", person)
        for name in ("findings?limit=100", "reviews", "usage", "precision", "audit")
    }
    assert {answer.status for answer in answers.values()} == {200}, (answers, stack.logs("reports")[-5:])
    found = answers["findings?limit=100"].document["items"]
    assert sorted((each["agent"], each["path"], each["title"]) for each in found) == sorted(
        (agent, path, title) for agent, _, path, _, _, title in recorded
    )
    assert [each["review_id"] for each in answers["reviews"].document["items"]] == [review]
    assert {each["agent"] for each in answers["usage"].document["items"]} >= {each["agent"] for each in found}
    shown = {each["fingerprint"] for each in found if each["placement"] != "dropped"}
    assert sum(each["outcomes"]["unanswered"] for each in answers["precision"].document["agents"]) == len(shown)
    actions = wait_for_actions(stack, f"{record}/audit", person)
    assert "tenants.bind" in actions


def wait_for_actions(stack: LocalStack, path: str, token: str) -> set[str]:
    """Ask until the outbox has reached the record; the reconciler need not wait for its next minute."""
    stack.aws.client("lambda").invoke(FunctionName=stack.deployment.resources["ReconcilerFunction"])
    ends_at = time.monotonic() + 120
    while not (items := call(stack, "GET", path, token).document["items"]):
        assert time.monotonic() < ends_at, stack.logs("reconciler")[-5:]
        time.sleep(2)
    return {each["action"] for each in items}

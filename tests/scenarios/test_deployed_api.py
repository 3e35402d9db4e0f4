"""The api function behind the deployed HTTP API, with the rights of its own role, against GitHub's stand-in."""

import time
from datetime import timedelta

import pytest

from codereview.adapters.system import SystemClock
from local.demo import open_and_wait, sample_repository
from local.stack import LocalStack
from tests.scenarios.callers import call, installation, operator

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]


def wait_for_post(stack: LocalStack, path: str, key: str, kind: str) -> None:
    """Wait, as a client would, until the review that was asked for is on GitHub."""
    ends_at = time.monotonic() + 90
    while True:
        listed = call(stack, "GET", path, key).document
        states = [review["state"] for review in listed.get("items", []) if review["kind"] == kind]
        if states == ["posted"]:
            return
        assert time.monotonic() < ends_at, (listed, stack.logs("reviewer")[-5:])
        time.sleep(1)


def wait_for_status(stack: LocalStack, path: str, key: str, status: int) -> None:
    """Wait until a request is answered so."""
    ends_at = time.monotonic() + 90
    while (answer := call(stack, "GET", path, key)).status != status:
        assert time.monotonic() < ends_at, (answer, stack.logs("reviewer")[-5:])
        time.sleep(0.5)


def test_a_key_that_the_deployed_api_made_opens_it_and_asks_for_a_review(local_aws_with_roles: LocalStack) -> None:
    stack = local_aws_with_roles
    repository = stack.hub.add_repository(sample_repository(), owner="acme", name="asked")
    person = operator(stack)
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": installation(stack, "acme")})
    assert bound.status == 200, (bound, stack.logs("api"))
    tenant = f"/v1/tenants/{bound.document['id']}"
    ends = (SystemClock().now() + timedelta(days=1)).isoformat()
    scopes = ["reviews:read", "reviews:write", "keys:read"]
    wanted = {"name": "ci", "scopes": scopes, "expires_at": ends}
    made = call(stack, "POST", f"{tenant}/keys", person, wanted, idempotency_key="the-key")
    again = call(stack, "POST", f"{tenant}/keys", person, wanted, idempotency_key="the-key")
    assert (made.status, made.document) == (201, again.document)
    key = made.document["token"]

    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    listed = call(stack, "GET", f"{tenant}/reviews?limit=100", key)
    assert pull["check_runs"][0]["external_id"] in {review["id"] for review in listed.document["items"]}
    assert listed.headers["ratelimit"].startswith('"tenant";r=')
    asked = call(stack, "POST", f"{tenant}/reviews", key, {"repository_id": repository, "number": pull["number"]})
    assert asked.status == 202, (asked, stack.logs("api"))
    wait_for_post(stack, f"{tenant}/reviews?limit=100", key, asked.document["kind"])
    assert len(stack.hub.pull(repository, pull["number"])["reviews"]) == 2
    assert call(stack, "GET", f"{tenant}/flags", key).status == 403

    queues = call(stack, "GET", "/v1/deployment/queues", person)
    assert {queue["name"] for queue in queues.document["items"]} == {"reviews", "records"}, stack.logs("api")
    letters = call(stack, "GET", "/v1/deployment/queues/reviews/dead-letters", person)
    assert letters.status == 200, (letters, stack.logs("api"))
    assert call(stack, "GET", "/status").document["status"] == "ok"
    assert call(stack, "GET", "/v1/me").status == 401
    logs = "\n".join(stack.logs("api"))
    assert key not in logs
    assert person not in logs


def test_a_key_opens_nothing_while_its_installation_is_suspended_at_github(local_aws_with_roles: LocalStack) -> None:
    stack = local_aws_with_roles
    stack.hub.add_repository(sample_repository(), owner="suspended", name="sample")
    person, number = operator(stack), installation(stack, "suspended")
    bound = call(stack, "POST", "/v1/tenants", person, {"installation_id": number})
    tenant = f"/v1/tenants/{bound.document['id']}"
    ends = (SystemClock().now() + timedelta(days=1)).isoformat()
    wanted = {"name": "ci", "scopes": ["reviews:read"], "expires_at": ends}
    key = call(stack, "POST", f"{tenant}/keys", person, wanted).document["token"]
    assert call(stack, "GET", f"{tenant}/reviews", key).status == 200

    stack.hub.change_installation(number, "suspend")
    wait_for_status(stack, f"{tenant}/reviews", key, 401)
    stack.hub.change_installation(number, "unsuspend")
    wait_for_status(stack, f"{tenant}/reviews", key, 200)

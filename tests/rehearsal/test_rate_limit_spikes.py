"""Night 4: a tenant's program does not wait when it is told to; another tenant must not notice."""

from datetime import timedelta

import pytest

from codereview.adapters.system import SystemClock
from local.stack import LocalStack
from tests.rehearsal.operator_at_night import Night, worked
from tests.rehearsal.tenants import tenant_of
from tests.scenarios.callers import call, operator
from tests.scenarios.commands import said

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(900)]

PAGE = "rate-limit-spikes"
A_FLOOD = 60  # more than 30 of them are refused


def test_a_flood_of_requests_is_seen_and_ended_by_the_page_and_others_are_served(night: Night) -> None:
    stack = night.stack
    person = operator(stack)
    flooding, quiet = tenant_of(stack, person, "greedy"), tenant_of(stack, person, "modest")
    said(stack, "limits", "set", "--requests", "60/m:10", "--requests-per-key", "60/m:10", "--tenant", flooding)
    key, token = key_of(stack, person, flooding)
    _, other = key_of(stack, person, quiet)
    for _ in range(3):
        night.pass_a_round()
    assert night.ringing() == set()

    for _ in range(2):
        answers = [call(stack, "GET", "/v1/me", token) for _ in range(A_FLOOD)]
        refused = [answer for answer in answers if answer.status == 429]
        assert len(refused) > A_FLOOD / 2
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert call(stack, "GET", "/v1/me", other).status == 200
        night.pass_a_round()
    assert {"rate-limit-spike", "page"} <= night.ringing()

    night.values |= {"TENANT": flooding, "KEY": key, "REQUESTS": "60/m:10", "REQUESTS_PER_KEY": "60/m:10"}
    before = said(stack, "limits", "show", "--tenant", flooding)["own"]
    confirmed = worked(night.follow(PAGE, "Confirm"))
    assert flooding in confirmed
    assert "LimitRefusals" in confirmed or "refusals" in confirmed
    worked(night.follow(PAGE, "Mitigate"))
    assert call(stack, "GET", "/v1/me", token).status == 401
    assert call(stack, "GET", "/v1/me", other).status == 200
    worked(night.follow(PAGE, "Verify"))
    for _ in range(3):
        night.pass_a_round()
    assert night.ringing() == set()
    worked(night.follow(PAGE, "Restore"))
    assert said(stack, "tenants", "show", "--tenant", flooding)["status"] == "active"
    assert said(stack, "limits", "show", "--tenant", flooding)["own"] == before


def key_of(stack: LocalStack, person: str, tenant: str) -> tuple[str, str]:
    """Make a key; returns its id and its text."""
    ends = (SystemClock().now() + timedelta(days=1)).isoformat()
    wanted = {"name": "program", "scopes": ["reviews:read"], "expires_at": ends}
    made = call(stack, "POST", f"/v1/tenants/{tenant}/keys", person, wanted, idempotency_key=f"key-{tenant}")
    assert made.status == 201, made
    return str(made.document["key"]["id"]), str(made.document["token"])

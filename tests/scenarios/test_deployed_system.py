"""From a signed webhook to the rows in Postgres, through the template that `sam deploy` put into the emulated AWS."""

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.agents.registry import AGENTS
from codereview.domain.envelope import Trigger
from codereview.domain.parking import Held
from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

EVERY_AGENT = {agent.name for agent in AGENTS}


def review_of_the_sample(stack: LocalStack, name: str) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    repository = stack.hub.add_repository(sample_repository(), owner="acme", name=name)
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    review_id = pull["check_runs"][0]["external_id"]
    return pull, wait_for_record(stack.database.superuser_dsn, review_id)


def expect_the_review(pull: dict[str, Any], rows: list[tuple[Any, ...]]) -> None:
    """One review with inline comments, one finished check run, and all of it in the record."""
    (review,) = pull["reviews"]
    assert review["author"].endswith("[bot]")
    assert review["state"] == "COMMENTED"
    assert review["commit_id"] == pull["head_sha"]
    assert "Made by the mock model" in review["body"]
    (run,) = pull["check_runs"]
    assert (run["name"], run["status"], run["conclusion"]) == ("AI Code Review", "completed", "neutral")
    assert {row[0] for row in rows} == EVERY_AGENT
    inline = [(path, line) for _, _, path, line, placement, _ in rows if placement == "inline"]
    comments = {(comment["path"], comment["line"]) for comment in review["comments"]}
    assert len(review["comments"]) == min(len(inline), 10)
    assert comments <= set(inline)
    assert [row[0] for row in rows if row[4] == "dropped"] == ["correctness"]  # the quote that exists nowhere


def test_a_signed_webhook_becomes_a_review_a_check_run_and_rows(local_aws: LocalStack) -> None:
    pull, rows = review_of_the_sample(local_aws, "sample")
    assert [delivery["status"] for delivery in pull["deliveries"][-1:]] == [202]
    expect_the_review(pull, rows)
    assert local_aws.hub.violations() == []


def test_a_delivery_without_a_signature_is_refused_at_the_door(local_aws: LocalStack) -> None:
    request = urllib.request.Request(
        f"{local_aws.api_url}/webhooks/github",
        data=b"{}",
        headers={"Content-Type": "application/json", "X-GitHub-Event": "ping", "X-GitHub-Delivery": "x"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 401
    refused.value.close()


def test_an_unknown_path_is_not_found(local_aws: LocalStack) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{local_aws.api_url}/nothing/here", timeout=30)
    assert refused.value.code == 404
    refused.value.close()


def test_the_functions_roles_allow_all_that_a_review_needs(local_aws_with_roles: LocalStack) -> None:
    pull, rows = review_of_the_sample(local_aws_with_roles, "sample")
    expect_the_review(pull, rows)


def test_the_reconciler_sends_again_what_is_due_with_no_more_than_its_role(local_aws_with_roles: LocalStack) -> None:
    stack = local_aws_with_roles
    repository = stack.hub.add_repository(sample_repository(), owner="acme", name="parked")
    pull = open_and_wait(stack.hub, repository, base="main", head="change")
    table, client = stack.deployment.outputs["ControlTableName"], stack.aws.client("dynamodb")
    item = DynamoReviews(client, table).load(UUID(pull["check_runs"][0]["external_id"]))
    assert item is not None
    assert item.envelope is not None
    now = datetime.now(tz=UTC)  # noqa: TID251 -- of the functions, which run in real time
    again = replace(item.envelope, trigger=Trigger.RERUN, trigger_id=1, review_id=None)
    agenda = DynamoAgenda(client, table)
    agenda.hold(Held(envelope=again, reason="an outage", due_at=now))
    answer = stack.aws.client("lambda").invoke(FunctionName=stack.deployment.resources["ReconcilerFunction"])
    outcomes = json.loads(answer["Payload"].read())
    assert outcomes["Release"] == "done"
    assert set(outcomes.values()) <= {"done", "not due"}, "\n".join(stack.logs("reconciler"))
    assert agenda.due(now=now, limit=100, most_of_a_tenant=100) == []
    ends_at = time.monotonic() + 60
    while len(stack.hub.pull(repository, pull["number"])["reviews"]) < 2:
        assert time.monotonic() < ends_at
        time.sleep(0.5)
    assert not [line for line in stack.logs("reconciler") if "Did not work" in line or "Unforeseen" in line]


def test_the_logs_hold_no_code_no_secret_and_no_signature(local_aws: LocalStack) -> None:
    review_of_the_sample(local_aws, "logged")
    with psycopg.connect(local_aws.database.superuser_dsn) as connection:
        stored = connection.execute("SELECT FROM findings WHERE body LIKE '%q7Vn2xLw9Zt4%'").fetchall()
    assert stored == []
    for function in ("webhook", "reviewer", "analyzer", "recorder", "migrations"):
        text = "\n".join(local_aws.logs(function))
        assert text, function
        for canary in ("q7Vn2xLw9Zt4", "by_customer", "PRIVATE KEY", "ghs_", "local webhook secret"):
            assert canary not in text, (function, canary)
        assert not re.search("sha256=[0-9a-f]", text), function

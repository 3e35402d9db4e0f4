"""An operator's commands on the deployed system, each a process of its own with AWS credentials and nothing else."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.envelope_codec import encode
from codereview.domain.parking import Held
from local.demo import open_and_wait, sample_repository, wait_for_record
from local.stack import LocalStack
from tests.scenarios.by_itself import without_reconciler
from tests.scenarios.commands import run, said

pytestmark = [pytest.mark.local_aws, pytest.mark.timeout(300)]

BY_HAND = str(UUID(int=7))


@pytest.fixture(scope="module")
def pull(local_aws: LocalStack) -> dict[str, Any]:
    """A pull request that was reviewed and recorded."""
    repository = local_aws.hub.add_repository(sample_repository(), owner="acme", name="operated")
    found = open_and_wait(local_aws.hub, repository, base="main", head="change")
    wait_for_record(local_aws.database.superuser_dsn, found["check_runs"][0]["external_id"])
    return found | {"repository_id": repository}


@pytest.fixture(scope="module")
def envelope(local_aws: LocalStack, pull: dict[str, Any]) -> Envelope:
    """The message of its review."""
    store = DynamoReviews(local_aws.aws.client("dynamodb"), local_aws.deployment.outputs["ControlTableName"])
    item = store.load(UUID(pull["check_runs"][0]["external_id"]))
    assert item is not None
    assert item.envelope is not None
    return item.envelope


@pytest.fixture
def by_hand_alone(local_aws: LocalStack) -> Iterator[None]:
    """Have nothing taken up but by a command."""
    with without_reconciler(local_aws):
        yield


def test_a_trace_tells_the_path_of_a_review_by_its_id_and_by_its_pull_request(
    local_aws: LocalStack, pull: dict[str, Any]
) -> None:
    review_id = pull["check_runs"][0]["external_id"]
    by_id = said(local_aws, "trace", review_id)
    by_url = said(local_aws, "trace", f"https://github.com/acme/operated/pull/{pull['number']}")
    assert by_id == by_url
    (review,) = by_id["reviews"]
    assert (review["id"], review["state"], review["attempts"]) == (review_id, "posted", 1)
    assert review["github_review_id"] == pull["reviews"][0]["id"]
    told = [step["what"] for step in review["steps"]]
    assert told[0] == "accepted pull_request.opened"
    assert "stored an answer of correctness" in told
    assert "stored the result" in told
    assert "posted after 1 attempts" in told
    assert [step["at"] for step in review["steps"]] == sorted(step["at"] for step in review["steps"])
    assert {agent["name"] for agent in review["agents"]} >= {"correctness", "ruff"}


def test_a_trace_of_nothing_says_so(local_aws: LocalStack, pull: dict[str, Any]) -> None:
    assert pull
    unknown = run(local_aws, "trace", str(UUID(int=1)))
    assert (unknown.returncode, "no review" in unknown.stderr) == (1, True)
    nothing = said(local_aws, "trace", "https://github.com/acme/operated/pull/999")
    assert nothing == {"reviews": [], "held_back": []}
    assert run(local_aws, "trace", "https://example.com/").returncode == 2


@pytest.mark.usefixtures("by_hand_alone")
def test_a_rehearsal_of_the_reconciler_changes_nothing_and_the_run_does_what_it_said(
    local_aws: LocalStack, pull: dict[str, Any], envelope: Envelope
) -> None:
    agenda = DynamoAgenda(local_aws.aws.client("dynamodb"), local_aws.deployment.outputs["ControlTableName"])
    now = datetime.now(tz=UTC)  # noqa: TID251 -- of the deployed system, which runs in real time
    again = replace(envelope, trigger=Trigger.RERUN, trigger_id=7, review_id=None, delivery=BY_HAND)
    agenda.hold(Held(envelope=again, reason="an outage", due_at=now))
    url = f"https://github.com/acme/operated/pull/{pull['number']}"
    assert [held["delivery"] for held in said(local_aws, "trace", url)["held_back"]] == [BY_HAND]
    rehearsed = said(local_aws, "reconcile", "--since", "3d", "--dry-run")
    (act,) = [act for act in rehearsed["acts"] if BY_HAND in act]
    assert agenda.due(now=now, limit=100, most_of_a_tenant=100) != []
    done = said(local_aws, "reconcile")
    assert act in done["acts"]
    assert agenda.due(now=now, limit=100, most_of_a_tenant=100) == []
    assert run(local_aws, "reconcile", "--since", "4d").returncode == 2


@pytest.mark.usefixtures("by_hand_alone")
def test_dead_letters_go_back_only_without_dry_run(local_aws: LocalStack, envelope: Envelope) -> None:
    client, url = local_aws.aws.client("sqs"), local_aws.deployment.outputs["ReviewDeadLettersUrl"]
    client.send_message(QueueUrl=url, MessageBody=encode(envelope), MessageGroupId="1")
    plan = said(local_aws, "redrive", "--queue", "review", "--rate", "5", "--dry-run")
    assert (plan["would_move"], plan["seconds"], plan["is_moving_already"]) == (1, 1, False)
    assert [letter["review_id"] for letter in plan["some_of_them"]] == [envelope.review_id]
    earlier = len(said(local_aws, "redrive", "--queue", "review", "--list")["items"])
    said(local_aws, "redrive", "--queue", "review", "--rate", "500", "--yes")
    ends_at = time.monotonic() + 60
    while said(local_aws, "redrive", "--queue", "review", "--dry-run")["would_move"]:
        assert time.monotonic() < ends_at
    moves = said(local_aws, "redrive", "--queue", "review", "--list")["items"]
    assert len(moves) == earlier + 1
    assert {move["status"] for move in moves} <= {"running", "completed"}
    refused = run(local_aws, "redrive", "--queue", "review", "--cancel")
    assert refused.returncode in (0, 5)  # it may have ended by itself

"""Night 1: the workers were paused and forgotten, one tenant floods, another asks for one review."""

import json
import time

import pytest

from local.demo import sample_repository
from tests.rehearsal.flood import deliver, overtaken
from tests.rehearsal.operator_at_night import Night, worked
from tests.rehearsal.tenants import tenant_of
from tests.scenarios.callers import operator
from tests.scenarios.commands import said

pytestmark = [pytest.mark.local_aws]

PATIENCE_SECONDS = 300
PAGE = "webhook-backlog"


@pytest.mark.timeout(600)
def test_a_backlog_is_seen_worked_off_by_the_page_and_nothing_is_lost(night: Night) -> None:
    rehearse(night, count=170, reviewers=2)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_webhooks_are_worked_off_by_the_page_and_nothing_is_lost(night: Night) -> None:
    rehearse(night, count=10_000, reviewers=10)
    overtaken = sum('"ended":"Overtaken"' in line for line in night.stack.logs("reviewer"))
    assert overtaken > 9_000  # for all of them one look at GitHub was enough


def rehearse(night: Night, *, count: int, reviewers: int) -> None:
    stack, night.reviewers = night.stack, reviewers
    name = f"flood-{count}"
    flooding = stack.hub.add_repository(sample_repository(), owner="flooding", name=name)
    quiet = stack.hub.add_repository(sample_repository(), owner="quiet", name=name)
    night.pass_a_round()
    assert night.ringing() == set()

    said(stack, "workers", "pause", "--yes")
    flooded = stack.hub.open_pull(flooding, base="main", head="change", title="Flood")["number"]
    payload = json.loads(stack.hub.deliveries()[-1]["body"])
    statuses = deliver(stack, list(overtaken(payload, count)))
    assert set(statuses) == {202}
    asked = stack.hub.open_pull(quiet, base="main", head="change", title="One of a quiet tenant")["number"]
    for _ in range(3):
        night.pass_a_round()
    assert {"webhook-backlog-drain", "page"} <= night.ringing(), night.watch.rounds[-4:]

    sqs, letters = stack.aws.client("sqs"), stack.deployment.outputs["ReviewDeadLettersUrl"]
    sqs.send_message(QueueUrl=letters, MessageBody="{}", MessageGroupId="flooding")
    night.values["TENANT"] = tenant_of(stack, operator(stack), "flooding")
    confirmed = "\n".join(each.said for each in night.follow(PAGE, "Confirm"))  # the doctor is red
    assert '"is_enabled": false' in confirmed  # what is wrong
    assert list(night.folder.glob("evidence-webhook-backlog-*.zip"))
    worked(night.follow(PAGE, "Mitigate", steps={1, 2}))
    worked(night.follow(PAGE, "Mitigate", steps={5, 6}))

    _wait_until_worked_off(night, (flooding, flooded), (quiet, asked))
    worked(night.follow(PAGE, "Verify"))
    for _ in range(3):
        night.pass_a_round()
    assert night.ringing() == set()
    worked(night.follow(PAGE, "Mitigate", steps={3}))  # late, or the flood would wait for the look of each minute
    assert said(stack, "reviews", "pauses", "--tenant", night.values["TENANT"])["items"] != []
    assert '"concurrency": 10' in worked(night.follow(PAGE, "Restore"))
    assert said(stack, "reviews", "pauses", "--tenant", night.values["TENANT"])["items"] == []
    for repository, number in ((flooding, flooded), (quiet, asked)):
        pull = stack.hub.pull(repository, number)
        assert [review["commit_id"] for review in pull["reviews"]] == [pull["head_sha"]]
    assert said(stack, "queues", "dead-letters", "reviews")["items"] == []


def _wait_until_worked_off(night: Night, *pulls: tuple[int, int]) -> None:
    """Wait as long as the queue gets shorter."""
    shortest, ends_at = night.waiting(), time.monotonic() + PATIENCE_SECONDS
    while not (all(_is_reviewed(night, *pull) for pull in pulls) and shortest == 0):
        waiting = night.waiting()
        if waiting < shortest:
            shortest, ends_at = waiting, time.monotonic() + PATIENCE_SECONDS
        assert time.monotonic() < ends_at, (waiting, night.stack.logs("reviewer")[-5:])
        time.sleep(1)


def _is_reviewed(night: Night, repository: int, number: int) -> bool:
    return bool(night.stack.hub.pull(repository, number)["reviews"])

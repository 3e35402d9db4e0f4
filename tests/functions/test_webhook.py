"""What the webhook function answers, and what it queues."""

import json
from datetime import timedelta
from typing import Any

import pytest

from codereview.domain.envelope import Envelope, Trigger
from codereview.errors import CodeReviewError, ConfigurationError, RetryableError
from tests.functions.webhook_world import (
    GUID,
    SECRET,
    SHA,
    MemoryQueue,
    MemorySecrets,
    World,
    check_run,
    comment,
    delivery,
    examples,
    failures,
    pull_request,
    repository,
)


def test_a_push_is_queued_with_all_its_ids_after_a_moment_for_further_pushes() -> None:
    world = World()
    response = world.deliver(pull_request("synchronize"))
    assert (response["statusCode"], json.loads(response["body"])) == (202, {"outcome": "accepted"})
    expected = Envelope(
        delivery=GUID,
        event="pull_request",
        action="synchronize",
        host="github.com",
        installation_id=234,
        owner_id=6752317,
        trigger=Trigger.PULL_REQUEST,
        repository_id=35129377,
        number=7,
        head_sha=SHA,
        sender_id=21,
        received_at="2026-03-15T12:00:00.000+00:00",
    )
    assert world.queue.sent == [(expected, timedelta(seconds=20))]


@pytest.mark.parametrize("action", ["opened", "reopened", "ready_for_review", "converted_to_draft", "closed"])
def test_other_changes_of_a_pull_request_are_queued_at_once(action: str) -> None:
    world = World()
    world.deliver(pull_request(action))
    [(envelope, delay)] = world.queue.sent
    assert (envelope.action, envelope.number, delay) == (action, 7, timedelta())


@pytest.mark.parametrize(
    ("changes", "status"), [({"base": {"ref": {"from": "main"}}}, 202), ({"title": {"from": "x"}}, 200), (None, 200)]
)
def test_an_edit_counts_if_the_base_branch_changed(changes: object, status: int) -> None:
    assert World().deliver(pull_request("edited", changes=changes))["statusCode"] == status


def test_a_command_is_queued_with_who_gave_it_and_where() -> None:
    world = World()
    world.deliver(comment("@Canny-Reviewer review FULL\nplease"), event="issue_comment")
    assert (world.envelope.trigger, world.envelope.command) == (Trigger.COMMAND, "review full")
    assert (world.envelope.number, world.envelope.trigger_id, world.envelope.sender_id) == (7, 99, 21)
    assert world.envelope.head_sha is None


def test_a_command_in_a_review_comment_is_queued() -> None:
    world = World()
    payload = comment("/review", pull_request={"number": 8})
    world.deliver(payload, event="pull_request_review_comment")
    assert (world.envelope.number, world.envelope.command) == (8, "review")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"action": "edited"}, "action not of interest"),
        ({"action": "deleted"}, "action not of interest"),
        ({"issue": {"number": 7}}, "comment on an issue"),
        ({"sender": {"id": 1, "type": "Bot"}}, "comment of a bot"),
        ({"comment": {"id": 9, "body": "/review", "user": {"type": "Bot"}}}, "comment of a bot"),
        ({"comment": {"id": 9, "body": None, "user": None}}, "comment without a command"),
        ({"comment": {"id": 9, "body": "please /review"}}, "comment without a command"),
    ],
)
def test_b46_b48_other_comments_are_ignored(changes: dict[str, Any], reason: str) -> None:
    world = World()
    assert world.deliver(comment(**changes), event="issue_comment")["statusCode"] == 200
    assert world.log()[0]["reason"] == reason


def test_a_rerequested_check_is_queued_with_its_pull_request() -> None:
    world = World()
    world.deliver(check_run(), event="check_run")
    assert (world.envelope.trigger, world.envelope.trigger_id) == (Trigger.RERUN, 4)
    assert (world.envelope.number, world.envelope.head_sha) == (7, SHA)


@pytest.mark.parametrize(
    "listed",
    [
        [],
        None,
        [{"number": 7, "base": {"repo": {"id": 1}}}],
        [{"number": 7}, None, {"number": True, "base": {"repo": {"id": 35129377}}}],
        [{"number": number, "base": {"repo": {"id": 35129377}}} for number in (7, 8)],
    ],
    ids=["fork", "null", "another repository's", "malformed", "several"],
)
def test_a_rerequested_check_that_names_no_one_pull_request_goes_by_its_commit(listed: object) -> None:
    world = World()
    assert world.deliver(check_run(pull_requests=listed), event="check_run")["statusCode"] == 202
    assert (world.envelope.number, world.envelope.head_sha) == (None, SHA)


def test_another_apps_check_is_ignored() -> None:
    assert World().deliver(check_run(name="build"), event="check_run")["statusCode"] == 200


def test_a_suite_that_is_rerequested_again_is_another_request_and_a_redelivery_the_same() -> None:
    def trigger_id(updated_at: str) -> int | None:
        world = World()
        suite = {"id": 5, "head_sha": SHA, "updated_at": updated_at, "pull_requests": []}
        world.deliver(check_run() | {"check_suite": suite}, event="check_suite")
        return world.envelope.trigger_id

    assert trigger_id("2026-03-15T12:00:00Z") == trigger_id("2026-03-15T12:00:00Z")
    assert trigger_id("2026-03-15T12:00:00Z") != trigger_id("2026-03-15T12:05:00Z")


def test_a_renamed_account_is_passed_on() -> None:
    world = World()
    payload = {"action": "renamed", "account": {"id": 6}, "installation": {"id": 234}}
    assert world.deliver(payload, event="installation_target")["statusCode"] == 202
    assert (world.envelope.trigger, world.envelope.owner_id) == (Trigger.INSTALLATION, 6)


def test_mentions_are_no_commands_while_the_apps_name_is_unknown() -> None:
    world = World(app_slug=None)
    assert world.deliver(comment("@canny-reviewer review"), event="issue_comment")["statusCode"] == 200
    assert world.deliver(comment("/review"), event="issue_comment")["statusCode"] == 202


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", failures(), ids=repr)
def test_f1_f3_no_success_is_answered_unless_the_queue_has_the_envelope(failure: Exception) -> None:
    world = World(queue=MemoryQueue(failure=failure))
    response = world.deliver(pull_request())
    assert response["statusCode"] == 503
    assert json.loads(response["body"]) == {
        "outcome": "failed",
        "reason": "not stored",
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }
    [line] = world.log()
    assert (line["level"], line["outcome"], line["delivery"]) == ("ERROR", "failed", GUID)
    assert type(failure).__name__ in line["error"]
    assert ("happened" in line["error"]) == isinstance(failure, CodeReviewError)
    assert "canary" not in world.lines[0]


@pytest.mark.parametrize("failure", failures(), ids=repr)
def test_a_secret_that_cannot_be_read_now_is_a_failed_delivery(failure: Exception) -> None:
    assert World(secrets=MemorySecrets(failure=failure)).deliver(pull_request())["statusCode"] == 503


def test_f68_a_rotated_secret_is_found_before_a_delivery_is_refused() -> None:
    world = World()
    assert world.deliver(pull_request())["statusCode"] == 202
    world.secrets.secrets = (b"new",)
    assert world.deliver(pull_request(), secret=b"new")["statusCode"] == 202
    assert world.deliver(pull_request(), secret=SECRET)["statusCode"] == 401


def test_bad_signatures_make_us_read_the_secret_once_a_minute_at_most() -> None:
    world = World()
    for _ in range(130):
        assert world.deliver(pull_request(), secret=b"guess")["statusCode"] == 401
        world.clock.sleep(timedelta(seconds=1))
    assert world.secrets.reads == 4  # the first read, then after 0, 60 and 120 seconds


def test_a_busy_function_forgets_a_secret_that_was_taken_away() -> None:
    world = World(secrets=MemorySecrets((b"new", SECRET)))
    assert world.deliver(pull_request(), secret=SECRET)["statusCode"] == 202
    world.secrets.secrets = (b"new",)
    world.clock.sleep(timedelta(minutes=5))
    assert world.deliver(pull_request(), secret=SECRET)["statusCode"] == 401


def test_an_outage_of_the_secrets_store_loses_no_delivery_while_the_secret_is_known() -> None:
    world = World()
    world.deliver(pull_request())
    world.secrets.failure = RetryableError("down")
    for _ in range(3):
        world.clock.sleep(timedelta(minutes=5))
        assert world.deliver(pull_request())["statusCode"] == 202


def test_b10_a_deployment_whose_secret_was_removed_serves_nothing() -> None:
    world = World()
    world.deliver(pull_request())
    world.secrets.failure = ConfigurationError("the webhook secret has no value")
    world.clock.sleep(timedelta(minutes=5))
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            world.deliver(pull_request())


# --- logs ------------------------------------------------------------------------------------------------------------


def test_the_log_says_what_became_of_each_delivery_in_powertools_words() -> None:
    world = World()
    world.deliver(pull_request())
    [line] = world.log()
    assert line == {
        "level": "INFO",
        "message": "Webhook delivery",
        "timestamp": "2026-03-15 12:00:00,000+0000",
        "service": "webhook",
        "outcome": "accepted",
        "status": 202,
        "delivery": GUID,
        "event": "pull_request",
        "action": "synchronize",
        "tenant": f"github.com:{world.envelope.owner_id}",  # who floods us is seen here
        "repository_id": world.envelope.repository_id,
        "number": 7,
        "function_request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }


def test_bodies_signatures_and_secrets_never_reach_log_or_answer() -> None:
    world = World()
    canary = "canary-body"
    payloads: list[object] = [
        pull_request(title=canary, pull_request={"number": canary, "head": {"sha": canary}}),
        pull_request(action=canary),
        comment(canary),
        repository() | {canary: canary},
        [canary],
        *(payload for _, _, payload in examples()[::20]),
    ]
    bodies = ""
    for payload in payloads:
        for secret in (SECRET, b"canary-wrong"):
            event = delivery(payload, event="pull_request", secret=secret)
            bodies += world.receive(event)["body"]
            shown = bodies + "".join(world.lines)
            assert "canary" not in shown
            assert event["headers"]["x-hub-signature-256"].removeprefix("sha256=") not in shown


@pytest.mark.parametrize("variable", ["POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEV", "AWS_LAMBDA_LOG_LEVEL"])
def test_no_debug_flag_makes_the_function_log_an_event(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "true")
    world = World()
    world.deliver(comment("canary-comment"), event="issue_comment")
    assert "canary" not in "".join(world.lines)


@pytest.mark.parametrize("text", ["a\nb", "\r\n{}", "\x1b[31m", '"}', "\u2028", "\ud800", "é"])
def test_headers_cannot_break_out_of_their_log_line(text: str) -> None:
    world = World()
    for headers in ({"x-github-event": text}, {"x-github-delivery": text}, {"x-hub-signature-256": text}):
        world.deliver(pull_request(), headers=headers)  # checks each line
    assert all(line.rstrip("\n").isprintable() and line.isascii() for line in world.lines)


def test_what_a_stranger_sends_is_not_logged_at_all() -> None:
    world = World()
    world.deliver(pull_request(), secret=b"guess", headers={"x-github-event": "spam"})
    assert "spam" not in world.lines[0]
    assert GUID not in world.lines[0]

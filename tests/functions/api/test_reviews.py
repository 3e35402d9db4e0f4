"""Reviews on demand, as the API asks for them and takes them back."""

import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from codereview import messages
from codereview.adapters.aws.dead_letters import SqsDeadLetters
from codereview.domain.control.audit_codec import encode_audit
from codereview.domain.envelope import Trigger
from codereview.domain.envelope_codec import decode
from codereview.domain.record import ReviewRecorded
from codereview.domain.review import ReviewState
from codereview.domain.stored import encode_recorded
from codereview.errors import LostLeaseError
from codereview.ports import Lease, PullRequestKey
from codereview.use_cases.control.ask_reviews import CANCELLED
from tests.adapters.dynamodb.control.samples import entry
from tests.functions.api.world import MINE, THEIRS, World, tenant_path

REVIEWS = tenant_path(MINE, "/reviews")


def stored(world: World, review: UUID) -> Any:
    return world.app.services.ask_reviews.store.load(review)


def test_a_review_that_is_asked_for_reaches_the_queue_by_the_tenants_own_installation(world: World) -> None:
    asked = {"repository_id": 5, "number": 7, "full": True}
    reply = world.call("POST", REVIEWS, world.key(), body=asked)
    (message,) = world.queued()
    envelope = decode(message)
    assert reply.status == 202
    assert reply.json == {"repository_id": 5, "number": 7, "kind": f"request:{envelope.trigger_id}"}
    assert (envelope.trigger, envelope.command) == (Trigger.REQUEST, "review full")
    assert (envelope.host, envelope.owner_id, envelope.installation_id) == ("github.com", MINE, 101)
    assert [entry.action for entry in world.audited()] == ["reviews.run"]


def test_the_same_request_twice_asks_for_one_review(world: World) -> None:
    token, asked = world.key(), {"repository_id": 5, "number": 7}
    replies = [
        world.call("POST", REVIEWS, token, body=asked, headers={"idempotency-key": name}).json["kind"]
        for name in ("a", "a", "b")
    ]
    assert len(set(replies)) == 2
    assert len(world.queued()) == 2


def test_a_waiting_review_is_cancelled_for_ever(world: World) -> None:
    review = world.review(state=ReviewState.PARKED, check_run_id=3)
    reply = world.call("POST", f"{REVIEWS}/{review}/cancel", world.key())
    assert (reply.status, reply.json["state"], reply.json["reason"]) == (200, "failed", CANCELLED)
    item = stored(world, review)
    assert item.state.is_final
    assert item.due_at == world.clock.now()  # so that the reconciler sends the reviewer to end its check run
    assert not item.is_check_finished
    (entry,) = world.audited()
    assert (entry.action, entry.before) == ("reviews.cancel", {"state": "parked", "reason": None})


def test_a_worker_that_has_the_review_can_write_nothing_after_it_was_cancelled(world: World) -> None:
    review = world.review(state=ReviewState.RUNNING)
    item, store = stored(world, review), world.app.services.ask_reviews.store
    place = PullRequestKey(tenant=item.key.tenant, repository_id=item.key.repository_id, number=item.key.number)
    now = world.clock.now()
    lease = store.acquire(place, owner=UUID(int=9), now=now, until=now + timedelta(minutes=6))
    assert isinstance(lease, Lease)
    assert world.call("POST", f"{REVIEWS}/{review}/cancel", world.key()).status == 200
    with pytest.raises(LostLeaseError):
        store.save(lease, item, now=now)
    assert stored(world, review).reason == CANCELLED


@pytest.mark.parametrize("state", [ReviewState.POSTED, ReviewState.FAILED, ReviewState.SKIPPED])
def test_what_has_ended_is_not_cancelled(shared: World, state: ReviewState) -> None:
    review = shared.review(state=state)
    assert shared.call("POST", f"{REVIEWS}/{review}/cancel", shared.key()).status == 409


def test_what_is_being_posted_is_not_cancelled(shared: World) -> None:
    review = shared.review(state=ReviewState.ANSWERED, posting_since=shared.clock.now())
    assert shared.call("POST", f"{REVIEWS}/{review}/cancel", shared.key()).status == 409


def test_b64_another_tenants_review_is_neither_shown_nor_cancelled_nor_run_again(world: World) -> None:
    review, key = world.review(account=THEIRS), world.key()
    for method, rest in (("GET", ""), ("POST", "/cancel"), ("POST", "/rerun")):
        assert world.call(method, f"{REVIEWS}/{review}{rest}", key).status == 404
    assert stored(world, review).state is ReviewState.PARKED


def test_what_was_made_without_language_models_is_asked_for_again_once_for_each_pull_request(world: World) -> None:
    for number, is_bypassed in ((1, True), (1, True), (2, True), (3, False)):
        world.clock.sleep(timedelta(seconds=1))
        world.review(state=ReviewState.POSTED, number=number, is_bypassed=is_bypassed)
    body = {"since": (world.clock.now() - timedelta(hours=1)).isoformat()}
    reply = world.call("POST", f"{REVIEWS}/rerun-bypassed", world.key(), body=body)
    assert sorted(each["number"] for each in reply.json["items"]) == [1, 2]
    assert sorted(decode(message).number or 0 for message in world.queued()) == [1, 2]


def rerun_bypassed(world: World, **more: Any) -> list[int]:
    """Ask page by page, as the command line does, and return the numbers of the pull requests."""
    token, numbers = world.key(), list[int]()
    body = {"since": "2026-03-15T00:00:00Z", **more}
    while True:
        page = world.call("POST", f"{REVIEWS}/rerun-bypassed", token, body=body).json
        numbers += [each["number"] for each in page["items"]]
        if page["next"] is None:
            return numbers
        body["cursor"] = page["next"]


def test_what_was_made_without_language_models_is_asked_for_once_however_often_somebody_asks(world: World) -> None:
    world.review(state=ReviewState.POSTED, number=1, is_bypassed=True)
    assert [rerun_bypassed(world), rerun_bypassed(world), rerun_bypassed(world, since="2026-03-15T01:00:00Z")] == [
        [1],
        [],
        [],
    ]
    # A message that was lost on the way is sent again, for the same review.
    assert len({decode(message).trigger_id for message in world.queued()}) == 1
    assert [entry.action for entry in world.audited()] == ["reviews.rerun"]


def test_a_pull_request_with_bypassed_reviews_on_two_pages_is_asked_for_once(world: World) -> None:
    for number in (1, 2, 1):
        world.clock.sleep(timedelta(seconds=1))
        world.review(state=ReviewState.POSTED, number=number, is_bypassed=True)
    assert rerun_bypassed(world, limit=1) == [1, 2]
    assert len(world.queued()) == 2


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize(
    ("state", "is_asked"),
    [
        (ReviewState.POSTED, False),
        (ReviewState.QUEUED, False),
        (ReviewState.PARKED, False),
        (ReviewState.SKIPPED, True),
        (ReviewState.SUPERSEDED, True),
        (ReviewState.FAILED, True),
    ],
)
def test_a_pull_request_that_was_reviewed_since_or_is_now_is_not_asked_for(
    world: World, state: ReviewState, limit: int, *, is_asked: bool
) -> None:
    world.review(state=ReviewState.POSTED, number=1, is_bypassed=True)
    world.clock.sleep(timedelta(seconds=1))
    world.review(state=state, number=1)
    assert rerun_bypassed(world, limit=limit) == ([1] if is_asked else [])


def test_bypassed_reviews_come_in_pages_that_lead_to_the_end(world: World) -> None:
    for number in range(1, 6):
        world.clock.sleep(timedelta(seconds=1))
        world.review(state=ReviewState.POSTED, number=number, is_bypassed=True)
    assert rerun_bypassed(world, limit=2) == [5, 4, 3, 2, 1]


def test_reviews_are_listed_by_state_with_the_latest_first(world: World) -> None:
    for number, state in enumerate((ReviewState.PARKED, ReviewState.POSTED, ReviewState.PARKED)):
        world.clock.sleep(timedelta(seconds=1))
        world.review(state=state, number=number + 1)
    key = world.key()
    parked = world.call("GET", REVIEWS, key, query="state=parked").json["items"]
    assert [each["number"] for each in parked] == [3, 1]
    assert len(world.call("GET", REVIEWS, key).json["items"]) == 3
    waiting = world.call("GET", tenant_path(MINE, "/queue"), key).json
    assert (waiting["parked"], waiting["queued"], waiting["is_more"]) == (2, 0, False)


def test_a_pause_is_set_shown_and_taken_back(world: World) -> None:
    key, path = world.key(), tenant_path(MINE, "/pauses")
    for target in ({}, {"repository_id": 5}, {"repository_id": 5, "number": 7}):
        assert world.call("POST", path, key, body=target | {"reason": "release"}).status == 200
        assert world.call("GET", path, key).json["items"][-1]["holds"] is True
    assert len(world.call("GET", path, key).json["items"]) == 3
    assert world.call("POST", f"{path}/resume", key, body={"repository_id": 5}).status == 204
    assert len(world.call("GET", path, key).json["items"]) == 2
    assert world.call("POST", path, key, body={"number": 7, "reason": "x"}).status == 400


def test_a_switch_is_thrown_for_a_tenant_and_for_all(world: World) -> None:
    key, operator = world.key(), world.operator()
    for path, token in ((tenant_path(MINE, "/flags"), key), ("/v1/deployment/flags", operator)):
        changed = world.call("PUT", path, token, body={"posting": False, "models": False}, headers={"if-match": '"0"'})
        assert (changed.status, changed.json["posting"]) == (200, False)
    stored_flags = world.app.services.flags
    assert [stored_flags.load(tenant).posting for tenant in (None, world.tenant().id)] == [False, False]


# --- queues and dead letters


def test_dead_letters_are_shown_with_their_reason_and_stay(world: World) -> None:
    review = world.review(state=ReviewState.FAILED, last_error="it broke", number=7)
    item, operator = stored(world, review), world.operator()
    reply = world.call("POST", REVIEWS, world.key(), body={"repository_id": 5, "number": 7})
    (message,) = world.queued()
    world.dead_letter(json.dumps(json.loads(message) | {"review_id": str(review), "head_sha": item.key.head_sha}))
    world.dead_letter("not one of ours")
    shown = world.call("GET", "/v1/deployment/queues/reviews/dead-letters", operator).json
    assert shown["total"] == 2
    by_review = {letter["review_id"]: letter for letter in shown["items"]}
    assert by_review[str(review)]["reason"] == "it broke"
    assert by_review[str(review)]["tenant"] == "github.com:1"
    assert "no message of ours" in by_review[None]["reason"]
    assert reply.status == 202
    queues = world.call("GET", "/v1/deployment/queues", operator).json["items"]
    assert [(queue["name"], queue["dead_letters"]) for queue in queues] == [("reviews", 2), ("records", 0)]


def test_a_letter_of_the_recorders_says_where_its_reason_is_and_not_what_a_review_failed_of(world: World) -> None:
    review = world.review(state=ReviewState.FAILED, last_error="it broke", number=7)
    recorded = ReviewRecorded(
        key=stored(world, review).key,
        state=ReviewState.FAILED,
        sequence=1,
        reason="it broke",
        finished_at=world.clock.now().isoformat(),
    )
    world.dead_letter(encode_recorded(recorded), queue="records")
    world.dead_letter(encode_audit(entry()), queue="records")
    shown = world.call("GET", "/v1/deployment/queues/records/dead-letters", world.operator()).json
    assert {letter["reason"] for letter in shown["items"]} == {messages.RECORDER_SAYS_WHY}
    assert {(letter["tenant"], letter["review_id"]) for letter in shown["items"]} == {
        ("github.com:1", str(review)),
        ("github.com:1", None),
    }


def test_a_dead_letter_that_broke_off_before_a_review_began_says_where_to_look(world: World) -> None:
    world.call("POST", REVIEWS, world.key(), body={"repository_id": 5, "number": 7})
    (message,) = world.queued()
    world.dead_letter(message)
    (letter,) = world.call("GET", "/v1/deployment/queues/reviews/dead-letters", world.operator()).json["items"]
    assert letter["review_id"] is None
    assert f"see delivery {json.loads(message)['delivery']} in the reviewer's log" in letter["reason"]


def test_the_reconciler_reads_each_letter_once_in_a_run_and_leaves_it_there(world: World) -> None:
    for body in ("one", "two"):
        world.dead_letter(body)
    letters = SqsDeadLetters(world.aws.client("sqs"), world.settings.review_dead_letters_url, name="reviews")
    found = [*letters.letters(limit=1), *letters.letters(limit=10)]
    assert sorted(letter.body for letter in found) == ["one", "two"]
    assert all(letter.sent_at is not None for letter in found)
    assert letters.letters(limit=10) == []
    assert world.call("GET", "/v1/deployment/queues", world.operator()).json["items"][0]["dead_letters"] == 2


def test_a_letter_that_was_just_looked_at_is_moved_as_any_other(world: World) -> None:
    world.dead_letter("not one of ours")
    operator, path = world.operator(), "/v1/deployment/queues/reviews"
    for _ in range(2):
        assert len(world.call("GET", f"{path}/dead-letters", operator).json["items"]) == 1
    world.call("POST", f"{path}/redrive", operator, body={})
    ends_at = time.monotonic() + 60
    while world.call("GET", f"{path}/redrive", operator).json["items"][0]["status"] != "completed":
        assert time.monotonic() < ends_at
    assert world.call("GET", f"{path}/dead-letters", operator).json["items"] == []
    assert world.queued() == ["not one of ours"]


def test_dead_letters_go_back_once_and_the_move_is_listed_and_audited(world: World) -> None:
    operator, path = world.operator(), "/v1/deployment/queues/reviews/redrive"
    for _ in range(3):
        world.dead_letter("{}")
    started = world.call("POST", path, operator, body={"messages_per_second": 1})
    assert (started.status, started.json["items"][0]["status"]) == (202, "running")
    assert world.call("POST", path, operator, body={}).status == 409
    cancelled = world.call("DELETE", path, operator)
    assert (cancelled.status, cancelled.json["items"][0]["status"] in {"cancelling", "cancelled"}) == (202, True)
    assert sorted(entry.action for entry in world.audited()) == ["redrive.cancel", "redrive.start"]


def test_with_no_move_there_is_nothing_to_cancel(shared: World) -> None:
    assert shared.call("DELETE", "/v1/deployment/queues/records/redrive", shared.operator()).status == 409


# --- notices


def test_a_notice_is_read_by_whom_it_concerns_until_it_ends(world: World) -> None:
    operator, later = world.operator(), (world.clock.now() + timedelta(hours=1)).isoformat()
    world.tenant(MINE)
    world.tenant(THEIRS)
    for tenant in (None, "github.com:1", "github.com:2"):
        body = {"level": "incident", "text": f"for {tenant}", "until": later, "tenant": tenant}
        assert world.call("POST", "/v1/deployment/notices", operator, body=body).status == 201
    seen = world.call("GET", tenant_path(MINE, "/notices"), world.key()).json["items"]
    assert [notice["text"] for notice in seen] == ["for None", "for github.com:1"]
    assert [notice["text"] for notice in world.call("GET", "/status").json["notices"]] == ["for None"]
    world.clock.sleep(timedelta(hours=2))
    assert world.call("GET", "/status").json["notices"] == []
    assert world.call("GET", tenant_path(MINE, "/notices"), world.key()).json["items"] == []


def test_a_notice_for_a_tenant_that_does_not_exist_is_not_written(shared: World) -> None:
    body = {"level": "info", "text": "x", "until": (shared.clock.now() + timedelta(hours=1)).isoformat()}
    for tenant in ("github.com:404", "x", ""):
        shared.clock.sleep(timedelta(minutes=1))
        reply = shared.call("POST", "/v1/deployment/notices", shared.operator(), body=body | {"tenant": tenant})
        assert reply.status == 404

"""The index of waiting work on DynamoDB: what is due, in what order it is read, and who may still change it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.domain.parking import Held
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.ports import Lease, PullRequestKey, ReviewItem
from tests.scenarios.world import pull_request_event

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
TENANT = TenantId("github.com:1")
KEY = ReviewKey(tenant=TENANT, repository_id=2, number=3, head_sha="a" * 40)
PARKED = ReviewItem(key=KEY, state=ReviewState.PARKED, envelope=pull_request_event(), due_at=NOW)
HELD = Held(envelope=pull_request_event(), reason="GitHub answered 502", due_at=NOW)


@pytest.fixture
def lease(reviews: DynamoReviews) -> Lease:
    place = PullRequestKey(tenant=TENANT, repository_id=2, number=3)
    found = reviews.acquire(place, owner=UUID(int=1), now=NOW, until=NOW + timedelta(minutes=6))
    assert isinstance(found, Lease)
    return found


def test_a_parked_review_is_found_when_its_time_has_come(
    reviews: DynamoReviews, agenda: DynamoAgenda, lease: Lease
) -> None:
    reviews.save(lease, PARKED, now=NOW)
    assert agenda.due(now=NOW - timedelta(milliseconds=1), limit=100) == []
    (entry,) = agenda.due(now=NOW, limit=100)
    assert (entry.tenant, entry.due_at, entry.is_held) == (TENANT, NOW, False)
    assert agenda.envelope_of(entry) == pull_request_event()


def test_a_settled_review_leaves_the_index(reviews: DynamoReviews, agenda: DynamoAgenda, lease: Lease) -> None:
    reviews.save(lease, PARKED, now=NOW)
    (entry,) = agenda.due(now=NOW, limit=100)
    reviews.save(lease, replace(PARKED, state=ReviewState.POSTED, due_at=None), now=NOW)
    assert agenda.due(now=NOW, limit=100) == []
    assert agenda.envelope_of(entry) is None
    agenda.move_on(entry, until=NOW)
    assert agenda.due(now=NOW, limit=100) == []


def test_a_review_that_was_sent_is_due_again_later(reviews: DynamoReviews, agenda: DynamoAgenda, lease: Lease) -> None:
    reviews.save(lease, PARKED, now=NOW)
    (entry,) = agenda.due(now=NOW, limit=100)
    agenda.move_on(entry, until=NOW + timedelta(minutes=30))
    assert agenda.due(now=NOW, limit=100) == []
    (again,) = agenda.due(now=NOW + timedelta(minutes=30), limit=100)
    assert agenda.envelope_of(again) == pull_request_event()
    agenda.move_on(entry, until=NOW)  # by a reconciler that overslept
    assert agenda.due(now=NOW, limit=100) == []


def test_a_held_message_is_kept_once_and_dropped_only_as_it_was_read(agenda: DynamoAgenda) -> None:
    agenda.hold(HELD)
    agenda.hold(HELD)
    (entry,) = agenda.due(now=NOW, limit=100)
    assert entry.is_held
    assert agenda.envelope_of(entry) == HELD.envelope
    agenda.hold(replace(HELD, due_at=NOW + timedelta(minutes=1)))
    agenda.drop(entry)
    (later,) = agenda.due(now=NOW + timedelta(minutes=1), limit=100)
    agenda.drop(later)
    assert agenda.due(now=NOW + timedelta(days=1), limit=100) == []


def test_the_longest_due_entries_come_first_and_no_more_than_asked_for(agenda: DynamoAgenda) -> None:
    for number in range(20):
        event = replace(HELD.envelope, number=number + 1)
        agenda.hold(replace(HELD, envelope=event, due_at=NOW - timedelta(minutes=number)))
    entries = agenda.due(now=NOW, limit=8)
    assert 1 < len(entries) <= 8
    assert {entry.id for entry in entries} <= {entry.id for entry in agenda.due(now=NOW, limit=1000)}
    assert len(agenda.due(now=NOW, limit=1000)) == 20

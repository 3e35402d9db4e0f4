"""Leases, fences and states on DynamoDB's own conditional writes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.domain.record import Votes
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.errors import LostLeaseError
from codereview.ports import Busy, Lease, PullRequestKey, ReviewItem, StoredObject
from tests.scenarios.events import pull_request_event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=360)
TENANT = TenantId("github.com:1")
PULL_REQUEST = PullRequestKey(tenant=TENANT, repository_id=2, number=3)
KEY = ReviewKey(tenant=TENANT, repository_id=2, number=3, head_sha="a" * 40)
ITEM = ReviewItem(
    key=KEY,
    state=ReviewState.ANSWERED,
    attempts=2,
    reason=None,
    last_error="GitHub answered 502",
    check_run_id=7,
    result=StoredObject(key="results/github.com/1/x.json", sha256="0" * 64),
    posting_since=NOW,
    refusals=3,
    is_refused=True,
    comment_ids=(11, 12),
    votes=(Votes(fingerprint="ab 12", up=2, down=0),),
    installation_id=5,
    updated_at=NOW,
    envelope=pull_request_event(),
    due_at=NOW + LEASE,
    waiting_since=NOW,
    strikes=1,
)


def lease_of(reviews: DynamoReviews, owner: int, *, now: datetime = NOW) -> Lease | Busy:
    return reviews.acquire(PULL_REQUEST, owner=UUID(int=owner), now=now, until=now + LEASE)


def held(reviews: DynamoReviews, owner: int, *, now: datetime = NOW) -> Lease:
    lease = lease_of(reviews, owner, now=now)
    assert isinstance(lease, Lease)
    return lease


def test_a_second_worker_hears_until_when_the_first_one_has_the_pull_request(reviews: DynamoReviews) -> None:
    held(reviews, 1)
    assert lease_of(reviews, 2, now=NOW + timedelta(seconds=1)) == Busy(until=NOW + LEASE)


def test_a_lease_that_ran_out_is_given_to_the_next_worker_with_a_higher_fence(reviews: DynamoReviews) -> None:
    first = held(reviews, 1)
    second = held(reviews, 2, now=NOW + LEASE)
    assert second.fence > first.fence


def test_a_released_lease_is_free_at_once_and_its_fence_is_never_given_again(reviews: DynamoReviews) -> None:
    first = held(reviews, 1)
    reviews.release(first)
    assert held(reviews, 2).fence > first.fence


def test_releasing_a_lost_lease_leaves_the_new_owner_alone(reviews: DynamoReviews) -> None:
    first = held(reviews, 1)
    held(reviews, 2, now=NOW + LEASE)
    reviews.release(first)
    assert isinstance(lease_of(reviews, 3, now=NOW + LEASE), Busy)


def test_f13_a_worker_whose_lease_was_given_away_changes_nothing(reviews: DynamoReviews) -> None:
    zombie = held(reviews, 1)
    owner = held(reviews, 2, now=NOW + LEASE)
    reviews.save(owner, ITEM, now=NOW)
    with pytest.raises(LostLeaseError):
        reviews.save(zombie, replace(ITEM, state=ReviewState.FAILED), now=NOW)
    assert reviews.load(KEY.review_id) == ITEM.remembering(now=NOW)


def test_a_worker_that_gave_its_lease_back_can_no_longer_write(reviews: DynamoReviews) -> None:
    lease = held(reviews, 1)
    reviews.release(lease)
    with pytest.raises(LostLeaseError):
        reviews.save(lease, ITEM, now=NOW)


def test_a_look_is_kept_until_a_later_one_and_a_lost_lease_notes_none(reviews: DynamoReviews) -> None:
    assert reviews.looked_at(PULL_REQUEST) is None
    zombie = held(reviews, 1)
    assert reviews.looked_at(PULL_REQUEST) is None
    owner = held(reviews, 2, now=NOW + LEASE)
    reviews.release(zombie, looked_at=NOW)
    assert reviews.looked_at(PULL_REQUEST) is None
    reviews.release(owner, looked_at=NOW + LEASE)
    reviews.release(held(reviews, 3, now=NOW + 2 * LEASE))
    assert reviews.looked_at(PULL_REQUEST) == NOW + LEASE
    reviews.release(held(reviews, 4, now=NOW + 3 * LEASE), looked_at=NOW + 3 * LEASE)
    assert reviews.looked_at(PULL_REQUEST) == NOW + 3 * LEASE


def test_a_review_comes_back_as_it_was_saved(reviews: DynamoReviews) -> None:
    lease = held(reviews, 1)
    reviews.save(lease, ITEM, now=NOW)
    assert reviews.load(KEY.review_id) == ITEM.remembering(now=NOW)


def test_a_review_that_nobody_saved_is_none(reviews: DynamoReviews) -> None:
    assert reviews.load(KEY.review_id) is None


def test_a_review_is_forgotten_400_days_after_its_end_and_never_while_it_waits(
    reviews: DynamoReviews, dynamodb: "DynamoDBClient", table: str
) -> None:
    lease = held(reviews, 1)

    def expires_at() -> Any:
        stored = dynamodb.get_item(TableName=table, Key={"pk": {"S": f"review#{KEY.review_id}"}})["Item"]
        return stored.get("expires_at")

    reviews.save(lease, ITEM, now=NOW)
    assert expires_at() is None
    reviews.save(lease, replace(ITEM, state=ReviewState.POSTED, due_at=None), now=NOW)
    assert expires_at() == {"N": str(int((NOW + timedelta(days=400)).timestamp()))}


def test_reviews_of_one_pull_request_lie_apart_by_head_and_kind(reviews: DynamoReviews) -> None:
    reviews.save(held(reviews, 1), ITEM, now=NOW)
    assert reviews.load(replace(KEY, head_sha="b" * 40).review_id) is None
    assert reviews.load(replace(KEY, kind="comment:9").review_id) is None


def test_of_many_workers_at_once_exactly_one_gets_the_lease(reviews: DynamoReviews) -> None:
    with ThreadPoolExecutor(max_workers=16) as pool:
        answers = list(pool.map(lambda owner: lease_of(reviews, owner), range(16)))
    assert sum(isinstance(answer, Lease) for answer in answers) == 1

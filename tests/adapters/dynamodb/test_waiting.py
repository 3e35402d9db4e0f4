"""What waits on the control table, whenever it is due, with the reason why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.adapters.dynamodb.waiting import DynamoWaiting
from codereview.domain.parking import Held, WaitReason
from codereview.domain.review import ReviewKey, ReviewState, TenantId, tenant_of
from codereview.ports import Lease, PullRequestKey, ReviewItem
from tests.scenarios.events import pull_request_event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW

    def sleep(self, duration: timedelta) -> None:
        raise AssertionError("nobody waits here")


def keep(reviews: DynamoReviews, tenant: TenantId, number: int, **changes: object) -> None:
    key = ReviewKey(tenant=tenant, repository_id=2, number=number, head_sha="a" * 40)
    parked = ReviewItem(key=key, state=ReviewState.PARKED, reason=WaitReason.OUTAGE.value, due_at=NOW)
    place = PullRequestKey(tenant=tenant, repository_id=2, number=number)
    lease = reviews.acquire(place, owner=UUID(int=number), now=NOW, until=NOW + timedelta(minutes=6))
    assert isinstance(lease, Lease)
    reviews.save(lease, replace(parked, **changes), now=NOW)  # type: ignore[arg-type]  # fields by their names


def test_parked_reviews_and_held_messages_are_found_with_their_reasons_before_they_are_due(
    dynamodb: "DynamoDBClient", table: str, reviews: DynamoReviews, agenda: DynamoAgenda
) -> None:
    mine, theirs = TenantId("github.com:1"), TenantId("github.com:2")
    keep(reviews, mine, 1, due_at=NOW + timedelta(hours=5))
    keep(reviews, theirs, 2, state=ReviewState.RUNNING, reason="of an earlier wait")
    keep(reviews, theirs, 3, state=ReviewState.POSTED, due_at=None)
    agenda.hold(Held(envelope=pull_request_event(), reason="GitHub answered 502", due_at=NOW))
    found = DynamoWaiting(dynamodb, table, Clock()).read(most=10)
    assert {(each.reason, each.is_held) for each in found} == {
        (WaitReason.OUTAGE.value, False),
        (None, False),
        ("GitHub answered 502", True),
    }
    assert {each.tenant for each in found if each.is_held} == {tenant_of("github.com", pull_request_event().owner_id)}


def test_of_many_the_tenants_are_looked_at_in_turns(
    dynamodb: "DynamoDBClient", table: str, reviews: DynamoReviews
) -> None:
    for number in range(1, 9):
        keep(reviews, TenantId("github.com:1"), number)
    keep(reviews, TenantId("github.com:2"), 9)
    found = DynamoWaiting(dynamodb, table, Clock()).read(most=4)
    assert sorted(each.tenant for each in found) == ["github.com:1"] * 3 + ["github.com:2"]

"""The index of waiting work on DynamoDB: what is due, in what order it is read, and who may still change it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from codereview.adapters.dynamodb.due import DynamoAgenda
from codereview.adapters.dynamodb.items import SHARDS, due_attributes, due_text, held_pk, marshal, review_pk
from codereview.adapters.dynamodb.reviews import DynamoReviews
from codereview.domain.envelope_codec import encode
from codereview.domain.parking import Held
from codereview.domain.reconciling import Due, fair_order
from codereview.domain.review import ReviewKey, ReviewState, TenantId
from codereview.ports import Lease, PullRequestKey, ReviewItem
from tests.scenarios.events import pull_request_event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

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
    assert agenda.due(now=NOW - timedelta(milliseconds=1), limit=100, most_of_a_tenant=100) == []
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=100)
    assert (entry.tenant, entry.due_at, entry.is_held) == (TENANT, NOW, False)
    assert agenda.envelope_of(entry) == pull_request_event()


def test_a_settled_review_leaves_the_index(reviews: DynamoReviews, agenda: DynamoAgenda, lease: Lease) -> None:
    reviews.save(lease, PARKED, now=NOW)
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=100)
    reviews.save(lease, replace(PARKED, state=ReviewState.POSTED, due_at=None), now=NOW)
    assert agenda.due(now=NOW, limit=100, most_of_a_tenant=100) == []
    assert agenda.envelope_of(entry) is None
    agenda.move_on(entry, until=NOW)
    assert agenda.due(now=NOW, limit=100, most_of_a_tenant=100) == []


def test_a_review_that_was_sent_is_due_again_later(reviews: DynamoReviews, agenda: DynamoAgenda, lease: Lease) -> None:
    reviews.save(lease, PARKED, now=NOW)
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=100)
    agenda.move_on(entry, until=NOW + timedelta(minutes=30))
    assert agenda.due(now=NOW, limit=100, most_of_a_tenant=100) == []
    (again,) = agenda.due(now=NOW + timedelta(minutes=30), limit=100, most_of_a_tenant=100)
    assert agenda.envelope_of(again) == pull_request_event()
    agenda.move_on(entry, until=NOW)  # by a reconciler that overslept
    assert agenda.due(now=NOW, limit=100, most_of_a_tenant=100) == []


def test_a_held_message_is_kept_once_and_dropped_only_as_it_was_read(agenda: DynamoAgenda) -> None:
    agenda.hold(HELD)
    agenda.hold(HELD)
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=100)
    assert entry.is_held
    assert agenda.envelope_of(entry) == HELD.envelope
    agenda.hold(replace(HELD, due_at=NOW + timedelta(minutes=1)))
    agenda.drop(entry)
    (later,) = agenda.due(now=NOW + timedelta(minutes=1), limit=100, most_of_a_tenant=100)
    agenda.drop(later)
    assert agenda.due(now=NOW + timedelta(days=1), limit=100, most_of_a_tenant=100) == []


def test_the_longest_due_entries_come_first_and_no_more_than_asked_for(agenda: DynamoAgenda) -> None:
    for number in range(20):
        event = replace(HELD.envelope, number=number + 1)
        agenda.hold(replace(HELD, envelope=event, due_at=NOW - timedelta(minutes=number)))
    entries = agenda.due(now=NOW, limit=8, most_of_a_tenant=8)
    assert 1 < len(entries) <= 8
    assert {entry.id for entry in entries} <= {
        entry.id for entry in agenda.due(now=NOW, limit=1000, most_of_a_tenant=1000)
    }
    assert len(agenda.due(now=NOW, limit=1000, most_of_a_tenant=1000)) == 20


def put(client: "DynamoDBClient", table: str, helds: Iterable[Held]) -> None:
    """Hold many messages, 25 in a request."""
    keys = ((held, held_pk(held.id)) for held in helds)
    put_items(
        client,
        table,
        (
            {"pk": pk, "envelope": encode(held.envelope), **due_attributes(held.due_at, pk=pk, tenant=held.tenant)}
            for held, pk in keys
        ),
    )


def put_items(client: "DynamoDBClient", table: str, items: Iterable[Mapping[str, Any]]) -> None:
    requests: list[Any] = [{"PutRequest": {"Item": marshal(item)}} for item in items]
    for start in range(0, len(requests), 25):
        assert not client.batch_write_item(RequestItems={table: requests[start : start + 25]})["UnprocessedItems"]


def review_for(account: int, number: int, *, due_at: datetime = NOW) -> dict[str, str]:
    """Return as much of a review's item as the index looks at."""
    tenant = TenantId(f"github.com:{account}")
    key = ReviewKey(tenant=tenant, repository_id=2, number=number, head_sha="a" * 40)
    pk = review_pk(key.review_id)
    return {"pk": pk, "envelope": encode(pull_request_event()), **due_attributes(due_at, pk=pk, tenant=tenant)}


def without_lane(held: Held) -> dict[str, str]:
    """Return the item as the release before the lanes wrote it."""
    pk = held_pk(held.id)
    due = due_attributes(held.due_at, pk=pk, tenant=held.tenant)
    text = f"{held.tenant}#{due_text(held.due_at)}"
    return {"pk": pk, "envelope": encode(held.envelope), **due, "due_at": text}


def held_for(account: int, number: int, *, due_at: datetime = NOW) -> Held:
    envelope = replace(HELD.envelope, owner_id=account, installation_id=account, number=number)
    return replace(HELD, envelope=envelope, due_at=due_at)


@pytest.fixture
def queries(dynamodb: "DynamoDBClient") -> Iterator[list[str]]:
    """Count the requests that look into the index."""
    found = list[str]()

    def note(**_request: object) -> None:
        found.append("query")

    dynamodb.meta.events.register("before-call.dynamodb.Query", note)
    yield found
    dynamodb.meta.events.unregister("before-call.dynamodb.Query", note)


def test_one_entry_due_behind_thousands_of_another_tenant_is_found_by_the_same_look(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda, queries: list[str]
) -> None:
    put(dynamodb, table, (held_for(3, n, due_at=NOW - timedelta(hours=1)) for n in range(1, 3_001)))
    # Tenants whose numbers sort before, in between and behind.
    for account in (29, 3_000, 31, 4):
        agenda.hold(held_for(account, 1))
    found = Counter(entry.tenant for entry in agenda.due(now=NOW, limit=1_000, most_of_a_tenant=40))
    assert found.pop("github.com:3") == 40 * SHARDS
    assert found == {f"github.com:{account}": 1 for account in (29, 3_000, 31, 4)}
    assert len(queries) <= 2 * SHARDS


def test_a_look_costs_a_request_for_a_page_and_one_for_each_tenant_with_more_than_that(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda, queries: list[str]
) -> None:
    assert agenda.due(now=NOW, limit=10_000, most_of_a_tenant=40) == []
    assert len(queries) == SHARDS
    queries.clear()
    later = NOW + timedelta(days=1)
    put(dynamodb, table, (held_for(account, n, due_at=later) for account in (1, 2) for n in range(1, 1_501)))
    put(dynamodb, table, (held_for(account, 1) for account in range(100, 300)))
    assert len(agenda.due(now=NOW, limit=10_000, most_of_a_tenant=40)) == 200
    assert len(queries) <= 3 * SHARDS


def test_where_the_limit_leaves_tenants_out_the_next_looks_begin_with_them(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    put(dynamodb, table, (held_for(account, n) for account in range(1, 41) for n in range(1, 11)))
    seen = [{entry.tenant for entry in agenda.due(now=NOW, limit=10 * SHARDS, most_of_a_tenant=4)} for _ in range(24)]
    assert all(0 < len(tenants) <= 10 * SHARDS for tenants in seen)
    assert set().union(*seen[:12]) == set().union(*seen[12:]) == {f"github.com:{account}" for account in range(1, 41)}


def test_a_tenant_with_more_than_the_whole_limit_keeps_nobody_out(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    put(dynamodb, table, (held_for(2, n) for n in range(1, 201)))
    for account in (1, 3):
        agenda.hold(held_for(account, 1))
    looks = [agenda.due(now=NOW, limit=2 * SHARDS, most_of_a_tenant=1_000) for _ in range(3)]
    assert {entry.tenant for look in looks for entry in look} == {"github.com:1", "github.com:2", "github.com:3"}


def test_entries_that_an_earlier_release_wrote_are_found_moved_on_and_dropped(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    moments = {1: NOW, 2: NOW - timedelta(minutes=1), 3: NOW + timedelta(minutes=1)}
    for account, moment in moments.items():
        held = held_for(account, 1, due_at=moment)
        put(dynamodb, table, [held])
        dynamodb.update_item(
            TableName=table,
            Key=marshal({"pk": held_pk(held.id)}),
            UpdateExpression="SET due_at = :formerly",
            ExpressionAttributeValues=marshal({":formerly": f"{due_text(moment)}#{held.tenant}"}),
        )
    agenda.hold(held_for(4, 1))
    due = {entry.tenant: entry for entry in agenda.due(now=NOW, limit=100, most_of_a_tenant=10)}
    assert set(due) == {"github.com:1", "github.com:2", "github.com:4"}
    one, two = due["github.com:1"], due["github.com:2"]
    assert (one.due_at, two.due_at) == (moments[1], moments[2])
    assert agenda.envelope_of(one) is not None
    agenda.drop(one)
    agenda.move_on(two, until=NOW + timedelta(hours=1))
    assert {entry.tenant for entry in agenda.due(now=NOW, limit=100, most_of_a_tenant=10)} == {"github.com:4"}
    later = agenda.due(now=NOW + timedelta(hours=1), limit=100, most_of_a_tenant=10)
    assert {entry.tenant for entry in later} == {"github.com:2", "github.com:3", "github.com:4"}


def kinds(entries: Iterable[Due]) -> Counter[tuple[str, bool]]:
    return Counter((entry.tenant.partition(":")[2], entry.is_held) for entry in entries)


def test_a_review_due_behind_thousands_of_its_tenants_held_messages_is_found_by_the_same_look(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda, queries: list[str]
) -> None:
    put(dynamodb, table, (held_for(3, n, due_at=NOW - timedelta(hours=1)) for n in range(1, 3_001)))
    # Tenants whose names begin as the crowd's does, too.
    put_items(dynamodb, table, (review_for(account, 1) for account in (3, 31)))
    put(dynamodb, table, [held_for(31, 1)])
    found = kinds(agenda.due(now=NOW, limit=1_000, most_of_a_tenant=40))
    assert found == {("3", True): 40 * SHARDS, ("3", False): 1, ("31", False): 1, ("31", True): 1}
    assert len(queries) <= 2 * SHARDS


def test_a_held_message_due_behind_thousands_of_its_tenants_reviews_is_found_by_the_same_look(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda, queries: list[str]
) -> None:
    put_items(dynamodb, table, (review_for(3, n, due_at=NOW - timedelta(hours=1)) for n in range(1, 3_001)))
    put(dynamodb, table, [held_for(3, 1)])
    assert kinds(agenda.due(now=NOW, limit=1_000, most_of_a_tenant=40)) == {("3", False): 40 * SHARDS, ("3", True): 1}
    assert len(queries) <= 2 * SHARDS


def test_a_held_message_of_a_review_that_has_begun_goes_with_the_reviews(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda, queries: list[str]
) -> None:
    put(dynamodb, table, (held_for(3, n, due_at=NOW - timedelta(hours=1)) for n in range(1, 3_001)))
    begun = held_for(3, 3_001)
    begun = replace(begun, envelope=replace(begun.envelope, review_id=str(UUID(int=1))))
    agenda.hold(begun)
    found = agenda.due(now=NOW, limit=1_000, most_of_a_tenant=40)
    assert len(queries) <= 2 * SHARDS
    first = fair_order(found, most=40)[0]
    assert (first.is_held, first.has_begun, agenda.envelope_of(first)) == (True, True, begun.envelope)
    agenda.drop(first)
    assert first not in agenda.due(now=NOW, limit=1_000, most_of_a_tenant=40)


def test_where_the_limit_leaves_a_lane_out_the_next_look_begins_with_it(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    put_items(dynamodb, table, (review_for(1, n) for n in range(1, 201)))
    put(dynamodb, table, (held_for(1, n) for n in range(1, 201)))
    one, two = (kinds(agenda.due(now=NOW, limit=10 * SHARDS, most_of_a_tenant=40)) for _ in range(2))
    assert (one, two) == ({("1", False): 10 * SHARDS}, {("1", True): 10 * SHARDS})


def test_held_messages_that_an_earlier_release_wrote_hide_no_review_and_are_found_and_dropped(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    put_items(dynamodb, table, (without_lane(held_for(3, n, due_at=NOW - timedelta(hours=1))) for n in range(1, 2_001)))
    put_items(dynamodb, table, [review_for(3, 1)])
    entries = agenda.due(now=NOW, limit=10_000, most_of_a_tenant=40)
    assert kinds(entries) == {("3", False): 1, ("3", True): 40 * SHARDS}
    for entry in entries:
        assert agenda.envelope_of(entry) is not None
        if entry.is_held:
            agenda.drop(entry)
    left = agenda.due(now=NOW, limit=10_000, most_of_a_tenant=10_000)
    assert kinds(left) == {("3", False): 1, ("3", True): 2_000 - 40 * SHARDS}


def test_a_message_that_an_earlier_release_held_is_moved_on_in_its_lane(
    dynamodb: "DynamoDBClient", table: str, agenda: DynamoAgenda
) -> None:
    put_items(dynamodb, table, [without_lane(held_for(3, 1))])
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=10)
    agenda.move_on(entry, until=NOW + timedelta(hours=1))
    assert agenda.due(now=NOW, limit=100, most_of_a_tenant=10) == []
    (later,) = agenda.due(now=NOW + timedelta(hours=1), limit=100, most_of_a_tenant=10)
    assert (later.tenant, later.is_held) == ("github.com:3", True)
    agenda.drop(later)
    assert agenda.due(now=NOW + timedelta(hours=1), limit=100, most_of_a_tenant=10) == []


def test_an_earlier_release_reads_the_lane_as_a_part_of_the_tenant_and_can_still_drop_the_entry() -> None:
    held = held_for(3, 1)
    text = due_attributes(held.due_at, pk=held_pk(held.id), tenant=held.tenant)["due_at"]
    # As it read an entry, and as it spelled it again for its conditions.
    first, _, second = text.partition("#")
    assert "T" not in first
    assert datetime.fromisoformat(second) == held.due_at
    assert f"{first}#{due_text(datetime.fromisoformat(second))}" == text
    # Its step over the rest of the tenant's reviews does not step over the held messages.
    assert f"{held.tenant}$" < text < f"{held.tenant}0"


def test_whether_a_message_is_held_is_asked_with_one_request(agenda: DynamoAgenda, dynamodb: "DynamoDBClient") -> None:
    asked = list[str]()
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    assert not agenda.holds(HELD.envelope)
    assert asked == ["GetItem"]
    agenda.hold(HELD)
    assert agenda.holds(replace(HELD.envelope, action="swept", delivery="another"))
    assert not agenda.holds(replace(HELD.envelope, head_sha="b" * 40))
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=100)
    agenda.drop(entry)
    assert not agenda.holds(HELD.envelope)


def test_what_an_earlier_release_held_under_another_id_is_found_and_released(
    agenda: DynamoAgenda, dynamodb: "DynamoDBClient", table: str
) -> None:
    pk = held_pk(UUID(int=7))
    kept = {"pk": pk, "envelope": encode(HELD.envelope), "reason": "an outage"}
    dynamodb.put_item(TableName=table, Item=marshal(kept | due_attributes(NOW, pk=pk, tenant=TENANT)))
    (entry,) = agenda.due(now=NOW, limit=100, most_of_a_tenant=100)
    assert (entry.id, entry.is_held, agenda.envelope_of(entry)) == (pk, True, HELD.envelope)
    agenda.drop(entry)
    assert agenda.due(now=NOW, limit=100, most_of_a_tenant=100) == []

"""What was lost between the control table and the record shows in the nightly comparison."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from codereview.control_ports import Page
from codereview.domain.control.tenants import Tenant, TenantStatus
from codereview.domain.review import ReviewKey, ReviewState, TenantId, tenant_of
from codereview.ports import ReviewItem
from codereview.use_cases.maintain.compare_reviews import CompareReviews

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)


class Clock:
    def now(self) -> datetime:
        return NOW

    def sleep(self, duration: timedelta) -> None:
        raise NotImplementedError


def item(account: int, number: int, state: ReviewState = ReviewState.POSTED, **more: Any) -> ReviewItem:
    values: dict[str, Any] = {"is_recorded": True, "updated_at": YESTERDAY}
    key = ReviewKey(tenant=tenant_of("github.com", account), repository_id=1, number=number, head_sha="a")
    return ReviewItem(key=key, state=state, **(values | more))


class World:
    """Tenants and their reviews, two on each page, and the record."""

    def __init__(self, *items: ReviewItem, recorded: Mapping[UUID, str]) -> None:
        self.items, self.recorded = items, recorded

    def page(self, *arguments: Any, limit: int, after: str | None = None, **more: Any) -> Page[Any]:
        if arguments:
            found: list[Any] = [each for each in self.items if each.key.tenant == arguments[0]]
        else:
            found = [_tenant(account) for account in (1, 2, 3)]
        start = int(after or 0)
        following = str(start + 2) if start + 2 < len(found) else None
        return Page(items=tuple(found[start : start + 2]), next=following)

    def load(self, *_: Any) -> None:
        raise NotImplementedError

    def save(self, tenant: Tenant, **_: Any) -> Tenant:
        raise NotImplementedError

    def states(self, tenant: TenantId, review_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        own = {each.key.review_id for each in self.items if each.key.tenant == tenant}
        assert set(review_ids) <= own
        return {key: state for key, state in self.recorded.items() if key in review_ids}


def _tenant(account: int) -> Tenant:
    return Tenant(
        host="github.com",
        account_id=account,
        login="a",
        installation_id=1,
        status=TenantStatus.ACTIVE,
        generation=1,
        proven_at=NOW,
        began_at=NOW,
    )


def compare(
    *items: ReviewItem, recorded: Sequence[tuple[ReviewItem, str]] = (), deadline: datetime | None = None
) -> Any:
    world = World(*items, recorded={each.key.review_id: state for each, state in recorded})
    use_case = CompareReviews(clock=Clock(), tenants=world, reviews=world, record=world)
    return use_case(deadline=deadline or NOW + timedelta(minutes=1))


def test_every_review_of_every_tenant_is_looked_at() -> None:
    items = [item(account, number) for account in (1, 2, 3) for number in range(5)]
    report = compare(*items, recorded=[(each, "posted") for each in items])
    assert (report.compared, report.differences, report.named, report.is_finished) == (15, 0, (), True)


def test_a_review_that_the_record_does_not_have_is_named() -> None:
    kept, lost = item(1, 1), item(1, 2)
    assert compare(kept, lost, recorded=[(kept, "posted")]).named == (str(lost.key.review_id),)


def test_a_review_in_another_state_is_named() -> None:
    one = item(2, 1)
    assert compare(one, recorded=[(one, "superseded")]).named == (str(one.key.review_id),)


def test_what_is_still_on_its_way_is_no_difference() -> None:
    running = item(1, 1, ReviewState.RUNNING)
    fresh = item(1, 2, updated_at=NOW - timedelta(hours=1))
    unsent = item(1, 3, is_recorded=False)
    assert compare(running, fresh, unsent).compared == 0


def test_a_comparison_without_time_says_that_it_did_not_end() -> None:
    report = compare(item(1, 1), deadline=NOW)
    assert (report.compared, report.is_finished) == (0, False)

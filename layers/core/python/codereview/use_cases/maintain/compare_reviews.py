"""Compares what the control table says of reviews with what the record has: whatever was lost between them shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from codereview.control_ports import LiveReviews, Tenants
from codereview.domain.review import TenantId
from codereview.ports import Clock, ReviewItem
from codereview.record_ports import RecordedReviews

# What ended within the last hours may still be in the record queue; what is older than the others was compared before.
_ON_THE_WAY = timedelta(hours=6)
_LOOKED_BACK = timedelta(days=3)
_PAGE = 100
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many reviews were looked at, and which are missing or in another state in the record (50 at most)."""

    compared: int = 0
    differences: int = 0
    named: tuple[str, ...] = ()
    is_finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareReviews:
    """Looks at the last days of every tenant."""

    clock: Clock
    tenants: Tenants
    reviews: LiveReviews
    record: RecordedReviews

    def __call__(self, *, deadline: datetime) -> Comparison:
        """Compare until the deadline."""
        compared, named = 0, list[str]()
        for tenant in self._tenants():
            for items in batched(self._ended(tenant), _PAGE, strict=False):
                if self.clock.now() >= deadline:
                    return _comparison(compared, named, is_finished=False)
                recorded = self.record.states(tenant, [item.key.review_id for item in items])
                compared += len(items)
                named += [
                    str(item.key.review_id) for item in items if recorded.get(item.key.review_id) != item.state.value
                ]
        return _comparison(compared, named, is_finished=True)

    def _tenants(self) -> Iterator[TenantId]:
        after = None
        while True:
            page = self.tenants.page(limit=_PAGE, after=after)
            yield from (tenant.id for tenant in page.items)
            if (after := page.next) is None:
                return

    def _ended(self, tenant: TenantId) -> Iterator[ReviewItem]:
        """Give the reviews that the record must have by now."""
        now, after = self.clock.now(), None
        while True:
            page = self.reviews.page(tenant, since=now - _LOOKED_BACK, limit=_PAGE, after=after)
            for item in page.items:
                if item.is_settled and (item.updated_at is None or item.updated_at < now - _ON_THE_WAY):
                    yield item
            if (after := page.next) is None:
                return


def _comparison(compared: int, named: list[str], *, is_finished: bool) -> Comparison:
    return Comparison(
        compared=compared, differences=len(named), named=tuple(named[:_MOST_NAMED]), is_finished=is_finished
    )

"""How long a tenant's record is kept, and what a legal hold changes about it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from codereview.domain.review import TenantId
from codereview.errors import ConflictError, RejectedError

# Live pages show 30 days; ten years is longer than anybody has to keep a review.
SHORTEST_DAYS, LONGEST_DAYS = 30, 3_650
USUAL_DAYS = 1_095


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """A tenant's rule. `hold_until` is the last day (UTC) of a legal hold: until it has passed nothing is deleted.

    `deleting_since`: the tenant is to be deleted, and was not deleted whole yet.
    """

    tenant: TenantId
    keep_days: int = USUAL_DAYS
    hold_until: date | None = None
    deleting_since: datetime | None = None

    def is_held(self, now: datetime) -> bool:
        """Whether a legal hold forbids every deletion."""
        return self.hold_until is not None and now.astimezone(UTC).date() <= self.hold_until

    def cutoff(self, now: datetime) -> datetime | None:
        """Return the moment before which everything is to go; None under a legal hold."""
        return None if self.is_held(now) else now - timedelta(days=self.keep_days)


def checked_rule(rule: RetentionRule, *, now: datetime) -> RetentionRule:
    """Return the rule if it makes sense.

    Raises RejectedError for days out of bounds, for a hold beyond the longest time, and for a time to keep that is
    shorter than the hold: who reads it would believe that the data is gone while it is not.
    """
    if not SHORTEST_DAYS <= rule.keep_days <= LONGEST_DAYS:
        raise RejectedError(f"a record is kept between {SHORTEST_DAYS} and {LONGEST_DAYS} days")
    if rule.is_held(now) and rule.hold_until is not None:
        days = (rule.hold_until - now.astimezone(UTC).date()).days
        if days > LONGEST_DAYS:
            raise RejectedError(f"a legal hold ends within {LONGEST_DAYS} days")
        if days > rule.keep_days:
            raise RejectedError(f"the legal hold lasts {days} more days: keep the record at least as long")
    return rule


def refuse_held(rule: RetentionRule, now: datetime) -> None:
    """Raise ConflictError if a legal hold forbids to delete the tenant's data."""
    if rule.is_held(now):
        raise ConflictError(f"a legal hold keeps the data of {rule.tenant} until {rule.hold_until}")

"""The step before every review: one that is parked, and still held back for the same reason, is put off again at once.

Nobody tells the reviewer that something was resumed or switched back on, or that a tenant's rate has room again, so it
looks again, often every minute. That look must cost GitHub nothing: a tenant that has paused a thousand pull requests
has 5,000 requests an hour like any other.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from codereview.domain.envelope import Envelope
from codereview.domain.parking import Park
from codereview.domain.review import LEASE, Outcome, Parked, ReviewState
from codereview.errors import LostLeaseError, RetryableError
from codereview.ports import Admission, Busy, Clock, Ids, PullRequestKey, ReviewItem, ReviewStore, Switches
from codereview.use_cases.take_turns import Review


@dataclass(frozen=True, slots=True, kw_only=True)
class StillHeld:
    """Whatever it cannot decide goes on to `review`, which looks at everything anew."""

    clock: Clock
    ids: Ids
    store: ReviewStore
    switches: Switches
    admission: Admission
    review: Review

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Put off what is held back, or review."""
        if envelope.review_id is not None:
            with suppress(RetryableError, LostLeaseError):
                parked = self._put_off(UUID(envelope.review_id))
                if parked is not None:
                    return parked
        return self.review.handle(envelope, deadline=deadline)

    def _put_off(self, review_id: UUID) -> Parked | None:
        item = self.store.load(review_id)
        if item is None or self._held(item) is None:
            return None
        now = self.clock.now()
        place = PullRequestKey(tenant=item.key.tenant, repository_id=item.key.repository_id, number=item.key.number)
        lease = self.store.acquire(place, owner=self.ids.new(), now=now, until=now + LEASE)
        if isinstance(lease, Busy):
            return None
        try:
            item = self.store.load(review_id)
            held = self._held(item) if item is not None else None
            if item is None or held is None:
                return None
            self.store.save(
                lease, replace(item, due_at=held.until, strikes=0, waiting_since=None), now=self.clock.now()
            )
            return Parked(reason=held.reason, until=held.until, is_renewed=True)
        finally:
            with suppress(RetryableError, LostLeaseError):
                self.store.release(lease)

    def _held(self, item: ReviewItem) -> Park | None:
        """Say whether it waits for what its check run says already; another reason has to be told on GitHub."""
        if item.state is not ReviewState.PARKED:
            return None
        now, reason = self.clock.now(), item.reason or ""
        held = self.switches.holding(item.key, now=now)
        if held is None:
            return self.admission.still_waits(item.key, reason, now=now)
        return held if isinstance(held, Park) and held.reason == reason else None

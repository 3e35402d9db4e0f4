"""The first step of all: a message whose pull request was read since it came has nothing left to ask for.

A pull request that is pushed to a thousand times while nobody works, or while its installation's share of GitHub's
limits is used up, leaves a thousand messages. All of them mean the same: look at it as it is now. One look answers
those that came before it, so the others are dropped for the price of one read of our own table, and GitHub is not asked
about heads that are no more.

Not handled: GitHub showed a worker a head that was out of date by more than a minute. The sweep over open heads finds
what was left behind by that.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.envelope import Envelope
from codereview.domain.review import Outcome, Overtaken, tenant_of
from codereview.errors import RetryableError
from codereview.ports import Clock, PullRequestKey, ReviewStore
from codereview.use_cases.take_turns import Review

# By this much a look has to be later than the message: clocks differ, and GitHub's own answers lag behind its webhooks.
SETTLED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOvertaken:
    """Whatever it cannot decide goes on to `review`, which looks at everything anew."""

    clock: Clock
    store: ReviewStore
    review: Review

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Drop what a later look has answered, or review."""
        with suppress(RetryableError):
            overtaken = self._overtaken(envelope)
            if overtaken is not None:
                return overtaken
        return self.review.handle(envelope, deadline=deadline)

    def _overtaken(self, envelope: Envelope) -> Overtaken | None:
        """Ask only for what is old enough: the usual message is done within a minute, and costs nothing here."""
        if envelope.repository_id is None or envelope.number is None or not envelope.received_at:
            return None
        if envelope.review_id is not None or not envelope.is_automatic:
            return None
        answered_from = datetime.fromisoformat(envelope.received_at) + SETTLED_AFTER
        if self.clock.now() < answered_from:
            return None
        # The account is the payload's word; one that the repository is not in has no look that anything is dropped for.
        tenant = tenant_of(envelope.host, envelope.owner_id)
        place = PullRequestKey(tenant=tenant, repository_id=envelope.repository_id, number=envelope.number)
        looked_at = self.store.looked_at(place)
        return Overtaken(looked_at=looked_at) if looked_at is not None and looked_at >= answered_from else None

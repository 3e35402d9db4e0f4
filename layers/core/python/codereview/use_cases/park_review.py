"""Parks a review: it waits as a state with a due time, says so where people look, and needs no message meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from codereview import messages
from codereview.domain.parking import GIVE_UP_AFTER, Park, cause, pause
from codereview.domain.review import Outcome, Parked, ReviewState
from codereview.errors import PermanentError, RetryableError
from codereview.github_ports import Repository
from codereview.ports import Clock, Lease, ReviewItem, ReviewStore
from codereview.use_cases.end_review import EndReview


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkReview:
    """The step of every review that cannot go on now."""

    clock: Clock
    store: ReviewStore
    end: EndReview
    jitter: Callable[[], float]  # 0..1

    def after(self, repository: Repository, lease: Lease, item: ReviewItem, error: RetryableError) -> Outcome:
        """Park a review after something that may work later, or end it if it has been waiting for too long."""
        now = self.clock.now()
        item = self.store.load(item.key.review_id) or item
        since = item.waiting_since or now
        item = replace(item, last_error=str(error), waiting_since=since)
        if now - since > GIVE_UP_AFTER:
            reason = f"it did not work for {GIVE_UP_AFTER.days} days: {error}"
            return self.end(repository, lease, replace(item, state=ReviewState.FAILED, reason=reason))
        until = now + pause(now - since, asked=error.retry_after, jitter=self.jitter())
        return self(repository, lease, item, Park(reason=cause(error).value, until=until))

    def __call__(self, repository: Repository, lease: Lease, item: ReviewItem, decision: Park) -> Parked:
        """Store that the review waits, and say so where people look; the message is not needed any more."""
        is_said = item.state is ReviewState.PARKED and item.reason == decision.reason
        item = replace(
            item,
            # A stored result is kept in mind by its pointer; `parked` is the state that people and alarms see.
            state=ReviewState.PARKED,
            reason=decision.reason,
            due_at=decision.until,
            strikes=0,
        )
        now = self.clock.now()
        self.store.save(lease, item, now=now)
        if item.check_run_id is not None and not is_said:
            title, summary = messages.waits(decision.reason, decision.ends or decision.until, now=now)
            # GitHub may be what we wait for; the check run still says that the review is in progress.
            with suppress(RetryableError, PermanentError):
                repository.update_check_run(item.check_run_id, title=title, summary=summary)
        return Parked(reason=decision.reason, until=decision.until)

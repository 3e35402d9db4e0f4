"""Has GitHub deliver again what never reached us: it records every failure, and repeats nothing by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.reconciling import DELIVERIES_KEPT, plan_redeliveries
from codereview.errors import PermanentError
from codereview.ports import Clock, DeliveryLog, Jobs, JobState

_NAME = "deliveries"
_EVERY = timedelta(minutes=15)
_LEAST_TIME = timedelta(seconds=10)

# GitHub asks for a second between writes:
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
_BETWEEN_WRITES = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivered:
    """What one run did; `missing` had not arrived when it looked, `left` are due and were not reached in time."""

    missing: int
    asked: int
    refused: int
    left: int
    given_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliverFailed:
    """The job over GitHub's delivery log.

    The watermark is only moved at the end and never past an unfinished webhook, so that a run that dies is repeated
    whole: a webhook that comes twice is the same review.
    """

    clock: Clock
    jobs: Jobs
    log: DeliveryLog

    def __call__(self, *, deadline: datetime) -> Redelivered | None:
        """Look back to the watermark and have repeated what is due; None if it is not time yet."""
        now = self.clock.now()
        state = self.jobs.begin(_NAME, now=now, every=_EVERY)
        if state is None:
            return None
        oldest = now - DELIVERIES_KEPT
        plan = plan_redeliveries(list(self.log.since(max(state.since or oldest, oldest))), now=now)
        asked = refused = 0
        for attempt in plan.attempts:
            if deadline - self.clock.now() < _LEAST_TIME:
                break
            try:
                self.log.redeliver(attempt)
                asked += 1
            except PermanentError:
                refused += 1
            self.clock.sleep(_BETWEEN_WRITES)
        left = len(plan.attempts) - asked - refused
        next_at = self.clock.now() if left else None
        self.jobs.finish(_NAME, JobState(since=plan.watermark), next_at=next_at)
        return Redelivered(missing=plan.missing, asked=asked, refused=refused, left=left, given_up=plan.given_up)

"""Has GitHub deliver again what never reached us: it records every failure, and repeats nothing by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.redelivering import (
    CLOCKS_APART,
    DELIVERIES_KEPT,
    MOST_MISSING,
    Backlog,
    DeliveryPage,
    restored,
    stored,
)
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock, DeliveryLog, Jobs, JobState

_NAME = "deliveries"
_EVERY = timedelta(minutes=15)
_LEAST_TIME = timedelta(seconds=10)

# GitHub asks for a second between writes:
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
_BETWEEN_WRITES = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivered:
    """What one run did; `missing` had not arrived when it looked, `left` are due and were not reached in time.

    `is_behind`: a part of the log is still to be read.
    """

    missing: int
    asked: int
    refused: int
    left: int
    given_up: int
    is_behind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliverFailed:
    """The job over GitHub's delivery log.

    The watermark is only moved when everything behind it was read, and what never arrived is stored with it, so that a
    run that dies is repeated whole: a webhook that comes twice is the same review. Half of a run's time is for reading,
    the rest for asking. A reading that does not end in it goes on in the next minute; `most` bounds what it remembers.
    """

    clock: Clock
    jobs: Jobs
    log: DeliveryLog
    most: int = MOST_MISSING

    def __call__(self, *, deadline: datetime) -> Redelivered | None:
        """Read back to the watermark and have repeated what is due; None if it is not time yet."""
        now = self.clock.now()
        state = self.jobs.begin(_NAME, now=now, every=_EVERY)
        if state is None:
            return None
        oldest, backlog = now - DELIVERIES_KEPT, restored(state.notes)
        run = _Run(job=self, backlog=backlog, since=max(state.since or oldest, oldest), ends_at=deadline - _LEAST_TIME)
        try:
            run.read(until=now + (run.ends_at - now) / 2)
            done = run.ask()
        except (RetryableError, PermanentError):
            self.jobs.finish(_NAME, JobState(since=run.since, notes=stored(backlog)))
            raise
        has_more = done.left > 0 or (done.is_behind and not run.is_full)
        next_at = self.clock.now() if has_more else None
        self.jobs.finish(_NAME, JobState(since=run.since, notes=stored(backlog)), next_at=next_at)
        return done


@dataclass(slots=True, kw_only=True)
class _Run:
    job: RedeliverFailed
    backlog: Backlog
    since: datetime
    ends_at: datetime
    is_full: bool = False

    def read(self, *, until: datetime) -> None:
        """Go on with the reading, from the latest attempts back to the watermark."""
        clock, backlog = self.job.clock, self.backlog
        self._look(until=clock.now() + (until - clock.now()) / 2)
        mark = backlog.begin(clock.now())
        reached: datetime | None = None
        while clock.now() < until:
            page = self._page()
            found = [each for each in page.deliveries if each.delivered_at >= self.since]
            if found and reached is not None and found[0].delivered_at > reached + CLOCKS_APART:
                backlog.end()
                raise PermanentError("GitHub's log of deliveries goes round in circles")
            if not backlog.take(found, now=clock.now(), most=self.job.most):
                self.is_full = True
                return
            if page.next is None or not found or len(found) < len(page.deliveries):
                self.since = mark
                backlog.end()
                return
            backlog.next, reached = page.next, found[-1].delivered_at

    def _page(self) -> DeliveryPage:
        try:
            return self.job.log.page(self.backlog.next)
        except PermanentError:  # a page that is remembered may be gone
            self.backlog.end()
            raise

    def _look(self, *, until: datetime) -> None:
        """See what has arrived since, while an earlier run's reading is further back."""
        backlog, now = self.backlog, self.job.clock.now()
        if backlog.looked_at is None or not backlog.is_waiting:
            return
        since, following, is_first = backlog.looked_at - CLOCKS_APART, None, True
        while self.job.clock.now() < until and (is_first or following is not None):
            page, is_first = self.job.log.page(following), False
            backlog.note_ends(page.deliveries)
            is_over = not page.deliveries or page.deliveries[-1].delivered_at < since
            following = None if is_over else page.next
        backlog.looked_at = now

    def ask(self) -> Redelivered:
        """Have repeated what is due, until the time is up."""
        clock, backlog = self.job.clock, self.backlog
        backlog.give_up(clock.now())
        missing, due, asked, refused = len(backlog.missing), backlog.due(clock.now()), 0, 0
        for each in due:
            if clock.now() > self.ends_at:
                break
            backlog.ask(each, now=clock.now())  # noted first, so that one that always breaks off holds up no others
            try:
                self.job.log.redeliver(each.attempt)
                asked += 1
            except PermanentError:
                refused += 1
            clock.sleep(_BETWEEN_WRITES)
        return Redelivered(
            missing=missing,
            asked=asked,
            refused=refused,
            left=len(due) - asked - refused,
            given_up=backlog.given_up,
            is_behind=backlog.began_at is not None,
        )

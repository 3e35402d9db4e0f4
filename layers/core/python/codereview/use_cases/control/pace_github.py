"""Keeps each installation below GitHub's secondary limits: 900 points a minute; 80 writes a minute, 500 an hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.control_ports import Buckets
from codereview.domain.control.quotas import (
    GITHUB_READS,
    GITHUB_WRITES,
    GITHUB_WRITES_AHEAD,
    ROOM_TO_GO_ON,
    room_to_begin,
)
from codereview.domain.limits import Refused
from codereview.errors import HeldError, ThrottledError
from codereview.ports import Clock

# The second between two writes is waited for; with many writers at once the rest of the wait is the queue's.
_LONGEST_WAIT = timedelta(seconds=3)
_MOST_WAITS = 4

MANY_BEGIN = "many reviews begin at once for this installation"
MANY_WRITE = "writes of this installation are spread over the hour"

# Who finds a crowd comes again with the reconciler's next runs, which let a tenant's reviews through little by little.
_CROWDED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceWrites:
    """Called once for every write, before it or before what has to be read right before it."""

    clock: Clock
    buckets: Buckets

    def __call__(self, installation_id: int, *, is_ahead: bool = False) -> None:
        """Return when the write may be sent, `is_ahead` within the second that follows.

        Raises ThrottledError, with when to come back, if that is not soon.
        """
        takes = GITHUB_WRITES_AHEAD if is_ahead else GITHUB_WRITES
        for _ in range(_MOST_WAITS):
            decision = self.buckets.take(f"github#{installation_id}", takes, now=self.clock.now())
            if not isinstance(decision, Refused):
                return
            wait = decision.retry_after or _LONGEST_WAIT
            if wait > _LONGEST_WAIT:
                raise ThrottledError(MANY_WRITE, retry_after=wait)
            self.clock.sleep(wait)
        raise ThrottledError("many reviews write at once for this installation", retry_after=_LONGEST_WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceReviews:
    """Called once before a review begins to read, so that a thousand of them do not read only to find no write left.

    What has begun goes before what has not: it has been shown, and its answers may be bought.
    """

    clock: Clock
    buckets: Buckets

    def __call__(self, installation_id: int, *, since: datetime | None) -> None:
        """Return if the review may read now; raises HeldError if not: there is a crowd, and nothing is broken.

        `since` is when it was asked for, None if it has begun.
        """
        now = self.clock.now()
        room = ROOM_TO_GO_ON if since is None else room_to_begin(now - since)
        decision = self.buckets.look(f"github#{installation_id}", room, now=now)
        if isinstance(decision, Refused):
            raise HeldError(MANY_WRITE, retry_after=max(decision.retry_after or _CROWDED, _CROWDED))
        decision = self.buckets.take(f"github-reads#{installation_id}", GITHUB_READS, now=now)
        if isinstance(decision, Refused):
            raise HeldError(MANY_BEGIN, retry_after=_CROWDED)

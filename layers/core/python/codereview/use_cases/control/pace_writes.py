"""Keeps each installation below GitHub's secondary limits for writing: 80 a minute, 500 an hour, a second apart."""

from dataclasses import dataclass
from datetime import timedelta

from codereview.control_ports import Buckets
from codereview.domain.control.quotas import GITHUB_WRITES
from codereview.domain.limits import Refused
from codereview.errors import ThrottledError
from codereview.ports import Clock

# The second between two writes is waited for; with many writers at once the rest of the wait is the queue's.
_LONGEST_WAIT = timedelta(seconds=3)
_MOST_WAITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceWrites:
    """Called before every write."""

    clock: Clock
    buckets: Buckets

    def __call__(self, installation_id: int) -> None:
        """Return when the write may be sent; raises ThrottledError, with when to come back, if not soon."""
        for _ in range(_MOST_WAITS):
            decision = self.buckets.take(f"github#{installation_id}", GITHUB_WRITES, now=self.clock.now())
            if not isinstance(decision, Refused):
                return
            wait = decision.retry_after or _LONGEST_WAIT
            if wait > _LONGEST_WAIT:
                raise ThrottledError("writes of this installation are spread over the hour", retry_after=wait)
            self.clock.sleep(wait)
        raise ThrottledError("many reviews write at once for this installation", retry_after=_LONGEST_WAIT)

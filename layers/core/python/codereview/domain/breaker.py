"""A circuit breaker: after trouble, leave the other side alone for a while, then try with one call."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# One failure may be anybody's; this many in a row are an outage.
FAILURES_TO_OPEN = 5
SHORTEST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The state of one circuit: closed without `open_until`, open before it, half-open after it."""

    failures: int = 0  # in a row
    open_until: datetime | None = None

    def rest(self, now: datetime) -> timedelta | None:
        """Return how long a call has to wait; None if it may be made."""
        return self.open_until - now if self.open_until is not None and now < self.open_until else None

    def after_success(self) -> "Breaker":
        """Close the circuit."""
        return Breaker()

    def after_failure(self, now: datetime) -> "Breaker":
        """Count; open the circuit with growing rests once it is an outage. A trial call's failure opens it at once."""
        failures = self.failures + 1
        if failures < FAILURES_TO_OPEN:
            return Breaker(failures=failures)
        rest = min(SHORTEST_REST * 2 ** min(failures - FAILURES_TO_OPEN, 10), LONGEST_REST)
        return Breaker(failures=failures, open_until=now + rest)

    def after_limit(self, now: datetime, wait: timedelta) -> "Breaker":
        """Keep away for as long as the other side asked for; a limit is no failure of its."""
        until = now + wait
        return Breaker(failures=self.failures, open_until=max(until, self.open_until or until))

"""Lets a message whose pull request another worker has wait as a state, so that it burns no receive.

A lease is given back when its review is done, which nobody tells the others; and of six commands on one pull request
the last would be received too often, were each to wait in the queue until the lease has run out. So a message is held
back for a minute or two, as if it had found its tenant's share taken, and looks again. It is acknowledged only once
that is stored: a message that cannot be held back comes back by the queue, as soon as the lease has run out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.envelope import Envelope
from codereview.domain.parking import Held
from codereview.domain.review import Outcome, Parked
from codereview.errors import BusyError, PermanentError, RetryableError
from codereview.ports import Agenda, Clock
from codereview.use_cases.take_turns import Review

PULL_REQUEST_IS_TAKEN = "another worker has this pull request"

# The next look, and as long again at random: of those that meet at a lease one gets it, and the others try once more.
_LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldBusy:
    """The step around every review."""

    clock: Clock
    agenda: Agenda
    review: Review
    jitter: Callable[[], float]  # 0..1

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Review, or hold the message back; raises BusyError where that could not be stored."""
        try:
            return self.review.handle(envelope, deadline=deadline)
        except BusyError as error:
            return self._hold(envelope, error)

    def _hold(self, envelope: Envelope, error: BusyError) -> Parked:
        until = self.clock.now() + _LOOK_AGAIN * (1 + self.jitter())
        try:
            self.agenda.hold(Held(envelope=envelope, reason=PULL_REQUEST_IS_TAKEN, due_at=until))
        except (RetryableError, PermanentError):
            raise error from None
        return Parked(reason=PULL_REQUEST_IS_TAKEN, until=until)

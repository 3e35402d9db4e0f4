"""Keeps a message itself until later, where there is nothing yet that could be parked."""

from datetime import datetime, timedelta

from codereview.domain.envelope import Envelope
from codereview.domain.parking import Held, cause, pause
from codereview.domain.review import Parked
from codereview.errors import HeldError, PermanentError, RetryableError
from codereview.ports import Agenda

_SPREAD = timedelta(minutes=5)  # at most, so that what waits for one moment does not come all at once then


def hold(envelope: Envelope, error: RetryableError, *, agenda: Agenda, now: datetime, jitter: float) -> Parked:
    """Hold a message back for the error's reason; raises the error itself where not even that works."""
    received = datetime.fromisoformat(envelope.received_at) if envelope.received_at else now
    until = now + pause(now - received, asked=error.retry_after, jitter=jitter)
    if isinstance(error, HeldError) and error.retry_after is not None:
        # No outage, for which pauses would have to grow.
        until = now + error.retry_after + min(error.retry_after, _SPREAD) * jitter
    held = Held(envelope=envelope, reason=str(error), due_at=until)
    try:
        agenda.hold(held)
    except (RetryableError, PermanentError):
        raise error from None
    return Parked(reason=held.reason, until=until, cause=cause(error))

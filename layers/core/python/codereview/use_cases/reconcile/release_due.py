"""Sends again what is due: parked reviews, reviews whose worker died, ends that were not told, messages held back.

The entry is changed after the send, and only if it is still due when it was read to be: a death in between sends it
once more, which the reviewer takes as any other duplicate. A review stays due, at a later time, until somebody claims
it; a held message is only a message, and forgotten once the queue has it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.reconciling import RESEND_AFTER, Due, fair_order
from codereview.errors import PermanentError
from codereview.ports import Agenda, Clock, ReviewQueue

_MOST_READ = 10_000  # keys of about 150 bytes: what a fair order is made of
_LEAST_TIME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What one run did; `left` is due and was not reached in time."""

    sent: int
    skipped: int
    left: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDue:
    """The job of every minute."""

    clock: Clock
    agenda: Agenda
    queue: ReviewQueue

    def __call__(self, *, deadline: datetime) -> Released:
        """Send what is due, in fair order, until the time is up; raises RetryableError if the queue takes nothing."""
        entries = fair_order(self.agenda.due(now=self.clock.now(), limit=_MOST_READ))
        sent = skipped = 0
        for entry in entries:
            if deadline - self.clock.now() < _LEAST_TIME:
                break
            if self._release(entry):
                sent += 1
            else:
                skipped += 1
        oldest = min((entry.due_at for entry in entries), default=None)
        return Released(sent=sent, skipped=skipped, left=len(entries) - sent - skipped, oldest_due_at=oldest)

    def _release(self, entry: Due) -> bool:
        """Send one entry's message; an entry that cannot be read must not stop the others for ever."""
        try:
            envelope = self.agenda.envelope_of(entry)
        except PermanentError:
            return False
        if envelope is None:
            return False
        self.queue.send(envelope)
        if entry.is_held:
            self.agenda.drop(entry)
        else:
            self.agenda.move_on(entry, until=self.clock.now() + RESEND_AFTER)
        return True

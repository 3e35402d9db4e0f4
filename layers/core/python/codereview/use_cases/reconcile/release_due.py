"""Sends again what is due: parked reviews, reviews whose worker died, ends that were not told, messages held back.

The entry is changed after the send, and only if it is still due when it was read to be: a death in between sends it
once more, which the reviewer takes as any other duplicate. A review stays due, at a later time, until somebody claims
it; a held message is only a message, and forgotten once the queue has it.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.reconciling import RESEND_AFTER, Due, fair_order
from codereview.errors import PermanentError
from codereview.ports import Agenda, Clock, ReviewQueue

_MOST_READ = 10_000  # keys of about 150 bytes: what a fair order is made of
_EVERY = timedelta(minutes=1)
_LEAST_TIME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What one run did; `left` was found due and not sent, which of a tenant that has thousands is only a part."""

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
    most_of_a_tenant: int = _MOST_READ  # in one run; the rest is due in the next

    def __call__(self, *, deadline: datetime) -> Released:
        """Send what is due, in fair order, until the time is up; raises RetryableError if the queue takes nothing."""
        most = self.most_of_a_tenant
        due = self.agenda.due(now=self.clock.now(), limit=_MOST_READ, most_of_a_tenant=most)
        entries = fair_order(due, most=most)
        sizes, taken = Counter(entry.tenant for entry in entries), Counter[str]()
        sent = skipped = 0
        for entry in entries:
            if deadline - self.clock.now() < _LEAST_TIME:
                break
            # Spread over the minute, so that a tenant's reviewers find work in each part of it.
            delay = _EVERY * taken[entry.tenant] / sizes[entry.tenant]
            taken[entry.tenant] += 1
            if self._release(entry, delay):
                sent += 1
            else:
                skipped += 1
        oldest = min((entry.due_at for entry in due), default=None)
        return Released(sent=sent, skipped=skipped, left=len(due) - sent - skipped, oldest_due_at=oldest)

    def _release(self, entry: Due, delay: timedelta) -> bool:
        """Send one entry's message; an entry that cannot be read must not stop the others for ever."""
        try:
            envelope = self.agenda.envelope_of(entry)
        except PermanentError:
            return False
        if envelope is None:
            return False
        self.queue.send(envelope, delay=delay)
        if entry.is_held:
            self.agenda.drop(entry)
        else:
            self.agenda.move_on(entry, until=self.clock.now() + RESEND_AFTER)
        return True

"""Hands audit entries to the record queue. A death in between sends one again; the recorder writes it once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.control_ports import AuditOutbox, AuditQueue
from codereview.ports import Clock

_MOST_READ = 400
_LEAST_TIME = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one run did; `left` were read and not reached in time."""

    sent: int
    left: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOutbox:
    """The job of every minute, which bounds how long an entry waits."""

    clock: Clock
    outbox: AuditOutbox
    queue: AuditQueue

    def __call__(self, *, deadline: datetime) -> Sent:
        """Send what waits until the time is up; raises RetryableError if the queue or the table takes nothing."""
        entries = self.outbox.unsent(now=self.clock.now(), limit=_MOST_READ)
        sent = 0
        for entry in sorted(entries, key=lambda each: each.at):
            if deadline - self.clock.now() < _LEAST_TIME:
                break
            self.queue.send(entry)
            self.outbox.mark_sent(entry, now=self.clock.now())
            sent += 1
        oldest = min((entry.at for entry in entries), default=None)
        return Sent(sent=sent, left=len(entries) - sent, oldest_at=oldest)

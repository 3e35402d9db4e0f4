"""The reconciler's jobs in an operator's hands: at once, told act by act, and as a rehearsal that changes nothing.

The jobs themselves do not know: what surrounds them here are their own ports. Neither the schedule's next times nor its
watermarks are touched, so that the function goes on as if nothing had been done; whatever both do is done twice
harmlessly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from codereview.domain.control.queues import RawLetter
from codereview.domain.envelope import Envelope
from codereview.domain.parking import Held
from codereview.domain.reconciling import Due
from codereview.domain.redelivering import DeliveryPage
from codereview.ports import Agenda, Clock, DeadLetterQueue, DeliveryLog, JobState, ReviewQueue

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """Jobs that are always due, and look back to `since`."""

    since: datetime

    def begin(self, name: str, *, now: datetime, every: timedelta) -> JobState:  # noqa: ARG002 -- a port's signature
        """Say that it is time; a watermark counts for deliveries only."""
        return JobState(since=self.since if name == "deliveries" else None, generation=0)

    def finish(self, name: str, state: JobState, *, next_at: datetime | None = None) -> None:
        """Leave the schedule's own memory alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldClock:
    """The time; a rehearsal waits for nobody."""

    inner: Clock
    is_rehearsal: bool

    def now(self) -> datetime:
        """Return the present."""
        return self.inner.now()

    def sleep(self, duration: timedelta) -> None:
        """Wait, if something is really done."""
        if not self.is_rehearsal:
            self.inner.sleep(duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldQueue:
    """The review queue."""

    inner: ReviewQueue
    tell: Tell
    is_rehearsal: bool

    def send(self, envelope: Envelope, *, delay: timedelta = timedelta()) -> None:
        """Tell what is sent, and send it."""
        place = f"repository {envelope.repository_id}, pull request {envelope.number}"
        self.tell(f"send {envelope.review_id or envelope.delivery} to the review queue again ({place})")
        if not self.is_rehearsal:
            self.inner.send(envelope, delay=delay)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAgenda:
    """The waiting work."""

    inner: Agenda
    is_rehearsal: bool

    def hold(self, held: Held) -> None:
        """Keep a message."""
        if not self.is_rehearsal:
            self.inner.hold(held)

    def due(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> Sequence[Due]:
        """List what is due."""
        return self.inner.due(now=now, limit=limit, most_of_a_tenant=most_of_a_tenant)

    def envelope_of(self, entry: Due) -> Envelope | None:
        """Read a message."""
        return self.inner.envelope_of(entry)

    def move_on(self, entry: Due, *, until: datetime) -> None:
        """Make an entry due later."""
        if not self.is_rehearsal:
            self.inner.move_on(entry, until=until)

    def drop(self, entry: Due) -> None:
        """Forget a message."""
        if not self.is_rehearsal:
            self.inner.drop(entry)

    def holds(self, envelope: Envelope) -> bool:
        """Whether a message is kept."""
        return self.inner.holds(envelope)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDeliveries:
    """GitHub's log of deliveries."""

    inner: DeliveryLog
    tell: Tell
    is_rehearsal: bool

    def page(self, at: str | None) -> DeliveryPage:
        """List a page of attempts."""
        return self.inner.page(at)

    def redeliver(self, attempt: int) -> None:
        """Tell which attempt is repeated, and have it repeated."""
        self.tell(f"have GitHub repeat delivery {attempt}")
        if not self.is_rehearsal:
            self.inner.redeliver(attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDeadLetters:
    """A dead-letter queue."""

    inner: DeadLetterQueue
    tell: Tell
    is_rehearsal: bool

    @property
    def name(self) -> str:
        """What its job's state is kept under."""
        return self.inner.name

    def count(self) -> int:
        """Return about how many letters wait."""
        return self.inner.count()

    def is_moving(self) -> bool:
        """Whether letters are being moved back now."""
        return self.inner.is_moving()

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        """Read some letters."""
        return self.inner.letters(limit=limit)

    def move(self) -> None:
        """Tell how many are moved, and move them."""
        self.tell(f"move about {self.count()} dead letters of {self.name} back")
        if not self.is_rehearsal:
            self.inner.move()

"""Leaves reviewers free for other tenants: what finds its share taken waits as a state, and burns no receive."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from codereview.domain.envelope import Envelope
from codereview.domain.parking import Held
from codereview.domain.review import LEASE, Outcome, Parked, tenant_of
from codereview.domain.turns import HELD_FOR, Turn, Turns, give_back, take
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Agenda, Clock, Ids

SHARE_IS_TAKEN = "the tenant's share of the reviewers is taken"
_MOST_TRIES = 20  # of a write that others forestall: each time one of them got through
_PAUSE = timedelta(milliseconds=50)


class TurnTable(Protocol):
    """Where the turns are kept."""

    def load(self) -> Turns:
        """Read them, strongly consistent."""
        ...

    def save(self, turns: Turns) -> bool:
        """Replace what was read; False if somebody else has changed it since."""
        ...


class Review(Protocol):
    """What is done in a turn."""

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Take a message one step further."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTurns:
    """The step before every review. The tenant is the one that GitHub's signed payload named; nothing is asked yet."""

    clock: Clock
    ids: Ids
    table: TurnTable
    agenda: Agenda
    review: Review
    reviewers: int
    jitter: Callable[[], float]  # 0..1

    def handle(self, envelope: Envelope, *, deadline: datetime) -> Outcome:
        """Review in a turn, or hold the message back."""
        owner = str(self.ids.new())
        if not self.begin(envelope, owner):
            return self._hold(envelope)
        try:
            return self.review.handle(envelope, deadline=deadline)
        finally:
            self.end(owner)

    def begin(self, envelope: Envelope, owner: str) -> bool:
        """Take a turn. With a table that cannot answer, everybody goes on: fairness loses no review."""
        for _ in range(_MOST_TRIES):
            now = self.clock.now()
            turn = Turn(tenant=tenant_of(envelope.host, envelope.owner_id), until=now + LEASE)
            try:
                before = self.table.load()
                after, is_taken = take(before, owner, turn, reviewers=self.reviewers, now=now)
                if after == before or self.table.save(after):
                    return is_taken
            except RetryableError:
                return True
            self.clock.sleep(_PAUSE * self.jitter())
        return False

    def end(self, owner: str) -> None:
        """Give the turn back; if that fails it runs out by itself."""
        for _ in range(_MOST_TRIES):
            try:
                before = self.table.load()
                if owner not in before.turns or self.table.save(give_back(before, owner)):
                    return
            except (RetryableError, PermanentError):
                return
            self.clock.sleep(_PAUSE * self.jitter())

    def _hold(self, envelope: Envelope) -> Parked:
        """Keep the message until later; raises RetryableError where not even that works, and the queue keeps it."""
        until = self.clock.now() + HELD_FOR * self.jitter()
        self.agenda.hold(Held(envelope=envelope, reason=SHARE_IS_TAKEN, due_at=until))
        return Parked(reason=SHARE_IS_TAKEN, until=until)

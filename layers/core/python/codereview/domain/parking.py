"""What waits, why and for how long: waiting is a state with a due time, never a message that goes round."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from codereview.domain.control.budgets import Degree, Reservation
from codereview.domain.envelope import Envelope
from codereview.domain.review import TenantId, tenant_of
from codereview.errors import HeldError, RetryableError, ThrottledError

# Without a better word from the other side, wait half as long again as it has been waiting, within these bounds: an
# hour's outage costs about eight attempts, and is noticed to be over within half an hour.
SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)

# What did not work for this long is not worth anybody's wait: the head is old, and the reason is no passing one.
GIVE_UP_AFTER = timedelta(days=3)

# Attempts in a row that broke off without a word, by a crash, a lack of memory or a bug. The pauses between them grow.
MAX_STRIKES = 8

_SPREAD = 0.25  # of a pause, added at random, so that what stopped together does not start together
_NAMESPACE = UUID("9a2f1c1e-6f0b-4b5c-9a1f-3c8f1d5f0a77")


class WaitReason(StrEnum):
    """Why a review waits, in words for people."""

    RATE_LIMIT = "a rate limit of GitHub or of the language model"
    OUTAGE = "an outage of GitHub or of the language model"
    SETTLING = "GitHub's list of reviews, which may not show yet what was just posted"


def cause(error: RetryableError) -> WaitReason:
    """Say what kind of trouble an error is to whoever waits: a crowd is one that a limit has made."""
    return WaitReason.RATE_LIMIT if isinstance(error, ThrottledError | HeldError) else WaitReason.OUTAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Go on, with this much of a review; `reservation` pays for it, None where nothing is to pay."""

    degree: Degree = Degree.FULL
    reservation: Reservation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Wait until then; `reason` is shown to people.

    Where `until` is only the next look, `ends` is what people are told instead: a moment, or what has to happen.
    """

    reason: str
    until: datetime
    ends: datetime | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrade:
    """Go on without language models; `reason` is shown to people."""

    reason: str


AdmissionDecision = Admit | Park | Degrade


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A message whose review could not even be named, since GitHub could not be asked; kept until it is due."""

    envelope: Envelope
    reason: str
    due_at: datetime

    @property
    def id(self) -> UUID:
        """The same for every message that asks for the same work, so that duplicates are kept once."""
        return held_id(self.envelope)

    @property
    def has_begun(self) -> bool:
        """Whether the message is about a review that there is already."""
        return self.envelope.review_id is not None

    @property
    def tenant(self) -> TenantId:
        """The tenant by the message's own word: unproven, and good for nothing but a fair order."""
        return tenant_of(self.envelope.host, self.envelope.owner_id)


def held_id(envelope: Envelope) -> UUID:
    """Name what a message asks for: all that pushes and the sweep leave about one head ask for the same."""
    place = (envelope.host, envelope.installation_id, envelope.repository_id, envelope.number, envelope.head_sha)
    action = "" if envelope.is_automatic else envelope.action
    why = (envelope.trigger, envelope.trigger_id, action, envelope.review_id)
    return uuid5(_NAMESPACE, "\n".join(str(part) for part in place + why))


def pause(waited: timedelta, *, asked: timedelta | None, jitter: float) -> timedelta:
    """Say how long to wait: what the other side asked for, and never less than our own growing pause.

    `waited` is how long it has been waiting already, which makes the pauses grow without a counter; `jitter` is 0..1.
    """
    own = min(max(waited / 2, SHORTEST_PAUSE), LONGEST_PAUSE)
    return max(own, asked or own) * (1 + _SPREAD * jitter)

"""What the core needs from the outside world, as protocols that adapters and test worlds fulfil."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from codereview.domain.control.audit import AuditEntry
from codereview.domain.control.flags import FlagSnapshot
from codereview.domain.control.queues import RawLetter
from codereview.domain.envelope import Envelope
from codereview.domain.parking import AdmissionDecision, Held, Park
from codereview.domain.reconciling import Due
from codereview.domain.record import ReviewRecorded, Votes
from codereview.domain.redelivering import DeliveryPage
from codereview.domain.result import ReviewResult
from codereview.domain.review import ReviewKey, ReviewState, SkipReason, TenantId


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        ...

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        ...


class Ids(Protocol):
    """The only source of random ids."""

    def new(self) -> UUID:
        """Return an id that nobody has seen."""
        ...


# --- language models -------------------------------------------------------------------------------------------------


# --- analyzers -------------------------------------------------------------------------------------------------------


# --- GitHub ----------------------------------------------------------------------------------------------------------


# --- the state of reviews (DynamoDB) ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestKey:
    """A pull request of a tenant, by numbers only."""

    tenant: TenantId
    repository_id: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Proof that this worker owns the pull request until `until`; `fence` grows with every lease ever given."""

    pull_request: PullRequestKey
    owner: UUID
    fence: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Another worker holds the lease until then."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """Where an object lies and what it must hash to; `sha256` is hex."""

    key: str
    sha256: str


_MOST_PAST = 40  # states; what waits for days changes its reason a few times a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A state that a review came into, when, and why."""

    at: datetime
    state: ReviewState
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """All that is known of a review between two steps; the item `review#<id>`."""

    key: ReviewKey
    state: ReviewState
    attempts: int = 0  # how often a worker began to work on it
    reason: str | None = None  # of skipped, superseded (the newer head), parked or failed
    last_error: str | None = None
    check_run_id: int | None = None
    is_check_finished: bool = False
    result: StoredObject | None = None
    posting_since: datetime | None = None  # a POST was sent at about that time, and what it has left may turn up yet
    refusals: int = 0  # tries to post that GitHub refused
    is_refused: bool = False  # the last of all tries too, with nothing on a line
    github_review_id: int | None = None  # by GitHub's answer to a POST, or by its list
    comment_ids: tuple[int, ...] = ()
    votes: tuple[Votes, ...] = ()  # on the comments of earlier reviews of the pull request
    is_recorded: bool = False  # the record queue has it
    installation_id: int = 0
    updated_at: datetime | None = None
    envelope: Envelope | None = None  # the message that takes the review up again
    due_at: datetime | None = None  # when the reconciler sends it again; None: nothing is left to do
    waiting_since: datetime | None = None  # for an outage or a rate limit to end
    strikes: int = 0  # attempts in a row that broke off without a word
    is_bypassed: bool = False  # made without language models, which were switched off: worth asking for again
    past: tuple[Past, ...] = ()  # the oldest first; of many the first and the latest are kept

    @property
    def is_settled(self) -> bool:
        """Whether it has ended, its check run has, and the record queue has been told."""
        is_check_open = self.check_run_id is not None and not self.is_check_finished
        return self.state.is_end and self.is_recorded and not is_check_open

    def remembering(self, *, now: datetime) -> "ReviewItem":
        """Return the review with its state as the latest of its past, where it is another than before."""
        latest = self.past[-1] if self.past else None
        if latest is not None and (latest.state, latest.reason) == (self.state, self.reason):
            return self
        past = (*self.past, Past(at=now, state=self.state, reason=self.reason))
        return replace(self, past=past if len(past) <= _MOST_PAST else (past[0], *past[2:]))


class ReviewStore(Protocol):
    """Claims and states. Every write but `acquire` fails with LostLeaseError once a newer lease exists."""

    def acquire(self, pull_request: PullRequestKey, *, owner: UUID, now: datetime, until: datetime) -> Lease | Busy:
        """Take the pull request's lease, unless another worker's has not run out yet."""
        ...

    def release(self, lease: Lease, *, looked_at: datetime | None = None) -> None:
        """Give the lease back early; a lost one is no error.

        `looked_at` is a time after which the head was read from GitHub whose automatic review is stored.
        """
        ...

    def looked_at(self, pull_request: PullRequestKey) -> datetime | None:
        """Return the latest such time, strongly consistent; None if there was none."""
        ...

    def load(self, review_id: UUID) -> ReviewItem | None:
        """Read a review, strongly consistent."""
        ...

    def save(self, lease: Lease, item: ReviewItem, *, now: datetime) -> None:
        """Write the review under the lease's fence, remembering its state."""
        ...


class Agenda(Protocol):
    """Waiting work: the sparse index over reviews with a due time, and messages held back until theirs.

    What the index says may be out of date; each write happens only if the entry is still due when it was read to be.
    """

    def hold(self, held: Held) -> None:
        """Keep a message until it is due; the same again replaces it."""
        ...

    def due(self, *, now: datetime, limit: int, most_of_a_tenant: int) -> Sequence[Due]:
        """Return up to about `limit` entries whose time has come, of each tenant at least the longest due ones.

        Of a tenant that has more reviews than `most_of_a_tenant`, or more held messages, the rest of these may be left
        out; nothing else ever is for that. Where `limit` leaves tenants out, the next look begins with them.
        """
        ...

    def envelope_of(self, entry: Due) -> Envelope | None:
        """Read the message to send, strongly consistent; None if the entry is not due at that time any more."""
        ...

    def move_on(self, entry: Due, *, until: datetime) -> None:
        """Make an entry due later."""
        ...

    def drop(self, entry: Due) -> None:
        """Forget a held message."""
        ...

    def holds(self, envelope: Envelope) -> bool:
        """Whether a message that asks for the same work is kept until it is due."""
        ...


class Asker(Enum):
    """Who brought a review about, as far as it matters to what may answer us for ever."""

    AUTHOR = "author"  # of the pull request, or nobody that GitHub named
    OTHER = "other"  # whoever pushed to it, commented or asked for the check again, and is not its author
    REQUEST = "request"  # of the API, where keys have limits of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRequest:
    """What a review is about to take: `prompt_tokens` is an estimate for one agent over the whole change."""

    key: ReviewKey
    prompt_tokens: int
    asked_by: Asker


class Switches(Protocol):
    """What people have switched off or paused: looked at before the work, and again right before the post."""

    def holding(self, key: ReviewKey, *, now: datetime) -> Park | SkipReason | None:
        """Say whether the review may not go on now, or not at all; raises RetryableError if nobody can tell."""
        ...

    def flags(self, key: ReviewKey) -> FlagSnapshot:
        """Return which agents and models take part."""
        ...


class Admission(Protocol):
    """Limits and budgets. Asked again for the same review, it charges only once."""

    def admit(self, request: AdmissionRequest, *, now: datetime) -> AdmissionDecision:
        """Decide whether the review may spend now."""
        ...

    def still_waits(self, key: ReviewKey, reason: str, *, now: datetime) -> Park | None:
        """Say whether a review that was parked for `reason` would be again, where that can be told without GitHub."""
        ...


class ReviewQueue(Protocol):
    """The queue in front of the reviewer."""

    def send(self, envelope: Envelope, *, delay: timedelta = timedelta()) -> None:
        """Return once the queue has it; nobody receives it before `delay`, of which the queue takes up to 15 min."""
        ...


class Objects(Protocol):
    """Bytes under keys (S3). Keys are made of ids only."""

    def put(self, key: str, data: bytes) -> StoredObject:
        """Store, and return where and what."""
        ...

    def get(self, key: str) -> bytes | None:
        """Read; None if there is no such object."""
        ...


# --- what the reconciler looks after ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """What a job remembers: a moment (a watermark, the last time it acted), a count, when it last found something.

    `notes` is whatever else it has to know, in a form of its own; None leaves what is stored as it is.
    """

    since: datetime | None = None
    generation: int = 0
    seen_at: datetime | None = None
    notes: str | None = None


class Jobs(Protocol):
    """When a job is due again, and its state."""

    def begin(self, name: str, *, now: datetime, every: timedelta) -> JobState | None:
        """Return the job's state and make it due again after `every`; None if it is not due now."""
        ...

    def finish(self, name: str, state: JobState, *, next_at: datetime | None = None) -> None:
        """Remember a state; `next_at` makes the job due sooner than usual."""
        ...


class DeliveryLog(Protocol):
    """GitHub's log of webhook deliveries to the App."""

    def page(self, at: str | None) -> DeliveryPage:
        """Ask for a page of attempts: the latest ones, or those that another page's `next` leads to."""
        ...

    def redeliver(self, attempt: int) -> None:
        """Have one repeated."""
        ...


class DeadLetterQueue(Protocol):
    """A dead-letter queue, with the queue's own way back."""

    @property
    def name(self) -> str:
        """What its job's state is kept under."""
        ...

    def count(self) -> int:
        """Return about how many letters wait."""
        ...

    def is_moving(self) -> bool:
        """Whether letters are being moved back now."""
        ...

    def letters(self, *, limit: int) -> Sequence[RawLetter]:
        """Read some letters, and hide them for less than a minute, so that the next call reads others; takes none."""
        ...

    def move(self) -> None:
        """Start moving all letters back."""
        ...


class RecordQueue(Protocol):
    """The way to the record."""

    def send(self, message: ReviewRecorded) -> None:
        """Hand over one message; returning means that the queue has it."""
        ...


class ReviewRecord(Protocol):
    """The lasting record of reviews (PostgreSQL)."""

    def write(self, message: ReviewRecorded, result: ReviewResult | None) -> None:
        """Write a review and its findings, all or none, once; an older message than the last changes nothing."""
        ...


class AuditLog(Protocol):
    """The lasting audit log (PostgreSQL), an unbroken chain a tenant."""

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Write entries in their order, each once, however often it comes."""
        ...

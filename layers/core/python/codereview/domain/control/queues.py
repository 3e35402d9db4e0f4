"""Queues as operators see them: how much waits, what failed for good, and moves of that back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """About how many messages there are; None is what no metric tells (yet)."""

    waiting: int
    in_flight: int
    delayed: int
    dead_letters: int
    oldest_age_seconds: int | None = None
    waiting_in_quiet_groups: int | None = None
    oldest_age_in_quiet_groups_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLetter:
    """A dead letter as the queue has it; `body` may be anything."""

    id: str
    body: str
    sent_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A dead letter, read; what it does not name is None.

    `reason` is the review's last error, or why this is no message, or who knows better.
    """

    id: str
    sent_at: datetime | None
    attempts: int
    tenant: str | None = None
    repository_id: int | None = None
    number: int | None = None
    review_id: UUID | None = None
    reason: str | None = None


class MoveStatus(StrEnum):
    """How a move of dead letters stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTask:
    """A move of dead letters back to where they came from; numbers lag behind."""

    status: MoveStatus
    started_at: datetime
    moved: int
    to_move: int | None = None
    messages_per_second: int | None = None
    failure: str | None = None

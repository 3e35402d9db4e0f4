"""The identity of a review and the life that it goes through."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

TenantId = NewType("TenantId", str)  # "<GitHub host>:<account id>", e.g. "github.com:9919"

# Every review id is derived in this namespace. It must never change: keys in DynamoDB, S3 and Postgres hang on it.
_NAMESPACE = UUID("5f1d9c52-9f39-4d4a-8d55-0f0c5f1f8a11")

# The name of our check runs on GitHub: branch protection rules hang on it, and a re-requested check is ours by it.
CHECK_NAME = "AI Code Review"

# How long a worker has a pull request to itself. A Lambda is dead at its time-out (300 s), so a longer lease can never
# have two living owners.
LEASE = timedelta(seconds=360)

# The kind of the review that each head gets by itself.
AUTOMATIC = "auto"


def tenant_of(host: str, account_id: int) -> TenantId:
    """Name the tenant of a GitHub account; by number, since logins change hands."""
    return TenantId(f"{host}:{account_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewKey:
    """What makes two requests the same review. `kind` is `AUTOMATIC` or `<trigger>:<id of what asked for it>`."""

    tenant: TenantId
    repository_id: int
    number: int
    head_sha: str
    kind: str = AUTOMATIC

    @property
    def review_id(self) -> UUID:
        """The id that every retry, redelivery and redrive arrives at."""
        name = f"{self.tenant}\n{self.repository_id}\n{self.number}\n{self.head_sha}\n{self.kind}"
        return uuid5(_NAMESPACE, name)


class ReviewState(StrEnum):
    """`queued → running → (parked →) answered → posted`, or one of the ends without a review."""

    QUEUED = "queued"
    RUNNING = "running"
    PARKED = "parked"
    ANSWERED = "answered"
    POSTED = "posted"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Terminal for ever; skipped and superseded reviews are taken up again when their reason has gone."""
        return self in (ReviewState.POSTED, ReviewState.FAILED)

    @property
    def is_end(self) -> bool:
        """Whether work on it has ended, for ever or until its reason has gone."""
        return self.is_final or self in (ReviewState.SKIPPED, ReviewState.SUPERSEDED)


class SkipReason(StrEnum):
    """Why a pull request gets no review; can be queried, and is named in the check run."""

    DRAFT = "draft"
    CLOSED = "closed"
    BOT_AUTHOR = "bot author"
    NOT_OURS = "repository does not belong to the installation"
    INSTALLATION_GONE = "installation suspended or removed"
    PULL_REQUEST_GONE = "pull request not found"
    NOT_PERMITTED = "sender may not start a review"
    NOTHING_TO_REVIEW = "no pull request is concerned"
    BLOCKED = "the account is blocked by whoever runs this deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing to do, and why."""

    reason: SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The pull request has a newer head, which has, or will get, a review of its own."""

    newer_head_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """The message asks for nothing more: the pull request was read after it came, and reviewed as it was by then."""

    looked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """The review stands on GitHub under this id."""

    github_review_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The review will never be posted; `reason` is shown to people."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """The review waits, as a state in the control table, and goes on at about `until` without this message.

    `is_renewed` where it was waiting for that already: one that is paused is looked at every minute, and waits once.
    `cause` is a WaitReason where `reason` is an error's own words.
    """

    reason: str
    until: datetime
    is_renewed: bool = False
    cause: str | None = None


Outcome = Skipped | Superseded | Overtaken | Posted | Failed | Parked

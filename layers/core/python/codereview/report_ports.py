"""What the reports read of the record. A tenant's rows only; RetryableError says when to ask again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from codereview.control_ports import Page
from codereview.domain.finding import Placement, Severity
from codereview.domain.precision import Outcomes
from codereview.domain.review import ReviewState, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From a moment on, and before another."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """Which findings; None: all. `text` is looked for in title, body and path, whatever its case."""

    severity: Severity | None = None
    agent: str | None = None
    rule: str | None = None
    path: str | None = None  # the beginning
    placement: Placement | None = None
    review_id: UUID | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFinding:
    """A finding on record."""

    review_id: UUID
    ordinal: int
    created_at: datetime
    agent: str
    engine: str
    rule: str
    severity: str
    confidence: float | None
    path: str
    side: str | None
    line: int | None
    start_line: int | None
    placement: str
    title: str
    body: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLife:
    """A problem of a pull request, and the reviews that found it, the first one first (100 at most)."""

    repository_id: int
    number: int
    fingerprint: str
    status: str
    agent: str
    rule: str
    severity: str
    path: str
    times_reopened: int
    thumbs_up: int
    thumbs_down: int
    created_at: datetime
    updated_at: datetime
    first_review_id: UUID
    last_review_id: UUID
    closed_review_id: UUID | None
    found: Sequence[RecordedFinding] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReview:
    """A review on record."""

    review_id: UUID
    repository_id: int
    number: int
    head_sha: str
    kind: str
    state: str
    reason: str | None
    github_review_id: int | None
    files_total: int | None
    files_reviewed: int | None
    findings_total: int | None
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """Which reviews; None: all."""

    state: ReviewState | None = None
    repository_id: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedAction:
    """One entry of the tenant's audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    target: str
    details: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOfDay:
    """What an agent took on a day (UTC). `engine` names the model, whose prices the reader knows."""

    day: date
    agent: str
    engine: str
    reviews: int
    failed: int
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrecision:
    """What became of an agent's findings under one rule."""

    agent: str
    rule: str
    outcomes: Outcomes


class PrecisionSource(Protocol):
    """What became of findings."""

    def precision(self, tenant: TenantId, period: Period) -> Sequence[RulePrecision]:
        """Count what became of the problems that were first seen in the period."""
        ...


class Reports(PrecisionSource, Protocol):
    """The record, read only. Lists are pages by time, the latest first; `after` is a page's `next`."""

    def findings(
        self, tenant: TenantId, period: Period, wanted: FindingFilter, *, limit: int, after: str | None
    ) -> Page[RecordedFinding]:
        """List findings."""
        ...

    def life(self, tenant: TenantId, *, repository_id: int, number: int, fingerprint: str) -> FindingLife | None:
        """Read the life of a problem."""
        ...

    def reviews(
        self, tenant: TenantId, period: Period, wanted: ReviewFilter, *, limit: int, after: str | None
    ) -> Page[RecordedReview]:
        """List reviews."""
        ...

    def audit(
        self, tenant: TenantId, period: Period, *, action: str | None, limit: int, after: str | None
    ) -> Page[AuditedAction]:
        """List what was done."""
        ...

    def usage(self, tenant: TenantId, period: Period) -> Sequence[UsageOfDay]:
        """Sum up what was taken, by day and agent."""
        ...

"""What the reports show, and what they may be asked for."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field

from codereview.domain.finding import Placement, Severity
from codereview.domain.precision import Outcomes
from codereview.domain.review import ReviewState
from codereview.entrypoints.api.fields import UUID_TEXT, Moment, Name, Page, Query, Shown
from codereview.report_ports import AuditedAction, FindingLife, RecordedFinding, RecordedReview

_LONGEST_ID = 19


def _digits(value: Any) -> Any:
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_ID
    if not is_number:
        raise ValueError("only the digits 0 to 9 are a number here")
    return int(value)


_Id = Annotated[int, Field(ge=1, le=2**63 - 1), BeforeValidator(_digits)]
_Number = Annotated[int, Field(ge=1, le=2**31 - 1), BeforeValidator(_digits)]
_Uuid = Annotated[str, Field(pattern=UUID_TEXT)]


class PeriodQuery(Query):
    """From a moment on, and before another; the last ninety days if nothing is said, a year at most."""

    since: Moment | None = None
    until: Moment | None = None


class FindingsQuery(Page, PeriodQuery):
    """Which findings; `path` is the beginning, `text` is looked for in title, body and path."""

    severity: Severity | None = None
    agent: Name | None = None
    rule: Name | None = None
    path: Name | None = None
    placement: Placement | None = None
    review: _Uuid | None = None
    text: Annotated[Name, Field(min_length=3)] | None = None


class ReviewsQuery(Page, PeriodQuery):
    """Which reviews."""

    state: ReviewState | None = None
    repository_id: _Id | None = None
    number: _Number | None = None


class AuditQuery(Page, PeriodQuery):
    """Which actions."""

    action: Name | None = None


class LifeQuery(Query):
    """Which problem of which pull request."""

    repository_id: _Id
    number: _Number
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{1,128}$")]


class FindingShown(Shown):
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

    @classmethod
    def of(cls, found: RecordedFinding) -> Self:
        """Show one."""
        return cls(**asdict(found))


class FindingsShown(Shown):
    """Some findings, the latest first."""

    items: list[FindingShown]
    next: str | None


class LifeShown(Shown):
    """A problem of a pull request; `found` are the reviews' findings of it, the first one first, 100 at most."""

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
    found: list[FindingShown]

    @classmethod
    def of(cls, life: FindingLife) -> Self:
        """Show one."""
        return cls(**asdict(life))


class RecordedReviewShown(Shown):
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

    @classmethod
    def of(cls, review: RecordedReview) -> Self:
        """Show one."""
        return cls(**asdict(review))


class RecordedReviewsShown(Shown):
    """Some reviews, the latest first."""

    items: list[RecordedReviewShown]
    next: str | None


class ActionShown(Shown):
    """An entry of the audit chain; `hash` is its own, in hex."""

    seq: int
    at: datetime
    actor: str
    action: str
    target: str
    details: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, action: AuditedAction) -> Self:
        """Show one."""
        return cls(**asdict(action))


class AuditShown(Shown):
    """Some actions, the latest first."""

    items: list[ActionShown]
    next: str | None


class UsageShown(Shown):
    """What an agent took on a day (UTC); the cost is in millionths of a dollar, null where no prices are set."""

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
    cost: int | None


class UsageOfPeriodShown(Shown):
    """All days of a period."""

    since: datetime
    until: datetime
    items: list[UsageShown]
    cost: int | None


class OutcomesShown(Shown):
    """What became of the problems; the true precision lies between `low` and `high` with 95 per cent."""

    fixed: int
    liked: int
    disliked: int
    dismissed: int
    ignored: int
    unanswered: int
    precision: float | None
    low: float
    high: float

    @classmethod
    def of(cls, outcomes: Outcomes) -> Self:
        """Show one."""
        low, high = outcomes.bounds
        precision = outcomes.precision
        return cls(
            **asdict(outcomes),
            precision=None if precision is None else round(precision, 4),
            low=round(low, 4),
            high=round(high, 4),
        )


class RuleShown(Shown):
    """One rule of an agent."""

    rule: str
    outcomes: OutcomesShown


class AgentShown(Shown):
    """An agent; `cost_per_accepted` is in millionths of a dollar for a finding that was fixed or liked."""

    agent: str
    outcomes: OutcomesShown
    cost: int | None
    cost_per_accepted: int | None
    rules: list[RuleShown]


class PrecisionShown(Shown):
    """All agents of a period."""

    since: datetime
    until: datetime
    agents: Sequence[AgentShown]

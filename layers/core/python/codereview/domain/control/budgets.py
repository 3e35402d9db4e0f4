"""Money in micro-dollars: who spends it, what is left, and what a review does when there is not enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from codereview.domain.review import ReviewKey


class Ceiling(StrEnum):
    """What a budget is for."""

    TENANT_MONTH = "tenant_month"
    REPOSITORY_MONTH = "repository_month"
    PULL_REQUEST = "pull_request"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """A review, and the month on whose account it goes, "2026-03".

    A reservation stays in the month that it was made in, however late its calls are counted.
    """

    key: ReviewKey
    month: str

    @property
    def review_id(self) -> UUID:
        """The review's id: one reservation each."""
        return self.key.review_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left under each ceiling that there is."""

    left: dict[Ceiling, int]

    @property
    def least(self) -> int | None:
        """What is left under the tightest; None: there is no ceiling."""
        return min(self.left.values(), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A ceiling under which the amount does not fit."""

    ceiling: Ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for a review: `left` is still to be spent, `spent` is what all its attempts cost so far."""

    spender: Spender
    left: int
    spent: int
    until: datetime


def month_of(moment: datetime) -> str:
    """Name the month of an account: in UTC, for all."""
    return f"{moment.astimezone(UTC):%Y-%m}"


class Degree(StrEnum):
    """How much of a review is done, the best first."""

    FULL = "full"
    FEWER_AGENTS = "fewer_agents"
    CHEAPER_MODEL = "cheaper_model"
    ANALYZERS_ONLY = "analyzers_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to do the review: what it costs at most, retries included, and the tokens that it shows to models."""

    degree: Degree
    cost: int
    tokens: int


def best_plan(plans: Sequence[Plan], room: Room) -> Plan | None:
    """Choose the best plan that fits; None if none does, not even one without models."""
    left = room.least
    fitting = [plan for plan in plans if plan.cost == 0 or left is None or plan.cost <= left]
    return min(fitting, key=lambda plan: list(Degree).index(plan.degree), default=None)

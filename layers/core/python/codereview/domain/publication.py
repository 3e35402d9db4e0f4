"""What is posted for one review, as values; GitHub's field names."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from codereview.domain.finding import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """One inline comment (`POST …/pulls/{n}/reviews`, item of `comments`); `start_side` equals `side`."""

    path: str
    body: str
    line: int
    side: Side
    start_line: int | None = None


class Conclusion(StrEnum):
    """The conclusions of a check run that we use."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    FAILURE = "failure"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutput:
    """A finished check run's text; `summary` at most 65,535 bytes of UTF-8."""

    conclusion: Conclusion
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One review and its check run; `body` at most 65,536 characters, at most 25 comments.

    The event is fixed: this product comments, it never approves.
    """

    commit_id: str
    body: str
    comments: tuple[ReviewComment, ...]
    check: CheckOutput
    event: Literal["COMMENT"] = "COMMENT"

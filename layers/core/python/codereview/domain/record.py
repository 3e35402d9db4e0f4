"""The message between the reviewer and the recorder: ids and a pointer, never findings."""

from dataclasses import dataclass
from uuid import UUID

from codereview.domain.finding import Finding
from codereview.domain.result import ReviewResult, RunStatus
from codereview.domain.review import ReviewKey, ReviewState

RECORD_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """How many people put 👍 and 👎 under our comment about a problem."""

    fingerprint: str
    up: int
    down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecorded:
    """A review reached an end. `sequence` grows with every message about the same pull request (it is the fence).

    `result_key` and `result_sha256` name the stored result; None where the review ended without one. `votes` are those
    on the comments of earlier reviews of the pull request, as they stood when this one was posted.
    """

    key: ReviewKey
    state: ReviewState
    sequence: int
    finished_at: str  # RFC 3339, UTC
    reason: str | None = None
    result_key: str | None = None
    result_sha256: str | None = None
    github_review_id: int | None = None
    votes: tuple[Votes, ...] = ()
    version: int = RECORD_VERSION

    @property
    def review_id(self) -> UUID:
        """The review's id."""
        return self.key.review_id


def shown_by_fingerprint(result: ReviewResult) -> dict[str, Finding]:
    """Give each problem that people were shown once, by its fingerprint, under the most important of its findings."""
    return {finding.fingerprint: finding for finding in reversed(result.shown)}


def would_find_again(result: ReviewResult, *, agent: str, path: str) -> bool:
    """Tell whether a review that has no word on a problem shows that it is gone.

    Not if the agent that found it did not run or failed, nor if its file was left out: silence is no verdict then.
    """
    has_run = any(run.agent == agent and run.status is not RunStatus.FAILED for run in result.runs)
    return has_run and all(unreviewed.path != path for unreviewed in result.coverage.unreviewed)

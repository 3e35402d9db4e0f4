"""What the core needs from GitHub, with the values that cross the border."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from codereview.domain.change import FileChange
from codereview.domain.publication import CheckOutput, Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryIdentity:
    """A repository as GitHub's API confirmed it for the installation."""

    id: int
    owner_id: int
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """The parts of a pull request that decide what happens to it."""

    number: int
    head_sha: str
    base_sha: str  # tip of the base branch, not the merge base
    base_ref: str
    is_open: bool
    is_draft: bool
    title: str
    description: str
    changed_files: int
    author_id: int | None  # None: the account was deleted
    is_author_bot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedComment:
    """An inline comment that stands on GitHub."""

    id: int
    body: str
    path: str
    thumbs_up: int = 0
    thumbs_down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedReview:
    """A review that stands on GitHub. `is_ours`: its author is our App, so that a copied marker proves nothing."""

    id: int
    body: str
    commit_id: str | None
    is_ours: bool
    is_pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A check run of our App."""

    id: int
    external_id: str
    status: str  # queued, in_progress, completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many of an installation's requests of this hour GitHub has left, and when the next hour begins."""

    limit: int
    remaining: int
    reset_at: datetime

    @property
    def is_scarce(self) -> bool:
        """Whether what is left is needed by what has begun: a tenth."""
        return self.remaining * 10 < self.limit


@dataclass(frozen=True, slots=True)
class WriteSlot:
    """Proof that the installation may write now; good for one write that follows within a second."""


class Repository(Protocol):
    """One repository, seen with a token that reaches nothing else.

    Every method may raise ThrottledError, RetryableError, ForbiddenError or NotFoundError; the writing ones also
    RejectedError (422) and UnknownOutcomeError (sent, no answer).
    """

    @property
    def identity(self) -> RepositoryIdentity:
        """What GitHub says the repository is."""
        ...

    def quota(self) -> Quota | None:
        """Say how the installation stood by the latest answer that it had here; None where there was none."""
        ...

    def pull_request(self, number: int) -> PullRequest:
        """Read the pull request as it is now."""
        ...

    def has_write_access(self, account_id: int) -> bool:
        """Whether somebody may push to the repository, and so may spend its owner's money."""
        ...

    def changed_files(self, pull_request: PullRequest) -> tuple[FileChange, ...]:
        """List the change, all pages; a file that GitHub sent no patch for says so in `unreviewable`."""
        ...

    def content(self, path: str, ref: str) -> bytes | None:
        """Read a file; None if it does not exist there, is no file, or is too large to be read at all."""
        ...

    def contents(self, paths: Sequence[str], ref: str) -> Mapping[str, bytes | None]:
        """Read many files as `content` would, in as few requests as can be; every path that was asked for is named."""
        ...

    def reviews(self, number: int) -> Iterable[PostedReview]:
        """List all reviews of the pull request, every page."""
        ...

    def review_comments(self, number: int, review_id: int) -> Iterable[PostedComment]:
        """List the inline comments of one review, every page."""
        ...

    def write_slot(self) -> WriteSlot:
        """Wait until the installation may write, which every write does by itself if it is given no slot.

        Who has to read something right before the write waits first; raises ThrottledError if it would take too long.
        """
        ...

    def create_review(self, number: int, publication: Publication, slot: WriteSlot) -> PostedReview:
        """Post the review at once; never leaves it pending."""
        ...

    def edit_review(self, number: int, review_id: int, body: str) -> None:
        """Replace the body of a review of ours; doing it twice changes nothing."""
        ...

    def delete_pending_review(self, number: int, review_id: int) -> None:
        """Remove a review that was never submitted, since it blocks every later one."""
        ...

    def check_runs(self, head_sha: str, name: str) -> Iterable[CheckRun]:
        """List our App's check runs of that name on the commit."""
        ...

    def start_check_run(self, head_sha: str, name: str, *, external_id: str) -> CheckRun:
        """Create a check run in progress."""
        ...

    def update_check_run(self, check_run_id: int, *, title: str, summary: str) -> None:
        """Say in a check run that goes on how things stand."""
        ...

    def finish_check_run(self, check_run_id: int, output: CheckOutput) -> None:
        """Complete a check run."""
        ...


class GitHub(Protocol):
    """The App's way into GitHub."""

    def repository(self, installation_id: int, repository_id: int) -> Repository:
        """Open a repository by its ids; names come from GitHub's answer, never from a payload.

        Raises ForbiddenError if the installation is suspended, NotFoundError if it is gone or the repository is not
        part of it.
        """
        ...

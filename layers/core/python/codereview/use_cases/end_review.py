"""Ends a review: stores how, then ends its check run and hands it to the record, each once and again after a death."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from codereview import messages
from codereview.domain.publication import CheckOutput, Conclusion
from codereview.domain.record import ReviewRecorded
from codereview.domain.review import (
    CHECK_NAME,
    Failed,
    Outcome,
    Parked,
    Posted,
    ReviewState,
    Skipped,
    SkipReason,
    Superseded,
)
from codereview.errors import PermanentError, RetryableError
from codereview.ports import Clock, Lease, RecordQueue, Repository, ReviewItem, ReviewStore
from codereview.use_cases.publish_review import PublishReview


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReview:
    """The last step of every review."""

    clock: Clock
    store: ReviewStore
    record_queue: RecordQueue
    publish: PublishReview

    def __call__(self, repository: Repository | None, lease: Lease, item: ReviewItem) -> Outcome:
        """Store the end, then tell everybody; what cannot be told now is told when the reconciler sends it again.

        `repository` is None where GitHub does not let us in any more.
        """
        if item.is_settled and item.due_at is None:
            return outcome_of(item)
        item = replace(item, due_at=lease.until, strikes=0)
        self.store.save(lease, item, now=self.clock.now())
        with suppress(RetryableError):
            self._settle(repository, lease, item)
        return outcome_of(item)

    def _settle(self, repository: Repository | None, lease: Lease, item: ReviewItem) -> None:
        """End the check run and hand the review to the record; each once, and again after a death."""
        if item.check_run_id is None and item.attempts and repository is not None:
            # A worker may have died between making the check run and storing its id.
            item = replace(item, check_run_id=_found(repository, item))
        if item.check_run_id is not None and not item.is_check_finished:
            if repository is not None:
                self._end_check(repository, item.check_run_id, item)
            item = replace(item, is_check_finished=True)
            self.store.save(lease, item, now=self.clock.now())
        if not item.is_recorded:
            self.record_queue.send(recorded(item, lease, finished_at=self.clock.now()))
        self.store.save(lease, replace(item, is_recorded=True, due_at=None), now=self.clock.now())

    def _end_check(self, repository: Repository, check_run_id: int, item: ReviewItem) -> None:
        try:
            is_posted = item.state is ReviewState.POSTED
            output = self.publish.check_output(item) if is_posted else check_without_review(item)
        except PermanentError:
            output = check_without_review(item)
        try:
            repository.finish_check_run(check_run_id, output)
        except PermanentError:
            return  # removed, or the permission is: nobody can end it, and nobody waits for it


def our_check_run(repository: Repository, item: ReviewItem) -> int | None:
    """Look for the review's check run, which bears the review's id."""
    review_id = str(item.key.review_id)
    runs = repository.check_runs(item.key.head_sha, CHECK_NAME)
    return next((run.id for run in runs if run.external_id == review_id), None)


def _found(repository: Repository, item: ReviewItem) -> int | None:
    try:
        return our_check_run(repository, item)
    except PermanentError:
        return None


def ended(item: ReviewItem, state: ReviewState, reason: str) -> ReviewItem:
    """Return the review as ended for a reason; an end that is a new one has to be told to everybody again."""
    if (item.state, item.reason) == (state, reason):
        return item
    return replace(item, state=state, reason=reason, is_check_finished=False, is_recorded=False)


def check_without_review(item: ReviewItem) -> CheckOutput:
    """Say in the check run why there is no review."""
    conclusions = {ReviewState.SUPERSEDED: Conclusion.CANCELLED, ReviewState.SKIPPED: Conclusion.SKIPPED}
    title, summary = messages.ended_without_review(item.state, item.reason)
    return CheckOutput(conclusion=conclusions.get(item.state, Conclusion.NEUTRAL), title=title, summary=summary)


def recorded(item: ReviewItem, lease: Lease, *, finished_at: datetime) -> ReviewRecorded:
    """Write the message to the record; the fence orders all messages of one pull request."""
    return ReviewRecorded(
        key=item.key,
        state=item.state,
        sequence=lease.fence,
        finished_at=finished_at.isoformat(),
        reason=item.reason,
        result_key=item.result.key if item.result else None,
        result_sha256=item.result.sha256 if item.result else None,
        github_review_id=item.github_review_id,
        votes=item.votes,
    )


def outcome_of(item: ReviewItem) -> Outcome:
    """Say how the review ended."""
    match item.state:
        case ReviewState.POSTED if item.github_review_id is not None:
            return Posted(github_review_id=item.github_review_id)
        case ReviewState.SUPERSEDED:
            return Superseded(newer_head_sha=item.reason or "")
        case ReviewState.SKIPPED if item.reason is not None:
            return Skipped(reason=SkipReason(item.reason))
        case ReviewState.PARKED if item.due_at is not None:
            return Parked(reason=item.reason or "", until=item.due_at)
        case _:
            return Failed(reason=item.reason or "unknown")

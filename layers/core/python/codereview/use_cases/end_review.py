"""Ends a review: stores how, then ends its check run and hands it to the record, each once and again after a death."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from codereview.github_ports import Repository
from codereview.ports import Clock, Lease, RecordQueue, ReviewItem, ReviewStore
from codereview.use_cases.publish_review import PublishReview

# How much later than the lease what could not be told is told again, doubled each time: some three days in all.
_TELLING_PAUSE = timedelta(minutes=1)
_LONGEST_TELLING_PAUSE = timedelta(hours=6)
_MOST_TELLINGS = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReview:
    """The last step of every review."""

    clock: Clock
    store: ReviewStore
    record_queue: RecordQueue
    publish: PublishReview | None  # None where no review is ended that was posted

    def __call__(self, repository: Repository | None, lease: Lease, item: ReviewItem) -> Outcome:
        """Store the end, then tell everybody; what cannot be told now is told when the reconciler sends it again.

        `repository` is None where GitHub does not let us in any more.
        """
        return self._tell(repository, lease, replace(item, strikes=0))

    def again(self, repository: Repository | None, lease: Lease, item: ReviewItem) -> Outcome:
        """Tell what is still to be told of an ended review, ever more rarely; in the end the check run is let be."""
        return self._tell(repository, lease, replace(item, strikes=item.strikes + 1))

    def _tell(self, repository: Repository | None, lease: Lease, item: ReviewItem) -> Outcome:
        if item.is_settled and item.due_at is None:
            return outcome_of(item)
        later = min(_TELLING_PAUSE * (2 ** min(item.strikes, _MOST_TELLINGS) - 1), _LONGEST_TELLING_PAUSE)
        item = replace(item, due_at=lease.until + later)
        self.store.save(lease, item, now=self.clock.now())
        with suppress(RetryableError):
            self._settle(repository if item.strikes <= _MOST_TELLINGS else None, lease, item)
        return outcome_of(item)

    def _settle(self, repository: Repository | None, lease: Lease, item: ReviewItem) -> None:
        """Hand the review to the record and end the check run; each once, and again after a death.

        The record comes first: it is our own, and waits for no check run that GitHub does not let us end.
        """
        if not item.is_recorded:
            self.record_queue.send(recorded(item, lease, finished_at=self.clock.now()))
            item = replace(item, is_recorded=True)
            self.store.save(lease, item, now=self.clock.now())
        if item.check_run_id is None and item.attempts and repository is not None:
            # A worker may have died between making the check run and storing its id.
            item = replace(item, check_run_id=_found(repository, item))
        if item.check_run_id is not None and not item.is_check_finished and repository is not None:
            self._end_check(repository, item.check_run_id, item)
        is_check_finished = item.is_check_finished or item.check_run_id is not None
        self.store.save(
            lease, replace(item, is_check_finished=is_check_finished, strikes=0, due_at=None), now=self.clock.now()
        )

    def _end_check(self, repository: Repository, check_run_id: int, item: ReviewItem) -> None:
        try:
            publish = self.publish if item.state is ReviewState.POSTED else None
            output = publish.check_output(item) if publish is not None else check_without_review(item)
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
